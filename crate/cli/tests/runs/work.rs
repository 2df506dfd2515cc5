//! What is done with a trained adapter.

use std::{io::Write, process::Stdio};

use serde_json::{Value, json};

use crate::common::{Place, ended, lines};

/// A place with an adapter in `out`.
fn trained() -> Place {
    let place = Place::new();
    place.train("out", &["--max-steps", "6", "--batch-size", "4"]);
    place
}

fn predictions(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["prediction"].as_str().unwrap()).collect()
}

#[test]
fn prompts_come_from_arguments_standard_input_or_rows() {
    let place = trained();
    let adapter = ["--adapter", "out", "--max-new-tokens", "8"];
    let prompts = ["the cat sat", "a dog ran on the mat and is red"];

    let typed = place.done("generate", &[&adapter[..], &prompts].concat());
    assert_eq!(typed.len(), 2);
    assert_eq!((&typed[1]["row"], &typed[1]["source"]), (&json!(1), &json!(prompts[1])));

    let mut command = place.command("generate", &adapter);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(prompts.join("\n").as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(lines(&String::from_utf8(output.stdout).unwrap()), typed);

    let rows: String =
        prompts.iter().map(|text| format!("{}\n", json!({"text": text, "other": 1}))).collect();
    place.write("prompts.jsonl", rows.as_bytes());
    let input = ["--input", "prompts.jsonl", "--template", " {{ text }} "];
    let read = place.done("generate", &[&adapter[..], &input].concat());
    assert_eq!(predictions(&read), predictions(&typed));
    // The whole template of the training is welcome too: only its source side counts.
    let input = ["--input", "prompts.jsonl", "--template", "{{ text }} ||| {{ missing }}"];
    assert_eq!(place.done("generate", &[&adapter[..], &input].concat()), read);

    // The batch that a prompt is in changes nothing.
    let alone = place.done("generate", &[&adapter[..], &prompts[..1]].concat());
    assert_eq!(alone[0], typed[0]);
}

#[test]
fn without_json_an_answer_is_a_line() {
    let place = trained();
    let prompts = ["--max-new-tokens", "8", "the cat sat", "red"];
    let command = ["generate", "--model", "model", "--device", "cpu"];
    let ended = ended(&mut place.flantune(&[&command[..], &prompts].concat()));
    let answers = place.done("generate", &prompts);
    let expected: String =
        predictions(&answers).iter().map(|answer| format!("{answer}\n")).collect();
    assert_eq!((ended.code, ended.stdout), (Some(0), expected));
}

#[test]
fn eval_writes_its_rows() {
    let place = trained();
    let done = place.done(
        "eval",
        &[
            "--adapter",
            "out",
            "--data",
            "rows.jsonl",
            "--limit",
            "15",
            "--metrics",
            "loss,rouge1,rougeL",
            "--output-rows",
            "scored/rows.jsonl",
        ],
    );
    let [done] = &done[..] else { panic!("{done:?}") };
    let metrics = done["metrics"].as_object().unwrap();
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["loss", "loss_per_token", "rouge1", "rougeL"]);

    let rows = place.lines("scored/rows.jsonl");
    let source = place.lines("rows.jsonl");
    assert_eq!(rows.len(), 15);
    for (number, (row, source)) in rows.iter().zip(&source).enumerate() {
        assert_eq!(row["row"], json!(number));
        assert_eq!(row["source"], source["source"]);
        assert_eq!(row["references"], json!([source["target"]]));
        assert!(row["prediction"].is_string() && row["rougeL"]["f1"].is_number(), "{row}");
    }
    for (name, value) in [("loss", "/loss"), ("rouge1", "/rouge1/f1"), ("rougeL", "/rougeL/f1")] {
        let sum: f64 = rows.iter().map(|row| row.pointer(value).unwrap().as_f64().unwrap()).sum();
        let whole = metrics[name].get("f1").unwrap_or(&metrics[name]).as_f64().unwrap();
        assert!((sum / 15.0 - whole).abs() < 1e-9, "{name}");
    }
}

#[test]
fn a_merged_model_scores_as_its_adapter() {
    let place = trained();
    let done = place.done("merge", &["--adapter", "out", "--output", "merged"]);
    assert_eq!(done, [json!({"event": "done", "output": "merged", "metrics": {}})]);
    let score = |more: &[&str]| {
        let arguments = ["--data", "rows.jsonl", "--metrics", "loss,rouge1"];
        place.done("eval", &[&arguments, more].concat()).remove(0)
    };
    let (beside, merged) = (score(&["--adapter", "out"]), score(&["--model", "merged"]));
    let loss = |done: &Value| done["metrics"]["loss"].as_f64().unwrap();
    assert!((loss(&beside) - loss(&merged)).abs() < 1e-4 * loss(&beside), "{beside} {merged}");
    assert_eq!(beside["metrics"]["rouge1"], merged["metrics"]["rouge1"]);
    assert!((loss(&score(&[])) - loss(&merged)).abs() > 1e-3, "the adapter does something");

    // A model is never written over.
    let ended = place.run("merge", &["--adapter", "out", "--output", "merged"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stdout.contains("name a directory that is new or empty"), "{ended:?}");
}

#[test]
fn an_adapter_begins_another_run() {
    let place = trained();
    place.train("more", &["--max-steps", "1", "--init-adapter", "out"]);
    assert_eq!(place.json("more/run.json")["config"]["method"]["init_adapter"], json!("out"));

    // What it is, the run and its card say as well, whatever the defaults are.
    let shape = ["--rank", "3", "--alpha", "5", "--variant", "rslora", "--target-modules", "q,wo"];
    place.train("shaped", &[&["--max-steps", "1"], &shape[..]].concat());
    place.train("again", &["--max-steps", "1", "--init-adapter", "shaped"]);
    let method = place.json("again/run.json")["config"]["method"].clone();
    for (key, expected) in [
        ("rank", json!(3)),
        ("alpha", json!(5.0)),
        ("variant", json!("rslora")),
        ("target_modules", json!(["q", "wo"])),
    ] {
        assert_eq!(method[key], expected, "{key}");
    }
    let card = String::from_utf8(place.read("again/README.md")).unwrap();
    assert!(card.contains("LoRA (rslora) of rank 3 and alpha 5 on q, wo"), "{card}");
}

#[test]
fn threads_are_as_many_as_asked_for() {
    let place = Place::new();
    let report = |threads: &str| {
        let bench = ["bench", "--case", "generate", "--json", "--device", "cpu"];
        let sizes = ["--batch-size", "1", "--source", "1", "--target", "1", "--threads", threads];
        let ended = ended(&mut place.flantune(&[&bench[..], &sizes].concat()));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        lines(&ended.stdout).remove(0)
    };
    for threads in ["1", "3"] {
        assert_eq!(report(threads)["threads"].to_string(), threads);
    }
}
