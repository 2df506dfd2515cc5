//! What a prediction and a reference have in common: for people who ask why a score is what it is.

use std::collections::HashMap;

use super::{Rouge, RougeKind, Score, Text, compare::Prediction};

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
    /// How many parts of the texts were compared, each with its like, because they are too long to be
    /// compared whole; else one.
    pub parts: usize,
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
        let text = words.text(prediction);
        let mut prediction = Prediction::new(&text, references.len());
        let mut best: Option<(usize, Text, Score)> = None;
        for (reference, spelt) in references.iter().enumerate() {
            let reference_text = words.text(spelt.as_ref());
            let score = prediction.compare(kind, &reference_text).score;
            if best.as_ref().is_none_or(|(.., best)| score.f1 > best.f1) {
                best = Some((reference, reference_text, score));
            }
        }
        let Some((reference, expected, score)) = best else { return Common::default() };
        let (marked, parts) = match kind {
            RougeKind::RougeL | RougeKind::RougeLsum => prediction.common(kind, &expected),
            _ => (vec![true; expected.words.len()], 1),
        };
        let number = |text: &Text| (text.words.len() + 1).saturating_sub(kind.length());
        Common {
            score,
            reference,
            words: common(kind, &text, &expected, &marked, references[reference].as_ref()),
            predicted: number(&text),
            expected: number(&expected),
            parts,
        }
    }
}

impl RougeKind {
    /// How many words a run has.
    pub(super) fn length(self) -> usize {
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

/// The reference's runs that the prediction has too, among those whose first word is marked.
fn common(
    kind: RougeKind,
    prediction: &Text,
    reference: &Text,
    marked: &[bool],
    spelling: &str,
) -> Vec<String> {
    let (length, spelt) = (kind.length(), spelt(spelling));
    let mut left: HashMap<&[u32], usize> = HashMap::new();
    prediction.words.windows(length).for_each(|run| *left.entry(run).or_default() += 1);
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
