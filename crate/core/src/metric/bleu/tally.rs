//! BLEU among the metrics: that of the corpus, and of a row that of a sentence.

use serde_json::{Value, json};

use super::{Bleu, BleuCounts};
use crate::metric::{Metric, Options, Tally};

/// Counts of all rows.
#[derive(Debug)]
pub(in crate::metric) struct BleuTally {
    bleu: Bleu,
    sum: BleuCounts,
}

impl Tally for BleuTally {
    fn new(_metrics: &[Metric], options: &Options) -> Self {
        BleuTally { bleu: options.bleu.clone(), sum: BleuCounts::default() }
    }

    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)> {
        let counts = self.bleu.count(prediction, references);
        self.sum += &counts;
        [(Metric::Bleu, json!(self.bleu.of_sentences().score(&counts).score))]
    }

    fn merge(&mut self, other: Self) {
        self.sum += &other.sum;
    }

    fn value(&self, _metric: Metric) -> Value {
        json!(self.bleu.score(&self.sum).score)
    }

    fn explain<S: AsRef<str>>(&self, _: Metric, prediction: &str, references: &[S]) -> String {
        let sentence = self.bleu.of_sentences();
        let counts = sentence.count(prediction, references);
        let score = sentence.score(&counts);
        let orders = counts.matches.iter().zip(&counts.totals).zip(&score.precisions).enumerate();
        let mut parts: Vec<String> = orders
            .filter(|(_, ((_, total), _))| **total > 0)
            .map(|(index, ((matches, total), precision))| {
                let what = if index == 0 { "words" } else { "runs of" };
                let length = if index == 0 { String::new() } else { format!(" {}", index + 1) };
                format!("{matches} of {total} {what}{length} match ({precision:.1})")
            })
            .collect();
        if parts.is_empty() {
            parts.push("there are no words in the prediction".to_owned());
        }
        let lengths = format!("{} words against {}", counts.predicted, counts.expected);
        match score.brevity_penalty {
            1.0 => parts.push(format!("{lengths}, no brevity penalty")),
            penalty => parts.push(format!("{lengths}, brevity penalty {penalty:.3}")),
        }
        parts.join("; ")
    }

    fn signature(&self, _metric: Metric, references: Option<usize>) -> Option<String> {
        Some(self.bleu.signature(references))
    }
}
