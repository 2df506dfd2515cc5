//! What no command writes over: what it reads, what is somebody else's, what a link points to, and what
//! another process works in.

#![cfg(unix)]

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::common::{Place, Running, ended};

/// Each command with what it needs but for its output, and the option that names that.
const COMMANDS: [(&str, &[&str]); 6] = [
    (
        "train lora",
        &["train", "--model", "model", "--train", "rows.jsonl", "--max-steps", "1", "--output"],
    ),
    (
        "train full",
        &[
            "train",
            "--model",
            "model",
            "--train",
            "rows.jsonl",
            "--max-steps",
            "1",
            "--method",
            "full",
            "--output",
        ],
    ),
    ("merge", &["merge", "--model", "model", "--adapter", "adapter", "--output"]),
    ("quantize", &["quantize", "--model", "model", "--to", "int8", "--output"]),
    ("demo", &["demo", "--output"]),
    (
        "eval",
        &[
            "eval",
            "--model",
            "model",
            "--adapter",
            "adapter",
            "--data",
            "rows.jsonl",
            "--output-rows",
        ],
    ),
];

/// All that is below a directory: what files hold, and where links point.
fn state(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = path.to_string_lossy().into_owned();
        if kind.is_symlink() {
            all.push((name, fs::read_link(&path).unwrap().to_string_lossy().into_owned().into()));
        } else if kind.is_dir() {
            all.push((name, Vec::new()));
            all.extend(state(&path));
        } else {
            all.push((name, fs::read(&path).unwrap()));
        }
    }
    all
}

/// A place with a model, an adapter, and places that must stay as they are.
fn place() -> Place {
    let place = Place::new();
    place.train("adapter", &["--max-steps", "1"]);
    place.write("foreign/README.md", b"somebody's own");
    place.write("foreign/lora/README.md", b"somebody's own");
    place.write("notes.txt", b"somebody's own");
    fs::create_dir(place.path("empty")).unwrap();
    symlink("empty", place.path("link")).unwrap();
    symlink("notes.txt", place.path("link-to-a-file")).unwrap();
    symlink("nowhere", place.path("link-to-nothing")).unwrap();
    place
}

#[track_caller]
fn refused(place: &Place, name: &str, command: &[&str], output: &str, parts: &[&str]) {
    let before = state(&place.path(""));
    let arguments = [command, &[output]].concat();
    let ended = ended(&mut place.flantune(&arguments));
    assert_eq!(ended.code, Some(2), "{name} to {output}: {ended:?}");
    for part in parts {
        assert!(
            ended.stderr.contains(part),
            "{name} to {output}, expected {part}: {}",
            ended.stderr
        );
    }
    assert!(state(&place.path("")) == before, "{name} to {output}: something has changed");
}

#[test]
fn no_command_writes_where_it_must_not() {
    let place = place();
    for (name, command) in COMMANDS {
        let (links, inputs, foreign) = match name {
            "eval" => (
                ["link-to-a-file", "link-to-nothing", "link"],
                &["rows.jsonl", "./rows.jsonl", "empty/../rows.jsonl"][..],
                ["notes.txt", "model/config.json", "foreign/README.md"],
            ),
            "demo" => {
                (["foreign/link", "foreign/link-2", "foreign/link-3"], &[][..], ["foreign"; 3])
            }
            _ => (
                ["link", "link/", "link-to-a-file"],
                &["model", "./model", "model/", "empty/../model", "adapter"][..],
                ["foreign", "rows.jsonl", "notes.txt"],
            ),
        };
        for output in links.iter().filter(|_| name != "demo") {
            refused(&place, name, command, output, &["is a symbolic link"]);
        }
        for output in inputs {
            let parts: &[&str] = match (name, *output) {
                // It holds a run.
                ("train lora" | "train full" | "quantize", "adapter") => &["adapter"],
                _ => &["nothing is written over what is read"],
            };
            refused(&place, name, command, output, parts);
        }
        for output in foreign {
            refused(&place, name, command, output, &[output]);
        }
        if name == "eval" {
            refused(&place, name, command, "empty", &["is a directory"]);
        }
    }
}

#[test]
fn a_base_in_shards_is_not_merged_into_itself() {
    let shards = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/gated/as/sharded");
    let place = place();
    for entry in fs::read_dir(shards).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        place.write(&format!("sharded/{name}"), &fs::read(entry.path()).unwrap());
    }
    place.write("sharded/tokenizer.json", &place.read("model/tokenizer.json"));
    let merge = ["merge", "--model", "sharded", "--adapter", "adapter", "--output"];
    refused(&place, "merge", &merge, "sharded", &["nothing is written over what is read"]);
}

#[test]
fn a_directory_in_use_is_nobody_else_s() {
    let place = place();
    let running = Running::begin(&place, &["--max-steps", "100000"]);
    for (name, command) in COMMANDS.iter().filter(|(name, _)| !matches!(*name, "demo" | "eval")) {
        // All that the other process has written stands in the way.
        let ended = ended(&mut place.flantune(&[command, &["out"][..]].concat()));
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
        assert!(ended.stderr.contains("out holds"), "{name}: {ended:?}");
    }
    running.kill();
}

#[test]
fn a_run_that_is_gone_on_with_follows_no_link() {
    let place = place();
    let options = ["--max-steps", "400", "--checkpoint-every", "3", "--keep-checkpoints", "100"];
    let mut running = Running::begin(&place, &options);
    running.steps(10);
    running.interrupt();
    let train = ["train", "--model", "model", "--device", "cpu", "--resume"];
    let rows = ["--train", "rows.jsonl", "--batch-size", "4"];
    let resume = [&train, &rows[..], &options, &["--output"]].concat();
    for name in ["run.json", "events.jsonl", "checkpoints", "checkpoints/step-3"] {
        let (path, aside) = (place.path(&format!("out/{name}")), place.path("aside"));
        fs::rename(&path, &aside).unwrap();
        symlink(&aside, &path).unwrap();
        refused(&place, name, &resume, "out", &["is a symbolic link"]);
        fs::remove_file(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
    }
    // Links in the place of other files are replaced themselves; names that nobody writes under stay.
    for name in ["README.md", "adapter_model.safetensors", ".run.json.part"] {
        let path = place.path(&format!("out/{name}"));
        let _ = fs::remove_file(&path);
        symlink("../notes.txt", path).unwrap();
    }
    let ended = ended(&mut place.flantune(&[&resume[..], &["out"]].concat()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(place.read("notes.txt"), b"somebody's own");
    let is_link = |name: &str| place.path(&format!("out/{name}")).is_symlink();
    assert!(!is_link("README.md") && is_link(".run.json.part"));
}

#[test]
fn rows_of_an_evaluation_are_replaced_by_those_of_another() {
    let place = place();
    let eval = |limit: &str| {
        place.done(
            "eval",
            &["--data", "rows.jsonl", "--limit", limit, "--output-rows", "scored/rows.jsonl"],
        );
        place.lines("scored/rows.jsonl").len()
    };
    assert_eq!((eval("3"), eval("5")), (3, 5));
    assert_eq!(place.names("scored"), ["rows.jsonl"]);
}

#[test]
fn a_split_replaces_nothing() {
    let place = place();
    let split = ["data", "split", "--data", "rows.jsonl", "--output"];
    for name in ["train", "validation"] {
        place.write(&format!("parts/{name}.jsonl"), b"somebody's own");
        refused(
            &place,
            "split",
            &split,
            "parts",
            &[&format!("parts/{name}.jsonl is there already")],
        );
        fs::remove_file(place.path(&format!("parts/{name}.jsonl"))).unwrap();
        symlink("nowhere", place.path(&format!("parts/{name}.jsonl"))).unwrap();
        refused(
            &place,
            "split",
            &split,
            "parts",
            &[&format!("parts/{name}.jsonl is there already")],
        );
        fs::remove_file(place.path(&format!("parts/{name}.jsonl"))).unwrap();
    }
    refused(&place, "split", &split, "link", &["is a symbolic link"]);
    // Beside other files there is room.
    place.write("parts/other.txt", b"");
    let ended = ended(&mut place.flantune(&[&split[..], &["parts"]].concat()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
