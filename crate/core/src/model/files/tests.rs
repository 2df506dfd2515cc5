use pollster::block_on;
use serde_json::json;

use super::*;
use crate::{
    model::config::{T5Config, expected_tensors},
    storage::MemoryStorage,
};

/// A fixture's directory, as `base`.
fn directory(name: &str) -> MemoryStorage {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/");
    let storage = MemoryStorage::new();
    for entry in std::fs::read_dir(format!("{root}{name}")).expect("a fixture") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_file() {
            let name = entry.file_name().into_string().expect("a name");
            storage.insert(join("base", &name), std::fs::read(entry.path()).expect("a file"));
        }
    }
    storage
}

fn open(storage: &MemoryStorage) -> Result<WeightFiles> {
    block_on(WeightFiles::open(storage, "base"))
}

fn remove(storage: &MemoryStorage, path: &str) {
    block_on(storage.remove(path)).unwrap();
}

/// A file of tensors of one f32 zero each.
fn weights(names: &[&str]) -> Vec<u8> {
    let entry = |(i, name): (usize, &&str)| {
        let offsets = [4 * i, 4 * i + 4];
        let entry = json!({"dtype": "F32", "shape": [1], "data_offsets": offsets});
        (name.to_string(), entry)
    };
    let entries: serde_json::Map<String, Value> = names.iter().enumerate().map(entry).collect();
    let header = Value::Object(entries).to_string();
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), &vec![0; 4 * names.len()]].concat()
}

/// An index, and the shards `a.safetensors` (of `x` and `y`) and `b.safetensors` (of `z`).
fn sharded(map: Value) -> MemoryStorage {
    let storage = MemoryStorage::new();
    storage.insert("base/a.safetensors", weights(&["x", "y"]));
    storage.insert("base/b.safetensors", weights(&["z"]));
    storage.insert(join("base", INDEX), json!({ "weight_map": map }).to_string());
    storage
}

fn full_map() -> Value {
    json!({"x": "a.safetensors", "y": "a.safetensors", "z": "b.safetensors"})
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, code: &str, parts: &[&str]) {
    let error = result.expect_err("a fault");
    assert_eq!(error.code(), code, "{error:?}");
    let message = error.to_string();
    assert!(message.len() < 500, "{message}");
    for part in parts {
        assert!(message.contains(part), "`{message}` does not name {part}");
    }
}

#[test]
fn fixtures_fit_their_configurations() {
    for (name, tied) in [
        ("gated", false),
        ("relu", true),
        ("odd", false),
        ("gated/as/f16", false),
        ("gated/as/bf16", false),
        ("gated/as/sharded", false),
    ] {
        let storage = directory(name);
        let config = block_on(T5Config::open(&storage, "base")).unwrap();
        let files = open(&storage).unwrap();
        assert_eq!(files.tied(&config), tied, "{name}");
        let expected = expected_tensors(&config, tied);
        files.check(&expected, &[]).unwrap();
        for (tensor, shape) in &expected {
            let values = block_on(files.read_f32(&storage, tensor)).unwrap();
            assert_eq!(values.len(), shape.iter().product::<usize>());
            assert_eq!(files.get(tensor).unwrap().1.shape, *shape);
        }
    }
}

#[test]
fn shards_hold_what_the_single_file_holds() {
    let (single, sharded) = (directory("gated"), directory("gated/as/sharded"));
    let (one, many) = (open(&single).unwrap(), open(&sharded).unwrap());
    assert_eq!((one.files().len(), many.files().len()), (1, 5));
    assert_eq!(one.path(), "base/model.safetensors");
    assert_eq!(many.path(), join("base", INDEX));
    for name in one.names() {
        let values = block_on(one.read_f32(&single, name)).unwrap();
        assert_eq!(values, block_on(many.read_f32(&sharded, name)).unwrap(), "{name}");
    }

    let hash = |files: &WeightFiles, storage| block_on(files.hash(storage)).unwrap();
    let (first, second) = (hash(&one, &single), hash(&many, &sharded));
    assert_eq!(first, second, "a base is its tensors, not its files");
    for (name, precision) in [("bf16", "BF16"), ("f16", "F16")] {
        let storage = directory(&format!("gated/as/{name}"));
        let other = block_on(open(&storage).unwrap().hash(&storage)).unwrap();
        let precisions = Some(("F32".to_owned(), precision.to_owned()));
        assert_eq!(other_precision(&first, &other), precisions);
        assert!(same_base(&first, &other) && same_base(&other, &first));
    }
    assert_eq!(other_precision(&first, &second), None);
    refused(block_on(one.read_f32(&single, "x")), "tensor", &["model.safetensors", "`x`"]);
}

#[test]
fn bases_are_compared_by_their_hashes() {
    let cases = include_str!("bases.json");
    let cases: Vec<serde_json::Value> = serde_json::from_str(cases).unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let text = |key: &str| case[key].as_str().unwrap();
        let (recorded, base) = (text("recorded"), text("base"));
        assert_eq!(case["same"], same_base(recorded, base), "{case}");
        let precisions = other_precision(recorded, base).map(|(was, is)| [was, is]);
        assert_eq!(case["precisions"], serde_json::json!(precisions), "{case}");
    }
}

#[test]
fn models_of_one_layout_are_told_apart() {
    let storage = directory("gated");
    let path = "base/model.safetensors";
    let files = open(&storage).unwrap();
    let before = block_on(files.hash(&storage)).unwrap();
    let (_, info) = files.get("decoder.final_layer_norm.weight").unwrap();
    let mut bytes = block_on(storage.read_all(path, 1 << 20)).unwrap();
    bytes[info.range.start as usize] ^= 1;
    storage.insert(path, bytes);
    let after = block_on(open(&storage).unwrap().hash(&storage)).unwrap();
    assert!(same_base(&before, &before) && !same_base(&before, &after));
    let differs = |was: &str, is: &str, words: &[&str]| {
        let found = what_differs(was, is);
        assert!(words.iter().all(|word| found.contains(word)), "{found}");
    };
    differs(&before, &after, &["both are in F32", "numbers"]);
    differs(&before.replace("-F32-", "-BF16-"), &after, &["in BF16", "in F32"]);
    differs("0123-4567", &after, &["first version", "in F32"]);
    differs("", &after, &["do not tell"]);
    // What the first versions recorded: a few small tensors, and a header.
    let first_version = |hash: &str| format!("{}-{:064}", hash.rsplit_once('-').unwrap().1, 0);
    assert!(
        same_base(&first_version(&before), &before) && same_base(&before, &first_version(&before))
    );
    assert!(!same_base(&first_version(&before), &after));
    assert!(!same_base("", &before) && !same_base("a-b-c", &before));
    assert!(!same_base("", &before) && !same_base(&before[..16], &before));
    assert!(!same_base(&before, &before[17..]));
}

#[test]
fn tensors_that_do_not_fit() {
    let files = open(&directory("gated")).unwrap();
    let config = block_on(T5Config::open(&directory("gated"), "base")).unwrap();
    let expected = expected_tensors(&config, false);
    let path = "base/model.safetensors";

    let mut more = expected.clone();
    more.push(("decoder.x.weight".into(), vec![1]));
    refused(files.check(&more, &[]), "tensor", &[path, "`decoder.x.weight`", "missing"]);
    more.push(("decoder.y.weight".into(), vec![1]));
    refused(files.check(&more, &[]), "tensor", &["missing, and another one"]);
    more.push(("decoder.z.weight".into(), vec![1]));
    refused(files.check(&more, &[]), "tensor", &["missing, and 2 others"]);

    let less = &expected[1..];
    refused(files.check(less, &[]), "tensor", &[path, "`shared.weight`", "no such tensor"]);
    files.check(less, &["shared.weight"]).unwrap();

    let mut other = expected.clone();
    other[0].1 = vec![96, 33];
    let parts = [path, "`shared.weight`", "[96, 32]; expected [96, 33]"];
    refused(files.check(&other, &[]), "tensor", &parts);
    other[0].1 = vec![32, 96];
    refused(files.check(&other, &[]), "tensor", &["[96, 32]; expected [32, 96]"]);

    // The configuration of another model.
    let odd = block_on(T5Config::open(&directory("odd"), "base")).unwrap();
    refused(files.check(&expected_tensors(&odd, false), &[]), "tensor", &["decoder.block.2"]);
}

#[test]
fn integers_are_no_weights() {
    let storage = MemoryStorage::new();
    let bytes = String::from_utf8(weights(&["x"])).unwrap().replace("F32", "I32");
    storage.insert("base/model.safetensors", bytes);
    let files = open(&storage).unwrap();
    let result = files.check(&[("x".into(), vec![1])], &[]);
    refused(result, "tensor", &["`x`", "I32; expected F32"]);
}

#[test]
fn copies_of_the_embedding_are_ignored() {
    let storage = MemoryStorage::new();
    let names = [&["shared.weight"], &IGNORED[..]].concat();
    storage.insert("base/model.safetensors", weights(&names));
    let files = open(&storage).unwrap();
    files.check(&[("shared.weight".into(), vec![1])], &[]).unwrap();
    assert_eq!(files.places.len(), names.len());
}

#[test]
fn no_weights() {
    let storage = MemoryStorage::new();
    refused(open(&storage), "storage", &["base: there is no such directory"]);
    storage.insert("base/config.json", b"{}");
    refused(open(&storage), "not_found", &["base/model.safetensors"]);
    for name in ["pytorch_model.bin", "pytorch_model.bin.index.json"] {
        storage.insert(join("base", name), b"");
        refused(open(&storage), "format", &["base: ", "pytorch_model.bin", "convert"]);
        remove(&storage, &join("base", name));
    }
    storage.insert("base/model.safetensors", b"");
    refused(open(&storage), "format", &["base/model.safetensors", "0 bytes"]);
}

#[test]
fn a_single_file_goes_before_an_index() {
    let storage = sharded(full_map());
    assert_eq!(open(&storage).unwrap().files().len(), 2);
    storage.insert("base/model.safetensors", weights(&["w"]));
    assert_eq!(open(&storage).unwrap().names().collect::<Vec<_>>(), ["w"]);
}

#[test]
fn an_index_that_does_not_fit_its_shards() {
    let storage = sharded(full_map());
    remove(&storage, "base/b.safetensors");
    refused(open(&storage), "format", &[INDEX, "no `b.safetensors`"]);
    storage.insert("base/b.safetensors", b"123");
    refused(open(&storage), "format", &["base/b.safetensors", "3 bytes"]);

    let mut map = full_map();
    map["w"] = json!("b.safetensors");
    refused(open(&sharded(map)), "tensor", &["base/b.safetensors", "`w`", "it is not"]);

    let map = json!({"x": "a.safetensors", "z": "b.safetensors"});
    refused(open(&sharded(map)), "tensor", &["base/a.safetensors", "`y`", "does not say"]);

    let mut map = full_map();
    map["y"] = json!("b.safetensors");
    refused(open(&sharded(map)), "tensor", &["base/a.safetensors", "`y`"]);

    let storage = sharded(full_map());
    storage.insert("base/b.safetensors", weights(&["z", "x"]));
    refused(open(&storage), "tensor", &["base/b.safetensors", "`x`"]);
}

#[test]
fn hostile_indices() {
    for name in [
        "../a.safetensors",
        "/etc/a.safetensors",
        "sub/a.safetensors",
        "..",
        "..\\a.safetensors",
        "C:a.safetensors",
        ".a.safetensors",
        "a.bin",
        "a.safetensors\0",
        "",
        "\u{1b}[2J.safetensors",
    ] {
        let mut map = full_map();
        map["x"] = json!(name);
        refused(open(&sharded(map)), "format", &[INDEX, "`weight_map`", "`x`"]);
    }
    for value in [json!(1), json!(null), json!(["a.safetensors"]), json!("x".repeat(1 << 20))] {
        let mut map = full_map();
        map["x"] = value;
        refused(open(&sharded(map)), "format", &[INDEX, "`weight_map`", "`x`"]);
    }
    for map in [json!([]), json!("a.safetensors"), json!(3)] {
        refused(open(&sharded(map)), "format", &[INDEX, "`weight_map`", "object"]);
    }
    refused(open(&sharded(json!(null))), "format", &[INDEX, "`weight_map`", "missing"]);

    let many = (0..=MAX_SHARDS).map(|i| (i.to_string(), json!(format!("{i}.safetensors"))));
    let many = Value::Object(many.collect());
    refused(open(&sharded(many)), "format", &[INDEX, "1025 files"]);

    let storage = sharded(full_map());
    for bytes in [&b""[..], b"{", b"[]", b"\xff", b"{\"weight_map\""] {
        storage.insert(join("base", INDEX), bytes);
        refused(open(&storage), "format", &[INDEX, "JSON"]);
    }
    storage.insert(join("base", INDEX), vec![b' '; INDEX_LIMIT as usize + 1]);
    refused(open(&storage), "format", &[INDEX, "bytes"]);

    // No shards at all: then every tensor is missing.
    let files = open(&sharded(json!({}))).unwrap();
    refused(files.check(&[("x".into(), vec![1])], &[]), "tensor", &[INDEX, "`x`"]);
}
