//! A small model in a directory of its own, and the real binary to run there.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of this")]

#[cfg(target_os = "linux")]
mod disk;
mod running;

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

#[cfg(target_os = "linux")]
pub(crate) use disk::Disk;
pub(crate) use running::Running;

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/gated");

/// A directory with `model`, whose vocabulary has 96 tokens, and `rows.jsonl`.
pub(crate) struct Place {
    directory: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        for name in ["config.json", "generation_config.json", "model.safetensors"] {
            place.write(&format!("model/{name}"), &fs::read(format!("{TINY}/{name}")).unwrap());
        }
        place.write("model/tokenizer.json", tokenizer().to_string().as_bytes());
        place.write("rows.jsonl", rows(24).as_bytes());
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        match fs::read(self.path(name)) {
            Ok(bytes) => bytes,
            Err(error) => panic!("{name}: {error}"),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// A file of one JSON value a line.
    #[track_caller]
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        lines(&String::from_utf8(self.read(name)).unwrap())
    }

    /// The names in a directory, sorted; none where there is no directory.
    pub(crate) fn names(&self, name: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(name)).into_iter().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Changes a JSON file in place.
    #[track_caller]
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.json(name);
        change(&mut value);
        self.write(name, value.to_string().as_bytes());
    }

    /// A command line of ours, run here.
    pub(crate) fn flantune(&self, arguments: &[&str]) -> Command {
        let mut process = Command::new(env!("CARGO_BIN_EXE_flantune"));
        process
            .args(arguments)
            .current_dir(self.directory.path())
            .env("NO_COLOR", "1")
            // What is found out about devices is found out once for all tests.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null());
        process
    }

    /// The command on the model here (unless another one is named), on the CPU.
    pub(crate) fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut process = self.flantune(&[command, "--device", "cpu", "--json"]);
        if !arguments.contains(&"--model") {
            process.args(["--model", "model"]);
        }
        process.args(arguments);
        process
    }

    pub(crate) fn run(&self, command: &str, arguments: &[&str]) -> Ended {
        ended(&mut self.command(command, arguments))
    }

    /// Runs what must succeed, and returns its lines.
    #[track_caller]
    pub(crate) fn done(&self, command: &str, arguments: &[&str]) -> Vec<Value> {
        let ended = self.run(command, arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        lines(&ended.stdout)
    }

    /// Trains on `rows.jsonl` into `output`.
    #[track_caller]
    pub(crate) fn train(&self, output: &str, arguments: &[&str]) -> Vec<Value> {
        self.done("train", &[&["--train", "rows.jsonl", "--output", output], arguments].concat())
    }
}

/// Runs a command to its end.
pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// JSON values, one a line.
#[track_caller]
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// The events of a kind.
pub(crate) fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

const WORDS: [&str; 12] =
    ["the", "cat", "dog", "sat", "ran", "on", "mat", "red", "blue", "is", "and", "house"];

/// Rows whose target is every other word of the source.
pub(crate) fn rows(count: usize) -> String {
    let word =
        |row: usize, place: usize| WORDS[(row * 7 + place * place * 5 + place) % WORDS.len()];
    (0..count)
        .map(|row| {
            let words: Vec<&str> = (0..4 + row % 5).map(|place| word(row, place)).collect();
            let target: Vec<&str> = words.iter().copied().step_by(2).collect();
            format!("{}\n", json!({"source": words.join(" "), "target": target.join(" ")}))
        })
        .collect()
}

/// A tokenizer as T5 has it, of fewer tokens than the model's vocabulary.
pub(crate) fn tokenizer() -> Value {
    let special = ["<pad>", "</s>", "<unk>"];
    let mut vocabulary: Vec<(String, f64)> =
        special.map(|special| (special.to_owned(), 0.0)).to_vec();
    vocabulary.push(("▁".to_owned(), -3.0));
    vocabulary.extend(WORDS.map(|word| (format!("▁{word}"), -2.0)));
    vocabulary.extend(('a'..='z').chain(".,:!?".chars()).map(|letter| (letter.to_string(), -5.0)));
    let space = json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true});
    let added = |(id, token): (usize, &str)| {
        json!({"id": id, "content": token, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true})
    };
    json!({
        "version": "1.0",
        "added_tokens": special.into_iter().enumerate().map(added).collect::<Vec<_>>(),
        "normalizer": null,
        "pre_tokenizer": space,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "</s>", "type_id": 0}},
            ],
            "pair": [],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
        },
        "decoder": space,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": vocabulary},
    })
}
