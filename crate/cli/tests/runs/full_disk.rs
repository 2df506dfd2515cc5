//! A disk that fills up while a run works.

#![cfg(target_os = "linux")]

use std::{fs, io::Write};

use crate::common::{Disk, Place, Running, lines};

const OPTIONS: &[&str] =
    &["--train", "rows.jsonl", "--output", "disk/out", "--batch-size", "4", "--max-steps", "24"];
const OFTEN: &[&str] = &["--checkpoint-every", "4", "--eval-every", "6"];

/// The bytes of all files below a directory, in whole pages.
fn size(directory: &std::path::Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata().unwrap() {
            metadata if metadata.is_dir() => size(&entry.path()),
            metadata => metadata.len().div_ceil(4096) * 4096,
        })
        .sum()
}

#[test]
fn a_full_disk_stops_a_run_that_goes_on_when_there_is_room() {
    let place = Place::new();
    let Some(disk) = Disk::new(&place, 64 << 20) else {
        let _ = writeln!(std::io::stderr(), "skipped: a disk that is full: no tmpfs can be made");
        return;
    };
    let options = [OPTIONS, OFTEN].concat();
    place.done("train", &options);
    let result = |name: &str| place.read(&format!("disk/out/{name}"));
    let names = ["adapter_model.safetensors", "adapter_config.json", "README.md"];
    let whole = names.map(result);
    // The most that it takes is the result, two checkpoints, and a third that is being written.
    fs::remove_dir_all(place.path("disk/out")).unwrap();
    let long = ["--train", "rows.jsonl", "--output", "disk/out", "--batch-size", "4"];
    let mut running = Running::spawn(&place, &[&long, OFTEN, &["--max-steps", "400"]].concat());
    running.steps(20);
    running.interrupt();
    let newest = place.names("disk/out/checkpoints").pop().unwrap();
    let newest = place.path(&format!("disk/out/checkpoints/{newest}"));
    let most = size(&place.path("disk/out")) + size(&newest);
    fs::remove_dir_all(place.path("disk/out")).unwrap();

    let (mut begun, mut stopped) = (0, 0);
    for tenth in 1..10 {
        disk.resize((most * tenth / 10).next_multiple_of(4096));
        let ended = place.run("train", &options);
        match ended.code {
            Some(0) => {}
            Some(1) => {
                stopped += 1;
                let error = lines(&ended.stdout).pop().unwrap();
                let message = error["message"].as_str().unwrap();
                assert!(message.contains("No space left on device"), "{message}");
                if let Some((_, checkpoint)) = message.split_once("last good checkpoint is ") {
                    begun += 1;
                    assert!(place.path(checkpoint).join("state.json").exists(), "{message}");
                } else {
                    assert!(place.names("disk/out/checkpoints").is_empty(), "{message}");
                }
                disk.resize(64 << 20);
                place.done("train", &[&options[..], &["--resume"]].concat());
            }
            _ => panic!("{tenth} tenths: {ended:?}"),
        }
        assert!(names.map(result) == whole, "{tenth} tenths");
        fs::remove_dir_all(place.path("disk/out")).unwrap();
    }
    assert!(begun > 1 && stopped > 3, "{begun} of {stopped}");
}
