use serde_json::{Value, json};

use super::*;
use crate::storage::MemoryStorage;

const PATH: &str = "base/config.json";

fn fixture(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/");
    std::fs::read(format!("{root}{path}")).expect("a fixture")
}

fn small() -> Value {
    json!({
        "model_type": "t5", "vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 1024,
        "num_layers": 8, "num_heads": 6, "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": false, "decoder_start_token_id": 0,
    })
}

/// FLAN-T5-small's configuration with some keys set otherwise.
fn with(keys: Value) -> Result<T5Config> {
    let mut config = small();
    for (key, value) in keys.as_object().expect("an object") {
        config[key] = value.clone();
    }
    T5Config::from_json(PATH, config.to_string().as_bytes())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, parts: &[&str]) {
    let error = result.expect_err("a fault");
    assert!(matches!(&error, Error::Format { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.len() < 400, "{message}");
    for part in parts {
        assert!(message.contains(part), "`{message}` does not name {part}");
    }
}

#[test]
fn t5_s_own_values_must_fit_what_the_file_says() {
    refused(with(json!({"vocab_size": 1})), &["`eos_token_id`", "missing"]);
    assert!(with(json!({"vocab_size": 1, "eos_token_id": 0})).is_ok());
    let buckets = json!({"relative_attention_num_buckets": 256});
    refused(with(buckets), &["`relative_attention_max_distance`", "missing", "256 buckets"]);
    assert!(with(json!({"relative_attention_num_buckets": 254})).is_ok());
}

#[test]
fn fixtures() {
    let gated = T5Config::from_json("gated", &fixture("gated/config.json")).unwrap();
    assert_eq!((gated.vocab_size, gated.d_model, gated.d_kv, gated.d_ff), (96, 32, 8, 64));
    assert_eq!((gated.num_layers, gated.num_decoder_layers, gated.num_heads), (2, 2, 4));
    assert_eq!(gated.feed_forward, FeedForward::GatedGelu);
    assert!(gated.tie_word_embeddings && !gated.scale_decoder_outputs);
    assert_eq!((gated.layer_norm_epsilon, gated.dropout_rate), (1e-6, 0.0));

    let relu = T5Config::from_json("relu", &fixture("relu/config.json")).unwrap();
    assert_eq!(relu.feed_forward, FeedForward::Relu);
    assert!(relu.tie_word_embeddings && relu.scale_decoder_outputs);

    let odd = T5Config::from_json("odd", &fixture("odd/config.json")).unwrap();
    assert_eq!((odd.num_layers, odd.num_decoder_layers, odd.d_inner()), (1, 3, 60));
    assert_eq!(odd.relative_attention_num_buckets, 16);
    assert_eq!(odd.relative_attention_max_distance, 40);
    assert!(!odd.tie_word_embeddings && !odd.scale_decoder_outputs);
}

#[test]
fn defaults_are_those_of_transformers() {
    let config = T5Config::from_json(
        PATH,
        br#"{"vocab_size": 10, "d_model": 4, "d_kv": 2, "d_ff": 8, "num_layers": 3, "num_heads": 2,
             "num_decoder_layers": null}"#,
    )
    .unwrap();
    assert_eq!(config.num_decoder_layers, 3);
    assert_eq!(config.relative_attention_num_buckets, 32);
    assert_eq!(config.relative_attention_max_distance, 128);
    assert_eq!((config.layer_norm_epsilon, config.dropout_rate), (1e-6, 0.1));
    assert_eq!(config.feed_forward, FeedForward::Relu);
    assert_eq!((config.pad_token_id, config.decoder_start_token_id), (0, 0));
    assert_eq!(config.eos_token_ids, [1]);
    assert!(config.tie_word_embeddings && config.scale_decoder_outputs);
}

#[test]
fn when_the_output_is_scaled() {
    let scaled = |keys| with(keys).unwrap().scale_decoder_outputs;
    assert!(!scaled(json!({"tie_word_embeddings": false})));
    assert!(scaled(json!({"tie_word_embeddings": true})));
    assert!(scaled(json!({"tie_word_embeddings": null})));
    assert!(!scaled(json!({"tie_word_embeddings": true, "scale_decoder_outputs": false})));
    assert!(scaled(json!({"tie_word_embeddings": false, "scale_decoder_outputs": true})));
}

#[test]
fn activations() {
    let read = |keys| with(keys).map(|config| config.feed_forward);
    for (projection, kind) in [
        ("relu", FeedForward::Relu),
        ("gated-gelu", FeedForward::GatedGelu),
        ("gated-gelu_new", FeedForward::GatedGelu),
        ("gated-gelu_pytorch_tanh", FeedForward::GatedGelu),
    ] {
        assert_eq!(read(json!({"feed_forward_proj": projection})).unwrap(), kind);
    }
    for projection in ["gelu", "gelu_new", "gated-relu", "gated-silu", "gated-gelu-x", "", "x"] {
        let result = read(json!({"feed_forward_proj": projection}));
        refused(result, &[PATH, "`feed_forward_proj`", "`relu` or `gated-gelu`"]);
    }
    refused(read(json!({"dense_act_fn": "silu"})), &["`feed_forward_proj`", "`silu`"]);
    refused(read(json!({"is_gated_act": false})), &["`feed_forward_proj`", "plain"]);
}

#[test]
fn other_models() {
    refused(with(json!({"model_type": "mt5"})), &[PATH, "`model_type`", "`mt5`"]);
    for (quantization, part) in [
        (json!({"quant_method": "int8"}), "\"int8\""),
        (json!({"method": "flantune_int8", "version": "1"}), "`version` is \"1\""),
        (json!({"method": "flantune_int4", "version": 2}), "`version` is 2"),
        (json!("flantune_int8"), "nothing"),
    ] {
        let other = with(json!({"quantization_config": quantization}));
        refused(other, &[PATH, "`quantization_config`", part]);
    }
}

#[test]
fn hostile_sizes() {
    let sizes = ["vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads"];
    let values = [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e30),
        json!(u64::MAX),
        json!(1 << 30),
        json!("8"),
        json!([8]),
        json!({}),
        json!(true),
        json!("\u{1b}[2J".repeat(1000)),
    ];
    for value in &values {
        for key in sizes.into_iter().chain([
            "num_decoder_layers",
            "relative_attention_num_buckets",
            "relative_attention_max_distance",
        ]) {
            refused(with(json!({ key: value })), &[PATH, &format!("`{key}`"), "whole number"]);
        }
    }
    for key in sizes {
        refused(with(json!({ key: null })), &[PATH, &format!("`{key}`"), "missing"]);
    }
    refused(with(json!({"relative_attention_num_buckets": 3})), &["num_buckets", "4 to 4096"]);
    refused(with(json!({"relative_attention_max_distance": 16})), &["max_distance", "17 to"]);
}

#[test]
fn hostile_product() {
    let keys = json!({
        "vocab_size": 1 << 20, "d_model": 1 << 15, "d_ff": 1 << 18, "d_kv": 1 << 12,
        "num_heads": 1 << 10, "num_layers": 512,
    });
    refused(with(keys), &[PATH, "parameters"]);
}

#[test]
fn hostile_numbers_flags_and_ids() {
    for value in [json!(-0.1), json!(1), json!(1e300), json!("0.1"), json!([]), json!(false)] {
        refused(with(json!({"dropout_rate": value})), &[PATH, "`dropout_rate`", "number"]);
    }
    for value in [json!(0), json!(-1e-6), json!(2), json!("x"), json!({})] {
        let result = with(json!({"layer_norm_epsilon": value}));
        refused(result, &[PATH, "`layer_norm_epsilon`", "number"]);
    }
    for key in ["tie_word_embeddings", "scale_decoder_outputs", "is_gated_act"] {
        refused(with(json!({ key: 1 })), &[PATH, key, "true or false"]);
    }
    for key in ["pad_token_id", "eos_token_id", "decoder_start_token_id"] {
        for value in [json!(-1), json!(32128), json!("0"), json!({})] {
            refused(with(json!({ key: value })), &[PATH, key, "0 to 32127"]);
        }
    }
    for value in [json!([]), json!([1, "2"]), json!([1, 99999]), json!(vec![1; 65])] {
        refused(with(json!({"eos_token_id": value})), &[PATH, "`eos_token_id`"]);
    }
    for key in ["feed_forward_proj", "dense_act_fn", "model_type"] {
        refused(with(json!({ key: 3 })), &[PATH, key, "string"]);
    }
}

#[test]
fn hostile_files() {
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"x\": {deep}");
    for bytes in [
        &b""[..],
        b"{",
        b"null",
        b"[]",
        b"\"config\"",
        b"12",
        b"\xff\xfe{}",
        b"{\"d_model\": 1e999}",
        b"{\"d_model\": NaN}",
        b"{} {}",
        b"\0\0\0\0",
        deep.as_bytes(),
        nested.as_bytes(),
    ] {
        refused(T5Config::from_json(PATH, bytes), &[PATH, "JSON"]);
    }
    let whole = fixture("gated/config.json");
    let end = whole.iter().rposition(|byte| *byte == b'}').unwrap();
    for length in 0..=end {
        refused(T5Config::from_json(PATH, &whole[..length]), &[PATH, "JSON"]);
    }
}

#[test]
fn directories() {
    let storage = MemoryStorage::new();
    let error = pollster::block_on(T5Config::open(&storage, "base")).unwrap_err();
    assert_eq!(error.to_string(), "base: there is no such directory, or it is empty");

    storage.insert("base/model.safetensors", b"");
    let error = pollster::block_on(T5Config::open(&storage, "base")).unwrap_err();
    assert!(matches!(&error, Error::NotFound { path } if path == PATH), "{error}");

    storage.insert(PATH, vec![b' '; LIMIT as usize + 1]);
    refused(pollster::block_on(T5Config::open(&storage, "base")), &[PATH, "bytes"]);

    storage.insert(PATH, small().to_string());
    let config = pollster::block_on(T5Config::open(&storage, "base")).unwrap();
    assert_eq!(config.d_model, 512);
    let generation = GenerationConfig::open(&storage, "base", &config);
    assert_eq!(pollster::block_on(generation).unwrap(), GenerationConfig::from(&config));
}

#[test]
fn generation() {
    let config = with(json!({"pad_token_id": 5, "decoder_start_token_id": 6})).unwrap();
    let read = |json: &str| GenerationConfig::from_json("g.json", json.as_bytes(), &config);

    let empty = read("{}").unwrap();
    assert_eq!((empty.pad_token_id, empty.decoder_start_token_id), (5, 6));
    assert_eq!(empty.eos_token_ids, [1]);
    let full =
        read(r#"{"pad_token_id": 2, "eos_token_id": [3, 4], "decoder_start_token_id": 7, "x": 1}"#);
    let full = full.unwrap();
    assert_eq!((full.pad_token_id, full.decoder_start_token_id), (2, 7));
    assert_eq!((full.eos_token_ids, &full.file["x"]), (vec![3, 4], &json!(1)));
    refused(read(r#"{"eos_token_id": 1.5}"#), &["g.json", "`eos_token_id`"]);
    refused(read(r#"{"pad_token_id": 32128}"#), &["g.json", "`pad_token_id`"]);
    refused(read("[1]"), &["g.json", "object"]);
}

#[test]
fn written_and_read_again() {
    for name in ["gated", "relu", "odd"] {
        let bytes = fixture(&format!("{name}/config.json"));
        let config = T5Config::from_json(PATH, &bytes).unwrap();
        let again = T5Config::from_json(PATH, &config.to_json()).unwrap();
        assert_eq!(again.to_json(), config.to_json());
        let known = |config: &T5Config| T5Config { source: Map::new(), ..config.clone() };
        assert_eq!(known(&again), known(&config));

        // Nothing that was there is lost or changed.
        let [before, after]: [Value; 2] =
            [&bytes, &config.to_json()].map(|bytes| serde_json::from_slice(bytes).unwrap());
        for (key, value) in before.as_object().unwrap() {
            assert_eq!(&after[key], value, "{key}");
        }
    }

    let mut config = with(json!({"task": "Übersetze 𝄞", "eos_token_id": [1, 2]})).unwrap();
    config.set_extra("dtype", json!("float32"));
    let text = String::from_utf8(config.to_json()).unwrap();
    assert!(text.is_ascii() && text.contains("\\u00dcbersetze \\ud834\\udd1e"), "{text}");
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["task"], "Übersetze 𝄞");
    assert_eq!(value["dtype"], "float32");
    assert_eq!(value["eos_token_id"], json!([1, 2]));
}

#[test]
fn tensors_of_flan_t5_small() {
    let config = with(json!({})).unwrap();
    let tensors = expected_tensors(&config, false);
    let parameters: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(parameters, 76_961_152);
    assert_eq!(config.max_parameters(), 76_961_152);
    assert_eq!(tensors.len(), 190);
    assert_eq!(expected_tensors(&config, true).len(), 189);

    let shape = |name: &str| &tensors.iter().find(|(there, _)| there == name).unwrap().1;
    assert_eq!(shape("encoder.block.7.layer.0.SelfAttention.q.weight"), &[384, 512]);
    assert_eq!(shape("decoder.block.0.layer.1.EncDecAttention.o.weight"), &[512, 384]);
    assert_eq!(shape("decoder.block.0.layer.2.DenseReluDense.wo.weight"), &[512, 1024]);
}
