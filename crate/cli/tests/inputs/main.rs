//! The real binary on files as other programs and people write them: what is read, what is refused and
//! with which words, what is told.

mod adapters;
mod cases;
#[path = "../common/mod.rs"]
mod common;
mod models;
mod rows;
mod templates;
mod weights;

use common::{Place, ended, lines, of_kind};
use serde_json::Value;

/// What must be refused, with nothing written: its message.
#[track_caller]
fn refused(place: &Place, arguments: &[&str]) -> String {
    let before = place.names("");
    let ended = ended(&mut place.flantune(arguments));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert_eq!(place.names(""), before, "nothing is written");
    ended.stderr
}

/// That a message holds all these words.
#[track_caller]
fn says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
}

/// Sources and targets as `data show` has them.
#[track_caller]
fn shown(place: &Place, file: &str, more: &[&str]) -> Vec<(String, String)> {
    let arguments = [&["data", "show", "--json", "--data", file, "--count", "99"], more].concat();
    let ended = ended(&mut place.flantune(&arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = |row: &Value, side: &str| row[side]["text"].as_str().unwrap_or("").to_owned();
    lines(&ended.stdout).iter().map(|row| (text(row, "source"), text(row, "target"))).collect()
}

/// What `data lengths` warns of: codes, counts and messages. `train` and `eval` must warn of the same.
#[track_caller]
fn warnings(place: &Place, file: &str, more: &[&str]) -> Vec<(String, u64, String)> {
    let told = |events: &[Value]| -> Vec<(String, u64, String)> {
        let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
        let of = |event: &&Value| {
            (text(event, "code"), event["count"].as_u64().unwrap_or(0), text(event, "message"))
        };
        of_kind(events, "warning").iter().map(of).collect()
    };
    let model = if more.contains(&"--model") { &[][..] } else { &["--model", "model"] };
    let lengths = [&["data", "lengths", "--json", "--data", file], model, more].concat();
    let ended = ended(&mut place.flantune(&lengths));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let found = told(&lines(&ended.stdout));
    if !more.contains(&"--model") {
        let evaluated = place.done("eval", &[&["--data", file], more].concat());
        assert_eq!(told(&evaluated), found, "eval");
        let folder = format!("trained-{}", place.names("").len());
        let train = ["--train", file, "--validation-fraction", "0", "--max-steps", "1"];
        let trained = place.done("train", &[&train, &["--output", &folder][..], more].concat());
        assert_eq!(told(&trained), found, "train");
        let validated = ["--train", "rows.jsonl", "--validation", file, "--max-steps", "1"];
        if more.is_empty() {
            let folder = format!("validated-{}", place.names("").len());
            let trained = place.done("train", &[&validated, &["--output", &folder][..]].concat());
            assert_eq!(told(&trained), found, "train with it as validation");
        }
    }
    found
}
