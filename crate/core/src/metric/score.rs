//! Scores by any metrics at once, of texts that a model or anything else has written.

pub use super::Options;
use super::{Family, Metric, Metrics};
use crate::ops::cpu::for_each;

/// Rows that one thread takes at a time: enough that few words are met for the first time.
const ROWS: usize = 4096;

/// A prediction and what it is scored against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// The text to be scored.
    pub prediction: String,
    /// At least one.
    pub references: Vec<String>,
    /// The line that the first reference is from, from 1.
    pub line: usize,
}

/// Scores row by row, and all rows together.
#[derive(Debug)]
pub struct Scorer {
    metrics: Vec<Metric>,
    options: Options,
    rows: usize,
    families: Vec<Family>,
}

impl Scorer {
    /// Scores by these metrics; the loss, which no text tells, is passed over.
    pub fn new(metrics: &[Metric], options: Options) -> Self {
        let mut known: Vec<Metric> = Vec::new();
        for metric in metrics {
            if *metric != Metric::Loss && !known.contains(metric) {
                known.push(*metric);
            }
        }
        let families = Family::of(&known, &options);
        Self { metrics: known, options, rows: 0, families }
    }

    /// Scores a row, and adds it to all rows. Those scores are missing that tell of many rows only:
    /// `f1`, `matthews`, `pearson`, `spearman`. BLEU of a row is that of a sentence, with effective
    /// order.
    pub fn add<S: AsRef<str>>(&mut self, prediction: &str, references: &[S]) -> Metrics {
        self.rows += 1;
        let families = self.families.iter_mut();
        let mut found: Vec<_> =
            families.flat_map(|family| family.add(prediction, references)).collect();
        let place = |metric: Metric| self.metrics.iter().position(|other| *other == metric);
        found.sort_by_key(|(metric, _)| place(*metric));
        found.into_iter().map(|(metric, score)| (metric.name().to_owned(), score)).collect()
    }

    /// Adds rows, on all threads where there are many. How they are divided does not depend on the
    /// threads, so neither does the last bit of a sum.
    pub fn add_all(&mut self, pairs: &[Pair]) {
        let fresh = || Self::new(&self.metrics, self.options.clone());
        let mut parts: Vec<_> = pairs.chunks(ROWS).map(|part| (part, fresh())).collect();
        for_each(parts.iter_mut().collect(), |(part, scorer)| {
            for pair in *part {
                scorer.add(&pair.prediction, &pair.references);
            }
        });
        for (_, part) in parts {
            self.rows += part.rows;
            let families = self.families.iter_mut().zip(part.families);
            families.for_each(|(family, other)| family.merge(other));
        }
    }

    /// The scores of all rows together, in the order of the metrics: means over rows of ROUGE, exact
    /// matches and token F1, BLEU, chrF and TER of the corpus. What has no value, such as a
    /// correlation with a constant, is null.
    pub fn metrics(&self) -> Metrics {
        let value = |metric: &Metric| match self.family(*metric) {
            Some(family) if self.rows > 0 => family.value(*metric),
            _ => serde_json::Value::Null,
        };
        self.metrics.iter().map(|metric| (metric.name().to_owned(), value(metric))).collect()
    }

    /// What of a row each metric has counted, a sentence each.
    pub fn explain<S: AsRef<str>>(
        &self,
        prediction: &str,
        references: &[S],
    ) -> Vec<(Metric, String)> {
        let explain = |metric: &Metric| {
            Some((*metric, self.family(*metric)?.explain(*metric, prediction, references)))
        };
        self.metrics.iter().filter_map(explain).collect()
    }

    /// How many predictions were no number where one was expected, and counted as −1.
    pub fn no_numbers(&self) -> usize {
        self.families.iter().map(Family::no_numbers).sum()
    }

    /// Of how many rows texts were compared part by part, because they are too long.
    pub fn in_parts(&self) -> usize {
        self.families.iter().map(Family::in_parts).max().unwrap_or(0)
    }

    /// How BLEU, chrF and TER were taken, in sacrebleu's words: name and signature. `references` is
    /// how many each row has, or `None` where that varies.
    pub fn signatures(&self, references: Option<usize>) -> Vec<(&'static str, String)> {
        let signature = |metric: &Metric| {
            Some((metric.name(), self.family(*metric)?.signature(*metric, references)?))
        };
        self.metrics.iter().filter_map(signature).collect()
    }

    fn family(&self, metric: Metric) -> Option<&Family> {
        self.families.iter().find(|family| family.has(metric))
    }
}

#[cfg(test)]
mod tests;
