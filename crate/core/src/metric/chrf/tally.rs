//! chrF and chrF++ among the metrics: those of the corpus.

use std::ops::Range;

use serde_json::{Value, json};

use super::{Chrf, ChrfCounts};
use crate::metric::{Metric, Options, Tally};

/// Counts of all rows, for each of the metrics.
#[derive(Debug)]
pub(in crate::metric) struct ChrfTally(Vec<(Metric, Chrf, ChrfCounts)>);

impl ChrfTally {
    fn of(&self, metric: Metric) -> Option<(&Chrf, &ChrfCounts)> {
        let (_, chrf, sum) = self.0.iter().find(|(other, ..)| *other == metric)?;
        Some((chrf, sum))
    }
}

impl Tally for ChrfTally {
    fn new(metrics: &[Metric], options: &Options) -> Self {
        let tally = |metric: &Metric| {
            let chrf = match metric {
                Metric::ChrfPlusPlus => Chrf { word_order: 2, ..options.chrf.clone() },
                _ => options.chrf.clone(),
            };
            (*metric, chrf, ChrfCounts::default())
        };
        ChrfTally(metrics.iter().map(tally).collect())
    }

    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)> {
        self.0.iter_mut().map(move |(metric, chrf, sum)| {
            let counts = chrf.count(prediction, references);
            *sum += &counts;
            (*metric, json!(chrf.score(&counts)))
        })
    }

    fn merge(&mut self, other: Self) {
        for ((.., sum), (.., counts)) in self.0.iter_mut().zip(other.0) {
            *sum += &counts;
        }
    }

    fn value(&self, metric: Metric) -> Value {
        json!(self.of(metric).map(|(chrf, sum)| chrf.score(sum)))
    }

    fn explain<S: AsRef<str>>(&self, metric: Metric, prediction: &str, references: &[S]) -> String {
        let Some((chrf, _)) = self.of(metric) else { return String::new() };
        let counts = chrf.count(prediction, references);
        let part = |of: Range<usize>, what: &str| {
            let sum =
                |numbers: &[usize]| numbers.get(of.clone()).unwrap_or(&[]).iter().sum::<usize>();
            format!(
                "{} runs of up to {} {what} in common, of {} in the prediction and {} in the reference",
                sum(&counts.matches),
                of.len(),
                sum(&counts.predicted),
                sum(&counts.expected),
            )
        };
        let mut text = part(0..chrf.char_order, "characters");
        if chrf.word_order > 0 {
            text += "; ";
            text += &part(chrf.char_order..chrf.char_order + chrf.word_order, "words");
        }
        text
    }

    fn signature(&self, metric: Metric, references: Option<usize>) -> Option<String> {
        Some(self.of(metric)?.0.signature(references))
    }
}
