use std::{
    fs,
    process::{Command, Stdio},
};

use crate::Cli;

const COMMANDS: [&str; 9] =
    ["train", "generate", "eval", "score", "data", "merge", "memory", "bench", "completions"];

/// Whether a program of this machine takes the script; `None` where there is no such program.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn parses(program: &str, arguments: &[&str], script: &str) -> Option<bool> {
    let cli = Cli::new().with("script", script);
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(cli.path("script"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match command.status() {
        Ok(status) => Some(status.success()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: there is no {program} here");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn each_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let shown = Cli::new().run(&["completions", shell]);
        let script = shown.strip_prefix("exit code 0\n--- stdout\n").expect(&shown);
        for word in COMMANDS.into_iter().chain(["learning-rate", "no-shuffle", "json"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
        if matches!(shell, "bash" | "zsh" | "fish") {
            assert_ne!(parses(shell, &["-n"], script), Some(false), "{shell}");
        }
    }
    assert_eq!(parses("bash", &["-n"], "if"), Some(false), "bash finds faults");
}

#[test]
fn bash_completes_options_and_values() {
    let shown = Cli::new().run(&["completions", "bash"]);
    let script = shown.strip_prefix("exit code 0\n--- stdout\n").unwrap();
    let complete = |words: &str| {
        let ask = format!(
            "\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _flantune flantune \"${{COMP_WORDS[$COMP_CWORD]}}\" \
             \"${{COMP_WORDS[$COMP_CWORD - 1]}}\"\necho \"${{COMPREPLY[@]}}\"\n"
        );
        let output = Command::new("bash").args(["-c", &(script.to_owned() + &ask)]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    assert_eq!(complete("flantune tra"), "train\n");
    assert_eq!(complete("flantune train --learn"), "--learning-rate\n");
    assert_eq!(complete("flantune train --method p"), "prompt\n");
}

#[test]
fn each_command_has_a_manual_page() {
    let cli = Cli::new();
    let shown = cli.run(&["man", "--output", "man"]);
    assert!(shown.starts_with("exit code 0\n"), "{shown}");
    let page = |name: &str| fs::read_to_string(cli.path(&format!("man/{name}.1"))).expect(name);
    let whole = page("flantune");
    for command in COMMANDS.into_iter().chain(["doctor"]) {
        let page = page(&format!("flantune-{command}"));
        assert!(page.contains(".SH NAME") && page.contains(".SH OPTIONS"), "{command}");
        assert!(whole.contains(&format!("flantune\\-{command}(1)")), "{command}");
        if let Some(false) = parses("groff", &["-Kutf8", "-man", "-wall", "-Tutf8", "-z"], &page) {
            panic!("{command}");
        }
    }
    assert!(page("flantune-train").contains("\\-\\-learning\\-rate"));
    assert!(!whole.contains("flantune\\-man"), "it is for packages, not for users");

    let cli = Cli::new().with("file", "");
    let shown = cli.run(&["man", "--output", "file"]);
    assert!(
        shown.starts_with("exit code 2\n--- stderr\nerror: output: file is no directory"),
        "{shown}"
    );
}
