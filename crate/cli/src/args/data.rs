//! What `data` takes.

use clap::{Args, Subcommand};

use super::{ModelOptions, Settings, settings};

pub(super) const EXAMPLES: &str = r#"Examples:
  See what a model would read and be asked to write, with its tokens:
    flantune data show --data rows.jsonl --model flan-t5-small \
        --template 'Summarize: {{ dialogue }} ||| {{ summary }}'

  See how long the texts are, and what would be cut:
    flantune data lengths --data rows.jsonl --model flan-t5-small --template-file template.txt

  Part a file into train.csv, validation.csv and test.csv:
    flantune data split --data rows.csv --validation-fraction 0.1 --test-fraction 0.1 \
        --output parts

`show` and `lengths` take a mixture, too: the TOML file that `train --train` takes."#;

/// `flantune data`
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Show rows as a model would see them: their texts and tokens
    #[command(after_long_help = EXAMPLES)]
    Show(Box<ShowArguments>),
    /// Measure how long sources and targets are, and what would be cut
    #[command(after_long_help = EXAMPLES)]
    Lengths(Box<LengthsArguments>),
    /// Split a file of rows into files to train on, to validate with and to test with
    #[command(after_long_help = EXAMPLES)]
    Split(Box<SplitArguments>),
}

/// `flantune data show`
#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// The file of rows (JSONL, CSV or TSV), or a mixture (TOML)
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) data: String,
    /// The first row to show, from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) row: usize,
    /// How many rows to show, of each set of a mixture
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) count: usize,
    /// A configuration: TOML, or the run.json of a run; options go over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Preview>,
}

/// `flantune data lengths`
#[derive(Args, Debug)]
pub(crate) struct LengthsArguments {
    /// The file of rows (JSONL, CSV or TSV), or a mixture (TOML)
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) data: String,
    /// A configuration: TOML, or the run.json of a run; options go over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Lengths>,
}

/// `flantune data split`
#[derive(Args, Debug)]
pub(crate) struct SplitArguments {
    /// The file of rows: JSONL, CSV or TSV
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) data: String,
    /// The directory for train, validation and test, each with the ending of the file
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) output: String,
    /// The part of the rows to test with
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0)]
    pub(crate) test_fraction: f64,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Split>,
}
