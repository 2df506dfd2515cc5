//! Why a row's scores are what they are, in plain words.

use super::{Scorer, labels, number, rouge_kind};
use crate::{
    config::Metric,
    metric::{
        bleu::Bleu,
        chrf::Chrf,
        classify::normalize,
        rouge::{Rouge, RougeKind},
    },
};

impl Scorer {
    /// What of a row each metric has counted, a sentence each.
    pub fn explain<S: AsRef<str>>(
        &self,
        prediction: &str,
        references: &[S],
    ) -> Vec<(Metric, String)> {
        let explain = |metric: Metric| match metric {
            Metric::Bleu => bleu(&self.options.bleu.of_sentences(), prediction, references),
            Metric::Chrf => chrf(&self.options.chrf, prediction, references),
            Metric::ChrfPlusPlus => chrf(&self.chrf_plus_plus, prediction, references),
            Metric::ExactMatch | Metric::TokenF1 => {
                let references: Vec<String> =
                    references.iter().map(|text| quoted(&normalize(text.as_ref()))).collect();
                format!(
                    "{} is compared with {}",
                    quoted(&normalize(prediction)),
                    references.join(" or ")
                )
            }
            Metric::Pearson | Metric::Spearman => {
                let expected = references.first().map_or("", AsRef::as_ref);
                match number(prediction) {
                    Some(number) => format!("found {number}, expected {}", expected.trim()),
                    None => format!("found no number, expected {}", expected.trim()),
                }
            }
            metric => match rouge_kind(metric) {
                Some(kind) => rouge(&self.rouge, kind, prediction, references),
                None => {
                    let (found, expected) = labels(prediction, references);
                    format!("found {}, expected {}", quoted(found), quoted(expected))
                }
            },
        };
        self.metrics.iter().map(|metric| (*metric, explain(*metric))).collect()
    }
}

fn rouge<S: AsRef<str>>(
    rouge: &Rouge,
    kind: RougeKind,
    prediction: &str,
    references: &[S],
) -> String {
    let common = rouge.common(kind, prediction, references);
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

fn bleu<S: AsRef<str>>(bleu: &Bleu, prediction: &str, references: &[S]) -> String {
    let counts = bleu.count(prediction, references);
    let score = bleu.score(&counts);
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

fn chrf<S: AsRef<str>>(chrf: &Chrf, prediction: &str, references: &[S]) -> String {
    let counts = chrf.count(prediction, references);
    let part = |of: std::ops::Range<usize>, what: &str| {
        let sum = |numbers: &[usize]| numbers.get(of.clone()).unwrap_or(&[]).iter().sum::<usize>();
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

fn which(reference: usize, of: usize) -> String {
    match of {
        0 | 1 => "the reference".to_owned(),
        _ => format!("reference {}, the best", reference + 1),
    }
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}
