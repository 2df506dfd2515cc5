//! How much memory files take that are made to take much: for each kind of file the densest that it
//! may hold, of some megabytes. SECURITY.md states the factors; a new kind gets a line here.

use flantune::{
    adapter::AdapterConfig,
    config::{DataConfig, RunConfig},
    model::{
        T5Config,
        files::WeightFiles,
        safetensors::{MODEL_HEADER_LIMIT, SafetensorsFile},
    },
    storage::MemoryStorage,
    text::{Mixture, Reader, Rows, Template, Tokenizer, pairs::Pairs, template::read_promptsource},
};
use flantune_fuzz::measured;
use pollster::block_on;

/// A file of about `length` bytes: the same again and again, a number for each `#`, between a
/// beginning and an end.
fn repeated(begin: &str, again: &str, end: &str, length: usize) -> Vec<u8> {
    let mut text = begin.to_owned();
    let mut number = 0_usize;
    while text.len() < length {
        text += &again.replace('#', &number.to_string());
        number += 1;
    }
    (text + end).into_bytes()
}

/// Checks what reading holds at a time, the file itself aside.
#[track_caller]
fn holds(name: &str, file: &[u8], factor: f64, read: impl FnOnce(&[u8])) {
    let ((), usage) = measured(|| read(file));
    let found = usage.held as f64 / file.len() as f64;
    assert!(found <= factor, "{name}: {found:.1} times {} bytes, not {factor}", file.len());
}

const MEGABYTE: usize = 1 << 20;

fn rows(name: &'static str) -> impl Fn(&[u8]) {
    move |file| drop(Rows::read(name, file, true))
}

fn dataset(name: &'static str) -> impl Fn(&[u8]) {
    move |file| {
        let storage = MemoryStorage::new();
        storage.insert(name, file);
        let reader = Reader { storage: std::rc::Rc::new(storage), tokenizer: None };
        let config = DataConfig { skip_bad_rows: true, ..DataConfig::default() };
        drop(block_on(reader.dataset(name, &config, 0)));
    }
}

#[test]
fn rows_take_little_more_than_their_texts() {
    let one = |again: &str, end: &str| repeated("{\"a\":[", again, end, 8 * MEGABYTE);
    for again in ["0,", "[],", "{},", "\"\",", "{\"\":0},", "[[[0]]],", "{\"#\":[]},"] {
        holds(again, &one(again, "0],\"b\":1}"), 4.0, rows("a.jsonl"));
    }
    holds("nested", &repeated("", "{\"a\":", "", MEGABYTE), 4.0, rows("a.jsonl"));
    for (name, begin, again) in [
        ("a.jsonl", "", "{}\n"),
        ("a.jsonl", "", "{\"a\":1,\"b\":1}\n"),
        ("a.json", "[", "{},"),
        ("a.csv", "a,b\n", "1,\n"),
        ("a.tsv", "a\tb\n", "\t1\n"),
    ] {
        let file = repeated(begin, again, "", MEGABYTE);
        holds(&format!("{name} {again:?}"), &file, 12.0, dataset(name));
    }
    // What the most columns that a table may have take, at a byte each.
    holds("nameless", &repeated("", ",", "x\n1\n", 16_000), 64.0, rows("a.csv"));
    let wide = |begin: &str| repeated(begin, "c#,", "x\n1\n", MEGABYTE);
    holds("columns", &wide(""), 24.0, rows("a.csv"));
    let header = repeated("", "c#,", "x", 80_000);
    let cells = repeated("\n", ",", "", header.len() / 5 * 4);
    holds("cells", &[&header[..], &cells, &cells].concat(), 24.0, dataset("a.csv"));
}

#[test]
fn predictions_take_little_more_than_their_texts() {
    for (name, again) in
        [("p.txt", "a\n"), ("p.jsonl", "{\"prediction\":\"\",\"references\":[\"\"]}\n")]
    {
        // The predictions are the references too.
        holds(again, &repeated("", again, "", 4 * MEGABYTE), 2.0 * 24.0, |file| {
            let references: &[(&str, &[u8])] =
                if name == "p.txt" { &[("r.txt", file)] } else { &[] };
            drop(Pairs::read((name, file), references, None, &[]));
        });
    }
    let many = repeated("{\"prediction\":\"\",\"references\":[", "\"\",", "\"\"]}", MEGABYTE / 8);
    holds("references", &many, 2.0 * 24.0, |file| {
        drop(Pairs::read(("p.jsonl", file), &[], None, &[]))
    });
}

#[test]
fn templates_take_little_more_than_their_texts() {
    for again in [
        "{{a}}\n",
        "{%if a%}{%endif%}\n",
        "{{a|upper}}\n",
        "{%set a=1%}\n",
        "{{[1,2,a]}}\n",
        "{{a==1}}\n",
    ] {
        let file = repeated("", again, "", MEGABYTE - 100);
        // A comparison brings the name of what is compared: four instructions more for its nine bytes.
        let factor = if again.contains("==") { 105.0 } else { 80.0 };
        holds(again, &file, factor, |file| {
            drop(Template::parse(std::str::from_utf8(file).unwrap()).unwrap());
        });
    }
    for again in ["  a#: !Template\n    jinja: x\n", "  a#: []\n", " ? a\n"] {
        holds(again, &repeated("templates:\n", again, "", MEGABYTE - 100), 80.0, |file| {
            drop(read_promptsource("t.yaml", file));
        });
    }
}

#[test]
fn tokenizers_take_little_more_than_their_files() {
    let fixture =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../oracle/tiny/gated/tokenizer.json"));
    let mut json: serde_json::Value = serde_json::from_slice(&fixture.unwrap()).unwrap();
    json["model"]["vocab"] = serde_json::json!("HERE");
    let text = json.to_string();
    let (begin, end) = text.split_once("\"HERE\"").unwrap();
    for again in [
        ",[\"#\",0]",
        ",[\"abcdefgh#\",0]",
        ",[\"#abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\",0]",
        ",[\"#北京北京北京北京\",-1]",
    ] {
        let begin = format!("{begin}[[\"<pad>\",0],[\"</s>\",0],[\"<unk>\",0]");
        let file = repeated(&begin, again, &format!("]{end}"), 5 * MEGABYTE);
        holds(again, &file, 8.0, |file| drop(Tokenizer::from_bytes("tokenizer.json", file)));
    }
}

#[test]
fn settings_take_little_more_than_their_files() {
    let toml = |file: &[u8]| drop(RunConfig::from_file("a.toml", file));
    let mixture = |file: &[u8]| drop(Mixture::parse("a.toml", file, &DataConfig::default()));
    for again in ["a#=1\n", "[a#]\n", "[[set]]\n", "a=[[[]]]\n", "a#={}\n", "6.", "6.6..6."] {
        let file = repeated("", again, "", MEGABYTE / 4 - 100);
        holds(again, &file, 160.0, toml);
        holds(again, &file, 160.0, mixture);
    }
    let record = |file: &[u8]| drop(RunConfig::from_file("run.json", file));
    let config = |file: &[u8]| drop(T5Config::from_json("config.json", file));
    let adapter = |file: &[u8]| drop(AdapterConfig::from_json("adapter_config.json", file));
    for again in ["0,", "[],", "{},", "{\"\":0},"] {
        let file = repeated("{\"a\":[", again, "0]}", MEGABYTE - 100);
        holds(&format!("run.json {again}"), &file, 24.0, record);
        holds(&format!("config.json {again}"), &file, 24.0, config);
        holds(&format!("adapter_config.json {again}"), &file, 24.0, adapter);
    }
    for (begin, again, end) in [
        ("\"target_modules\":[\"q\"", ",\"#\"", "]"),
        ("\"rank_pattern\":{\"q\":1", ",\"#\":1", "}"),
        ("\"layers_to_transform\":[0", ",#", "]"),
    ] {
        let begin = format!("{{\"peft_type\":\"LORA\",\"r\":1,{begin}");
        let file = repeated(&begin, again, &format!("{end}}}"), 20_000);
        holds(&format!("adapter_config.json {again}"), &file, 48.0, adapter);
    }
}

#[test]
fn weights_take_little_more_than_their_headers() {
    let safetensors = |header: &[u8]| [&(header.len() as u64).to_le_bytes(), header].concat();
    for again in [
        "\"#\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},",
        "\"#\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,0],\"data_offsets\":[0,0]},",
    ] {
        let header = repeated("{", again, "\"__metadata__\":{}}", 4 * MEGABYTE);
        holds(again, &safetensors(&header), 12.0, |file| {
            let storage = MemoryStorage::new();
            storage.insert("f", file);
            drop(block_on(SafetensorsFile::open(&storage, "f", MODEL_HEADER_LIMIT)));
        });
    }
    let header = repeated("{\"__metadata__\":{", "\"#\":\"\",", "\"\":\"\"}}", 4 * MEGABYTE);
    holds("metadata", &safetensors(&header), 12.0, |file| {
        let storage = MemoryStorage::new();
        storage.insert("f", file);
        drop(block_on(SafetensorsFile::open(&storage, "f", MODEL_HEADER_LIMIT)));
    });
    let index = repeated(
        "{\"weight_map\":{",
        "\"#\":\"a.safetensors\",",
        "\"\":\"a.safetensors\"}}",
        4 * MEGABYTE,
    );
    holds("index", &index, 12.0, |file| {
        let storage = MemoryStorage::new();
        storage.insert("m/model.safetensors.index.json", file);
        drop(block_on(WeightFiles::open(&storage, "m")));
    });
}
