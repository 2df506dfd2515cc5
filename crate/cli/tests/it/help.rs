use flantune::config::{RunConfig, ValueKind};

use crate::Cli;

fn help(arguments: &[&str]) -> String {
    let shown = Cli::new().run(arguments);
    assert!(shown.starts_with("exit code 0\n--- stdout\n"), "{shown}");
    shown
}

/// Whether the help has a line for this option.
fn lists(help: &str, option: &str) -> bool {
    help.lines().any(|line| line.split_whitespace().next() == Some(option))
}

#[test]
fn train_lists_every_key() {
    let help = help(&["train", "--help"]);
    for key in RunConfig::keys() {
        let name = key.name.replace('_', "-");
        let on_by_default = key.kind == ValueKind::Bool && key.default == "true";
        let option = if on_by_default { format!("--no-{name}") } else { format!("--{name}") };
        // What is refused whenever it is given is not offered.
        let works = key.kind != ValueKind::Bool || (key.supports("true") && key.supports("false"));
        assert_eq!(lists(&help, &option), works, "{option}");
    }
    assert!(help.contains("[possible values: f32, f16, int8, int4]"), "{help}");
}

#[test]
fn every_command_teaches_by_examples() {
    for command in
        ["train", "generate", "eval", "data", "merge", "quantize", "memory", "bench", "completions"]
    {
        let long = help(&[command, "--help"]);
        assert!(long.contains("\nExamples:\n"), "{command}");
        assert!(long.contains(&format!("flantune {command} ")), "{command}");
        assert!(!help(&[command, "-h"]).contains("Examples:"), "{command}");
    }
}

#[test]
fn the_short_help_is_short() {
    let short = help(&["train", "-h"]);
    assert!(lists(&short, "--rank") && !lists(&short, "--epsilon"));
}

#[test]
fn help_names_options_not_keys() {
    assert!(help(&["train", "--help"]).contains("`--group-by-length` has no effect"));
}

#[test]
fn the_commands_are_listed() {
    assert_eq!(
        help(&["--help"]),
        "\
exit code 0
--- stdout
Fine-tunes FLAN-T5: LoRA, prompt tuning and full training, on CPUs and through WebGPU

Usage: flantune [OPTIONS] <COMMAND>

Commands:
  train        Train an adapter, or the whole model, on rows of text
  generate     Answer prompts with a model, or with an adapter beside it
  eval         Measure loss, ROUGE, BLEU and more on rows of text
  score        Score predictions against references, without a model
  data         Look at rows: their tokens, their lengths, and parts of them
  merge        Add an adapter into its base, for a model that needs no adapter
  quantize     Write a model again in int8, int4, f16, bf16 or f32, and say what that costs
  memory       Estimate the memory that training takes, before it starts
  bench        Time training and generation on random weights
  demo         Show in half a minute what tuning does, with nothing downloaded
  doctor       Show the devices of this machine, whether they compute right, and what each can train
  completions  Write a script that completes commands and options in a shell
  help         Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

Output options:
      --json     Write one JSON object a line to standard output, and nothing else
  -q, --quiet    Write results and errors only
  -v, --verbose  Write what the libraries log to standard error

Use `flantune COMMAND --help` for its options with examples.
"
    );
}

#[test]
fn the_version_is_the_package_s() {
    let expected = format!("exit code 0\n--- stdout\nflantune {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(help(&["--version"]), expected);
}
