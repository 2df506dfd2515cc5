//! The real binary on rows of every kind: formats, templates, mixtures, configurations, `data`.

mod commands;
#[path = "../common/mod.rs"]
mod common;
mod configuration;
mod formats;
mod memory;
mod mixture;

use common::{Place, ended, lines};
use serde_json::Value;

/// Runs what must be refused, with nothing written, and returns its message.
#[track_caller]
fn refused(place: &Place, command: &str, arguments: &[&str]) -> String {
    let before = place.names("");
    let ended = place.run(command, arguments);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    assert_eq!(place.names(""), before, "nothing is written");
    lines(&ended.stdout).pop().unwrap()["message"].as_str().unwrap().to_owned()
}

/// The objects of `flantune data …`.
#[track_caller]
fn data(place: &Place, arguments: &str) -> Vec<Value> {
    let arguments: Vec<&str> = ["data"].into_iter().chain(arguments.split_whitespace()).collect();
    let ended = ended(place.flantune(&arguments).arg("--json"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    lines(&ended.stdout)
}

/// What `eval` has made of the rows of a file.
#[track_caller]
fn evaluated(place: &Place, data: &str, more: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let output = ["--data", data, "--output-rows", "scored.jsonl"];
    let events = place.done("eval", &[&output, more].concat());
    (events, place.lines("scored.jsonl"))
}
