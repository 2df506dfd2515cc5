use serde_json::{Value, json};

use crate::{
    Place, lines, refused, says,
    weights::{Tensors, read, write},
};

/// transformers' tied model, whose decoder's output is scaled.
const RELU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/relu");

const SHARED: &str = "shared.weight";
const HEAD: &str = "lm_head.weight";
const OF_DECODER: &str = "decoder.embed_tokens.weight";
const OF_ENCODER: &str = "encoder.embed_tokens.weight";

fn weights(place: &Place) -> Tensors {
    read(&place.read("model/model.safetensors"))
}

/// A copy of the model here in another folder, with its weights changed.
fn copy(place: &Place, into: &str, change: impl FnOnce(&mut Tensors)) {
    for name in ["config.json", "generation_config.json", "tokenizer.json"] {
        place.write(&format!("{into}/{name}"), &place.read(&format!("model/{name}")));
    }
    let mut tensors = weights(place);
    change(&mut tensors);
    place.write(&format!("{into}/model.safetensors"), &write(&tensors));
}

/// With transformers' tied model in place of the other one.
fn tied() -> Place {
    let place = Place::new();
    for name in ["config.json", "model.safetensors"] {
        place.write(&format!("model/{name}"), &std::fs::read(format!("{RELU}/{name}")).unwrap());
    }
    place
}

fn rename(tensors: &mut Tensors, from: &str, to: &str) {
    let tensor = tensors.remove(from).unwrap();
    tensors.insert(to.to_owned(), tensor);
}

#[track_caller]
fn loss(place: &Place, model: &str) -> f64 {
    let events = place.done("eval", &["--model", model, "--data", "rows.jsonl"]);
    events.last().unwrap()["metrics"]["loss"].as_f64().unwrap()
}

#[test]
fn tensors_under_other_names_are_found() {
    let place = Place::new();
    let expected = loss(&place, "model");
    for prefix in ["_orig_mod.", "module.", "_orig_mod.module."] {
        copy(&place, "prefixed", |tensors| {
            *tensors =
                tensors.iter().map(|(name, t)| (format!("{prefix}{name}"), t.clone())).collect();
        });
        assert_eq!(loss(&place, "prefixed"), expected, "{prefix}");
    }
    for alias in [OF_DECODER, OF_ENCODER] {
        copy(&place, "aliased", |tensors| rename(tensors, SHARED, alias));
        assert_eq!(loss(&place, "aliased"), expected, "{alias}");
    }
    copy(&place, "both", |tensors| {
        rename(tensors, SHARED, OF_DECODER);
        tensors.insert(OF_ENCODER.to_owned(), tensors[OF_DECODER].clone());
    });
    assert_eq!(loss(&place, "both"), expected);
    // What is written of it has the usual names.
    let quantize = ["quantize", "--model", "both", "--to", "f32", "--output", "again"];
    let ended = crate::ended(&mut place.flantune(&quantize));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(loss(&place, "again"), expected);
    assert!(read(&place.read("again/model.safetensors")).keys().eq(weights(&place).keys()));

    // Two that differ, and none.
    copy(&place, "differ", |tensors| {
        rename(tensors, SHARED, OF_DECODER);
        tensors.insert(OF_ENCODER.to_owned(), tensors[HEAD].clone());
    });
    let message = refused(&place, &["generate", "--model", "differ", "the cat"]);
    says(&message, &["`shared.weight`", OF_DECODER, OF_ENCODER, "differ"]);
    copy(&place, "none", |tensors| drop(tensors.remove(SHARED)));
    says(
        &refused(&place, &["generate", "--model", "none", "the cat"]),
        &["`shared.weight`: it is missing"],
    );

    let tied = tied();
    let expected = loss(&tied, "model");
    copy(&tied, "aliased", |tensors| rename(tensors, SHARED, OF_DECODER));
    assert_eq!(loss(&tied, "aliased"), expected);
}

#[test]
fn a_copy_of_the_embedding_is_no_head_of_its_own() {
    let place = tied();
    copy(&place, "copied", |tensors| {
        for name in [HEAD, OF_DECODER, OF_ENCODER] {
            tensors.insert(name.to_owned(), tensors[SHARED].clone());
        }
    });
    let trained = |model: &str| -> (Value, Vec<Value>) {
        let output = format!("{model}-trained");
        let arguments = [
            "--model",
            model,
            "--train",
            "rows.jsonl",
            "--output",
            &output,
            "--method",
            "full",
            "--max-steps",
            "5",
            "--learning-rate",
            "0.01",
            "--validation-fraction",
            "0",
        ];
        let events = place.done("train", &arguments);
        let steps = events.iter().filter(|event| event["event"] == "step");
        (
            events[0]["trainable_parameters"].clone(),
            steps.map(|step| step["loss"].clone()).collect(),
        )
    };
    let (plain, copied) = (trained("model"), trained("copied"));
    assert_eq!(plain.0, json!(25_440), "as transformers counts them");
    assert_eq!(plain, copied);
    assert_eq!(
        place.read("model-trained/model.safetensors"),
        place.read("copied-trained/model.safetensors")
    );
    assert_eq!(place.json("copied-trained/config.json")["tie_word_embeddings"], json!(true));
    // One that differs is its own, whatever the configuration says; and so is a copy where it says so.
    copy(&place, "apart", |tensors| {
        let mut head = tensors[SHARED].clone();
        head.bytes.reverse();
        for (at, byte) in head.bytes.iter_mut().enumerate() {
            // Small floats, whatever the bytes were.
            if at % 4 == 3 {
                *byte = 0x3c
            } else if at % 4 == 2 {
                *byte &= 0x7f
            }
        }
        tensors.insert(HEAD.to_owned(), head);
    });
    place.edit("apart/config.json", |config| config["scale_decoder_outputs"] = json!(false));
    assert!(trained("apart").0.as_u64() > Some(25_440));
    let written = place.json("apart-trained/config.json");
    assert_eq!(
        (&written["tie_word_embeddings"], &written["scale_decoder_outputs"]),
        (&json!(false), &json!(false))
    );
}

#[test]
fn what_is_no_model_is_named() {
    let place = Place::new();
    let generate = |model: &str| refused(&place, &["generate", "--model", model, "the cat"]);
    copy(&place, "encoder", |tensors| {
        tensors.retain(|name, _| name.starts_with("encoder.") || name == SHARED);
    });
    says(&generate("encoder"), &["an encoder alone, which writes no texts"]);
    copy(&place, "classifier", |tensors| {
        *tensors =
            tensors.iter().map(|(name, t)| (format!("transformer.{name}"), t.clone())).collect();
        tensors.insert(
            "classification_head.dense.weight".to_owned(),
            tensors["transformer.shared.weight"].clone(),
        );
    });
    says(&generate("classifier"), &["a classifier, which writes no texts"]);
    // Whole names, with one that is there.
    let long = format!("decoder.{}.weight", "block.".repeat(30));
    copy(&place, "surplus", |tensors| {
        for name in [&long, "decoder.more.weight", "encoder.more.weight"] {
            tensors.insert(name.to_owned(), tensors[SHARED].clone());
        }
    });
    says(&generate("surplus"), &[&long, "`decoder.more.weight`", "`encoder.more.weight`"]);
    copy(&place, "renamed", |tensors| {
        rename(tensors, "encoder.final_layer_norm.weight", "encoder.norm.weight")
    });
    says(
        &generate("renamed"),
        &["`encoder.final_layer_norm.weight`: it is missing", "the file has `"],
    );

    // What stands in for a file.
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 308000000\n";
    for (name, text, words) in [
        ("model.safetensors", &lfs[..], "`git lfs pull`"),
        (
            "model.safetensors",
            b"<!DOCTYPE html><html><body>Sign in</body></html>",
            "a page of a site",
        ),
        ("model.safetensors", b"{\"error\":\"Entry not found\"}", "\"Entry not found\""),
        ("tokenizer.json", &lfs[..], "`git lfs pull`"),
        ("tokenizer.json", b"{\"error\":\"Entry not found\"}", "\"Entry not found\""),
        ("config.json", &lfs[..], "`git lfs pull`"),
        ("config.json", b"<html></html>", "a page of a site"),
    ] {
        copy(&place, "stand-in", |_| ());
        place.write(&format!("stand-in/{name}"), text);
        says(&generate("stand-in"), &[name, words]);
    }
    // A part of a model.
    for (name, words) in [
        ("tokenizer.json", "copy that of the base"),
        ("config.json", "config.json: there is no such file"),
        ("model.safetensors", "model.safetensors: there is no such file"),
    ] {
        copy(&place, "part", |_| ());
        std::fs::remove_file(place.path(&format!("part/{name}"))).unwrap();
        says(&generate("part"), &[words]);
    }
    copy(&place, "variant", |_| ());
    let file = |name: &str| place.path(&format!("variant/{name}"));
    std::fs::rename(file("model.safetensors"), file("model.fp16.safetensors")).unwrap();
    says(&generate("variant"), &["model.fp16.safetensors"]);
    copy(&place, "spiece", |_| ());
    std::fs::remove_file(place.path("spiece/tokenizer.json")).unwrap();
    place.write("spiece/spiece.model", b"\x0a");
    says(&generate("spiece"), &["spiece.model is not read", "save_pretrained"]);
    place.write("spiece/tokenizer_config.json", b"{\"tokenizer_class\": \"ByT5Tokenizer\"}");
    says(&generate("spiece"), &["ByT5"]);
}

#[test]
fn a_model_and_an_adapter_are_told_apart() {
    let place = Place::new();
    place.train("out", &["--max-steps", "1", "--validation-fraction", "0"]);
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        place.write(&format!("adapter/{name}"), &place.read(&format!("out/{name}")));
        place.write(&format!("run/checkpoint-500/{name}"), &place.read(&format!("out/{name}")));
    }
    place.edit("adapter/adapter_config.json", |config| {
        config["base_model_name_or_path"] = json!("google/flan-t5-xxl");
    });
    let message = refused(&place, &["generate", "--model", "adapter", "the cat"]);
    says(&message, &["an adapter of google/flan-t5-xxl", "`adapter`"]);
    let with = |adapter: &str| {
        refused(&place, &["generate", "--model", "model", "--adapter", adapter, "the cat"])
    };
    says(&with("model"), &["it holds a model, no adapter"]);
    says(&with("run"), &["one folder down, in run/checkpoint-500"]);
    std::fs::remove_file(place.path("adapter/adapter_model.safetensors")).unwrap();
    place.write("adapter/adapter_model.bin", b"PK");
    says(&with("adapter"), &["adapter_model.bin", "save_pretrained"]);
    place.write("above/one/config.json", b"{}");
    says(
        &refused(&place, &["generate", "--model", "above", "the cat"]),
        &["one folder down, in above/one"],
    );
}

#[test]
fn tokenizers_of_early_versions_and_added_tokens_are_read() {
    let place = Place::new();
    let expected = loss(&place, "model");
    place.edit("model/tokenizer.json", |tokenizer| {
        tokenizer["model"].as_object_mut().unwrap().remove("type");
        for key in ["pre_tokenizer", "decoder"] {
            tokenizer[key] = json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true, "str_rep": "▁"});
        }
    });
    assert_eq!(loss(&place, "model"), expected);
    // Tokens that begin with a blank, or are a line break.
    place.edit("model/tokenizer.json", |tokenizer| {
        let first = tokenizer["model"]["vocab"].as_array().unwrap().len();
        let added = tokenizer["added_tokens"].as_array_mut().unwrap();
        for (place, token) in [" <", "\n", "{"].into_iter().enumerate() {
            added.push(
                json!({"id": first + place, "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": false}),
            );
        }
    });
    place.write("added.jsonl", b"{\"source\": \"the cat <\", \"target\": \"red\\nblue {\"}\n");
    let show = ["data", "show", "--json", "--data", "added.jsonl", "--model", "model"];
    let ended = crate::ended(&mut place.flantune(&show));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let row = &lines(&ended.stdout)[0];
    let has = |side: &str, token: &str| {
        row[side]["tokens"].as_array().unwrap().iter().any(|t| t["token"] == token)
    };
    assert!(has("source", " <") && has("target", "\n") && has("target", "{"), "{row}");
    assert_eq!(crate::warnings(&place, "added.jsonl", &["--model", "model"]), []);
}

/// As options, what the generation_config.json of a case and of a test say.
pub(crate) const OWN_SETTINGS: [&str; 10] = [
    "--max-new-tokens",
    "12",
    "--num-beams",
    "4",
    "--no-repeat-ngram-size",
    "2",
    "--length-penalty",
    "2",
    "--early-stopping",
    "true",
];

#[test]
fn a_models_own_settings_are_taken_and_told() {
    let place = Place::new();
    let written = |more: &[&str]| -> (Value, Vec<Value>) {
        let answers = place.done("generate", &[more, &["the cat sat on"]].concat());
        let told =
            answers.iter().filter(|line| line["code"] == "generation_config").cloned().collect();
        (answers.last().unwrap()["prediction"].clone(), told)
    };
    let (plain, told) = written(&[]);
    assert_eq!(told, [Value::Null; 0]);
    let (by_options, _) = written(&OWN_SETTINGS);
    place.edit("model/generation_config.json", |own| {
        for (key, value) in [
            ("max_new_tokens", json!(12)),
            ("num_beams", json!(4)),
            ("no_repeat_ngram_size", json!(2)),
            ("length_penalty", json!(2.0)),
            ("early_stopping", json!(true)),
            ("forced_bos_token_id", json!(25)),
        ] {
            own[key] = value;
        }
    });
    let (own, told) = written(&[]);
    assert_eq!(own, by_options);
    let [told] = &told[..] else { panic!("{told:?}") };
    says(told["message"].as_str().unwrap(), &["num_beams 4", "ignored", "forced_bos_token_id 25"]);
    let back = ["--max-new-tokens", "64", "--num-beams", "1", "--no-repeat-ngram-size", "0"];
    assert_eq!(written(&back).0, plain);
    // Where texts are measured, too; and not where none is made.
    let told = |metrics: &str| {
        let events = place.done("eval", &["--data", "rows.jsonl", "--metrics", metrics]);
        events.iter().filter(|event| event["code"] == "generation_config").count()
    };
    assert_eq!((told("loss"), told("loss,rouge1")), (0, 1));
    let events = place.train("out", &["--max-steps", "1"]);
    assert_eq!(events.iter().filter(|event| event["code"] == "generation_config").count(), 1);
    assert_eq!(place.json("out/run.json")["config"]["eval"]["num_beams"], json!(4));
}

#[test]
fn values_that_turn_a_setting_off_are_taken() {
    let place = Place::new();
    let written = |more: &[&str]| {
        let answers = place.done("generate", &[more, &["the cat sat on"]].concat());
        answers.last().unwrap()["prediction"].clone()
    };
    let greedy = written(&[]);
    for off in [
        &["--temperature", "0"][..],
        &["--temperature", "0", "--top-p", "1"],
        &["--temperature", "0", "--top-k", "50"],
        &["--top-k", "0"],
        &["--top-p", "1"],
        &["--no-repeat-ngram-size", "0"],
        &["--repetition-penalty", "1"],
    ] {
        assert_eq!(written(off), greedy, "{off:?}");
    }
    let drawn = ["--temperature", "0.7", "--generation-seed", "3"];
    assert_eq!(written(&[&drawn[..], &["--top-k", "0", "--top-p", "1"]].concat()), written(&drawn));
}

/// A number as bf16, rounded to the nearest, halves to the even one.
fn bf16(float: [u8; 4]) -> [u8; 2] {
    let bits = u32::from_le_bytes(float);
    let rounded = bits + 0x7fff + ((bits >> 16) & 1);
    ((rounded >> 16) as u16).to_le_bytes()
}

#[test]
fn an_adapter_knows_its_base_by_the_tensors() {
    let place = Place::new();
    place.train(
        "out",
        &["--max-steps", "3", "--learning-rate", "0.1", "--validation-fraction", "0"],
    );
    let scored = |model: &str| {
        let data = ["--model", model, "--adapter", "out", "--data", "rows.jsonl"];
        place.run("eval", &data)
    };
    let loss = |model: &str| -> f64 {
        let ended = scored(model);
        assert_eq!(ended.code, Some(0), "{model}: {ended:?}");
        lines(&ended.stdout).pop().unwrap()["metrics"]["loss"].as_f64().unwrap()
    };
    let told = |model: &str| scored(model).stdout.contains("other_precision");
    let expected = loss("model");
    assert!(!told("model"));
    // Saved again: in shards, in another order, with copies.
    copy(&place, "shards", |_| ());
    std::fs::remove_file(place.path("shards/model.safetensors")).unwrap();
    let (mut halves, mut map) = ([Tensors::new(), Tensors::new()], serde_json::Map::new());
    for (at, (name, tensor)) in weights(&place).into_iter().enumerate() {
        map.insert(name.clone(), json!(format!("part-{}.safetensors", at % 2)));
        halves[at % 2].insert(name, tensor);
    }
    for (at, half) in halves.iter().enumerate() {
        place.write(&format!("shards/part-{at}.safetensors"), &write(half));
    }
    place.write(
        "shards/model.safetensors.index.json",
        json!({"weight_map": map}).to_string().as_bytes(),
    );
    copy(&place, "copies", |tensors| {
        tensors.insert(OF_ENCODER.to_owned(), tensors[SHARED].clone());
    });
    for model in ["shards", "copies"] {
        assert_eq!(loss(model), expected);
        assert!(!told(model));
    }
    // In another precision, as another program writes it.
    copy(&place, "bf16", |tensors| {
        for tensor in tensors.values_mut() {
            tensor.dtype = json!("BF16");
            tensor.bytes =
                tensor.bytes.as_chunks::<4>().0.iter().flat_map(|float| bf16(*float)).collect();
        }
    });
    assert!((loss("bf16") - expected).abs() < 0.02 * expected);
    assert!(told("bf16"));
    // The model that it was merged into, and one with a number changed, are others.
    let merge =
        ["merge", "--model", "model", "--adapter", "out", "--output", "merged", "--device", "cpu"];
    let ended = crate::ended(&mut place.flantune(&merge));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    copy(&place, "changed", |tensors| {
        let tensor = tensors.get_mut("encoder.block.0.layer.0.SelfAttention.q.weight").unwrap();
        tensor.bytes[1] ^= 1;
    });
    for model in ["merged", "changed"] {
        let ended = scored(model);
        assert_eq!(ended.code, Some(2), "{model}: {ended:?}");
        says(&ended.stdout, &["another base"]);
    }
}
