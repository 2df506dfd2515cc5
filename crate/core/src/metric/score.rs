//! Scores by any metrics at once, of texts that a model or anything else has written.

mod explain;
mod input;

use std::ops::AddAssign;

use serde_json::json;

pub use self::input::{Pair, Pairs, Source};
use super::Metrics;
use super::{
    bleu::{Bleu, BleuCounts},
    chrf::{Chrf, ChrfCounts},
    classify::{Confusion, exact_match, pearson, spearman, token_f1},
    rouge::{Mean, Rouge, RougeKind},
};
use crate::{config::Metric, ops::cpu::for_each};

/// How metrics are to be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// ROUGE: whether words count by their stems.
    pub stemmer: bool,
    /// How BLEU is taken.
    pub bleu: Bleu,
    /// How chrF and chrF++ are taken, the order of words aside.
    pub chrf: Chrf,
    /// The label whose F1 is `f1`, instead of the mean of all.
    pub positive_label: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { stemmer: true, bleu: Bleu::default(), chrf: Chrf::default(), positive_label: None }
    }
}

/// What a prediction counts as where a number is expected and it is none, as in T5's evaluation.
const NO_NUMBER: f64 = -1.0;

/// Rows that one thread takes at a time: enough that few words are met for the first time.
const ROWS: usize = 4096;

/// Scores row by row, and all rows together.
#[derive(Debug)]
pub struct Scorer {
    metrics: Vec<Metric>,
    options: Options,
    rouge: Rouge,
    chrf_plus_plus: Chrf,
    sums: Sums,
}

/// What all rows together are scored by.
#[derive(Debug, Default)]
struct Sums {
    rows: usize,
    rouge: Mean,
    bleu: BleuCounts,
    chrf: ChrfCounts,
    chrf_plus_plus: ChrfCounts,
    exact: usize,
    token_f1: f64,
    labels: Confusion,
    numbers: Vec<(f64, f64)>,
    no_numbers: usize,
    in_parts: usize,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.rouge += other.rouge;
        self.bleu += &other.bleu;
        self.chrf += &other.chrf;
        self.chrf_plus_plus += &other.chrf_plus_plus;
        self.exact += other.exact;
        self.token_f1 += other.token_f1;
        self.labels += other.labels;
        self.numbers.extend(other.numbers);
        self.no_numbers += other.no_numbers;
        self.in_parts += other.in_parts;
    }
}

impl Scorer {
    /// Scores by these metrics; the loss, which no text tells, is passed over.
    pub fn new(metrics: &[Metric], options: Options) -> Self {
        let kinds: Vec<RougeKind> =
            metrics.iter().filter_map(|metric| rouge_kind(*metric)).collect();
        let rouge = Rouge::new(kinds, options.stemmer);
        let chrf_plus_plus = Chrf { word_order: 2, ..options.chrf.clone() };
        let mut known: Vec<Metric> = Vec::new();
        for metric in metrics {
            if *metric != Metric::Loss && !known.contains(metric) {
                known.push(*metric);
            }
        }
        Self { metrics: known, options, rouge, chrf_plus_plus, sums: Sums::default() }
    }

    /// Scores a row, and adds it to all rows. A row has no `f1`, `matthews`, `pearson`, `spearman`:
    /// they tell of many rows only. BLEU of a row is that of a sentence, with effective order.
    pub fn add<S: AsRef<str>>(&mut self, prediction: &str, references: &[S]) -> Metrics {
        let mut scores = Metrics::new();
        let sums = &mut self.sums;
        sums.rows += 1;
        if !self.rouge.kinds().is_empty() {
            let (rouge, in_parts) = self.rouge.score_in_parts(prediction, references);
            sums.in_parts += usize::from(in_parts);
            sums.rouge.add(&rouge);
            for (kind, score) in rouge {
                scores.insert(kind.name().to_owned(), json!(score));
            }
        }
        let (mut has_label, mut has_number) = (false, false);
        for metric in &self.metrics {
            let score = match metric {
                Metric::Bleu => {
                    let counts = self.options.bleu.count(prediction, references);
                    sums.bleu += &counts;
                    json!(self.options.bleu.of_sentences().score(&counts).score)
                }
                Metric::Chrf => {
                    let counts = self.options.chrf.count(prediction, references);
                    sums.chrf += &counts;
                    json!(self.options.chrf.score(&counts))
                }
                Metric::ChrfPlusPlus => {
                    let counts = self.chrf_plus_plus.count(prediction, references);
                    sums.chrf_plus_plus += &counts;
                    json!(self.chrf_plus_plus.score(&counts))
                }
                Metric::ExactMatch => {
                    let exact = usize::from(exact_match(prediction, references));
                    sums.exact += exact;
                    json!(exact as f64)
                }
                Metric::TokenF1 => {
                    let f1 = token_f1(prediction, references);
                    sums.token_f1 += f1;
                    json!(f1)
                }
                Metric::Accuracy
                | Metric::F1
                | Metric::F1Micro
                | Metric::F1Weighted
                | Metric::Matthews => {
                    let (predicted, expected) = labels(prediction, references);
                    if !std::mem::replace(&mut has_label, true) {
                        sums.labels.add(predicted, expected);
                    }
                    if *metric != Metric::Accuracy {
                        continue;
                    }
                    json!(f64::from(u8::from(predicted == expected)))
                }
                Metric::Pearson | Metric::Spearman => {
                    if !std::mem::replace(&mut has_number, true) {
                        let expected = references.first().and_then(|text| number(text.as_ref()));
                        let predicted = number(prediction);
                        sums.no_numbers += usize::from(predicted.is_none());
                        let predicted = predicted.unwrap_or(NO_NUMBER);
                        sums.numbers.push((predicted, expected.unwrap_or(f64::NAN)));
                    }
                    continue;
                }
                _ => continue,
            };
            scores.insert(metric.name().to_owned(), score);
        }
        scores
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
        parts.into_iter().for_each(|(_, scorer)| self.sums += scorer.sums);
    }

    /// The scores of all rows together, in the order of the metrics: means over rows of ROUGE, exact
    /// matches and token F1, BLEU and chrF of the corpus. What has no value, such as a correlation
    /// with a constant, is null.
    pub fn metrics(&self) -> Metrics {
        let sums = &self.sums;
        let rows = sums.rows as f64;
        let rouge = sums.rouge.scores();
        let mut metrics = Metrics::new();
        for metric in &self.metrics {
            let value = match metric {
                Metric::Bleu if sums.rows > 0 => json!(self.options.bleu.score(&sums.bleu).score),
                Metric::Chrf if sums.rows > 0 => json!(self.options.chrf.score(&sums.chrf)),
                Metric::ChrfPlusPlus if sums.rows > 0 => {
                    json!(self.chrf_plus_plus.score(&sums.chrf_plus_plus))
                }
                Metric::Bleu | Metric::Chrf | Metric::ChrfPlusPlus => json!(null),
                Metric::ExactMatch => json!(sums.exact as f64 / rows),
                Metric::TokenF1 => json!(sums.token_f1 / rows),
                Metric::Accuracy => json!(sums.labels.accuracy()),
                Metric::F1 => match &self.options.positive_label {
                    Some(label) => json!(sums.labels.f1_of(label)),
                    None => json!(sums.labels.f1_macro()),
                },
                Metric::F1Micro => json!(sums.labels.f1_micro()),
                Metric::F1Weighted => json!(sums.labels.f1_weighted()),
                Metric::Matthews => json!(sums.labels.matthews()),
                Metric::Pearson => json!(pearson(&sums.numbers)),
                Metric::Spearman => json!(spearman(&sums.numbers)),
                metric => match rouge.iter().find(|(kind, _)| Some(*kind) == rouge_kind(*metric)) {
                    Some((_, score)) => json!(score),
                    None => json!(null),
                },
            };
            metrics.insert(metric.name().to_owned(), value);
        }
        metrics
    }

    /// How many predictions were no number where one was expected, and counted as −1.
    pub fn no_numbers(&self) -> usize {
        self.sums.no_numbers
    }

    /// Of how many rows ROUGE-L or ROUGE-Lsum was taken part by part, because their texts are too long.
    pub fn in_parts(&self) -> usize {
        self.sums.in_parts
    }

    /// How BLEU and chrF were taken, in sacrebleu's words: name and signature. `references` is how
    /// many each row has, or `None` where that varies.
    pub fn signatures(&self, references: Option<usize>) -> Vec<(&'static str, String)> {
        let signature = |metric: &Metric| match metric {
            Metric::Bleu => Some(self.options.bleu.signature(references)),
            Metric::Chrf => Some(self.options.chrf.signature(references)),
            Metric::ChrfPlusPlus => Some(self.chrf_plus_plus.signature(references)),
            _ => None,
        };
        self.metrics.iter().filter_map(|metric| Some((metric.name(), signature(metric)?))).collect()
    }
}

/// The kind of ROUGE that a metric is.
fn rouge_kind(metric: Metric) -> Option<RougeKind> {
    RougeKind::ALL.into_iter().find(|kind| kind.name() == metric.name())
}

/// The predicted label and the right one: of several right ones the one that was predicted, else the
/// first.
fn labels<'a, S: AsRef<str>>(prediction: &'a str, references: &'a [S]) -> (&'a str, &'a str) {
    let predicted = prediction.trim();
    let mut expected = references.iter().map(|reference| reference.as_ref().trim());
    let first = expected.clone().next().unwrap_or("");
    (predicted, expected.find(|label| *label == predicted).unwrap_or(first))
}

/// The number that a text is.
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests;
