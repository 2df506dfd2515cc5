//! Scores of predictions against references.
//!
//! A family of metrics is a file, or a folder, here, and a line in the list below: what of a row it
//! counts ([`Tally`]), and the metrics that come of that.

pub mod bleu;
pub mod chrf;
pub mod classify;
mod ngram;
pub mod rouge;
pub mod score;
pub mod ter;

use serde_json::{Map, Value};

pub(crate) use self::classify::number_of;
use self::{
    bleu::{Bleu, BleuTally},
    chrf::{Chrf, ChrfTally},
    classify::{AnswerTally, LabelTally, NumberTally},
    rouge::RougeTally,
    ter::{Ter, TerTally},
};
use crate::named::named;

/// Metrics by name: a number, null where there is none, or ROUGE's precision, recall and F1.
pub type Metrics = Map<String, Value>;

/// How metrics are to be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// ROUGE: whether words count by their stems.
    pub stemmer: bool,
    /// How BLEU is taken.
    pub bleu: Bleu,
    /// How chrF and chrF++ are taken, the order of words aside.
    pub chrf: Chrf,
    /// How TER is taken.
    pub ter: Ter,
    /// The label whose F1 is `f1`, instead of the mean of all.
    pub positive_label: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        let (bleu, chrf, ter) = (Bleu::default(), Chrf::default(), Ter::default());
        Self { stemmer: true, bleu, chrf, ter, positive_label: None }
    }
}

/// What a family of metrics counts, of rows and of all of them together.
trait Tally: Sized {
    /// Whether models are better where it is less.
    const LOWER_IS_BETTER: bool = false;

    /// Of no row yet, for these of its metrics.
    fn new(metrics: &[Metric], options: &Options) -> Self;

    /// Adds a row. Returns its own scores; those are missing that tell of many rows only.
    fn add<S: AsRef<str>>(
        &mut self,
        prediction: &str,
        references: &[S],
    ) -> impl IntoIterator<Item = (Metric, Value)>;

    /// Adds the rows that another has counted, for the same metrics and options.
    fn merge(&mut self, other: Self);

    /// The score of all rows, of which there is at least one; null where it has no value, such as a
    /// correlation with a constant.
    fn value(&self, metric: Metric) -> Value;

    /// What of a row has counted, in plain words.
    fn explain<S: AsRef<str>>(&self, metric: Metric, prediction: &str, references: &[S]) -> String;

    /// How a metric is taken, in sacrebleu's words, where sacrebleu has it. `references` is how many
    /// each row has, or none where that varies.
    fn signature(&self, _metric: Metric, _references: Option<usize>) -> Option<String> {
        None
    }

    /// How many predictions were no number where one was expected.
    fn no_numbers(&self) -> usize {
        0
    }

    /// How many rows were compared part by part, because their texts are too long.
    fn in_parts(&self) -> usize {
        0
    }
}

/// A family's [`Tally`], and its metrics.
macro_rules! metrics {
    ($($tally:ident { $($(#[$about:meta])+ $metric:ident = $name:literal,)+ })+) => {
        named! {
            /// What a model is judged by.
            Metric {
                /// The mean of −log p over target tokens.
                Loss = "loss",
                $($($(#[$about])+ $metric = $name,)+)+
            }
        }

        impl Metric {
            /// Whether models are better where it is less.
            pub fn lower_is_better(self) -> bool {
                match self {
                    Metric::Loss => true,
                    $($(Metric::$metric => $tally::LOWER_IS_BETTER,)+)+
                }
            }
        }

        /// What one family has counted.
        // There is one of each a scorer; a variant goes by its type.
        #[allow(clippy::large_enum_variant, clippy::enum_variant_names)]
        #[derive(Debug)]
        enum Family {
            $($tally($tally),)+
        }

        impl Family {
            /// The families of these metrics.
            fn of(metrics: &[Metric], options: &Options) -> Vec<Self> {
                let mut families = Vec::new();
                $(
                    let is_own = |metric: &Metric| matches!(metric, $(Metric::$metric)|+);
                    let own: Vec<_> = metrics.iter().copied().filter(is_own).collect();
                    if !own.is_empty() {
                        families.push(Family::$tally($tally::new(&own, options)));
                    }
                )+
                families
            }

            /// Whether a metric comes of it.
            fn has(&self, metric: Metric) -> bool {
                match self {
                    $(Family::$tally(_) => matches!(metric, $(Metric::$metric)|+),)+
                }
            }

            fn add<S: AsRef<str>>(
                &mut self,
                prediction: &str,
                references: &[S],
            ) -> Vec<(Metric, Value)> {
                match self {
                    $(Family::$tally(tally) => {
                        tally.add(prediction, references).into_iter().collect()
                    })+
                }
            }

            fn merge(&mut self, other: Self) {
                match (self, other) {
                    $((Family::$tally(tally), Family::$tally(other)) => tally.merge(other),)+
                    _ => {}
                }
            }

            fn value(&self, metric: Metric) -> Value {
                match self {
                    $(Family::$tally(tally) => tally.value(metric),)+
                }
            }

            fn explain<S: AsRef<str>>(
                &self,
                metric: Metric,
                prediction: &str,
                references: &[S],
            ) -> String {
                match self {
                    $(Family::$tally(tally) => tally.explain(metric, prediction, references),)+
                }
            }

            fn signature(&self, metric: Metric, references: Option<usize>) -> Option<String> {
                match self {
                    $(Family::$tally(tally) => tally.signature(metric, references),)+
                }
            }

            fn no_numbers(&self) -> usize {
                match self {
                    $(Family::$tally(tally) => tally.no_numbers(),)+
                }
            }

            fn in_parts(&self) -> usize {
                match self {
                    $(Family::$tally(tally) => tally.in_parts(),)+
                }
            }
        }
    };
}

metrics! {
    RougeTally {
        /// Single words in common.
        Rouge1 = "rouge1",
        /// Pairs of words in common.
        Rouge2 = "rouge2",
        /// Triples of words in common.
        Rouge3 = "rouge3",
        /// Four words in a row in common.
        Rouge4 = "rouge4",
        /// The longest common subsequence.
        RougeL = "rougeL",
        /// The same, sentence by sentence (lines).
        RougeLsum = "rougeLsum",
    }
    BleuTally {
        /// Corpus BLEU as sacrebleu has it.
        Bleu = "bleu",
    }
    ChrfTally {
        /// Character F-score of the corpus, as sacrebleu has it.
        Chrf = "chrf",
        /// The same with pairs of words.
        ChrfPlusPlus = "chrf++",
    }
    TerTally {
        /// Edits for each word of the corpus, as sacrebleu has it; less is better.
        Ter = "ter",
    }
    AnswerTally {
        /// The part of outputs that equal a reference, but for case, punctuation and articles.
        ExactMatch = "exact_match",
        /// F1 of the words of outputs, as SQuAD has it.
        TokenF1 = "token_f1",
    }
    LabelTally {
        /// The part of right labels.
        Accuracy = "accuracy",
        /// The mean F1 of labels.
        F1 = "f1",
        /// F1 of all labels together.
        F1Micro = "f1_micro",
        /// The mean F1 of labels, weighted by how often each is right.
        F1Weighted = "f1_weighted",
        /// Matthews' correlation of labels.
        Matthews = "matthews",
    }
    NumberTally {
        /// Pearson's correlation of numbers.
        Pearson = "pearson",
        /// Spearman's rank correlation of numbers.
        Spearman = "spearman",
    }
}

impl Metric {
    /// Whether text must be generated to have it.
    pub fn needs_generation(self) -> bool {
        self != Metric::Loss
    }
}

/// The reference that a row was compared with, in plain words.
fn which(reference: usize, of: usize) -> String {
    match of {
        0 | 1 => "the reference".to_owned(),
        _ => format!("reference {}, the best", reference + 1),
    }
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}

/// What a library gave, from the oracles of text.
#[cfg(test)]
fn oracle(name: &str) -> Value {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/text");
    serde_json::from_slice(&std::fs::read(format!("{directory}/{name}.json")).unwrap()).unwrap()
}

#[cfg(test)]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[cfg(test)]
fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[cfg(test)]
fn columns(value: &Value) -> Vec<Vec<&str>> {
    value.as_array().unwrap().iter().map(texts).collect()
}
