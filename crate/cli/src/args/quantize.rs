//! The options of `flantune quantize`.

use clap::Args;
use flantune::config::Dtype;

use super::{
    ModelOptions, dtypes,
    settings::{self, Settings},
};

pub(super) const EXAMPLES: &str = r#"Examples:
  A quarter of the size, with the loss on 100 rows before and after:
    flantune quantize --model flan-t5-small --to int8 --output small-int8 \
        --data rows.jsonl --template-file template.txt --limit 100

  Floats again, which transformers opens:
    flantune quantize --model small-int8 --to f32 --output small-f32

int4 takes a fifth of the size, of large models a seventh, and is coarser; embedding and head stay
int8.

A model of integers generates, is evaluated and has adapters trained beside it; its own weights cannot
be trained. --dtype int8 or int4 makes the same of a float model each time that it is loaded."#;

/// `flantune quantize`
#[derive(Args, Debug)]
pub(crate) struct QuantizeArguments {
    /// What the weights become
    #[arg(long, value_name = "TYPE", required = true, value_parser = dtypes())]
    pub(crate) to: Dtype,
    /// The directory for the model; it must be empty or new
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) output: String,
    /// A file of rows to measure the loss on, before and after: JSONL, CSV or TSV
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Quantize>,
}
