//! chrF (Popović, "chrF: character n-gram F-score for automatic MT evaluation", 2015) and chrF++
//! ("chrF++: words helping character n-grams", 2017), equal to Python's sacrebleu 2.6.

mod tally;

use std::{borrow::Cow, ops::AddAssign};

pub(super) use self::tally::ChrfTally;
use super::{
    bleu::{SACREBLEU, add},
    ngram::{Numbers, Runs, is_space, words},
};

/// Scores predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Chrf {
    /// The longest n-grams of characters: 6, or fewer.
    pub char_order: usize,
    /// The longest n-grams of words: 0 for chrF, 2 for chrF++, up to 6.
    pub word_order: usize,
    /// How many times as much recall counts as precision: 2.
    pub beta: u32,
    /// Whether case is of no matter.
    pub lowercase: bool,
    /// Whether white space counts as characters.
    pub whitespace: bool,
    /// Whether orders without n-grams count as nearly 0, as in chrF++.py, Moses and NLTK, instead of
    /// being left out.
    pub eps_smoothing: bool,
}

impl Default for Chrf {
    fn default() -> Self {
        Self {
            char_order: 6,
            word_order: 0,
            beta: 2,
            lowercase: false,
            whitespace: false,
            eps_smoothing: false,
        }
    }
}

/// What is counted of a row, or of all rows together; for each order of characters from 1, then for
/// each of words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChrfCounts {
    /// N-grams of the predictions.
    pub predicted: Vec<usize>,
    /// N-grams of the references.
    pub expected: Vec<usize>,
    /// N-grams that both have.
    pub matches: Vec<usize>,
}

impl AddAssign<&ChrfCounts> for ChrfCounts {
    fn add_assign(&mut self, row: &ChrfCounts) {
        add(&mut self.predicted, &row.predicted);
        add(&mut self.expected, &row.expected);
        add(&mut self.matches, &row.matches);
    }
}

impl Chrf {
    /// chrF++.
    pub fn plus_plus() -> Self {
        Self { word_order: 2, ..Self::default() }
    }

    /// What is counted of a row against the reference that gives the highest score (the first of
    /// several); nothing where there is no reference.
    pub fn count<S: AsRef<str>>(&self, prediction: &str, references: &[S]) -> ChrfCounts {
        let prediction = self.lower(prediction);
        let texts: Vec<Cow<'_, str>> =
            references.iter().map(|reference| self.lower(reference.as_ref())).collect();
        let mut numbers = Numbers::default();
        let prediction = self.runs(&prediction, &mut numbers);
        let mut best: Option<(f64, ChrfCounts)> = None;
        for text in &texts {
            let counts = self.compare(&prediction, self.runs(text, &mut numbers));
            let score = self.score(&counts);
            if best.as_ref().is_none_or(|(best, _)| score > *best) {
                best = Some((score, counts));
            }
        }
        best.map(|(_, counts)| counts).unwrap_or_default()
    }

    /// The score of what was counted, in 0..100.
    pub fn score(&self, counts: &ChrfCounts) -> f64 {
        const NEARLY_NOTHING: f64 = 1e-16;
        let factor = f64::from(self.beta).powi(2);
        let f = |precision: f64, recall: f64| {
            (1.0 + factor) * precision * recall / (factor * precision + recall)
        };
        let part = |matches: usize, of: usize| match of {
            0 => NEARLY_NOTHING,
            of => matches as f64 / of as f64,
        };
        let orders = self.char_order + self.word_order;
        let (mut precisions, mut recalls, mut effective, mut sum) = (0.0, 0.0, 0, 0.0);
        let numbers = counts.predicted.iter().zip(&counts.expected).zip(&counts.matches);
        for ((&predicted, &expected), &matches) in numbers {
            let (precision, recall) = (part(matches, predicted), part(matches, expected));
            let is_anything = factor * precision + recall > 0.0;
            sum += if is_anything { f(precision, recall) } else { NEARLY_NOTHING };
            if predicted > 0 && expected > 0 {
                precisions += precision;
                recalls += recall;
                effective += 1;
            }
        }
        if self.eps_smoothing {
            return 100.0 * sum / orders.max(1) as f64;
        }
        if precisions + recalls == 0.0 {
            return 0.0;
        }
        100.0 * f(precisions / f64::from(effective), recalls / f64::from(effective))
    }

    /// The score of one row.
    pub fn sentence<S: AsRef<str>>(&self, prediction: &str, references: &[S]) -> f64 {
        self.score(&self.count(prediction, references))
    }

    /// Sacrebleu's signature, which says how a score was made. `references` is how many each row
    /// has, or `None` where that varies.
    pub fn signature(&self, references: Option<usize>) -> String {
        format!(
            "nrefs:{}|case:{}|eff:{}|nc:{}|nw:{}|space:{}|version:{SACREBLEU}",
            references.map_or_else(|| "var".to_owned(), |number| number.to_string()),
            if self.lowercase { "lc" } else { "mixed" },
            if self.eps_smoothing { "no" } else { "yes" },
            self.char_order,
            self.word_order,
            if self.whitespace { "yes" } else { "no" },
        )
    }

    fn lower<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.lowercase { text.to_lowercase().into() } else { text.into() }
    }

    /// The runs of characters, and those of words.
    fn runs<'a>(&self, text: &'a str, numbers: &mut Numbers<'a>) -> [Runs; 2] {
        let characters = text.chars().filter(|c| self.whitespace || !is_space(*c));
        let words = if self.word_order > 0 { punctuated(text) } else { Vec::new() };
        [Runs::new(characters.map(u32::from)), numbers.runs(words.into_iter())]
    }

    fn compare(&self, prediction: &[Runs; 2], reference: [Runs; 2]) -> ChrfCounts {
        let mut counts = ChrfCounts::default();
        let mut push = |predicted, expected, matches| {
            // Nothing can be missed where the reference is too short.
            counts.predicted.push(if expected > 0 { predicted } else { 0 });
            counts.expected.push(expected);
            counts.matches.push(matches);
        };
        for (index, longest) in [self.char_order, self.word_order].into_iter().enumerate() {
            let (prediction, reference) = (&prediction[index], &reference[index]);
            for order in 1..=longest {
                let matches = prediction.matches(reference, order);
                push(prediction.total(order), reference.total(order), matches);
            }
        }
        counts
    }
}

/// Words, with a sign of punctuation at the end (or else at the beginning) as a word of its own.
fn punctuated(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in words(text) {
        let (first, last) = (word.chars().next(), word.chars().next_back());
        let is_sign = |c: Option<char>| c.is_some_and(|c| c.is_ascii_punctuation());
        let is_single = word.chars().nth(1).is_none();
        match word.len() {
            length if !is_single && is_sign(last) => {
                found.extend([&word[..length - 1], &word[length - 1..]])
            }
            _ if !is_single && is_sign(first) => found.extend([&word[..1], &word[1..]]),
            _ => found.push(word),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::metric::{columns, number, oracle, texts};

    fn close(found: f64, expected: &Value, context: &Value) {
        assert!((found - number(expected)).abs() < 1e-9, "{found} {expected}: {context}");
    }

    #[test]
    fn scores_are_sacrebleu_s() {
        let (inputs, oracle) = (oracle("bleu"), oracle("chrf"));
        let (predictions, references) =
            (texts(&inputs["hypotheses"]), columns(&inputs["references"]));
        let row = |row: usize, number: usize| -> Vec<&str> {
            references[..number].iter().map(|column| column[row]).collect()
        };
        let cases = oracle["corpus"].as_array().unwrap();
        assert_eq!(cases.len(), 8);
        for case in cases {
            let chrf = Chrf {
                word_order: case["word_order"].as_u64().unwrap() as usize,
                lowercase: case["lowercase"].as_bool().unwrap(),
                whitespace: case["whitespace"].as_bool().unwrap(),
                ..Chrf::default()
            };
            for (number, expected) in [(1, &case["score_1"]), (2, &case["score_2"])] {
                let mut counts = ChrfCounts::default();
                for (index, prediction) in predictions.iter().enumerate() {
                    counts += &chrf.count(prediction, &row(index, number));
                }
                close(chrf.score(&counts), expected, case);
            }
        }
        let cases = oracle["sentence"].as_array().unwrap();
        assert_eq!(cases.len(), 2);
        for case in cases {
            let word_order = case["word_order"].as_u64().unwrap() as usize;
            let chrf = Chrf { word_order, ..Chrf::default() };
            let scores = case["scores"].as_array().unwrap();
            assert_eq!(scores.len(), predictions.len());
            for (index, expected) in scores.iter().enumerate() {
                close(chrf.sentence(predictions[index], &row(index, 2)), expected, expected);
            }
        }
    }

    #[test]
    fn settings_are_sacrebleu_s() {
        // What sacrebleu 2.6.0 gives; of the first row there is one reference, of the second two.
        let both = ["It was not unexpected at all.", "It wasn't surprising, not at all."];
        let rows = [
            ("The dog bit the man.", &["The dog bit the man."][..]),
            ("It wasn't surprising at all.", &both[..]),
        ];
        let plain = Chrf::default();
        let eps = Chrf { eps_smoothing: true, ..Chrf::default() };
        let more = Chrf { beta: 3, eps_smoothing: true, ..Chrf::plus_plus() };
        let less = Chrf { beta: 1, word_order: 1, whitespace: true, ..Chrf::default() };
        for (chrf, corpus, sentence, signature) in [
            (plain, 84.55347365356145, 40.69767441860465, "eff:yes|nc:6|nw:0|space:no"),
            (eps, 84.55218406848785, 20.2991452991453, "eff:no|nc:6|nw:0|space:no"),
            (more, 83.15937210067695, 22.750799924712968, "eff:no|nc:6|nw:2|space:no"),
            (less, 89.19116551966822, 31.515151515151512, "eff:yes|nc:6|nw:1|space:yes"),
        ] {
            let mut counts = ChrfCounts::default();
            rows.iter().for_each(|(row, references)| counts += &chrf.count(row, references));
            assert!((chrf.score(&counts) - corpus).abs() < 1e-9, "{}", chrf.score(&counts));
            assert!((chrf.sentence("(hi), x", &["hi x"]) - sentence).abs() < 1e-9);
            for (prediction, reference) in [("", ""), ("a", ""), ("", "a")] {
                assert!(chrf.sentence(prediction, &[reference]) < 1e-13);
            }
            let expected = format!("nrefs:var|case:mixed|{signature}|version:2.6.0");
            assert_eq!(chrf.signature(None), expected);
        }
        assert_eq!(Chrf::default().sentence::<&str>("a", &[]), 0.0);
    }

    #[test]
    fn signs_are_words() {
        assert_eq!(
            punctuated("(hi) you, \u{201c}so\u{201d} . -- é!"),
            ["(hi", ")", "you", ",", "\u{201c}so\u{201d}", ".", "-", "-", "é", "!"]
        );
        assert_eq!(punctuated("(hi $5"), ["(", "hi", "$", "5"]);
    }
}
