//! `flantune score`, with the real binary and without any model.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Place(TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(place.0.path().join(name), text).unwrap();
        }
        place
    }

    fn score(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_flantune"))
            .arg("score")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .env("NO_COLOR", "1")
            .output()
            .unwrap()
    }

    /// The objects of a command that succeeds.
    #[track_caller]
    fn json(&self, arguments: &str) -> Vec<Value> {
        let output = self.score(&format!("{arguments} --json"));
        assert!(output.status.success(), "{output:?}");
        assert!(output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a command says that is refused.
    #[track_caller]
    fn refused(&self, arguments: &str) -> String {
        let output = self.score(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// The rows of sacrebleu's own tests.
fn dogs() -> Place {
    Place::new(&[
        ("p.txt", "The dog bit the man.\nIt wasn't surprising.\nThe man had just bitten him.\n"),
        ("r.txt", "The dog bit the man.\nIt was not unexpected.\nThe man bit him first.\n"),
        ("s.txt", "The dog had bit the man.\nNo one was surprised.\nThe man had bitten the dog.\n"),
    ])
}

#[track_caller]
fn close(found: &Value, expected: f64) {
    assert!((found.as_f64().unwrap() - expected).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn lines_of_text() {
    let place = dogs();
    let files = "--predictions p.txt --references r.txt s.txt";
    let events = place.json(files);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event"], "done");
    let metrics = events[0]["metrics"].as_object().unwrap();
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["rouge1", "rouge2", "rougeL", "bleu"]);
    close(&metrics["bleu"], 48.530827);
    for (tokenizer, expected) in [("none", 49.1919566), ("intl", 43.91623493)] {
        let events = place.json(&format!("{files} --bleu-tokenizer {tokenizer}"));
        close(&events[0]["metrics"]["bleu"], expected);
    }
    let output = place.score(files);
    let (text, notes) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr));
    assert!(text.contains("bleu      48.5308\n") && text.contains("rougeL"), "{text}");
    assert!(notes.unwrap().contains("nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"));
}

#[test]
fn rows_and_what_matched() {
    let place = Place::new(&[
        ("rows.jsonl", "{\"prediction\": \"a cat\", \"references\": [\"the cat\", \"a dog\"]}\n"),
        ("gold.jsonl", "{\"x\": \"a cat\", \"y\": null}\n"),
    ]);
    let lines = place.json("--predictions rows.jsonl --metrics rouge1,exact_match --explain");
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["references"], json!(["the cat", "a dog"]));
    assert_eq!(
        lines[0]["explanation"]["rouge1"],
        "1 words in common, of 2 in the prediction and 2 in reference 1, the best: cat"
    );
    assert_eq!(lines[0]["exact_match"], 1.0);
    assert_eq!(lines[1]["metrics"]["rouge1"]["f1"], 0.5);
    let other = place.json(
        "--predictions rows.jsonl --references gold.jsonl --reference-fields x,y --metrics chrf++",
    );
    close(&other[0]["metrics"]["chrf++"], 100.0);
    let text = place.score("--predictions rows.jsonl --metrics bleu --explain --quiet");
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("row 0\n  prediction: a cat\n  reference: the cat\n"), "{text}");
    assert!(text.contains("no brevity penalty"), "{text}");
}

#[test]
fn labels_and_numbers() {
    let place = Place::new(&[("p.txt", "yes\nyes\nno\n"), ("r.txt", "yes\nno\nno\n")]);
    let files = "--predictions p.txt --references r.txt";
    let metrics = place.json(&format!("{files} --metrics accuracy,f1,matthews --label yes"));
    close(&metrics[0]["metrics"]["accuracy"], 2.0 / 3.0);
    close(&metrics[0]["metrics"]["f1"], 2.0 / 3.0);
    close(&metrics[0]["metrics"]["matthews"], 0.5);
    let place = Place::new(&[("p.txt", "1\n2\nfour\n"), ("r.txt", "1\n2\n-1.0\n")]);
    let events = place.json(&format!("{files} --metrics pearson,spearman"));
    assert_eq!((&events[0]["event"], &events[0]["count"]), (&json!("warning"), &json!(1)));
    close(&events[1]["metrics"]["pearson"], 1.0);
    let place = Place::new(&[("p.txt", "1\n1\n"), ("r.txt", "1\n2\n")]);
    let events = place.json(&format!("{files} --metrics pearson"));
    assert_eq!(events[0]["metrics"], json!({"pearson": null}));
}

#[test]
fn bad_input_is_named() {
    let place = Place::new(&[
        ("p.txt", "a\nb\n"),
        ("r.txt", "a\n"),
        ("n.txt", "1\nx\n"),
        ("rows.jsonl", "{\"prediction\": \"a\", \"references\": [\"b\"]}\n{\"prediction\": 1\n"),
    ]);
    for (arguments, expected) in [
        (
            "--predictions p.txt --references r.txt",
            "r.txt: found 1 lines of references, expected 2, as many as p.txt has predictions",
        ),
        ("--predictions p.txt --references none.txt", "none.txt: there is no such file"),
        (
            "--predictions n.txt --references n.txt --metrics pearson",
            "n.txt, line 2: expected a number as reference, found `x`",
        ),
        (
            "--predictions rows.jsonl",
            "rows.jsonl, line 2: what begins here does not end on its line",
        ),
        ("--predictions p.txt --references p.txt --metrics loss", "'loss'"),
        ("--predictions p.txt --references p.txt --bleu-smoothing often", "found `often`"),
    ] {
        let message = place.refused(arguments);
        assert!(message.contains(expected), "{message}");
    }
    let output = place.score("--predictions p.txt --references r.txt --json");
    let event: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&event["event"], &event["code"]), (&json!("error"), &json!("format")));
}
