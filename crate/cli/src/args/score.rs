//! What `score` takes.

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use flantune::metric::{
    Metric, Options,
    bleu::{Bleu, Smoothing, Tokenizer},
    chrf::Chrf,
    ter::Ter,
};

pub(super) const EXAMPLES: &str = r#"Examples:
  ROUGE and BLEU of lines of text; line by line, the better of two references counts:
    flantune score --predictions predictions.txt --references first.txt second.txt

  Score again what eval has written, row by row and with what matched:
    flantune score --predictions rows.jsonl --metrics rougeL,chrf --explain

  Fields of two files of rows:
    flantune score --predictions answers.jsonl --prediction-field answer \
        --references test.jsonl --reference-fields summary1,summary2

  Labels, with the F1 of one of them:
    flantune score --predictions labels.txt --references gold.txt \
        --metrics accuracy,f1,matthews --label yes"#;

/// `flantune score`
#[derive(Args, Debug)]
pub(crate) struct ScoreArguments {
    /// The file of predictions: lines of text, or rows (JSONL, CSV, TSV)
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) predictions: String,
    /// Files of references, as many lines each; without any, the rows of predictions hold them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) references: Vec<String>,
    /// The field of a row that holds the prediction [default: prediction]
    #[arg(long, value_name = "FIELD")]
    pub(crate) prediction_field: Option<String>,
    /// The fields of a row that hold references, each a text or a list [default: references]
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    pub(crate) reference_fields: Vec<String>,
    /// What to score by
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    #[arg(value_parser = metric(), default_values = ["rouge1", "rouge2", "rougeL", "bleu"])]
    pub(crate) metrics: Vec<Metric>,
    /// Say for each row what matched
    #[arg(long)]
    pub(crate) explain: bool,
    /// ROUGE: words count as they stand, not by their stems
    #[arg(long)]
    pub(crate) no_stemmer: bool,
    /// BLEU and chrF: ignores case
    #[arg(long)]
    pub(crate) lowercase: bool,
    /// BLEU: where words end: 13a, none, intl, char or zh
    #[arg(long, value_name = "NAME", default_value_t = Tokenizer::V13a)]
    pub(crate) bleu_tokenizer: Tokenizer,
    /// BLEU: what no match counts as: exp, none, floor[=0.1] or add-k[=1]
    #[arg(long, value_name = "NAME", default_value_t = Smoothing::Exp)]
    pub(crate) bleu_smoothing: Smoothing,
    /// chrF: how many times as much recall counts as precision
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u32).range(..1000))]
    pub(crate) chrf_beta: u32,
    /// chrF: white space counts as characters
    #[arg(long)]
    pub(crate) chrf_whitespace: bool,
    /// TER: punctuation marks are words of their own, and XML's names the characters they stand for
    #[arg(long)]
    pub(crate) ter_normalized: bool,
    /// TER: leaves out punctuation
    #[arg(long)]
    pub(crate) ter_no_punct: bool,
    /// TER: the two above also act on Chinese and Japanese characters
    #[arg(long)]
    pub(crate) ter_asian_support: bool,
    /// TER: case matters
    #[arg(long)]
    pub(crate) ter_case_sensitive: bool,
    /// F1: the label that it is of, instead of the mean of all
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Option<String>,
}

impl ScoreArguments {
    /// How the metrics are to be taken.
    pub(crate) fn options(&self) -> Options {
        Options {
            stemmer: !self.no_stemmer,
            bleu: Bleu {
                tokenizer: self.bleu_tokenizer,
                smoothing: self.bleu_smoothing,
                lowercase: self.lowercase,
                ..Bleu::default()
            },
            chrf: Chrf {
                beta: self.chrf_beta,
                whitespace: self.chrf_whitespace,
                lowercase: self.lowercase,
                ..Chrf::default()
            },
            ter: Ter {
                normalized: self.ter_normalized,
                no_punct: self.ter_no_punct,
                asian_support: self.ter_asian_support,
                case_sensitive: self.ter_case_sensitive,
            },
            positive_label: self.label.clone(),
        }
    }
}

/// A metric that needs no model.
fn metric() -> impl TypedValueParser<Value = Metric> {
    let names = Metric::NAMES.iter().filter(|name| **name != Metric::Loss.name());
    PossibleValuesParser::new(names)
        .try_map(|name| serde_json::from_value::<Metric>(serde_json::Value::String(name)))
}
