//! Whoever reads the output goes away, or cannot take it.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::common::{Place, of_kind};

#[test]
fn a_run_whose_events_nobody_reads_goes_on() {
    let place = Place::new();
    let options = ["--train", "rows.jsonl", "--output", "out", "--max-steps", "60"];
    let mut command = place.command("train", &options);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let mut stderr = String::new();
    process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0), "{stderr}");
    assert!(stderr.contains("Nobody reads the events any more"), "{stderr}");
    assert!(stderr.contains("out/events.jsonl") && stderr.lines().count() == 1, "{stderr}");
    assert!(place.path("out/adapter_model.safetensors").exists());
    assert_eq!(of_kind(&place.lines("out/events.jsonl"), "step").len(), 60);
    assert_eq!(place.json("out/run.json")["result"]["steps"], json!(60));
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_ends_a_run_with_a_checkpoint() {
    let place = Place::new();
    let options = ["--train", "rows.jsonl", "--output", "out", "--max-steps", "60"];
    // Writing there fails as on a disk that is full.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = place.command("train", &options).stdout(full).output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("No space left on device") && stderr.contains("--resume"), "{stderr}");
    let events = place.done("train", &[&options[..], &["--resume"]].concat());
    assert!(events[0]["resumed_from"].is_u64(), "{events:?}");
}

/// `nohup` has a process ignore SIGHUP, and a shell has one in the background ignore SIGINT.
#[test]
#[cfg(unix)]
fn a_signal_that_is_ignored_stays_ignored() {
    for (signal, ignored) in [("HUP", true), ("INT", true), ("HUP", false)] {
        let place = Place::new();
        let mut flantune = Command::new("sh");
        let trap = if ignored { format!("trap '' {signal}; ") } else { String::new() };
        let program = env!("CARGO_BIN_EXE_flantune");
        let steps = if ignored { 60 } else { 100_000 };
        flantune
            .args([
                "-c",
                &format!(
                    "{trap}exec {program} train --model model --device cpu --json \
                --train rows.jsonl --output out --max-steps {steps}"
                ),
            ])
            .current_dir(place.path(""))
            .stdout(Stdio::piped());
        let mut process = flantune.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        let id = process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap();
        assert!(sent.success());
        lines.for_each(drop);
        let expected = if ignored { 0 } else { 130 };
        assert_eq!(process.wait().unwrap().code(), Some(expected), "{signal}, {ignored}");
    }
}

#[test]
fn an_evaluation_of_no_rows_is_refused() {
    let place = Place::new();
    let long = ["--max-source-tokens", "2", "--on-too-long", "drop"];
    for (command, options) in [
        ("eval", &["--data", "rows.jsonl", "--output-rows", "scored.jsonl"][..]),
        ("train", &["--train", "rows.jsonl", "--output", "out"]),
        ("generate", &["--input", "rows.jsonl"]),
        ("quantize", &["--data", "rows.jsonl", "--to", "int8", "--output", "int8"]),
    ] {
        let before = place.names("");
        let ended = place.run(command, &[options, &long].concat());
        assert_eq!(ended.code, Some(2), "{command}: {ended:?}");
        assert!(ended.stdout.contains("rows.jsonl: no row is left to work with"), "{ended:?}");
        assert!(ended.stdout.contains("24 of 24 rows were dropped"), "{ended:?}");
        assert_eq!(place.names(""), before, "nothing is written");
    }
    // Rows to judge by that are all dropped are not quietly left out.
    let rows: String =
        (0..3).map(|_| "{\"source\": \"a b c d e f g h i\", \"target\": \"a\"}\n").collect();
    place.write("long.jsonl", rows.as_bytes());
    let options = ["--train", "rows.jsonl", "--validation", "long.jsonl", "--output", "out"];
    let limits = ["--max-source-tokens", "10", "--on-too-long", "drop"];
    let ended = place.run("train", &[&options[..], &limits].concat());
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stdout.contains("long.jsonl: no row is left"), "{ended:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_but_ours_is_on_standard_error_where_there_is_no_display() {
    let place = Place::new();
    for command in [&["doctor", "--quiet"][..], &["generate", "--model", "model", "the cat"]] {
        // With the drivers that are installed, and as where none is.
        for drivers in [None, Some("/dev/null")] {
            let mut command = place.flantune(command);
            command
                .env_remove("XDG_RUNTIME_DIR")
                .env_remove("DISPLAY")
                .env_remove("WAYLAND_DISPLAY");
            if let Some(drivers) = drivers {
                command.env("VK_DRIVER_FILES", drivers);
            }
            let ended = command.output().unwrap();
            let stderr = String::from_utf8(ended.stderr).unwrap();
            assert_eq!((ended.status.code(), stderr.as_str()), (Some(0), ""), "{drivers:?}");
        }
    }
}
