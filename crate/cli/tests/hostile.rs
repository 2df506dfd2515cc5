//! Damaged and hostile files, given to the real binary: exit code 2, a message that names the file
//! and what is wrong with it, nothing written, no panic, little memory.

mod common;

use std::fs;

use common::{Ended, Place, Running, ended, of_kind};
use serde_json::{Value, json};

const WEIGHTS: &str = "model/model.safetensors";
const STATE: &str = "state.json";

/// The command is refused, with a message that holds each of these, and writes nothing.
#[track_caller]
fn refused(place: &Place, command: &str, arguments: &[&str], parts: &[&str]) {
    let before = place.names("");
    let model = ["--model", "model", "--device", "cpu"];
    let Ended { code, stdout, stderr } =
        ended(&mut place.flantune(&[&[command], &model[..], arguments].concat()));
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.starts_with("error: ") && !stderr.contains("panicked"), "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "expected `{part}` in: {stderr}");
    }
    // A hostile number in it would make a message long, too.
    assert!(stderr.len() < 1000, "{stderr}");
    assert_eq!(place.names(""), before, "nothing is written");
    assert_little_memory();
}

/// No process started here has held 200 MB, all of them counted since the first.
#[cfg(target_os = "linux")]
#[track_caller]
fn assert_little_memory() {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a valid place for what getrusage writes, and all zeros is a valid value.
    let (code, usage) = unsafe {
        (libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()), usage.assume_init())
    };
    assert_eq!(code, 0);
    assert!(usage.ru_maxrss < 200_000, "{} kB", usage.ru_maxrss);
}

#[cfg(not(target_os = "linux"))]
fn assert_little_memory() {}

const TRAIN: &[&str] = &["--train", "rows.jsonl", "--output", "out", "--max-steps", "1"];

/// Training is refused with this file in place of a sound one.
#[track_caller]
fn refused_file(name: &str, bytes: &[u8], parts: &[&str]) {
    let place = Place::new();
    place.write(name, bytes);
    refused(&place, "train", TRAIN, &[&[name], parts].concat());
}

/// The header of a safetensors file, and what follows.
fn header(bytes: &[u8]) -> (Value, &[u8]) {
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
    (serde_json::from_slice(&rest[..length]).unwrap(), &rest[length..])
}

fn safetensors(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// The model's weights with another header.
fn with_header(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let bytes = Place::new().read(WEIGHTS);
    let (mut header, data) = header(&bytes);
    change(&mut header);
    safetensors(&header, data)
}

#[test]
fn weights_that_end_too_early() {
    let bytes = Place::new().read(WEIGHTS);
    for length in [0, 4, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        refused_file(WEIGHTS, &bytes[..length], &[]);
    }
    refused_file(WEIGHTS, &[&bytes[..], b"x"].concat(), &[]);
}

#[test]
fn weights_with_a_hostile_header() {
    let bytes = Place::new().read(WEIGHTS);
    for length in [0, 1 << 24, 1 << 40, u64::MAX] {
        refused_file(WEIGHTS, &[&length.to_le_bytes(), &bytes[8..]].concat(), &["header"]);
    }
    for text in ["[]", "{\"a\":1}", "{\"a\"", "\u{0}\u{0}"] {
        let file = [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &bytes].concat();
        refused_file(WEIGHTS, &file, &["header"]);
    }
    let deep = "[".repeat(100_000);
    let file = [&(deep.len() as u64).to_le_bytes(), deep.as_bytes(), &bytes].concat();
    refused_file(WEIGHTS, &file, &["header"]);
}

#[test]
fn tensors_that_are_not_what_they_must_be() {
    const NAME: &str = "shared.weight";
    let without = with_header(|header| {
        let tensor = header.as_object_mut().unwrap().remove(NAME).unwrap();
        header["other.weight"] = tensor;
    });
    refused_file(WEIGHTS, &without, &[NAME, "missing"]);
    let misshapen = with_header(|header| {
        let shape = header[NAME]["shape"].as_array_mut().unwrap();
        shape.reverse();
    });
    refused_file(WEIGHTS, &misshapen, &[NAME, "shape"]);
    let endless = with_header(|header| header[NAME]["shape"] = json!([u64::MAX, u64::MAX]));
    refused_file(WEIGHTS, &endless, &[NAME]);
    let beyond = with_header(|header| header[NAME]["data_offsets"] = json!([0, 1u64 << 60]));
    refused_file(WEIGHTS, &beyond, &[NAME]);

    let mut bytes = Place::new().read(WEIGHTS);
    let (header, data) = header(&bytes);
    let start = header[NAME]["data_offsets"][0].as_u64().unwrap() as usize;
    let place = bytes.len() - data.len() + start + 40;
    bytes[place..place + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    refused_file(WEIGHTS, &bytes, &[NAME, "finite"]);
}

#[test]
fn a_faulty_configuration() {
    let name = "model/config.json";
    for text in ["", "{", "[]", "\u{fffd}", "nul"] {
        refused_file(name, text.as_bytes(), &[]);
    }
    refused_file(name, "[".repeat(100_000).as_bytes(), &[]);
    for (key, value) in [
        ("d_model", json!(null)),
        ("d_model", json!(-1)),
        ("d_model", json!(0)),
        ("d_model", json!("64")),
        ("d_model", json!(1u64 << 40)),
        ("vocab_size", json!(1e300)),
        ("num_layers", json!(u64::MAX)),
        ("num_heads", json!(0)),
        ("feed_forward_proj", json!(7)),
        ("model_type", json!("bert")),
        ("decoder_start_token_id", json!(1_000_000)),
    ] {
        let place = Place::new();
        place.edit(name, |config| config[key] = value.clone());
        refused(&place, "train", TRAIN, &[name, key]);
    }
    // Numbers that are possible, but not these weights'.
    let place = Place::new();
    place.edit(name, |config| config["d_model"] = json!(32_768));
    refused(&place, "train", TRAIN, &[WEIGHTS, "shape"]);
}

#[test]
fn faulty_integers() {
    const HEAD: &str = "lm_head.weight";
    const MAP: &str = "encoder.block.0.layer.0.SelfAttention.q.weight";
    faulty("int8", HEAD, ["I8", "U8"], |scale: f32| scale.to_le_bytes().to_vec());
    faulty("int4", HEAD, ["I8", "U8"], |scale: f32| scale.to_le_bytes().to_vec());
    // As halves: what is not a number, infinity, and zero.
    let half = |scale: f32| match scale {
        scale if scale.is_nan() => vec![0, 0x7e],
        scale if scale.is_infinite() => vec![0, 0x7c],
        _ => vec![0, 0],
    };
    faulty("int4", MAP, ["U8", "I8"], half);
}

/// Damages a matrix of integers, which is of the first type in its file, and its scales, in all ways.
fn faulty(to: &str, name: &str, [dtype, other]: [&str; 2], bits: impl Fn(f32) -> Vec<u8>) {
    let scale = format!("{name}_scale");
    let scale = scale.as_str();
    let sound = Place::new();
    sound.done("quantize", &["--to", to, "--output", "made"]);
    let (bytes, config) = (sound.read("made/model.safetensors"), sound.read("made/config.json"));
    let place = Place::new();
    place.write("model/config.json", &config);
    // What each command reads in its own way.
    let refused = |parts: &[&str]| {
        refused(&place, "eval", &["--data", "rows.jsonl"], parts);
        for to in ["f32", "int8", "int4"] {
            refused(&place, "quantize", &["--to", to, "--output", "out"], parts);
        }
    };

    // Floats, where the configuration says integers, and the other way round.
    refused(&[WEIGHTS, "_scale`", "missing"]);
    place.write(WEIGHTS, &bytes);
    place.edit("model/config.json", |config| config["quantization_config"] = json!(null));
    refused(&[WEIGHTS, "I8", "quantization_config"]);
    for (value, part) in [
        (json!({"quant_method": "bitsandbytes", "load_in_8bit": true}), "bitsandbytes"),
        (json!({"method": format!("flantune_{to}"), "version": 2}), "version"),
        (json!({"version": 1}), "the method is nothing"),
        (json!(8), "the method is nothing"),
    ] {
        place.edit("model/config.json", |config| config["quantization_config"] = value);
        refused(&["model/config.json", "quantization_config", part]);
    }
    // Integers, but others.
    let exchanged = if to == "int8" { "flantune_int4" } else { "flantune_int8" };
    place.edit("model/config.json", |config| {
        config["quantization_config"] = json!({"method": exchanged, "version": 1});
    });
    refused(&[WEIGHTS, "expected"]);
    place.write("model/config.json", &config);

    let (sound_header, data) = header(&bytes);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut header = sound_header.clone();
        change(&mut header);
        place.write(WEIGHTS, &safetensors(&header, data));
    };
    changed(&|header| {
        let scales = header.as_object_mut().unwrap().remove(scale).unwrap();
        header["other"] = scales;
    });
    refused(&[WEIGHTS, scale, "missing"]);
    changed(&|header| header[scale]["shape"].as_array_mut().unwrap().push(json!(1)));
    refused(&[WEIGHTS, scale, "shape"]);
    changed(&|header| {
        let shape = header[scale]["shape"].as_array_mut().unwrap();
        let half = shape[0].as_u64().unwrap() / 2;
        *shape = [&[json!(2), json!(half)], &shape[1..]].concat();
    });
    refused(&[WEIGHTS, scale, "shape"]);
    changed(&|header| header[name]["dtype"] = json!(other));
    refused(&[WEIGHTS, name, other, dtype]);
    changed(&|header| header[name]["shape"].as_array_mut().unwrap().reverse());
    refused(&[WEIGHTS, name, "shape"]);

    let start = sound_header[scale]["data_offsets"][0].as_u64().unwrap() as usize;
    let start = bytes.len() - data.len() + start;
    let mut numbers = vec![(f32::NAN, "finite"), (f32::INFINITY, "finite")];
    // Scales of halves may have either sign.
    match bits(1.0).len() {
        4 => numbers.extend([(-1.0, "greater than 0"), (0.0, "greater than 0")]),
        _ => numbers.push((0.0, "other than 0")),
    }
    for (number, part) in numbers {
        let (mut bytes, number) = (bytes.clone(), bits(number));
        let at = start + 7 * number.len();
        bytes[at..at + number.len()].copy_from_slice(&number);
        place.write(WEIGHTS, &bytes);
        // Integers that stay integers are not multiplied by it, but it is not passed on either.
        refused(&[WEIGHTS, scale, "element 7", part]);
    }
}

#[test]
fn floats_that_are_too_large_for_their_type() {
    // Halves go to 65,504, and so do the scales of 4-bit integers, which go to seven times that.
    for (value, types) in [(1e6f32, &["f16", "int4"][..]), (1e5, &["f16"])] {
        let place = Place::new();
        let mut bytes = place.read(WEIGHTS);
        let (header, data) = header(&bytes);
        let name = "encoder.block.0.layer.0.SelfAttention.q.weight";
        let start = header[name]["data_offsets"][0].as_u64().unwrap() as usize;
        let at = bytes.len() - data.len() + start + 4 * 70;
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        place.write(WEIGHTS, &bytes);
        let number = value.to_string();
        for to in types {
            let parts = [name, "element 70", &number, to];
            refused(&place, "eval", &["--data", "rows.jsonl", "--dtype", to], &parts);
        }
        let parts = [name, "element 70", &number, "int4"];
        if types.contains(&"int4") {
            refused(&place, "quantize", &["--to", "int4", "--output", "out"], &parts);
        }
    }
}

#[test]
fn floats_that_are_too_large_for_halves() {
    let place = Place::new();
    let mut bytes = place.read(WEIGHTS);
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&1e6f32.to_le_bytes());
    place.write(WEIGHTS, &bytes);
    refused(&place, "quantize", &["--to", "f16", "--output", "out"], &["F16", "1000000"]);
}

#[test]
fn a_faulty_tokenizer() {
    let name = "model/tokenizer.json";
    let whole = common::tokenizer().to_string();
    for text in ["", "{}", "[]", &whole[..whole.len() / 2]] {
        refused_file(name, text.as_bytes(), &["not a tokenizer.json"]);
    }
    refused_file(name, "{\"model\":".repeat(100_000).as_bytes(), &["not a tokenizer.json"]);
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 6] = [
        (|file| file["model"]["type"] = json!("BPE"), "BPE"),
        (|file| file["model"]["unk_id"] = json!(1000), "model"),
        (|file| file["model"]["vocab"][9] = json!(["x".repeat(10_000), -1]), "too long"),
        (|file| file["post_processor"]["single"] = json!([]), "post_processor"),
        (
            |file| {
                let rule = json!({"type": "Precompiled", "precompiled_charsmap": "/////w=="});
                file["normalizer"] = rule;
            },
            "precompiled_charsmap",
        ),
        // As many tokens as FLAN-T5 has, with a model of 96.
        (
            |file| {
                let vocabulary = file["model"]["vocab"].as_array_mut().unwrap();
                vocabulary.extend((0..100).map(|n| json!([format!("piece{n}"), -9])));
            },
            "vocab_size is 96",
        ),
    ];
    for (change, part) in changes {
        let place = Place::new();
        place.edit(name, change);
        refused(&place, "train", TRAIN, &[name, part]);
    }
    let place = Place::new();
    fs::remove_file(place.path(name)).unwrap();
    refused(&place, "train", TRAIN, &["model: there is no tokenizer.json in it"]);
}

#[test]
fn a_model_that_is_not_there() {
    let place = Place::new();
    fs::rename(place.path("model"), place.path("moved")).unwrap();
    refused(&place, "train", TRAIN, &["model", "neither a directory"]);
    place.write("model/README.md", b"");
    refused(&place, "train", TRAIN, &["model/config.json", "no such file"]);
}

#[test]
fn rows_that_cannot_be_read() {
    let cases: [(&[u8], &[&str]); 9] = [
        (b"", &["no rows"]),
        (b"\n \n", &["no rows"]),
        (b"{\"source\": \"a\", \"target\": \"b\"}\n{\"source\": ", &["line 2"]),
        (b"{\"source\": \"\xff\", \"target\": \"b\"}", &["line 1", "UTF-8"]),
        (b"{}", &["line 1", "no fields"]),
        (b"{\"source\": \"a\"}", &["line 1", "target"]),
        (b"[1, 2]", &["line 1", "object"]),
        (b"{\"source\": \"a\", \"target\": {\"b\": 1}}\n", &["line 1"]),
        (b"\0\0\0\0", &["line 1"]),
    ];
    for (bytes, parts) in cases {
        refused_file("rows.jsonl", bytes, parts);
    }
    let deep = format!("{{\"source\": {}", "[".repeat(1 << 20));
    refused_file("rows.jsonl", deep.as_bytes(), &["line 1"]);
    let place = Place::new();
    let missing = ["no.jsonl", "no such file"];
    refused(&place, "train", &["--train", "no.jsonl", "--output", "out"], &missing);
    refused(&place, "train", &[TRAIN, &["--validation", "no.jsonl"]].concat(), &missing);
    place.write("empty.jsonl", b"");
    refused(&place, "eval", &["--data", "empty.jsonl"], &["empty.jsonl", "no rows"]);
    let arguments = ["--data", "rows.jsonl", "--template", "{{ missing }} ||| x"];
    refused(&place, "eval", &arguments, &["line 1", "missing", "`source`"]);
}

const ADAPTER: &str = "out/adapter_model.safetensors";
const SETTINGS: &str = "out/adapter_config.json";

/// A place with an adapter in `out`.
fn trained() -> Place {
    let place = Place::new();
    place.train("out", &["--max-steps", "1"]);
    place
}

const EVAL: &[&str] = &["--data", "rows.jsonl", "--adapter", "out", "--output-rows", "scored"];

#[test]
fn an_adapter_with_faulty_weights() {
    let place = trained();
    let bytes = place.read(ADAPTER);
    for length in [0, 7, 50, bytes.len() / 2, bytes.len() - 1] {
        place.write(ADAPTER, &bytes[..length]);
        refused(&place, "eval", EVAL, &[ADAPTER]);
    }
    let endless = [&u64::MAX.to_le_bytes(), &bytes[8..]].concat();
    place.write(ADAPTER, &endless);
    refused(&place, "eval", EVAL, &[ADAPTER, "header"]);

    let (mut header, data) = header(&bytes);
    let name = header.as_object().unwrap().keys().find(|name| name.contains("lora_A")).unwrap();
    let name = name.clone();
    header[&name]["shape"].as_array_mut().unwrap().reverse();
    place.write(ADAPTER, &safetensors(&header, data));
    refused(&place, "eval", EVAL, &[ADAPTER, &name]);
    let tensor = header.as_object_mut().unwrap().remove(&name).unwrap();
    header["base_model.model.decoder.nowhere.lora_A.weight"] = tensor;
    place.write(ADAPTER, &safetensors(&header, data));
    refused(&place, "eval", EVAL, &[ADAPTER]);
    fs::remove_file(place.path(ADAPTER)).unwrap();
    refused(&place, "eval", EVAL, &[ADAPTER, "no such file"]);
}

#[test]
fn an_adapter_with_faulty_settings() {
    let place = trained();
    let whole = place.json(SETTINGS);
    for (key, value) in [
        ("r", json!(4)),
        ("r", json!(0)),
        ("r", json!(1u64 << 50)),
        ("r", json!("8")),
        ("lora_alpha", json!("high")),
        ("target_modules", json!(["q", "nowhere"])),
        ("target_modules", json!([])),
        ("target_modules", json!("(")),
        ("target_modules", json!("(?!b)(([a-z.]+)*)*\\1!")),
        ("rank_pattern", json!({"q": 0})),
        ("layers_to_transform", json!("all")),
        ("bias", json!("some")),
        ("modules_to_save", json!(["lm_head"])),
        ("peft_type", json!("IA3")),
    ] {
        let mut settings = whole.clone();
        settings[key] = value.clone();
        place.write(SETTINGS, settings.to_string().as_bytes());
        // Of a rank that is possible, the matrices tell that it is wrong.
        let file = if value == json!(4) { ADAPTER } else { "out/adapter_" };
        refused(&place, "eval", EVAL, &[file]);
        refused(&place, "generate", &["--adapter", "out", "a"], &[file]);
        refused(&place, "merge", &["--adapter", "out", "--output", "merged"], &[file]);
    }
    for text in ["", "{", "[]"] {
        place.write(SETTINGS, text.as_bytes());
        refused(&place, "eval", EVAL, &[SETTINGS]);
    }
    refused(&place, "eval", &["--data", "rows.jsonl", "--adapter", "no"], &["no/", "no such file"]);
}

#[test]
fn an_adapter_of_another_base() {
    let place = trained();
    // What the file says of itself is of no matter, a number is.
    let mut bytes = with_header(|header| header["__metadata__"] = json!({"from": "elsewhere"}));
    place.write(WEIGHTS, &bytes);
    place.done("eval", EVAL);
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header + 1] ^= 1;
    place.write(WEIGHTS, &bytes);
    refused(&place, "eval", EVAL, &["out", "another base"]);
}

/// A place with an unfinished run in `out`: checkpoints after steps 2, 4 and 6.
fn stopped() -> Place {
    stopped_with(&[])
}

fn stopped_with(options: &[&str]) -> Place {
    let place = Place::new();
    let rows = ["--train", "rows.jsonl", "--output", "out"];
    let mut running = Running::spawn(&place, &[&rows[..], RUN, options].concat());
    running.steps(8);
    running.kill();
    for name in place.names("out/checkpoints") {
        if !["step-2", "step-4", "step-6"].contains(&name.as_str()) {
            fs::remove_dir_all(place.path(&format!("out/checkpoints/{name}"))).unwrap();
        }
    }
    place
}

const RUN: &[&str] = &[
    "--max-steps",
    "60",
    "--batch-size",
    "4",
    "--checkpoint-every",
    "2",
    "--keep-checkpoints",
    "100",
];

/// The step that a resumed run goes on from, and what it leaves.
#[track_caller]
fn resumed(place: &Place) -> (Option<u64>, Vec<u8>) {
    let events = place.train("out", &[&["--resume"], RUN].concat());
    (of_kind(&events, "start")[0]["resumed_from"].as_u64(), place.read(ADAPTER))
}

fn in_checkpoint(step: usize, name: &str) -> String {
    format!("out/checkpoints/step-{step}/{name}")
}

#[test]
fn a_faulty_checkpoint_makes_way_for_the_one_before() {
    let (step, result) = resumed(&stopped());
    assert_eq!(step, Some(6));
    type Damage = fn(&Place);
    let damages: [Damage; 5] = [
        |place| {
            let name = in_checkpoint(6, STATE);
            let bytes = place.read(&name);
            place.write(&name, &bytes[..bytes.len() / 2]);
        },
        |place| {
            let name = in_checkpoint(6, "weights.safetensors");
            let mut bytes = place.read(&name);
            *bytes.last_mut().unwrap() ^= 1;
            place.write(&name, &bytes);
        },
        |place| {
            let name = in_checkpoint(6, "optimizer.safetensors");
            let bytes = place.read(&name);
            place.write(&name, &bytes[..9]);
        },
        |place| fs::remove_file(place.path(&in_checkpoint(6, "weights.safetensors"))).unwrap(),
        |place| place.write(&in_checkpoint(6, STATE), &[b'['; 1000]),
    ];
    for damage in damages {
        let place = stopped();
        damage(&place);
        let (step, adapter) = resumed(&place);
        assert_eq!(step, Some(4));
        assert!(adapter == result);
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let place = stopped();
    let state = in_checkpoint(6, STATE);
    let whole = place.read(&state);
    let arguments = [&["--train", "rows.jsonl", "--output", "out", "--resume"], RUN].concat();
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 4] = [
        (|state| state["config"]["method"]["rank"] = json!(4), "rank"),
        (|state| state["config"]["train"]["seed"] = json!(1), "seed"),
        (|state| state["base"] = json!("another"), "base"),
        (|state| state["data"] = json!("others"), "train"),
    ];
    for (change, key) in changes {
        place.edit(&state, change);
        refused(&place, "train", &arguments, &[key, "resumed"]);
        place.write(&state, &whole);
    }
    // Whoever makes the hashes fit still cannot bring other shapes in.
    let other = stopped_with(&["--rank", "4"]);
    for name in ["weights.safetensors", "optimizer.safetensors"] {
        place.write(&in_checkpoint(6, name), &other.read(&in_checkpoint(6, name)));
    }
    let hashes = other.json(&state)["hashes"].clone();
    place.edit(&state, |state| state["hashes"] = hashes);
    refused(&place, "train", &arguments, &["step-6/weights.safetensors", "lora_A"]);
}
