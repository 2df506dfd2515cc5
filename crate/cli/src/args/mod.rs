//! What can be typed: the commands and the options of each. Nothing here decides anything.

mod data;
mod quantize;
mod score;
mod settings;

use clap::{
    Args, Parser, Subcommand,
    builder::{PossibleValuesParser, RangedU64ValueParser, TypedValueParser},
};
use flantune::{
    config::Dtype,
    lab::{bench, demo},
    model::sizes::SIZES,
};

pub(crate) use data::{DataCommand, LengthsArguments, ShowArguments, SplitArguments};
pub(crate) use quantize::QuantizeArguments;
pub(crate) use score::ScoreArguments;
pub(crate) use settings::Settings;

/// Fine-tunes FLAN-T5: LoRA, prompt tuning and full training, on CPUs and through WebGPU.
#[derive(Debug, Parser)]
#[command(name = "flantune", version, arg_required_else_help = true, after_help = MORE)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

const MORE: &str = "Use `flantune COMMAND --help` for its options with examples.";

/// What is shown, and how.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Output options")]
pub(crate) struct OutputOptions {
    /// Write one JSON object a line to standard output, and nothing else
    #[arg(long, global = true, display_order = 1000)]
    pub(crate) json: bool,
    /// Write results and errors only
    #[arg(long, short, global = true, conflicts_with = "verbose", display_order = 1001)]
    pub(crate) quiet: bool,
    /// Write what the libraries log to standard error
    #[arg(long, short, global = true, display_order = 1002)]
    pub(crate) verbose: bool,
}

/// How a model is found.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Model options")]
pub(crate) struct ModelOptions {
    /// Download nothing: a model of a hub must be in the cache
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train an adapter, or the whole model, on rows of text
    #[command(after_long_help = TRAIN)]
    Train(Box<TrainArguments>),
    /// Answer prompts with a model, or with an adapter beside it
    #[command(after_long_help = GENERATE)]
    Generate(Box<GenerateArguments>),
    /// Measure loss, ROUGE, BLEU and more on rows of text
    #[command(after_long_help = EVAL)]
    Eval(Box<EvalArguments>),
    /// Score predictions against references, without a model
    #[command(after_long_help = score::EXAMPLES)]
    Score(Box<ScoreArguments>),
    /// Look at rows: their tokens, their lengths, and parts of them
    #[command(subcommand, after_long_help = data::EXAMPLES)]
    Data(DataCommand),
    /// Add an adapter into its base, for a model that needs no adapter
    #[command(after_long_help = MERGE)]
    Merge(Box<MergeArguments>),
    /// Write a model again in int8, int4, f16, bf16 or f32, and say what that costs
    #[command(after_long_help = quantize::EXAMPLES)]
    Quantize(Box<QuantizeArguments>),
    /// Estimate the memory that training takes, before it starts
    #[command(after_long_help = MEMORY)]
    Memory(Box<MemoryArguments>),
    /// Time training and generation on random weights
    #[command(after_long_help = BENCH)]
    Bench(Box<BenchArguments>),
    /// Show in half a minute what tuning does, with nothing downloaded
    #[command(after_long_help = DEMO)]
    Demo(Box<DemoArguments>),
    /// Show the devices of this machine, whether they compute right, and what each can train
    Doctor,
    /// Write a script that completes commands and options in a shell
    #[command(after_long_help = COMPLETIONS)]
    Completions(CompletionsArguments),
    /// Write a manual page of each command, for packages
    #[command(hide = true)]
    Man(ManArguments),
}

const TRAIN: &str = r#"Examples:
  Train a LoRA adapter. A tenth of the rows is held out to pick the best weights:
    flantune train --model flan-t5-small --train rows.jsonl --output adapter \
        --template 'Summarize: {{ dialogue }} ||| {{ summary }}'

  Train a soft prompt of 50 tokens; the template stands in a file:
    flantune train --model flan-t5-small --train rows.jsonl --template-file template.txt \
        --method prompt --num-virtual-tokens 50 --output adapter

  Train every weight for one epoch, and measure ROUGE on rows of another file:
    flantune train --model flan-t5-small --train rows.jsonl --validation more.jsonl \
        --method full --epochs 1 --metrics loss,rougeL --output model

  Train on several data sets at once, mixed as a file of a few lines says (see below):
    flantune train --model flan-t5-small --train mixture.toml --output adapter

  Repeat a run with another seed, from its own record:
    flantune train --config adapter/run.json --seed 1 --output again

  Go on after Ctrl-C or a power cut, with the same options or the run's own record:
    flantune train --config adapter/run.json --output adapter --resume

A template is Jinja over a row's fields, with ||| between what the model reads and what it should
write. A line break in it is a real one: a template of several lines is best kept in a file for
--template-file. Rows are JSONL, such as {"dialogue": "…", "summary": "…"}, or CSV or TSV with a
header row.

A mixture is a TOML file; what a set leaves out is as the options say:
  temperature = 2                   # above 1: sets are drawn more evenly [default: 1]
  [[set]]
  train = "dialogues/train.jsonl"   # relative to this file
  validation = "dialogues/dev.jsonl"
  template_file = "dialogues/template.txt"
  cap = 10000                       # counts as no more rows than this
  [[set]]
  name = "reviews"
  train = "reviews.csv"
  template = "Is this good or bad? {{ text }} ||| {{ label }}"
  weight = 0.5                      # drawn half as often
A set is drawn at the rate min(rows, cap)^(1 / temperature) times weight, as T5 was trained; an epoch
has as many rows as the sets together, each counted up to its cap."#;

const GENERATE: &str = r#"Examples:
  Answer one prompt; the answer appears as it is written:
    flantune generate --model flan-t5-small 'Translate to German: Good morning'

  Answer each line of a file with an adapter:
    flantune generate --model flan-t5-small --adapter adapter < prompts.txt

  Answer rows, made into prompts by the template's source side:
    flantune generate --model flan-t5-small --input rows.jsonl \
        --template 'Summarize: {{ dialogue }}' --json

  With the model and the settings of a run's own record:
    flantune generate --config adapter/run.json --adapter adapter 'Summarize: …'

  The three best answers that a search with five beams finds, with one of two adapters:
    flantune generate --model flan-t5-small --adapter short=runs/1 --adapter long=runs/2 \
        --use long --num-beams 5 --num-return-sequences 3 'Summarize: …'

  Draw answers by chance, the same ones for the same seed:
    flantune generate --model flan-t5-small --temperature 0.8 --top-p 0.95 \
        --generation-seed 1 'Write a short story about a cat.'"#;

const EVAL: &str = r#"Examples:
  Loss and ROUGE of an adapter on the first 100 rows:
    flantune eval --model flan-t5-small --adapter adapter --data test.jsonl --limit 100 \
        --template-file template.txt --metrics loss,rouge1,rouge2,rougeL

  As a run was evaluated, from its own record, on rows that it has not seen:
    flantune eval --config adapter/run.json --adapter adapter --data test.jsonl

  Every prediction with its references and loss, a JSON object a line:
    flantune eval --model flan-t5-small --data test.jsonl --template-file template.txt \
        --output-rows scored.jsonl

  The best of three references counts:
    flantune eval --model flan-t5-small --data test.jsonl --template-file template.txt \
        --metrics rougeL --reference-fields summary1,summary2,summary3"#;

const MERGE: &str = r#"Examples:
  flantune merge --model flan-t5-small --adapter adapter --output merged
  flantune generate --model merged 'Summarize: …'"#;

const MEMORY: &str = r#"Examples:
  What LoRA takes beside FLAN-T5-base, which need not be there:
    flantune memory --shape base --batch-size 16 --max-source-tokens 256

  What the run of a configuration would take, with another method:
    flantune memory --config run.toml --method full

  As an object, for programs:
    flantune memory --model google/flan-t5-xl --method prompt --json

Only the model's config.json is read. Batches are taken as full: every text as long as
--max-source-tokens and --max-target-tokens allow."#;

const BENCH: &str = r#"Examples:
  flantune bench
  flantune bench --case lora,generate --shape base --batch-size 4 --json
  flantune bench --case generate,eval --dtype f32,int8,int4"#;

const DEMO: &str = r#"Examples:
  flantune demo
  flantune demo --data dialogues --seed 1
  flantune demo --output adapters
  flantune generate --model builtin --adapter adapters/lora 'Write a title for this review. …'

The built-in model and the sets are in the program; the sets' rows stand in data/ of the sources."#;

const COMPLETIONS: &str = r#"Examples:
  For bash, zsh and fish, for one user; a new shell has them:
    flantune completions bash > ~/.local/share/bash-completion/completions/flantune
    flantune completions zsh > ~/.zfunc/_flantune       # a directory in $fpath
    flantune completions fish > ~/.config/fish/completions/flantune.fish

  For PowerShell, in $PROFILE:
    flantune completions powershell | Out-String | Invoke-Expression

  For Elvish, in rc.elv:
    eval (flantune completions elvish | slurp)"#;

/// `flantune train`
#[derive(Args, Debug)]
pub(crate) struct TrainArguments {
    /// The directory for the adapter or model, events and checkpoints
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) output: String,
    /// Go on from the newest checkpoint in the output directory
    #[arg(long)]
    pub(crate) resume: bool,
    /// A configuration: TOML, or the run.json of a run to repeat; options go over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Train>,
}

/// `flantune generate`
#[derive(Args, Debug)]
pub(crate) struct GenerateArguments {
    /// What the model reads; without any, each line of standard input is one
    #[arg(value_name = "PROMPT")]
    pub(crate) prompts: Vec<String>,
    /// A file of rows that become prompts by the template
    #[arg(long, value_name = "FILE", conflicts_with = "prompts")]
    pub(crate) input: Option<String>,
    /// An adapter: a directory in PEFT's layout; of several, each with a name, `--use` takes one
    #[arg(long, value_name = "[NAME=]DIR")]
    pub(crate) adapter: Vec<String>,
    /// A configuration: TOML, or the run.json of a run; options go over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    /// The name of the adapter to use, which is its directory's unless another is given
    #[arg(long = "use", value_name = "NAME", requires = "adapter")]
    pub(crate) used: Option<String>,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Generate>,
}

/// `flantune eval`
#[derive(Args, Debug)]
pub(crate) struct EvalArguments {
    /// The file of rows to measure on: JSONL, CSV or TSV
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) data: String,
    /// A configuration: TOML, or the run.json of a run; options go over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    /// A file for each row's prediction, references and loss, JSONL
    #[arg(long, value_name = "FILE")]
    pub(crate) output_rows: Option<String>,
    /// An adapter to measure: a directory in PEFT's layout
    #[arg(long, value_name = "DIR")]
    pub(crate) adapter: Option<String>,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Evaluate>,
}

/// `flantune merge`
#[derive(Args, Debug)]
pub(crate) struct MergeArguments {
    /// The adapter: a directory in PEFT's layout
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) adapter: String,
    /// The directory for the merged model
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Merge>,
}

/// `flantune memory`
#[derive(Args, Debug)]
pub(crate) struct MemoryArguments {
    /// FLAN-T5 of this size, in place of a model
    #[arg(long, value_name = "SIZE", conflicts_with = "model")]
    #[arg(value_parser = PossibleValuesParser::new(SIZES))]
    pub(crate) shape: Option<String>,
    /// A configuration: TOML, or the run.json of a run; options go over it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<String>,
    #[command(flatten)]
    pub(crate) base: ModelOptions,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Memory>,
}

/// `flantune bench`
#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    /// What to time
    #[arg(long, value_name = "CASE,…", value_delimiter = ',', default_values = bench::CASES)]
    #[arg(value_parser = PossibleValuesParser::new(bench::CASES))]
    pub(crate) case: Vec<String>,
    /// The model's shape: FLAN-T5's of this size
    #[arg(long, value_name = "SIZE", default_value = bench::SHAPES[0])]
    #[arg(value_parser = PossibleValuesParser::new(bench::SHAPES))]
    pub(crate) shape: String,
    /// What the weights are kept in; each case is timed with each
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',', default_values = ["f32"])]
    #[arg(value_parser = dtypes())]
    pub(crate) dtype: Vec<Dtype>,
    /// Tokens of a source
    #[arg(long, value_name = "N", default_value_t = 128)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub(crate) source: usize,
    /// Tokens of a target
    #[arg(long, value_name = "N", default_value_t = 32)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub(crate) target: usize,
    /// Steps to time, after the first; the median counts
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(crate) steps: usize,
    /// Times one case in this process
    #[arg(long, hide = true, requires = "case")]
    pub(crate) in_this_process: bool,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Bench>,
}

/// `flantune demo`
#[derive(Args, Debug)]
pub(crate) struct DemoArguments {
    /// What is to be learnt: titles for reviews, dialogues in one line, formal sentences in casual words
    #[arg(long, value_name = "SET", default_value = demo::DEMOS[0].name)]
    #[arg(value_parser = PossibleValuesParser::new(demo::DEMOS.map(|demo| demo.name)))]
    pub(crate) data: String,
    /// A directory to keep the adapters in
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) settings: Settings<settings::Demo>,
}

/// `flantune completions`
#[derive(Args, Debug)]
pub(crate) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// `flantune man`
#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// The directory for the pages
    #[arg(long, value_name = "DIR", required = true)]
    pub(crate) output: String,
}

/// One of the types that weights are kept in.
fn dtypes() -> impl TypedValueParser<Value = Dtype> {
    // The parser has seen the names, so that the default is for none.
    PossibleValuesParser::new(Dtype::NAMES).map(|name| Dtype::named(&name).unwrap_or(Dtype::F32))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_do_not_clash() {
        Arguments::command().debug_assert();
    }
}
