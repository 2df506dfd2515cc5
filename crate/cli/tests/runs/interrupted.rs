//! Ctrl-C asks for a checkpoint and an end.

#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::common::{Place, lines, of_kind};

#[test]
fn an_interrupted_run_saves_itself_and_goes_on() {
    let place = Place::new();
    // So many that the signal comes before the end.
    let options = ["--max-steps", "400", "--batch-size", "4", "--dropout", "0.1"];
    place.train("whole", &options);

    let arguments = ["--train", "rows.jsonl", "--output", "out"];
    let mut command = place.command("train", &[&arguments, &options[..]].concat());
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    let mut text = String::new();
    for _ in 0..3 {
        stdout.read_line(&mut text).unwrap();
    }
    let id = process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(130), "{text}");

    let events = lines(&text);
    let [.., checkpoint, error] = &events[..] else { panic!("{text}") };
    assert_eq!(error["code"], "interrupted");
    let path = checkpoint["path"].as_str().unwrap();
    assert!(place.path(path).join("state.json").exists());
    assert_eq!(place.lines("out/events.jsonl").last(), Some(checkpoint));
    let step = of_kind(&events, "step").len();
    assert!(step < 400 && checkpoint["step"] == json!(step), "{text}");

    let events = place.train("out", &[&["--resume"], &options[..]].concat());
    assert_eq!(events[0]["resumed_from"], json!(step));
    assert_eq!(of_kind(&events, "step").len(), 400 - step);
    let name = "adapter_model.safetensors";
    assert!(place.read(&format!("out/{name}")) == place.read(&format!("whole/{name}")));
    // No step is missing from the record, and none is there twice.
    let steps: Vec<u64> = (of_kind(&place.lines("out/events.jsonl"), "step").iter())
        .map(|event| event["step"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, (1..=400).collect::<Vec<_>>());
}
