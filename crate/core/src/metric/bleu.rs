//! BLEU (Papineni et al., "BLEU: a method for automatic evaluation of machine translation", 2002),
//! equal to Python's sacrebleu 2.6.
//!
//! Counts of a row add up to those of a corpus, from which the score is made:
//! `bp · exp(mean of log precisions)`.

mod smoothing;
mod tally;
mod tokenize;

use std::ops::AddAssign;

use serde::Serialize;

pub(super) use self::tally::BleuTally;
pub use self::{smoothing::Smoothing, tokenize::Tokenizer};
use super::ngram::{Numbers, Runs, is_space, words};

/// The version of sacrebleu that signatures name.
pub(super) const SACREBLEU: &str = "2.6.0";

/// Scores predictions.
#[derive(Clone, Debug, PartialEq)]
pub struct Bleu {
    /// Where words end.
    pub tokenizer: Tokenizer,
    /// Whether case is of no matter.
    pub lowercase: bool,
    /// What an order without matches counts as.
    pub smoothing: Smoothing,
    /// Whether orders count only as far as a prediction is long: for single sentences.
    pub effective_order: bool,
    /// The longest n-grams, in words: 4, or another number from 1 to 6.
    pub max_order: usize,
}

impl Default for Bleu {
    fn default() -> Self {
        Self {
            tokenizer: Tokenizer::default(),
            lowercase: false,
            smoothing: Smoothing::default(),
            effective_order: false,
            max_order: 4,
        }
    }
}

/// What is counted of a row, or of all rows together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BleuCounts {
    /// Words of the predictions.
    pub predicted: usize,
    /// Words of the references; of several, of the one whose length is nearest, or the shorter of
    /// two such.
    pub expected: usize,
    /// For each order from 1, the prediction's n-grams that a reference has.
    pub matches: Vec<usize>,
    /// For each order from 1, the prediction's n-grams.
    pub totals: Vec<usize>,
}

impl AddAssign<&BleuCounts> for BleuCounts {
    fn add_assign(&mut self, row: &BleuCounts) {
        self.predicted += row.predicted;
        self.expected += row.expected;
        add(&mut self.matches, &row.matches);
        add(&mut self.totals, &row.totals);
    }
}

/// Adds number by number.
pub(super) fn add(sums: &mut Vec<usize>, numbers: &[usize]) {
    sums.resize(sums.len().max(numbers.len()), 0);
    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
}

/// A score and what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BleuScore {
    /// In 0..100.
    pub score: f64,
    /// For each order from 1, in 0..100, smoothed.
    pub precisions: Vec<f64>,
    /// The factor for predictions that are shorter than references, in 0..1.
    pub brevity_penalty: f64,
}

impl Bleu {
    /// For single sentences: with orders that count only as far as a prediction is long.
    pub fn of_sentences(&self) -> Self {
        Self { effective_order: true, ..self.clone() }
    }

    /// What is counted of a row, which may have any number of references. Without one nothing
    /// matches, and the reference's length is 0.
    pub fn count<S: AsRef<str>>(&self, prediction: &str, references: &[S]) -> BleuCounts {
        let text = self.separate(prediction);
        let texts: Vec<String> =
            references.iter().map(|reference| self.separate(reference.as_ref())).collect();
        let mut numbers = Numbers::default();
        let runs = numbers.runs(words(&text));
        let references: Vec<Runs> = texts.iter().map(|text| numbers.runs(words(text))).collect();
        let lengths = references.iter().map(Runs::len);
        let nearest = lengths.min_by_key(|length| (length.abs_diff(runs.len()), *length));
        let orders = 1..=self.max_order;
        BleuCounts {
            predicted: runs.len(),
            expected: nearest.unwrap_or(0),
            matches: orders.clone().map(|order| runs.matches_any(&references, order)).collect(),
            totals: orders.map(|order| runs.total(order)).collect(),
        }
    }

    /// The score of what was counted.
    pub fn score(&self, counts: &BleuCounts) -> BleuScore {
        let (predicted, expected) = (counts.predicted as f64, counts.expected as f64);
        let brevity_penalty = match counts.predicted {
            0 if counts.expected > 0 => 0.0,
            length if length < counts.expected => (1.0 - expected / predicted).exp(),
            _ => 1.0,
        };
        let mut precisions = vec![0.0; self.max_order];
        if counts.matches.iter().all(|matches| *matches == 0) {
            return BleuScore { score: 0.0, precisions, brevity_penalty };
        }
        let (mut orders, mut halved) = (self.max_order, 1.0);
        for (index, precision) in precisions.iter_mut().enumerate() {
            let (mut matches, mut total) =
                (counts.matches[index] as f64, counts.totals[index] as f64);
            if let (Smoothing::AddK(k), 1..) = (self.smoothing, index) {
                matches += k;
                total += k;
            }
            if total == 0.0 {
                break;
            }
            if self.effective_order {
                orders = index + 1;
            }
            *precision = match self.smoothing {
                _ if matches > 0.0 => 100.0 * matches / total,
                Smoothing::Exp => {
                    halved *= 2.0;
                    100.0 / (halved * total)
                }
                Smoothing::Floor(value) => 100.0 * value / total,
                Smoothing::None | Smoothing::AddK(_) => 0.0,
            };
        }
        let logs: f64 = precisions[..orders].iter().copied().map(f64::ln).sum();
        let score = brevity_penalty * (logs / orders as f64).exp();
        BleuScore { score, precisions, brevity_penalty }
    }

    /// The score of one row.
    pub fn sentence<S: AsRef<str>>(&self, prediction: &str, references: &[S]) -> BleuScore {
        self.score(&self.count(prediction, references))
    }

    /// Sacrebleu's signature, which says how a score was made. `references` is how many each row
    /// has, or `None` where that varies.
    pub fn signature(&self, references: Option<usize>) -> String {
        format!(
            "nrefs:{}|case:{}|eff:{}|tok:{}|smooth:{}|version:{SACREBLEU}",
            references.map_or_else(|| "var".to_owned(), |number| number.to_string()),
            if self.lowercase { "lc" } else { "mixed" },
            if self.effective_order { "yes" } else { "no" },
            self.tokenizer,
            self.smoothing,
        )
    }

    fn separate(&self, text: &str) -> String {
        let lower = self.lowercase.then(|| text.to_lowercase());
        let text = lower.as_deref().unwrap_or(text).trim_end_matches(is_space);
        self.tokenizer.separate(text).into_owned()
    }
}

#[cfg(test)]
mod tests;
