use std::{io::Read, process::Stdio};

use crate::{Cli, shown};

#[test]
fn with_json_an_error_is_an_event() {
    let cli = Cli::new();
    assert_eq!(
        cli.run(&["eval", "--model", "m", "--data", "no.jsonl", "--json"]),
        "exit code 2\n--- stdout\n\
         {\"event\":\"error\",\"code\":\"not_found\",\
         \"message\":\"no.jsonl: there is no such file\"}\n"
    );
    assert_eq!(
        cli.run(&["eval", "--json", "--modle", "m"]),
        "exit code 2\n--- stdout\n\
         {\"event\":\"error\",\"code\":\"usage\",\"message\":\"unexpected argument '--modle' found \
         tip: a similar argument exists: '--model'\"}\n"
    );
}

#[test]
fn errors_are_told_even_when_quiet() {
    assert_eq!(
        Cli::new().run(&["eval", "--model", "m", "--data", "no.jsonl", "--quiet"]),
        "exit code 2\n--- stderr\nerror: no.jsonl: there is no such file\n"
    );
}

#[test]
fn a_backslash_and_an_n_in_a_template_is_warned_of() {
    let cli = Cli::new().with("rows.jsonl", "{}");
    let warned = |template: &str| {
        let command = ["eval", "--model", "m", "--data", "rows.jsonl", "--template", template];
        cli.run(&command).contains("warning: the template holds a backslash and an n")
    };
    assert!(warned(r"{{ a }}\n{{ b }}"));
    assert!(!warned(r#"{{ a | join("\n") }}"#));
    assert!(!warned("{{ a }}\n{{ b }}"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let cli = Cli::new();
    let mut command = cli.command(&["doctor", "--json"]);
    // A graphics driver that misses it would say so on standard error.
    command.env("XDG_RUNTIME_DIR", cli.path(""));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stderr = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut stderr).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stderr = stderr;
    assert_eq!(shown(output), "exit code 0\n");
}
