//! Answers, labels and numbers among the metrics.

use serde_json::{Value, json};

use super::{Confusion, exact_match, normalize, pearson, spearman, token_f1};
use crate::metric::{Metric, Options, Tally, quoted};

/// Sums of answers' scores.
#[derive(Debug)]
pub(in crate::metric) struct AnswerTally {
    metrics: Vec<Metric>,
    rows: usize,
    exact: usize,
    token_f1: f64,
}

impl Tally for AnswerTally {
    fn new(metrics: &[Metric], _options: &Options) -> Self {
        AnswerTally { metrics: metrics.to_vec(), rows: 0, exact: 0, token_f1: 0.0 }
    }

    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)> {
        let Self { metrics, rows, exact, token_f1: sum } = self;
        *rows += 1;
        metrics.iter().map(move |metric| {
            let score = match metric {
                Metric::TokenF1 => {
                    let f1 = token_f1(prediction, references);
                    *sum += f1;
                    f1
                }
                _ => {
                    let equal = usize::from(exact_match(prediction, references));
                    *exact += equal;
                    equal as f64
                }
            };
            (*metric, json!(score))
        })
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.exact += other.exact;
        self.token_f1 += other.token_f1;
    }

    fn value(&self, metric: Metric) -> Value {
        let sum = if metric == Metric::TokenF1 { self.token_f1 } else { self.exact as f64 };
        json!(sum / self.rows as f64)
    }

    fn explain<S: AsRef<str>>(&self, _: Metric, prediction: &str, references: &[S]) -> String {
        let references: Vec<String> =
            references.iter().map(|text| quoted(&normalize(text.as_ref()))).collect();
        let prediction = quoted(&normalize(prediction));
        format!("{prediction} is compared with {}", references.join(" or "))
    }
}

/// How often each label was predicted for each.
#[derive(Debug)]
pub(in crate::metric) struct LabelTally {
    tells_rows: bool,
    positive: Option<String>,
    labels: Confusion,
}

impl Tally for LabelTally {
    fn new(metrics: &[Metric], options: &Options) -> Self {
        LabelTally {
            tells_rows: metrics.contains(&Metric::Accuracy),
            positive: options.positive_label.clone(),
            labels: Confusion::new(),
        }
    }

    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)> {
        let (predicted, expected) = labels(prediction, references);
        self.labels.add(predicted, expected);
        let right = f64::from(u8::from(predicted == expected));
        self.tells_rows.then(|| (Metric::Accuracy, json!(right)))
    }

    fn merge(&mut self, other: Self) {
        self.labels += other.labels;
    }

    fn value(&self, metric: Metric) -> Value {
        let labels = &self.labels;
        json!(match (metric, &self.positive) {
            (Metric::F1, Some(label)) => labels.f1_of(label),
            (Metric::F1, None) => labels.f1_macro(),
            (Metric::F1Micro, _) => labels.f1_micro(),
            (Metric::F1Weighted, _) => labels.f1_weighted(),
            (Metric::Matthews, _) => labels.matthews(),
            _ => labels.accuracy(),
        })
    }

    fn explain<S: AsRef<str>>(&self, _: Metric, prediction: &str, references: &[S]) -> String {
        let (found, expected) = labels(prediction, references);
        format!("found {}, expected {}", quoted(found), quoted(expected))
    }
}

/// The predicted label and the right one: of several right ones the one that was predicted, else the
/// first.
fn labels<'a, S: AsRef<str>>(prediction: &'a str, references: &'a [S]) -> (&'a str, &'a str) {
    let predicted = prediction.trim();
    let mut expected = references.iter().map(|reference| reference.as_ref().trim());
    let first = expected.clone().next().unwrap_or("");
    (predicted, expected.find(|label| *label == predicted).unwrap_or(first))
}

/// What a prediction counts as where a number is expected and it is none, as in T5's evaluation.
const NO_NUMBER: f64 = -1.0;

/// The numbers of all rows, predicted and right.
#[derive(Debug, Default)]
pub(in crate::metric) struct NumberTally {
    numbers: Vec<(f64, f64)>,
    no_numbers: usize,
}

impl Tally for NumberTally {
    fn new(_metrics: &[Metric], _options: &Options) -> Self {
        NumberTally::default()
    }

    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)> {
        let expected = references.first().and_then(|text| number(text.as_ref()));
        let predicted = number(prediction);
        self.no_numbers += usize::from(predicted.is_none());
        let predicted = predicted.unwrap_or(NO_NUMBER);
        self.numbers.push((predicted, expected.unwrap_or(f64::NAN)));
        None
    }

    fn merge(&mut self, other: Self) {
        self.numbers.extend(other.numbers);
        self.no_numbers += other.no_numbers;
    }

    fn value(&self, metric: Metric) -> Value {
        let correlation = if metric == Metric::Spearman { spearman } else { pearson };
        json!(correlation(&self.numbers))
    }

    fn explain<S: AsRef<str>>(&self, _: Metric, prediction: &str, references: &[S]) -> String {
        let expected = references.first().map_or("", AsRef::as_ref).trim();
        match number(prediction) {
            Some(number) => format!("found {number}, expected {expected}"),
            None => format!("found no number, expected {expected}"),
        }
    }

    fn no_numbers(&self) -> usize {
        self.no_numbers
    }
}

/// The number that a text is.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}
