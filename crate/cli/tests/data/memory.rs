use std::fmt::Write;

use serde_json::Value;

use crate::{Place, common::of_kind};

/// Bytes that a row may take in memory, whatever its length: its place in the file, its lengths, its
/// place in an epoch. The text of a row is twice as long here.
const BYTES_A_ROW: u64 = 256;

/// Two sets of so many rows together, each of some 110 words and 500 bytes.
fn place(rows: usize) -> Place {
    let place = Place::new();
    let words =
        ["the cat sat on the red mat and", "a dog ran, and the blue house is", "red: on the mat!"];
    for (set, share) in [("a.jsonl", rows * 3 / 5), ("b.jsonl", rows - rows * 3 / 5)] {
        let mut text = String::new();
        for row in 0..share {
            let words = words[row % 3].repeat(16 + row % 5);
            writeln!(text, "{{\"source\": \"{row} {words}\", \"target\": \"{row}\"}}").unwrap();
        }
        place.write(set, text.as_bytes());
    }
    place.write(
        "mix.toml",
        b"temperature = 2\n[[set]]\ntrain = \"a.jsonl\"\n[[set]]\ntrain = \"b.jsonl\"\ncap = 20000\n",
    );
    place
}

/// The memory that a few steps on so many rows take.
fn peak(rows: usize) -> u64 {
    let place = place(rows);
    let few = ["--max-steps", "3", "--batch-size", "4", "--eval-rows", "20", "--eval-samples", "1"];
    let cut = ["--max-source-tokens", "32", "--max-target-tokens", "8"];
    let data = ["--train", "mix.toml", "--output", "out"];
    let events = place.done("train", &[&data[..], &few, &cut].concat());
    let counted = |set: &Value| {
        set["examples"].as_u64().unwrap() + set["validation_examples"].as_u64().unwrap()
    };
    let start = of_kind(&events, "start")[0];
    let all: u64 = start["sets"].as_array().unwrap().iter().map(counted).sum();
    assert_eq!(all, rows as u64);
    events.last().unwrap()["peak_bytes"].as_u64().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_hundred_thousand_rows_take_little_more_memory_than_a_few_thousand() {
    let (few, many) = (5_000, 100_000);
    let (small, large) = (peak(few), peak(many));
    let bound = small + (many - few) as u64 * BYTES_A_ROW;
    assert!(large < bound, "{large} bytes, not less than {bound}; {small} for {few} rows");
    // Shown by `--nocapture`.
    #[allow(clippy::print_stderr)]
    {
        eprintln!("{few} rows: {small} bytes; {many} rows: {large} bytes");
    }
}
