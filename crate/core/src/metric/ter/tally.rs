//! TER among the metrics: that of the corpus.

use serde_json::{Value, json};

use super::{Ter, TerCounts};
use crate::metric::{Metric, Options, Tally};

/// Counts of all rows.
#[derive(Debug)]
pub(in crate::metric) struct TerTally {
    ter: Ter,
    sum: TerCounts,
    in_parts: usize,
}

impl Tally for TerTally {
    const LOWER_IS_BETTER: bool = true;

    fn new(_metrics: &[Metric], options: &Options) -> Self {
        TerTally { ter: options.ter.clone(), sum: TerCounts::default(), in_parts: 0 }
    }

    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)> {
        let counts = self.ter.count(prediction, references);
        self.sum += counts;
        self.in_parts += usize::from(counts.in_parts);
        [(Metric::Ter, json!(counts.score()))]
    }

    fn merge(&mut self, other: Self) {
        self.sum += other.sum;
        self.in_parts += other.in_parts;
    }

    fn value(&self, _metric: Metric) -> Value {
        json!(self.sum.score())
    }

    fn explain<S: AsRef<str>>(&self, _: Metric, prediction: &str, references: &[S]) -> String {
        let TerCounts { edits, length, .. } = self.ter.count(prediction, references);
        let of = if references.len() > 1 { "the references, in the mean" } else { "the reference" };
        format!("{edits} edits and moves of words, against {length} words of {of}")
    }

    fn signature(&self, _metric: Metric, references: Option<usize>) -> Option<String> {
        Some(self.ter.signature(references))
    }

    fn in_parts(&self) -> usize {
        self.in_parts
    }
}
