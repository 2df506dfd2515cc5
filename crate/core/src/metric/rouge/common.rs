//! What a prediction and a reference have in common: for people who ask why a score is what it is.

use std::collections::HashMap;

use super::{Rouge, RougeKind, Score, Text, compare, lcs};

/// What a score counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// The score.
    pub score: Score,
    /// Which of the references it is against, from 0.
    pub reference: usize,
    /// The words, or runs of words, that both have, in the reference's order and its spelling.
    pub words: Vec<String>,
    /// How many words or runs the prediction has.
    pub predicted: usize,
    /// How many words or runs the reference has.
    pub expected: usize,
}

impl Rouge {
    /// What a prediction has in common with the reference that gives the highest F1 (the first of
    /// several); nothing where there is no reference.
    pub fn common<S: AsRef<str>>(
        &self,
        kind: RougeKind,
        prediction: &str,
        references: &[S],
    ) -> Common {
        let mut words = self.words();
        let prediction = words.text(prediction);
        let mut best: Option<Common> = None;
        for (reference, text) in references.iter().enumerate() {
            let (numbered, spelt) = (words.text(text.as_ref()), spelt(text.as_ref()));
            let score = compare(kind, &prediction, &numbered);
            if best.as_ref().is_none_or(|best| score.f1 > best.score.f1) {
                let length = kind.length();
                let number = |text: &Text| (text.words.len() + 1).saturating_sub(length);
                best = Some(Common {
                    score,
                    reference,
                    words: common(kind, &prediction, &numbered, &spelt),
                    predicted: number(&prediction),
                    expected: number(&numbered),
                });
            }
        }
        best.unwrap_or_default()
    }
}

impl RougeKind {
    /// How many words a run has.
    fn length(self) -> usize {
        match self {
            Self::Rouge2 => 2,
            Self::Rouge3 => 3,
            Self::Rouge4 => 4,
            Self::Rouge1 | Self::RougeL | Self::RougeLsum => 1,
        }
    }
}

/// The words as they stand, in lower case.
fn spelt(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn common(kind: RougeKind, prediction: &Text, reference: &Text, spelt: &[String]) -> Vec<String> {
    let length = kind.length();
    let mut left: HashMap<&[u32], usize> = HashMap::new();
    prediction.words.windows(length).for_each(|run| *left.entry(run).or_default() += 1);
    let marked = match kind {
        RougeKind::RougeL => mark(&reference.words, [prediction.words.as_slice()].into_iter()),
        RougeKind::RougeLsum => {
            reference.lines().flat_map(|line| mark(line, prediction.lines())).collect()
        }
        _ => vec![true; reference.words.len()],
    };
    let mut words = Vec::new();
    for (start, run) in reference.words.windows(length).enumerate() {
        let left = left.get_mut(run).filter(|left| marked[start] && **left > 0);
        if let Some(left) = left {
            *left -= 1;
            words.push(spelt[start..start + length].join(" "));
        }
    }
    words
}

/// Which words of a line are in a longest common subsequence with any of the others.
fn mark<'a>(line: &[u32], others: impl Iterator<Item = &'a [u32]>) -> Vec<bool> {
    let mut marked = vec![false; line.len()];
    let places = lcs::Places::new(line);
    others.for_each(|other| lcs::mark(&places, &lcs::Places::new(other), &mut marked));
    marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::oracle;

    #[test]
    fn it_counts_what_the_score_counts() {
        let rouge = Rouge::new(RougeKind::ALL, true);
        let oracle = oracle("rouge");
        for pair in oracle["pairs"].as_array().unwrap() {
            let text = |name: &str| pair[name].as_str().unwrap();
            for (kind, score) in rouge.score(text("prediction"), &[text("target")]) {
                let common = rouge.common(kind, text("prediction"), &[text("target")]);
                let matches = common.words.len();
                assert_eq!(Score::new(matches, common.predicted, common.expected), score, "{pair}");
                assert_eq!(common.score, score);
            }
        }
    }

    #[test]
    fn words_are_the_reference_s() {
        let rouge = Rouge::new([], true);
        let references = ["no", "The cats sat on the mat."];
        let common = |kind| rouge.common(kind, "the cat was on the mats", &references);
        assert_eq!(common(RougeKind::Rouge1).words, ["the", "cats", "on", "the", "mat"]);
        assert_eq!(common(RougeKind::Rouge2).words, ["the cats", "on the", "the mat"]);
        assert_eq!(common(RougeKind::RougeL).words, ["the", "cats", "on", "the", "mat"]);
        assert_eq!(common(RougeKind::Rouge2).reference, 1);
        assert_eq!(rouge.common::<&str>(RougeKind::RougeL, "a", &[]), Common::default());
    }
}
