//! The guide, the README and the help say what works: their commands are run by the real binary.
//!
//! A block of Markdown that begins with ```` ```sh run ```` is run, and one with ```` ```sh run 2 ````
//! must end with that exit code. The blocks of a file run in turn in one directory, which looks like
//! the root of a checkout, with a tiny model in the place of `flan-t5-small`.

#![cfg(unix)]

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_flantune");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A directory like the root of a checkout, where commands may write.
struct Checkout {
    directory: TempDir,
}

impl Checkout {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["data", "docs", "models", "tests"] {
            if root().join(name).exists() {
                symlink(root().join(name), directory.path().join(name)).unwrap();
            }
        }
        let model = root().join("tests/oracle/tiny/gated");
        symlink(model, directory.path().join("flan-t5-small")).unwrap();
        fs::create_dir(directory.path().join("bin")).unwrap();
        symlink(BINARY, directory.path().join("bin/flantune")).unwrap();
        Checkout { directory }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// Has a run's directory look as if the run had been cut off before its end.
    fn cut_off(&self, run: &str) {
        let path = self.directory.path().join(run).join("run.json");
        let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["result"] = Value::Null;
        fs::write(path, record.to_string()).unwrap();
    }

    /// Runs a script, and panics with what it said where its exit code is another one.
    #[track_caller]
    fn run(&self, place: &str, script: &str, code: i32) {
        let path = std::env::var("PATH").unwrap();
        let output = Command::new("sh")
            .args(["-eu", "-c", script])
            .current_dir(self.directory.path())
            .env("PATH", format!("{}:{path}", self.directory.path().join("bin").display()))
            .env("NO_COLOR", "1")
            .env("HOME", self.directory.path())
            .env("HF_HUB_OFFLINE", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{place}:\n{script}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The pages of the guide, and the README.
fn pages() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs/guide")).unwrap();
    let mut pages: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// A block that is to be run: its line, the script, the exit code.
fn blocks(page: &str) -> Vec<(usize, String, i32)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```sh run") else { continue };
        let code = if info.is_empty() { 0 } else { info.trim().parse().expect(line) };
        let script = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let script = script.collect::<Vec<_>>().join("\n");
        blocks.push((number + 1, script, code));
    }
    blocks
}

#[test]
fn the_guide_works() {
    let mut count = 0;
    for path in pages() {
        let checkout = Checkout::new();
        for (line, script, code) in blocks(&fs::read_to_string(&path).unwrap()) {
            checkout.run(&format!("{}, line {line}", path.display()), &script, code);
            count += 1;
        }
    }
    assert!(count > 15, "only {count} blocks were found");
}

#[test]
fn links_lead_somewhere() {
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        for part in page.split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            let there = target.is_empty()
                || target.starts_with("http")
                || path.with_file_name(target).exists();
            assert!(there, "{}: {target}", path.display());
        }
    }
}

/// What the program says of a command.
fn help(arguments: &[&str]) -> String {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that `flantune --help` lists.
fn commands() -> Vec<String> {
    let help = help(&["--help"]);
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_has_an_example_that_works() {
    let page = fs::read_to_string(root().join("docs/guide/commands.md")).unwrap();
    let rows: Vec<Vec<&str>> = (page.lines())
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let checkout = Checkout::new();
    let mut told = Vec::new();
    for row in rows {
        let [command, _, example] = row[..] else { panic!("expected three columns: {row:?}") };
        let (command, example) = (command.trim_matches('`'), example.trim_matches('`').trim());
        assert!(example.starts_with(&format!("flantune {command}")), "{command}: {example}");
        checkout.run(command, example, 0);
        told.push(command.split(' ').next().unwrap().to_owned());
    }
    told.sort();
    told.dedup();
    let mut there = commands();
    there.sort();
    assert_eq!(told, there, "the rows of commands.md, and the commands that there are");
}

/// The commands of a help's examples.
fn examples(help: &str) -> Vec<String> {
    let Some((_, examples)) = help.split_once("\nExamples:\n") else { return Vec::new() };
    let whole = examples.replace("\\\n", " ");
    let lines = whole.lines().filter(|line| line.trim_start().starts_with("flantune "));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// Why an example is not run; none if it is.
fn cannot_run(command: &str, example: &str) -> Option<&'static str> {
    match command {
        "bench" => Some("it takes minutes"),
        _ if example.contains("Out-String") => Some("it is for PowerShell"),
        _ if example.contains("--model google/") => Some("it may download a model"),
        _ => None,
    }
}

/// Files as the examples of a command name them.
fn prepare(checkout: &Checkout, command: &str) {
    let texts = r#"{"dialogue": "the cat sat", "summary": "a cat"}"#;
    let judged = r#"{"dialogue": "the cat sat", "summary": "a cat", "summary1": "a", "summary2": "b", "summary3": "c"}"#;
    let scored = r#"{"prediction": "the cat", "references": ["a cat"]}"#;
    let rows = if command == "score" { scored } else { texts };
    let answered = r#"{"answer": "a cat"}"#;
    for (name, row) in [
        ("rows.jsonl", rows),
        ("more.jsonl", texts),
        ("test.jsonl", judged),
        ("answers.jsonl", answered),
    ] {
        checkout.write(name, &format!("{row}\n").repeat(6));
    }
    checkout.write("rows.csv", &format!("a,b\n{}", "the cat,a cat\n".repeat(20)));
    let mixture = "[[set]]\ntrain = \"rows.jsonl\"\ntemplate_file = \"template.txt\"\n";
    checkout.write("mixture.toml", mixture);
    checkout.write("run.toml", "[model]\nmodel = \"flan-t5-small\"\n[method]\nrank = 4\n");
    checkout.write("template.txt", "Summarize: {{ dialogue }} ||| {{ summary }}");
    for name in ["prompts.txt", "predictions.txt", "first.txt", "second.txt"] {
        checkout.write(name, "the cat\na dog\n");
    }
    for name in ["labels.txt", "gold.txt"] {
        checkout.write(name, "yes\nno\n");
    }
    let made = "rm -rf adapter runs again model parts; cp -r kept adapter; mkdir runs; cp -r kept runs/1; cp -r kept runs/2; \
                mkdir -p .zfunc .config/fish/completions .local/share/bash-completion/completions";
    checkout.run("the files of the examples", made, 0);
}

#[test]
fn the_examples_of_the_help_work() {
    let checkout = Checkout::new();
    checkout.write(
        "rows.jsonl",
        &"{\"dialogue\": \"the cat sat\", \"summary\": \"a cat\"}\n".repeat(6),
    );
    let train = "flantune train --model flan-t5-small --train rows.jsonl --max-steps 1 \
                 --template 'Summarize: {{ dialogue }} ||| {{ summary }}' --output kept";
    checkout.run("an adapter for the examples", train, 0);
    let mut count = 0;
    for command in commands() {
        for example in examples(&help(&[&command, "--help"])) {
            if let Some(reason) = cannot_run(&command, &example) {
                let _ = writeln!(std::io::stderr(), "skipped, because {reason}: {example}");
                continue;
            }
            prepare(&checkout, &command);
            if example.contains("--resume") {
                checkout.cut_off("adapter");
            } else if example.contains("--output adapter") {
                checkout.run("no adapter yet", "rm -r adapter", 0);
            }
            checkout.run(&format!("{command} --help"), &example, 0);
            count += 1;
        }
    }
    assert!(count > 15, "only {count} examples were found");
}

#[test]
fn every_code_of_an_error_is_explained() {
    let page = fs::read_to_string(root().join("docs/guide/errors.md")).unwrap();
    let mut count = 0;
    for source in ["crate/core/src/error.rs", "crate/cli/src/failure.rs"] {
        let text = fs::read_to_string(root().join(source)).unwrap();
        let body = text.split("fn code(&self)").nth(1).unwrap().split("\n    }\n").next().unwrap();
        for code in body.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(page.contains(&format!("`{code}`")), "errors.md does not explain {code}");
            count += 1;
        }
    }
    assert!(count >= 14, "only {count} codes were found");
}
