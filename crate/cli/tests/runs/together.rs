//! Two processes that want the same directory.

use std::fs;

use crate::common::{Place, Running, of_kind};

const OPTIONS: [&str; 6] = ["--train", "rows.jsonl", "--output", "out", "--batch-size", "4"];

#[test]
fn a_run_that_somebody_works_on_is_refused_with_who_that_is() {
    let place = Place::new();
    let options = ["--max-steps", "600"];
    let running = Running::begin(&place, &options);
    let ended = place.run("train", &[&OPTIONS[..], &options, &["--resume"]].concat());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let holder = format!("out: it is in use by process {}", running.id());
    assert!(ended.stdout.contains(&holder), "{ended:?}, expected {holder}");
    // The first one knows nothing of it.
    assert_eq!(of_kind(&running.end(), "step").len(), 600);
    // A lock does not stay.
    assert!(!place.names("out").iter().any(|name| name.starts_with('.')));
}

#[test]
fn a_lock_of_a_process_that_was_killed_holds_nobody_off() {
    let place = Place::new();
    Running::begin(&place, &["--max-steps", "100000"]).kill();
    assert!(place.path("out/.flantune-lock").exists());
    // What it had not finished is removed with the next claim.
    fs::write(place.path("out/.flantune-abc.part"), b"x").unwrap();
    let options = ["--max-steps", "100000", "--resume"];
    Running::begin(&place, &options).kill();
    assert!(!place.path("out/.flantune-abc.part").exists());
}
