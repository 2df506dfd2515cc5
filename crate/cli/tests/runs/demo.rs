//! The first minute: what a newcomer types, and what it must show.

use std::fs;

use serde_json::Value;

use crate::common::{Place, ended, lines, of_kind};

/// The F1 of a run's ROUGE-L.
fn rouge(run: &Value) -> f64 {
    run["metrics"]["rougeL"]["f1"].as_f64().unwrap()
}

#[test]
fn tuning_pays_on_rows_that_no_training_has_seen() {
    let place = Place::new();
    let arguments = ["demo", "--device", "cpu", "--json", "--seed", "3", "--output", "adapters"];
    let first = ended(&mut place.flantune(&arguments));
    assert_eq!(first.code, Some(0), "{first:?}");
    let events = lines(&first.stdout);

    let [done] = of_kind(&events, "done")[..] else { panic!("{events:?}") };
    assert_eq!(events.last(), Some(done));
    let runs = done["runs"].as_array().unwrap();
    let names: Vec<&str> = runs.iter().filter_map(|run| run["name"].as_str()).collect();
    assert_eq!(names, ["base", "lora", "prompt"]);
    let [base, lora, prompt] = &runs[..] else { panic!("{runs:?}") };
    assert!(rouge(lora) >= rouge(base) + 0.20, "{} {}", rouge(base), rouge(lora));
    assert!(rouge(prompt) >= rouge(base) + 0.05, "{} {}", rouge(base), rouge(prompt));
    assert_eq!(base["trainable_parameters"], 0);
    assert!(lora["trainable_parameters"].as_u64() > prompt["trainable_parameters"].as_u64());
    if let Some(peak) = runs.iter().filter_map(|run| run["peak_bytes"].as_u64()).max() {
        assert!(peak < 300_000_000, "{peak}");
    }
    assert!(of_kind(&events, "step").len() > 100);

    // What it has trained can be asked by the next command.
    assert_eq!(place.names("adapters"), ["lora", "prompt"]);
    let prompt =
        "Write a title for this review.\nProduct: kettle, 2/5\nIt boils fast, but the lid sticks.";
    let answer = place
        .flantune(&[
            "generate",
            "--model",
            "builtin",
            "--adapter",
            "adapters/lora",
            "--device",
            "cpu",
            prompt,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(answer.stdout).unwrap();
    assert!(answer.status.success() && text.contains("2/5:"), "{text}");

    // A second time would overwrite them.
    let again = ended(&mut place.flantune(&arguments));
    assert_eq!(again.code, Some(2));
    assert!(again.stdout.contains("already; name a directory that is new or empty"), "{again:?}");
}

#[test]
fn a_set_that_is_not_there_is_refused_with_those_that_are() {
    let place = Place::new();
    let ended = ended(&mut place.flantune(&["demo", "--data", "poems"]));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("reviews, dialogues, casual"), "{ended:?}");
}

#[test]
fn the_built_in_model_is_a_model_as_any_other() {
    let place = Place::new();
    let output = ["quantize", "--model", "builtin", "--to", "f32", "--output", "floats"];
    let written = ended(&mut place.flantune(&output));
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(fs::metadata(place.path("floats/model.safetensors")).unwrap().len() > 28_000_000);
    let memory = place.done("memory", &["--model", "builtin"]);
    assert!(memory[0]["total_parameters"].as_u64().unwrap() > 7_000_000);
}
