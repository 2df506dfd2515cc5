//! Adapters as other programs write them. What each key means is held to peft in tests/checks.

use serde_json::{Value, json};

use crate::{
    Place, of_kind, refused, says,
    weights::{read, write},
};

const CONFIG: &str = "adapter/adapter_config.json";
const WEIGHTS: &str = "adapter/adapter_model.safetensors";

/// A place with an adapter of q and v in `adapter`, that another program could have made.
fn trained(more: &[&str]) -> Place {
    let place = Place::new();
    let train = ["--max-steps", "3", "--learning-rate", "0.1", "--validation-fraction", "0"];
    place.train("out", &[&train, more].concat());
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        place.write(&format!("adapter/{name}"), &place.read(&format!("out/{name}")));
    }
    place
}

/// The loss with the adapter, and the codes of warnings.
#[track_caller]
fn scored(place: &Place, adapter: &str) -> (f64, Vec<String>) {
    let events = place.done("eval", &["--adapter", adapter, "--data", "rows.jsonl"]);
    let codes = of_kind(&events, "warning");
    let codes = codes.iter().map(|event| event["code"].as_str().unwrap().to_owned()).collect();
    (events.last().unwrap()["metrics"]["loss"].as_f64().unwrap(), codes)
}

/// The adapter with these keys set otherwise; the file is as it was afterwards.
fn with<T>(place: &Place, keys: &Value, test: impl FnOnce() -> T) -> T {
    let before = place.read(CONFIG);
    place.edit(CONFIG, |config| {
        for (key, value) in keys.as_object().unwrap() {
            config[key] = value.clone();
        }
    });
    let result = test();
    place.write(CONFIG, &before);
    result
}

#[test]
fn keys_that_change_nothing_change_nothing() {
    for (method, keys) in [
        (
            "lora",
            vec![
                json!({"task_type": "CAUSAL_LM"}),
                json!({"task_type": "FEATURE_EXTRACTION"}),
                json!({"task_type": null}),
                json!({"bias": "all"}),
                json!({"bias": "lora_only"}),
                json!({"fan_in_fan_out": true}),
                json!({"init_lora_weights": "eva"}),
                json!({"init_lora_weights": "Gaussian"}),
                json!({"modules_to_save": ["classifier"]}),
                json!({"exclude_modules": ["nothing", "lm_head"]}),
                json!({"rank_pattern": {"o": 2}, "alpha_pattern": {"k": 99}}),
                json!({"target_modules": r".*\.(q|v)"}),
                json!({"target_modules": "all-linear", "exclude_modules": "(?!.*[.][qv]$).*"}),
                json!({"target_modules": null}),
                json!({"layers_to_transform": [0, 1, 2]}),
                json!({"layers_to_transform": [0, 1], "layers_pattern": "block"}),
                json!({"enable_lora": null, "merge_weights": false}),
            ],
        ),
        (
            "ia3",
            vec![
                json!({"task_type": "CAUSAL_LM"}),
                json!({"task_type": null}),
                json!({"fan_in_fan_out": true}),
                json!({"target_modules": ["v", "k", "wo"]}),
                json!({"target_modules": r".*\.(k|v|wo)"}),
                json!({"target_modules": null, "feedforward_modules": null}),
                json!({"feedforward_modules": r".*wo"}),
            ],
        ),
    ] {
        let place = trained(&["--method", method]);
        let expected = scored(&place, "adapter");
        assert_eq!(expected.1, [""; 0]);
        for keys in &keys {
            let found = with(&place, keys, || scored(&place, "adapter"));
            assert_eq!(found, expected, "{method} {keys}");
        }
        let more: Vec<Value> = place.json(CONFIG)["target_modules"].as_array().unwrap().clone();
        let more = [&more[..], &[json!("wi"), json!("query")]].concat();
        for (keys, code) in [
            (json!({"some_new_key": {"deep": 1}}), "adapter_keys"),
            (json!({"target_modules": more}), "target_modules"),
        ] {
            let found = with(&place, &keys, || scored(&place, "adapter"));
            assert_eq!(found, (expected.0, vec![code.to_owned()]), "{method} {keys}");
        }
    }
}

#[test]
fn what_cannot_be_computed_is_refused_by_name() {
    let place = trained(&[]);
    let eval = ["eval", "--model", "model", "--adapter", "adapter", "--data", "rows.jsonl"];
    for (keys, words) in [
        (
            json!({"target_modules": ["query"]}),
            &["`target_modules`", "query", "k, o, q, v, wi_0"][..],
        ),
        (json!({"target_modules": "("}), &["`target_modules`", "regular expression ("]),
        (json!({"target_modules": ".*"}), &["`target_modules`", "beside which nothing can stand"]),
        (json!({"target_modules": ["q", "lm_head"]}), &["`lm_head`"]),
        (json!({"target_modules": ["q", "SelfAttention"]}), &["SelfAttention`"]),
        (json!({"target_modules": []}), &["`target_modules`", "at least one"]),
        (json!({"layers_to_transform": [9]}), &["`layers_to_transform` ([9])"]),
        (json!({"exclude_modules": ".*"}), &["`exclude_modules` (\".*\")"]),
        (json!({"exclude_modules": "["}), &["`exclude_modules`", "regular expression ["]),
        (json!({"rank_pattern": {"q(": 2}}), &["`rank_pattern`", "regular expression q("]),
        (json!({"rank_pattern": {"q": 3}}), &["lora_A.weight`", "the base needs [3, 32]"]),
        (json!({"modules_to_save": ["shared"]}), &["`modules_to_save`", "shared"]),
        (
            json!({"init_lora_weights": "pissa"}),
            &["`init_lora_weights`", "path_initial_model_for_weight_conversion"],
        ),
        (json!({"lora_bias": true}), &["`lora_bias`"]),
        (json!({"trainable_token_indices": [5]}), &["`trainable_token_indices`"]),
        (json!({"task_type": "SEQ_CLS"}), &["`task_type`", "SEQ_CLS"]),
        (json!({"peft_type": "LOHA"}), &["`peft_type`", "LOHA"]),
        // Fewer maps than the file has tensors of, and more.
        (
            json!({"target_modules": ["q"]}),
            &["12 of its tensors", "SelfAttention.v.lora_A.weight`"],
        ),
        (
            json!({"target_modules": ["q", "v", "k"]}),
            &["k.lora_A.weight`: it is missing", "the file has `"],
        ),
    ] {
        let message = with(&place, &keys, || refused(&place, &eval));
        says(&message, &["adapter/adapter_"]);
        says(&message, words);
    }
}

#[test]
fn embeddings_that_are_the_bases_own_are_passed_over() {
    let place = trained(&[]);
    let expected = scored(&place, "adapter");
    let base = read(&place.read("model/model.safetensors"));
    let mut tensors = read(&place.read(WEIGHTS));
    for (name, of) in [
        ("shared.weight", "shared.weight"),
        ("encoder.embed_tokens.weight", "shared.weight"),
        ("lm_head.weight", "lm_head.weight"),
    ] {
        tensors.insert(format!("base_model.model.{name}"), base[of].clone());
    }
    place.write(WEIGHTS, &write(&tensors));
    assert_eq!(scored(&place, "adapter"), expected);
    // The head in place of the embedding.
    tensors.insert("base_model.model.shared.weight".to_owned(), base["lm_head.weight"].clone());
    place.write(WEIGHTS, &write(&tensors));
    let eval = ["eval", "--model", "model", "--adapter", "adapter", "--data", "rows.jsonl"];
    says(&refused(&place, &eval), &["1 of its tensors", "`base_model.model.shared.weight`"]);
}

#[test]
fn a_run_goes_on_from_them_and_keeps_what_they_mean() {
    let place = trained(&["--target-modules", "q,v,wi_0"]);
    // As a program writes it that has the rank and alpha of each map apart.
    place.edit(CONFIG, |config| {
        config["target_modules"] = json!(r".*\.(q|v|wi_0)");
        config["rank_pattern"] = json!({r".*\.q": 8, "wi_0": 8, "v": 8});
        config["alpha_pattern"] = json!({"^decoder.*q": 1});
        config["r"] = json!(2);
        config["task_type"] = json!("CAUSAL_LM");
        config["some_new_key"] = json!(true);
    });
    let (loss, codes) = scored(&place, "adapter");
    assert_eq!(codes, ["adapter_keys"]);
    let on =
        ["--init-adapter", "adapter", "--learning-rate", "1e-30", "--validation-fraction", "0"];
    let events = place.train("on", &[&on[..], &["--max-steps", "2"]].concat());
    assert!(of_kind(&events, "warning").iter().any(|event| event["code"] == "adapter_keys"));
    let (kept, codes) = scored(&place, "on");
    assert!((kept - loss).abs() < 1e-6 * loss && codes.is_empty(), "{kept} for {loss}, {codes:?}");
    let written = place.json("on/adapter_config.json");
    assert_eq!(written["target_modules"], json!(["q", "v", "wi_0"]));
    assert_eq!(written["task_type"], json!("SEQ_2_SEQ_LM"));
    assert_eq!(written["rank_pattern"].as_object().unwrap().len(), 16);
    assert_eq!(written["alpha_pattern"].as_object().unwrap().len(), 4);
    // Trained on, merged and read anew, it is still what it was.
    let merge = [
        "merge",
        "--model",
        "model",
        "--adapter",
        "adapter",
        "--output",
        "merged",
        "--device",
        "cpu",
    ];
    let ended = crate::ended(&mut place.flantune(&merge));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let events = place.done("eval", &["--model", "merged", "--data", "rows.jsonl"]);
    let merged = events.last().unwrap()["metrics"]["loss"].as_f64().unwrap();
    assert!((merged - loss).abs() < 1e-4 * loss, "{merged} for {loss}");
}
