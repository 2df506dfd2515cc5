//! What is gone on with, and what is not.

#![cfg(unix)]

use std::fs;

use serde_json::{Value, json};

use crate::common::{Ended, Place, Running, lines, of_kind};

const OPTIONS: &[&str] = &["--train", "rows.jsonl", "--output", "out", "--batch-size", "4"];
/// So many steps that it is stopped before its end.
const LONG: &[&str] = &["--max-steps", "400", "--checkpoint-every", "3"];

/// A place with a run in `out` that was stopped.
fn begun() -> Place {
    let place = Place::new();
    let mut running = Running::spawn(&place, &[OPTIONS, LONG].concat());
    running.steps(10);
    running.interrupt();
    place
}

/// All files below a directory, with what they hold.
fn files(place: &Place, directory: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in place.names(directory) {
        let path = format!("{directory}/{name}");
        match place.path(&path).is_dir() {
            true => all.extend(files(place, &path)),
            false => all.push((path.clone(), place.read(&path))),
        }
    }
    all
}

/// The message of a resume that is refused and changes nothing.
#[track_caller]
fn refused(place: &Place, options: &[&str]) -> String {
    let before = files(place, "out");
    let ended = place.run("train", &[OPTIONS, options, &["--resume"]].concat());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(files(place, "out") == before, "nothing is written");
    let error = lines(&ended.stdout).pop().unwrap();
    error["message"].as_str().unwrap().to_owned()
}

#[test]
fn another_run_is_not_gone_on_with_whether_or_not_it_came_to_a_checkpoint() {
    let place = begun();
    let same = |place: &Place| {
        for (option, key) in [("--rank=4", "rank"), ("--seed=9", "seed")] {
            let message = refused(place, &[LONG, &[option]].concat());
            assert!(
                message.starts_with(&format!("{key}: the run that is to be resumed")),
                "{message}"
            );
        }
        let rows = place.read("rows.jsonl");
        place.write(
            "rows.jsonl",
            &[&rows[..], b"{\"source\": \"a\", \"target\": \"b\"}\n"].concat(),
        );
        let message = refused(place, LONG);
        assert!(
            message.starts_with("train: the run that is to be resumed began with"),
            "{message}"
        );
        place.write("rows.jsonl", &rows);
        // Another base.
        let record = place.read("out/run.json");
        place.edit("out/run.json", |record| record["base"] = json!("other"));
        let message = refused(place, LONG);
        assert!(message.starts_with("base: the run that is to be resumed"), "{message}");
        place.write("out/run.json", &record);
    };
    same(&place);
    // Without a checkpoint it is compared with its record.
    let place = begun();
    fs::remove_dir_all(place.path("out/checkpoints")).unwrap();
    let events = place.lines("out/events.jsonl");
    let others = events.iter().filter(|event| event["event"] != "checkpoint");
    let others: String = others.map(|event| format!("{event}\n")).collect();
    place.write("out/events.jsonl", others.as_bytes());
    same(&place);
}

#[test]
fn a_run_that_came_to_no_checkpoint_starts_from_the_beginning_and_says_so() {
    let place = Place::new();
    let options = ["--max-steps", "4"];
    // A directory with nothing in it is none that a run came far in.
    let events = place.done("train", &[OPTIONS, &options, &["--resume"]].concat());
    let [warning] = of_kind(&events, "warning")[..] else { panic!("{events:?}") };
    assert_eq!(warning["code"], "no_checkpoint");
    assert!(events[0]["resumed_from"].is_null());

    let place = Place::new();
    place.done("train", &[OPTIONS, &options].concat());
    place.edit("out/run.json", |record| record["result"] = Value::Null);
    let weights = place.read("out/adapter_model.safetensors");
    let events = place.done("train", &[OPTIONS, &options, &["--resume"]].concat());
    assert_eq!(of_kind(&events, "step").len(), 4);
    assert!(place.read("out/adapter_model.safetensors") == weights);
    assert_eq!(of_kind(&place.lines("out/events.jsonl"), "step").len(), 4);
}

/// Damages the checkpoints in `out` whose step is at least this.
fn damage(place: &Place, from: u32) {
    for name in place.names("out/checkpoints") {
        let step: u32 = name.strip_prefix("step-").unwrap().parse().unwrap();
        if step >= from {
            place.write(&format!("out/checkpoints/{name}/weights.safetensors"), b"x");
        }
    }
}

#[test]
fn checkpoints_that_are_all_damaged_are_not_begun_again_over() {
    let place = begun();
    damage(&place, 0);
    let message = refused(&place, LONG);
    assert!(message.contains("none of the checkpoints in out is whole"), "{message}");
    fs::remove_dir_all(place.path("out/checkpoints")).unwrap();
    let message = refused(&place, LONG);
    assert!(message.contains("none of the checkpoints in out is whole"), "{message}");
}

#[test]
fn damaged_checkpoints_above_do_not_cost_the_good_one() {
    // Two that are damaged, above the newest good one, and one interruption.
    let place = Place::new();
    let options = [LONG, &["--keep-checkpoints", "2", "--dropout", "0.1"]].concat();
    place.done("train", &[OPTIONS, &options].concat());
    let whole = place.read("out/adapter_model.safetensors");

    fs::remove_dir_all(place.path("out")).unwrap();
    let mut running = Running::spawn(&place, &[OPTIONS, &options].concat());
    running.steps(10);
    running.interrupt();
    let kept = |place: &Place| -> Vec<u64> {
        let step = |name: &String| name.strip_prefix("step-")?.parse().ok();
        place.names("out/checkpoints").iter().filter_map(step).collect()
    };
    let step = *kept(&place).iter().max().unwrap();
    for above in [step + 1, step + 2] {
        place.write(&format!("out/checkpoints/step-{above}/weights.safetensors"), b"x");
    }
    let resume = [OPTIONS, &options, &["--resume"]].concat();
    Running::spawn(&place, &resume).interrupt();
    assert!(kept(&place).iter().max().unwrap() >= &step, "{:?}", kept(&place));
    let events = place.done("train", &resume);
    assert!(events[0]["resumed_from"].as_u64().unwrap() >= step, "{:?}", events[0]);
    assert!(place.read("out/adapter_model.safetensors") == whole);
}

#[test]
fn a_configuration_that_could_not_be_read_back_is_refused() {
    let place = Place::new();
    let template = format!("{{{{ source }}}} {} ||| {{{{ target }}}}", "x".repeat(2 << 20));
    // TOML has no room for it.
    place.write("f.json", format!("{{\"data\": {{\"template\": \"{template}\"}}}}").as_bytes());
    let Ended { code, stdout, .. } =
        place.run("train", &[OPTIONS, &["--config", "f.json", "--max-steps", "1"]].concat());
    assert_eq!(code, Some(2), "{stdout}");
    assert!(stdout.contains("template"), "{stdout}");
    assert!(!place.path("out").exists());
}
