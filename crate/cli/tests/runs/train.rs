use serde_json::json;

use crate::common::{Place, lines, of_kind};

const STEPS: &[&str] = &["--max-steps", "6", "--batch-size", "4"];

#[test]
fn lora_leaves_an_adapter_and_its_record() {
    let place = Place::new();
    let events = place
        .train("out", &[STEPS, &["--checkpoint-every", "2", "--keep-checkpoints", "1"]].concat());

    let [start] = of_kind(&events, "start")[..] else { panic!("{events:?}") };
    assert_eq!((&start["method"], &start["steps"]), (&json!("lora"), &json!(6)));
    assert_eq!((&start["examples"], &start["validation_examples"]), (&json!(22), &json!(2)));
    let steps: Vec<u64> =
        of_kind(&events, "step").iter().map(|step| step["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5, 6]);
    assert!(of_kind(&events, "eval").iter().all(|eval| eval["metrics"]["loss"].is_f64()));
    assert_eq!(of_kind(&events, "checkpoint").len(), 2);
    let done = events.last().unwrap();
    assert_eq!((&done["event"], &done["output"]), (&json!("done"), &json!("out")));
    if cfg!(target_os = "linux") {
        assert!(done["peak_bytes"].as_u64().unwrap() > 1 << 20);
    }

    assert_eq!(
        place.names("out"),
        [
            "README.md",
            "adapter_config.json",
            "adapter_model.safetensors",
            "events.jsonl",
            "run.json",
        ]
    );
    assert_eq!(place.lines("out/events.jsonl"), events);
    let record = place.json("out/run.json");
    assert_eq!(record["config"]["method"]["rank"], 8);
    assert_eq!(record["result"]["steps"], 6);
    // It loads, and it does something.
    let loss = |more: &[&str]| {
        let done = place.done("eval", &[&["--data", "rows.jsonl"], more].concat());
        done[0]["metrics"]["loss"].as_f64().unwrap()
    };
    assert!(loss(&["--adapter", "out"]) < loss(&[]));
}

#[test]
fn prompt_and_full_leave_what_generates() {
    let place = Place::new();
    place.train("prompt", &[STEPS, &["--method", "prompt"]].concat());
    place.done("generate", &["--adapter", "prompt", "the cat"]);

    place.train("full", &[STEPS, &["--method", "full"]].concat());
    let result = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
    let names = place.names("full");
    assert!(result.iter().all(|result| names.iter().any(|name| name == result)), "{names:?}");
    place.done("generate", &["--model", "full", "the cat"]);
    // It is a base like any other.
    place.train("again", &[STEPS, &["--model", "full"]].concat());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let place = Place::new();
    let trained = |output: &str, seed: &str| {
        place.train(output, &[STEPS, &["--seed", seed, "--lora-dropout", "0.1"]].concat());
        place.read(&format!("{output}/adapter_model.safetensors"))
    };
    let first = trained("a", "1");
    assert_eq!(first, trained("b", "1"));
    assert_ne!(first, trained("c", "2"));
    let config = |output: &str| place.read(&format!("{output}/adapter_config.json"));
    assert_eq!(config("a"), config("b"));
}

#[test]
fn a_directory_with_a_run_is_refused() {
    let place = Place::new();
    place.train("out", STEPS);
    let files = || -> Vec<_> {
        place.names("out").iter().map(|name| place.read(&format!("out/{name}"))).collect()
    };
    let before = files();

    let again = ["--train", "rows.jsonl", "--output", "out"];
    let ended = place.run("train", &[&again, STEPS].concat());
    assert_eq!(ended.code, Some(2));
    let error = &lines(&ended.stdout)[0];
    assert_eq!((&error["event"], &error["code"]), (&json!("error"), &json!("setting")));
    assert!(error["message"].as_str().unwrap().starts_with("output: out holds a run"), "{error}");
    assert!(files() == before, "nothing is written");

    // Nothing is left to go on with, whatever the settings.
    let done = [&again, STEPS, &["--resume"]].concat();
    for options in [done.clone(), [&done[..], &["--rank", "2", "--seed", "9"]].concat()] {
        let ended = place.run("train", &options);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stdout.contains("output: the run in out is done"), "{ended:?}");
        assert!(files() == before, "nothing is written");
    }
}

#[test]
fn a_loss_that_is_not_finite_names_the_last_checkpoint() {
    let failed = |rate: &str| -> (Place, String) {
        let place = Place::new();
        let arguments = ["--train", "rows.jsonl", "--output", "out", "--learning-rate", rate];
        let ended = place.run("train", &[&arguments, STEPS].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let error = lines(&ended.stdout).pop().unwrap();
        assert_eq!((&error["event"], &error["code"]), (&json!("error"), &json!("not_finite")));
        (place, error["message"].as_str().unwrap().to_owned())
    };
    // The first step's weights are finite, and what they lead to is not.
    let (place, message) = failed("1e37");
    let (_, checkpoint) = message.split_once("the last good checkpoint is ").expect(&message);
    assert!(place.path(checkpoint).join("state.json").exists(), "{message}");
    // The first step's weights are not finite themselves.
    let (place, message) = failed("1e38");
    assert!(message.ends_with("there is no checkpoint before it"), "{message}");
    assert_eq!(place.names("out/checkpoints"), Vec::<String>::new());
}

#[test]
fn what_would_not_be_made_again_is_refused() {
    let place = Place::new();
    let options = ["--train", "rows.jsonl", "--output", "out", "--recompute"];
    let ended = place.run("train", &[&options, STEPS].concat());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stdout.contains("recompute: found true, expected false on the processor"));
    assert!(!place.path("out").exists(), "nothing is written");
}
