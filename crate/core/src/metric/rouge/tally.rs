//! ROUGE among the metrics: means over rows.

use serde_json::{Value, json};

use super::{Mean, Rouge, RougeKind};
use crate::metric::{Metric, Options, Tally, which};

/// Sums of scores.
#[derive(Debug)]
pub(in crate::metric) struct RougeTally {
    rouge: Rouge,
    sum: Mean,
    in_parts: usize,
}

impl RougeKind {
    fn of(metric: Metric) -> Option<Self> {
        RougeKind::ALL.into_iter().find(|kind| kind.name() == metric.name())
    }

    fn metric(self) -> Option<Metric> {
        Metric::ALL.iter().copied().find(|metric| metric.name() == self.name())
    }
}

impl Tally for RougeTally {
    fn new(metrics: &[Metric], options: &Options) -> Self {
        let kinds: Vec<_> = metrics.iter().filter_map(|metric| RougeKind::of(*metric)).collect();
        let rouge = Rouge::new(kinds, options.stemmer);
        RougeTally { rouge, sum: Mean::default(), in_parts: 0 }
    }

    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)> {
        let (scores, in_parts) = self.rouge.score_in_parts(prediction, references);
        self.in_parts += usize::from(in_parts);
        self.sum.add(&scores);
        scores.into_iter().filter_map(|(kind, score)| Some((kind.metric()?, json!(score))))
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.in_parts += other.in_parts;
    }

    fn value(&self, metric: Metric) -> Value {
        let scores = self.sum.scores();
        json!(scores.iter().find(|(kind, _)| kind.name() == metric.name()).map(|(_, score)| score))
    }

    fn explain<S: AsRef<str>>(&self, metric: Metric, prediction: &str, references: &[S]) -> String {
        let Some(kind) = RougeKind::of(metric) else { return String::new() };
        let common = self.rouge.common(kind, prediction, references);
        let (what, between) = match kind {
            RougeKind::Rouge1 => ("words", ", "),
            RougeKind::Rouge2 => ("pairs of words", ", "),
            RougeKind::Rouge3 => ("runs of three words", ", "),
            RougeKind::Rouge4 => ("runs of four words", ", "),
            RougeKind::RougeL => ("words in the same order", " "),
            RougeKind::RougeLsum => ("words in the same order within a line", " "),
        };
        let which = which(common.reference, references.len());
        let mut text = format!(
            "{} {what} in common, of {} in the prediction and {} in {which}",
            common.words.len(),
            common.predicted,
            common.expected,
        );
        if common.parts > 1 {
            text += &format!(" (compared in {} parts, because the texts are long)", common.parts);
        }
        if !common.words.is_empty() {
            text += &format!(": {}", common.words.join(between));
        }
        text
    }

    fn in_parts(&self) -> usize {
        self.in_parts
    }
}
