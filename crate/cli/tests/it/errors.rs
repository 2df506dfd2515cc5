use crate::Cli;

const TRAIN: [&str; 7] = ["train", "--model", "model", "--train", "rows.jsonl", "--output", "out"];

/// `flantune train` with what it needs and `more`, in a directory that has the rows but no model.
#[track_caller]
fn train(more: &[&str]) -> String {
    let cli = Cli::new().with("rows.jsonl", "{\"source\": \"a\", \"target\": \"b\"}\n");
    let shown = cli.run(&[&TRAIN, more].concat());
    assert_eq!(cli.files(), ["rows.jsonl"], "nothing is written");
    shown
}

#[test]
fn an_unknown_option_is_answered_with_the_nearest() {
    assert_eq!(
        train(&["--lerning-rate", "1"]),
        "\
exit code 2
--- stderr
error: unexpected argument '--lerning-rate' found

  tip: a similar argument exists: '--learning-rate'

Usage: flantune train --output <DIR> --model <MODEL> --train <FILE> --learning-rate <NUMBER>

For more information, try '--help'.
"
    );
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        Cli::new().run(&["train", "--model", "m"]),
        "\
exit code 2
--- stderr
error: the following required arguments were not provided:
  --output <DIR>
  --train <FILE>

Usage: flantune train --output <DIR> --model <MODEL> --train <FILE>

For more information, try '--help'.
"
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_named() {
    assert_eq!(
        train(&["--rank", "abc"]),
        "exit code 2\n--- stderr\nerror: rank: found `abc`, expected a whole number from 0\n"
    );
    assert_eq!(
        train(&["--target-modules", "q,x"]),
        "exit code 2\n--- stderr\nerror: target_modules: found [\"q\",\"x\"], \
         expected a list of some of q, k, v, o, wi_0, wi_1, wi, wo; or of ends of their paths, such \
         as EncDecAttention.q\n"
    );
    assert_eq!(
        train(&["--method", "lara"]),
        "\
exit code 2
--- stderr
error: invalid value 'lara' for '--method <NAME>'
  [possible values: lora, ia3, prompt, full]

  tip: a similar value exists: 'lora'

For more information, try '--help'.
"
    );
}

#[test]
fn an_impossible_value_is_named() {
    assert_eq!(
        train(&["--rank", "0"]),
        "exit code 2\n--- stderr\nerror: rank: found 0, expected a whole number from 1\n"
    );
    assert_eq!(
        train(&["--learning-rate", "-1"]),
        "exit code 2\n--- stderr\nerror: learning_rate: found -1.0, \
         expected a number greater than 0\n"
    );
    assert_eq!(
        train(&["--num-beams", "4", "--top-k", "5"]),
        "exit code 2\n--- stderr\nerror: num_beams: found 4, expected 1 with `temperature`, \
         `top_k` or `top_p`, which draw single texts\n"
    );
    assert_eq!(
        train(&["--template", "{{ source }}", "--template-file", "t"]),
        "exit code 2\n--- stderr\nerror: template_file: found `t`, \
         expected nothing, because `template` is given too\n"
    );
}

#[test]
fn the_last_of_two_flags_counts() {
    // A run that gets as far as looking for the model has accepted its options.
    let accepted = train(&["--no-shuffle", "--shuffle", "--no-shuffle", "--no-stemmer"]);
    assert!(accepted.contains("model"), "{accepted}");
}

#[test]
fn a_missing_file_is_named() {
    for option in ["--train", "--validation", "--template-file"] {
        // The option given last counts where it is given twice.
        let cli = Cli::new().with("rows.jsonl", "{}");
        let mut arguments = TRAIN.to_vec();
        if option == "--train" {
            arguments[4] = "no.jsonl";
        } else {
            arguments.extend([option, "no.jsonl"]);
        }
        assert_eq!(
            cli.run(&arguments),
            "exit code 2\n--- stderr\nerror: no.jsonl: there is no such file\n"
        );
        assert_eq!(cli.files(), ["rows.jsonl"]);
    }
}

#[test]
fn a_missing_model_is_named() {
    let shown = train(&[]);
    assert!(shown.starts_with("exit code 2\n--- stderr\nerror: model"), "{shown}");
    assert_eq!(shown.lines().count(), 3, "{shown}");
}

#[test]
fn a_directory_is_not_a_file() {
    let cli = Cli::new().with("rows/file", "");
    assert_eq!(
        cli.run(&["eval", "--model", "m", "--data", "rows"]),
        "exit code 2\n--- stderr\nerror: rows: it is a directory, expected a file\n"
    );
}

#[test]
fn options_of_rows_do_not_go_with_prompts() {
    let cli = Cli::new();
    let shown = cli.run(&["generate", "--model", "m", "--template", "t", "a prompt"]);
    assert!(shown.starts_with("exit code 2\n"), "{shown}");
    assert!(shown.contains("'--template <TEMPLATE>' cannot be used with"), "{shown}");
    let shown = cli.run(&["generate", "--model", "m", "--template", "t"]);
    assert!(shown.contains("required arguments were not provided:\n  --input <FILE>"), "{shown}");
}

#[test]
fn without_a_command_the_help_is_shown() {
    let shown = Cli::new().run(&[]);
    assert!(shown.starts_with("exit code 2\n--- stderr\nFine-tunes FLAN-T5"), "{shown}");
}
