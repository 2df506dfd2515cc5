//! The cases of `$FLANTUNE_SHARED/cases`, with what their `case.md` says is right. Kinds have further
//! members in the tests beside this one; what they say in many words is tested there.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    Place, lines,
    models::OWN_SETTINGS,
    of_kind, says,
    weights::{Tensor, read, write},
};

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/gated");
const BUILTIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/builtin");
/// That of FLAN-T5.
const VOCABULARY: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/text/tokenizer.json");

/// What is tested of a case.
type Test = fn(&Case);

/// The cases that lie in the folder.
const CASES: [(&str, Test); 31] = [
    ("01-tokenizer-without-model-type", |case| {
        case.losses("model", None, &[4.606756, 4.002398, 1.986362]);
        let row =
            &case.done(&["data", "show", "--json", "--data", "rows.jsonl", "--model", "model"])[0];
        assert_eq!(ids(&row["source"]), json!([4, 5, 7, 9, 4, 10, 1]));
    }),
    ("02-untied-head-no-shared-weight", |case| {
        case.losses("model", None, &[4.606756, 4.002398, 1.986362]);
        case.text(&["quantize", "--model", "model", "--to", "int8", "--output", "int8"]);
    }),
    ("03-tied-model-saved-under-an-alias", |case| {
        case.losses("model", None, &[4.505437, 4.742667, 3.811085]);
        case.text(&["generate", "--model", "model", "--device", "cpu", "the cat sat"]);
    }),
    ("04-added-tokens-with-spaces", added_tokens),
    ("05-only-spiece-model", |case| {
        let generate = |model: &str| case.refused(&["generate", "--model", model, "the cat sat"]);
        says(&generate("model"), &["spiece.model", "save_pretrained"]);
        says(&generate("byt5"), &["ByT5", "not supported"]);
    }),
    ("07-encoder-only-or-classifier", |case| {
        let generate = |model: &str| case.refused(&["generate", "--model", model, "the cat sat"]);
        says(&generate("encoder"), &["an encoder"]);
        says(&generate("classifier"), &["a classifier"]);
    }),
    ("08-prefix-of-torch-compile", |case| {
        case.text(&["generate", "--model", "model", "--device", "cpu", "the cat sat"]);
    }),
    ("10-generation-settings-of-the-model", own_settings),
    ("11-target-modules-with-wi-on-gated", |case| {
        case.losses(TINY, Some("adapter"), &[4.834216, 4.057163, 2.162288]);
        let eval =
            ["eval", "--model", TINY, "--adapter", "adapter", "--data", "rows.jsonl", "--json"];
        let events = case.done(&eval);
        let told = of_kind(&events, "warning");
        let told: Vec<_> = told.iter().filter(|event| event["code"] == "target_modules").collect();
        says(told[0]["message"].as_str().unwrap(), &["`wi`"]);
        let head =
            ["eval", "--model", TINY, "--adapter", "adapter-lm-head", "--data", "rows.jsonl"];
        says(&case.refused(&head), &["`lm_head`"]);
        case.text(&["merge", "--model", TINY, "--adapter", "adapter", "--output", "merged"]);
        case.place
            .write("merged/tokenizer.json", &fs::read(format!("{TINY}/tokenizer.json")).unwrap());
        case.losses(case.here("merged").to_str().unwrap(), None, &[4.834216, 4.057163, 2.162288]);
    }),
    ("12-adapter-model-bin-only", |case| {
        let message =
            case.refused(&["generate", "--model", TINY, "--adapter", "adapter", "the cat"]);
        says(&message, &["adapter_model.bin", "save_pretrained"]);
        case.losses(TINY, Some("converted"), &[4.767895, 4.159187, 2.098392]);
    }),
    ("13-lora-with-another-task-type", |case| {
        for task in ["causal_lm", "feature_extraction", "none"] {
            let adapter = format!("adapter-{task}");
            case.losses(TINY, Some(&adapter), &[4.767895, 4.159187, 2.098392]);
        }
    }),
    ("15-embeddings-saved-beside-lora", |case| {
        case.losses(TINY, Some("same"), &[4.767895, 4.159187, 2.098392]);
        let eval = |adapter: &str| {
            case.refused(&["eval", "--model", TINY, "--adapter", adapter, "--data", "rows.jsonl"])
        };
        says(&eval("trained"), &["`base_model.model.lm_head.weight`"]);
        says(&eval("modules-to-save"), &["`modules_to_save`", "lm_head"]);
    }),
    ("17-names-with-a-second-prefix-or-default", |case| {
        for adapter in ["doubled", "default", "without"] {
            let eval = ["eval", "--model", TINY, "--adapter", adapter, "--data", "rows.jsonl"];
            says(&case.refused(&eval), &["lora_A.weight`: it is missing", "the file has `"]);
        }
    }),
    ("21-adapter-one-folder-down", |case| {
        let generate = |adapter: &str| {
            case.refused(&["generate", "--model", TINY, "--adapter", adapter, "the cat sat"])
        };
        says(&generate("saved"), &["saved/summaries"]);
        says(&generate("run"), &["run/checkpoint-500"]);
    }),
    ("22-index-column-of-pandas", |case| {
        let rows = case.shown("rows.csv", &["--template-file", "template.txt"]);
        assert!(rows.len() > 1 && rows[0].1 == "The boat is ready at noon.", "{rows:?}");
        let out = case.here("out");
        let train = ["--template-file", "template.txt", "--max-steps", "1", "--quiet", "--output"];
        case.text(
            &[
                &["train", "--model", TINY, "--train", "rows.csv"],
                &train[..],
                &[out.to_str().unwrap()],
            ]
            .concat(),
        );
        let parts = case.here("parts");
        let split = ["data", "split", "--data", "rows.csv", "--test-fraction", "0.25", "--output"];
        case.text(&[&split[..], &[parts.to_str().unwrap()]].concat());
    }),
    ("23-null-in-a-row", |case| {
        let show = |data: &str, more: &[&str]| {
            case.refused(&[&["data", "show", "--data", data, "--count", "9"], more].concat())
        };
        let message = show("rows.jsonl", &["--template-file", "template.txt"]);
        says(&message, &["rows.jsonl, line 2", "`dialogue`", "null"]);
        says(&show("two-fields.jsonl", &[]), &["two-fields.jsonl, line 2", "null"]);
        let train = ["--max-steps", "1", "--output", "out", "--json"];
        case.refused(
            &[
                &[
                    "train",
                    "--model",
                    "builtin",
                    "--train",
                    "rows.jsonl",
                    "--template-file",
                    "template.txt",
                ],
                &train[..],
            ]
            .concat(),
        );
        let empty = [
            "data",
            "lengths",
            "--json",
            "--data",
            "empty.csv",
            "--template-file",
            "bare.txt",
            "--model",
            "builtin",
        ];
        let told = case.codes(&empty);
        assert!(told.contains(&("empty_sources".to_owned(), 1)), "{told:?}");
        assert!(told.contains(&("empty_targets".to_owned(), 1)), "{told:?}");
    }),
    ("24-json-of-another-shape", |case| {
        let more = ["--template-file", "template.txt"];
        assert_eq!(case.shown("records.json", &more).len(), 3);
        for (data, words) in [
            ("columns.json", "columns"),
            ("lists.json", "columns"),
            ("wrapped.json", "`data`"),
            ("wrapped-lines.json", "does not end on its line"),
            ("batches.json", "one list of all rows"),
            ("rows.jsonl.gz", "gunzip"),
        ] {
            let show = [&["data", "show", "--data", data], &more[..]].concat();
            says(&case.refused(&show), &[data, words]);
        }
    }),
    ("25-pieces-that-t5-does-not-have", unknown_pieces),
    ("26-closing-token-in-the-rows", |case| {
        let row = &case.done(&["data", "show", "--json", "--data", "rows.csv", "--model", TINY])[0];
        assert_eq!(ids(&row["target"]), json!([4, 6, 8, 3, 1, 1]));
        let told =
            case.codes(&["data", "lengths", "--json", "--data", "rows.csv", "--model", TINY]);
        assert!(told.contains(&("closing_tokens".to_owned(), 3)), "{told:?}");
    }),
    ("27-byte-order-mark", |case| {
        let shown = |template: &str| {
            case.shown("rows.json", &["--template-file", template, "--model", "builtin"])
        };
        assert_eq!(shown("template.txt"), shown("plain.txt"));
        let answers = |prompts: &str| case.answers(prompts, &[]);
        assert_eq!(answers("prompts.txt"), answers("prompts-plain.txt"));
        let utf16 = ["data", "show", "--data", "rows.json", "--template-file", "utf16.txt"];
        says(&case.refused(&utf16), &["UTF-16"]);
        let (code, _, message) = case.piped("prompts-utf16.txt", &[]);
        assert_eq!(code, Some(2));
        says(&message, &["UTF-16"]);
        let out = case.here("out");
        case.text(&["train", "--config", "run.toml", "--quiet", "--output", out.to_str().unwrap()]);
        case.text(&["data", "show", "--data", "mixture.toml", "--model", "builtin"]);
    }),
    ("33-values-that-mean-off-elsewhere", |case| {
        let greedy = case.answers("prompts.txt", &[]);
        for off in [
            &["--temperature", "0"][..],
            &["--temperature", "0", "--top-p", "1"],
            &["--top-k", "0"],
            &["--no-repeat-ngram-size", "0"],
            &["--repetition-penalty", "1.0"],
        ] {
            assert_eq!(case.answers("prompts.txt", off), greedy, "{off:?}");
        }
        case.answers("prompts.txt", &["--top-k", "0", "--temperature", "0.7"]);
        let (code, _, message) = case.piped("prompts.txt", &["--num-beams", "0"]);
        assert_eq!(code, Some(2));
        says(&message, &["num_beams", "found 0"]);
    }),
    ("34-sentinels-in-the-answer", |case| {
        let row =
            &case.done(&["data", "show", "--json", "--data", "rows.jsonl", "--model", "builtin"])
                [0];
        let tokens = row["source"]["tokens"].as_array().unwrap();
        assert!(tokens.iter().any(|token| token["token"] == "<extra_id_0>"), "{row}");
        let eval = [
            "eval",
            "--model",
            "builtin",
            "--data",
            "rows.jsonl",
            "--metrics",
            "loss,rougeL",
            "--json",
        ];
        let told = case.codes(&eval);
        assert!(told.iter().any(|(code, _)| code == "special_in_references"), "{told:?}");
    }),
    ("35-adapter-given-as-model", |case| {
        let message = case.refused(&["generate", "--model", "adapter", "the cat sat"]);
        says(&message, &["an adapter of google/flan-t5-xxl", "`adapter`"]);
        let message =
            case.refused(&["generate", "--model", TINY, "--adapter", TINY, "the cat sat"]);
        says(&message, &["it holds a model, no adapter"]);
    }),
    ("37-adapter-beside-another-copy-of-its-base", |case| {
        let exact = [0.023819, 0.009068, 0.027517];
        for model in [TINY, "resaved", "shards"] {
            case.losses(model, Some("adapter"), &exact);
        }
        // This adapter is of a first version, which did not record what tells another precision.
        let eval = ["eval", "--model", "bf16", "--adapter", "adapter", "--data", "rows.jsonl"];
        says(&case.refused(&eval), &["another base", "first version", "in BF16"]);
        let trained =
            ["train", "--model", TINY, "--train", "rows.jsonl", "--max-steps", "2", "--quiet"];
        let more = ["--validation-fraction", "0", "--device", "cpu", "--output", "adapter"];
        case.text(&[&trained[..], &more].concat());
        let adapter = case.here("adapter");
        let adapter = ["--adapter", adapter.to_str().unwrap(), "--data", "rows.jsonl", "--json"];
        let told = |model: &str| case.codes(&[&["eval", "--model", model], &adapter[..]].concat());
        assert_eq!(told("bf16"), [("other_precision".to_owned(), 1)]);
        assert_eq!(told("shards"), []);
    }),
    ("39-tied-model-with-a-copy-of-the-head", |case| {
        for model in ["model", "plain"] {
            let output = format!("{model}-trained");
            let train =
                ["train", "--model", model, "--train", "rows.jsonl", "--method", "full", "--json"];
            let more = [
                "--max-steps",
                "5",
                "--learning-rate",
                "0.01",
                "--no-shuffle",
                "--no-group-by-length",
            ];
            let end = ["--validation-fraction", "0", "--device", "cpu", "--output", &output];
            let events = case.done(&[&train[..], &more, &end].concat());
            assert_eq!(events[0]["trainable_parameters"], 25_440, "{model}");
            let losses = [3.89542, 2.73539, 1.4474, 1.17997, 0.95682];
            let steps = of_kind(&events, "step");
            assert_eq!(steps.len(), losses.len());
            for (step, expected) in steps.iter().zip(losses) {
                let found = step["loss"].as_f64().unwrap();
                assert!((found - expected).abs() < 5e-5, "{model}: {found} for {expected}");
            }
        }
    }),
    ("41-template-with-single-braces", |case| {
        let train = [
            "train",
            "--model",
            "builtin",
            "--train",
            "rows.jsonl",
            "--max-steps",
            "3",
            "--output",
            "out",
            "--template-file",
        ];
        let message = case.refused(&[&train[..], &["template.txt"]].concat());
        says(&message, &["{context}", "{{ name }}"]);
    }),
    ("42-csv-of-kaggle-and-excel", tables),
    ("43-pointers-and-pieces-of-files", |case| {
        let eval =
            ["eval", "--model", TINY, "--adapter", "pointer-adapter", "--data", "rows.jsonl"];
        says(&case.refused(&eval), &["adapter_model.safetensors", "`git lfs pull`"]);
    }),
    // These make their own files: tests/runs/unheard.rs and tests/hub.
    ("44-reader-of-the-events-goes-away", |_| ()),
    ("47-hub-ids-and-caches", |_| ()),
    ("README.md", |_| ()),
];

#[test]
fn every_case_comes_out_right() {
    let Some(shared) = std::env::var_os("FLANTUNE_SHARED").filter(|path| !path.is_empty()) else {
        // CI has the folder; a checkout by itself may not.
        assert!(std::env::var_os("CI").is_none(), "FLANTUNE_SHARED names no folder");
        let _ = writeln!(std::io::stderr(), "skipped: the cases: FLANTUNE_SHARED names no folder");
        return;
    };
    let folder = Path::new(&shared).join("cases");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        CASES.map(|(name, _)| name),
        "a case without a test, or a test without a case"
    );
    let mut failed = Vec::new();
    for (name, test) in CASES {
        let case = Case { folder: folder.join(name), place: Place::new() };
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&case))).is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

/// The ids of a text.
fn ids(text: &Value) -> Value {
    text["tokens"].as_array().unwrap().iter().map(|token| token["id"].clone()).collect()
}

/// A case, and a place to write into.
struct Case {
    folder: PathBuf,
    place: Place,
}

impl Case {
    /// A path at the place.
    fn here(&self, name: &str) -> PathBuf {
        self.place.path(name)
    }

    /// Our command line in the folder of the case, which nobody writes to: what is written goes to the
    /// place.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut process = self.place.flantune(&[]);
        let mut at_output = false;
        for argument in arguments {
            let path = if at_output { self.here(argument) } else { PathBuf::from(argument) };
            process.arg(path);
            at_output = matches!(*argument, "--output" | "--output-rows");
        }
        process.current_dir(&self.folder);
        process
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let ended = crate::common::ended(&mut self.command(arguments));
        (ended.code, ended.stdout, ended.stderr)
    }

    /// What a command that succeeds prints.
    #[track_caller]
    fn text(&self, arguments: &[&str]) -> String {
        let (code, printed, message) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {message}{printed}");
        printed
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> Vec<Value> {
        lines(&self.text(arguments))
    }

    /// What a command is refused with; nothing is written.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let before = self.place.names("");
        let (code, printed, message) = self.run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {message}{printed}");
        assert_eq!(self.place.names(""), before, "nothing is written");
        message + &printed
    }

    /// Codes and counts of warnings.
    #[track_caller]
    fn codes(&self, arguments: &[&str]) -> Vec<(String, u64)> {
        let events = self.done(arguments);
        let of = |event: &&Value| {
            (event["code"].as_str().unwrap().to_owned(), event["count"].as_u64().unwrap_or(0))
        };
        of_kind(&events, "warning").iter().map(of).collect()
    }

    /// The losses of `rows.jsonl`, row by row and in the mean.
    #[track_caller]
    fn losses(&self, model: &str, adapter: Option<&str>, expected: &[f64]) {
        let _ = fs::remove_file(self.here("out.jsonl"));
        let mut eval =
            vec!["eval", "--model", model, "--data", "rows.jsonl", "--json", "--device", "cpu"];
        eval.extend(["--output-rows", "out.jsonl"]);
        eval.extend(adapter.into_iter().flat_map(|adapter| ["--adapter", adapter]));
        self.text(&eval);
        let rows = self.place.lines("out.jsonl");
        let found: Vec<f64> = rows.iter().map(|row| row["loss"].as_f64().unwrap()).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-5, "{model} {adapter:?}: {found} for {expected}");
        }
    }

    /// The sources and targets of a file.
    #[track_caller]
    fn shown(&self, data: &str, more: &[&str]) -> Vec<(String, String)> {
        let show = [&["data", "show", "--json", "--count", "99", "--data", data], more].concat();
        let text = |row: &Value, side: &str| row[side]["text"].as_str().unwrap_or("").to_owned();
        self.done(&show).iter().map(|row| (text(row, "source"), text(row, "target"))).collect()
    }

    /// `generate` with a file of prompts on standard input.
    fn piped(&self, prompts: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let generate = ["generate", "--model", "builtin", "--json", "--device", "cpu"];
        let mut process = self.command(&[&generate, more].concat());
        process.stdin(Stdio::from(fs::File::open(self.folder.join(prompts)).unwrap()));
        let ended = crate::common::ended(&mut process);
        (ended.code, ended.stdout.clone(), ended.stderr + &ended.stdout)
    }

    /// What the built-in model answers to a file of prompts.
    #[track_caller]
    fn answers(&self, prompts: &str, more: &[&str]) -> Vec<Value> {
        let (code, printed, message) = self.piped(prompts, more);
        assert_eq!(code, Some(0), "{message}");
        lines(&printed).iter().map(|line| line["prediction"].clone()).collect()
    }

    /// A tiny model with FLAN-T5's vocabulary and these tokens more, and its path.
    fn with_vocabulary(&self, name: &str, added: &[&str], normalized: bool) -> String {
        const ROWS: u64 = 32_128;
        let mut tokenizer: Value = serde_json::from_slice(&fs::read(VOCABULARY).unwrap()).unwrap();
        for (place, token) in added.iter().enumerate() {
            tokenizer["added_tokens"].as_array_mut().unwrap().push(json!({
                "id": 32_100 + place, "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": normalized, "special": false,
            }));
        }
        self.place.write(&format!("{name}/tokenizer.json"), tokenizer.to_string().as_bytes());
        for file in ["config.json", "generation_config.json"] {
            self.place.write(&format!("{name}/{file}"), &self.place.read(&format!("model/{file}")));
        }
        self.place
            .edit(&format!("{name}/config.json"), |config| config["vocab_size"] = json!(ROWS));
        let mut tensors = read(&self.place.read("model/model.safetensors"));
        for tensor in ["shared.weight", "lm_head.weight"] {
            let Tensor { shape, bytes, .. } = tensors.get_mut(tensor).unwrap();
            let width = shape[1].as_u64().unwrap();
            *shape = json!([ROWS, width]);
            *bytes = bytes.iter().copied().cycle().take((ROWS * width) as usize * 4).collect();
        }
        self.place.write(&format!("{name}/model.safetensors"), &write(&tensors));
        self.here(name).to_str().unwrap().to_owned()
    }

    /// The ids of the rows' targets.
    #[track_caller]
    fn target_ids(&self, model: &str) -> Vec<Value> {
        let show = [
            "data",
            "show",
            "--json",
            "--count",
            "99",
            "--data",
            "rows.jsonl",
            "--template-file",
            "template.txt",
        ];
        let rows = self.done(&[&show[..], &["--model", model]].concat());
        rows.iter().map(|row| ids(&row["target"])).collect()
    }
}

/// Ids as Python's tokenizers 0.23 gives them.
fn added_tokens(case: &Case) {
    let ids =
        |name: &str, added: &[&str]| case.target_ids(&case.with_vocabulary(name, added, false));
    assert_eq!(
        ids("all", &[" <=", " <", "\n", "{", "}"]),
        [
            json!([1738, 3476, 599, 1935, 61, 45, 4808, 7, 213, 594, 32101, 1283, 1]),
            json!([1738, 564, 45, 2801, 213, 3196, 32100, 204, 1]),
            json!([
                32103, 96, 14672, 121, 10, 209, 32104, 32102, 32103, 96, 12091, 121, 10, 204,
                32104, 1
            ]),
        ]
    );
    // The line break is normalised to a blank, which then stands for it: as Python has it.
    let normalised = case.with_vocabulary("normalised", &[" <=", " <", "\n", "{", "}"], true);
    assert_eq!(
        case.target_ids(&normalised)[1],
        json!([
            1738, 32102, 564, 32102, 45, 32102, 2801, 32102, 213, 32102, 3196, 32100, 32102, 204, 1
        ])
    );
    assert_eq!(
        ids("blank", &[" <"]),
        [
            json!([1738, 3476, 599, 1935, 61, 45, 4808, 7, 213, 594, 32100, 1283, 1]),
            json!([1738, 564, 45, 2801, 213, 3196, 32100, 3274, 204, 1]),
            json!([3, 2, 121, 14672, 121, 10, 209, 2, 3, 2, 121, 12091, 121, 10, 204, 2, 1]),
        ]
    );
    assert_eq!(
        ids("newline", &["\n"]),
        [
            json!([1738, 3476, 599, 1935, 61, 45, 4808, 7, 213, 594, 3, 2, 1283, 1]),
            json!([1738, 564, 45, 2801, 213, 3196, 3, 2, 2423, 204, 1]),
            json!([3, 2, 121, 14672, 121, 10, 209, 2, 32100, 3, 2, 121, 12091, 121, 10, 204, 2, 1]),
        ]
    );
}

fn unknown_pieces(case: &Case) {
    let model = case.with_vocabulary("flan", &[], false);
    assert_eq!(
        case.target_ids(&model)[0],
        json!([3, 2, 121, 4350, 121, 10, 96, 188, 26, 9, 1686, 96, 545, 121, 10, 4475, 2, 1])
    );
    let data = ["rows.jsonl", "--template-file", "template.txt", "--model", &model, "--json"];
    let told = |command: &[&str]| {
        let told = case.codes(&[command, &data[..]].concat());
        told.into_iter().filter(|(code, _)| code == "unknown_in_targets").collect::<Vec<_>>()
    };
    let expected = [("unknown_in_targets".to_owned(), 4)];
    assert_eq!(told(&["data", "lengths", "--data"]), expected);
    assert_eq!(
        told(&[
            "train",
            "--max-steps",
            "1",
            "--validation-fraction",
            "0",
            "--device",
            "cpu",
            "--output",
            "out",
            "--train"
        ]),
        expected
    );
}

fn own_settings(case: &Case) {
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        case.place.write(&format!("own/{name}"), &fs::read(format!("{BUILTIN}/{name}")).unwrap());
    }
    let own = fs::read(case.folder.join("generation_config.json")).unwrap();
    case.place.write("own/generation_config.json", &own);
    let prompt =
        "Summarize: Customer: The kettle leaks at the lid. Agent: We will send another one today.";
    let written = |model: &str, more: &[&str]| {
        let generate = ["generate", "--json", "--device", "cpu", "--model", model];
        let answers = case.done(&[&generate[..], more, &[prompt]].concat());
        let told = answers.iter().filter(|line| line["code"] == "generation_config").count();
        (answers.last().unwrap()["prediction"].clone(), told)
    };
    let own = written(case.here("own").to_str().unwrap(), &[]);
    let (plain, _) = written("builtin", &[]);
    let (options, _) = written("builtin", &OWN_SETTINGS);
    assert_eq!(own, (options, 1));
    assert_ne!(own.0, plain);
}

fn tables(case: &Case) {
    let by = |data: &str, template: &str| case.shown(data, &["--template", template]);
    let plain = "{{ text }} ||| {{ label }}";
    for data in ["blanks.csv", "blanks.jsonl"] {
        let rows = by(data, r#"{{ row["Review Text"] }} ||| {{ row["Class-Name"] }}"#);
        assert_eq!(rows[0], ("The dress fits.".to_owned(), "Dresses".to_owned()), "{data}");
        for template in ["{{ Review Text }} ||| x", "{{ Review_Text }} ||| {{ Rating }}"] {
            let show = ["data", "show", "--data", data, "--template", template];
            says(&case.refused(&show), &[r#"row["Review Text"]"#]);
        }
    }
    let first = |data: &str| by(data, plain)[0].clone();
    let pair = |source: &str, target: &str| (source.to_owned(), target.to_owned());
    assert_eq!(first("semicolon.csv"), pair("Café; gut", "positiv"));
    assert_eq!(first("sep-line.csv"), pair("Gut", "positiv"));
    assert_eq!(first("trailing.csv"), pair("good", "positive"));
    assert_eq!(by("samsum.csv", "{{ dialogue }} ||| {{ summary }}")[0].1, "They meet.");
    // Where reading is not certain, what was found is said.
    for data in ["cp1252.csv", "utf16.tsv", "utf16-no-mark.csv"] {
        let (code, printed, message) =
            case.run(&["data", "show", "--data", data, "--template", plain]);
        assert!(
            code == Some(0)
                || (code == Some(2) && message.contains(data) && message.contains("UTF-8")),
            "{data}: {message}{printed}"
        );
    }
}
