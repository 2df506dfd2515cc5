use serde_json::json;

use super::*;

fn message(result: Result<()>) -> String {
    result.unwrap_err().to_string()
}

fn with(settings: &[(&str, &str)]) -> RunConfig {
    let mut config = RunConfig::default();
    for (key, text) in settings {
        config.set_text(key, text).unwrap();
    }
    config
}

#[test]
fn defaults_are_valid_and_depend_on_the_method() {
    let values = |method| {
        let config = with(&[("method", method)]).resolve().unwrap();
        (config.train.optimizer.unwrap(), config.train.learning_rate.unwrap())
    };
    assert_eq!(values("lora"), (OptimizerKind::Adamw, 1e-3));
    assert_eq!(values("prompt"), (OptimizerKind::Adafactor, 0.3));
    assert_eq!(values("full"), (OptimizerKind::Adamw, 3e-4));
    assert_eq!(with(&[("rank", "4")]).resolve().unwrap().method.alpha, Some(8.0));
    assert_eq!(with(&[]).resolve().unwrap().data.validation_fraction, Some(0.1));
    let with_file = with(&[("validation", "v.jsonl")]).resolve().unwrap();
    assert_eq!(with_file.data.validation_fraction, Some(0.0));
    assert_eq!(with_file.resolve().unwrap(), with_file);
}

#[test]
fn every_default_can_be_typed() {
    for key in RunConfig::keys() {
        let mut config = RunConfig::default();
        if !key.default.is_empty() {
            config.set_text(key.name, &key.default).unwrap();
            assert_eq!(config, RunConfig::default(), "{}", key.name);
        }
    }
}

#[test]
fn every_name_of_a_choice_is_accepted() {
    for key in RunConfig::keys() {
        if let ValueKind::Choice(names) | ValueKind::List(names) = key.kind {
            for name in names {
                let config = with(&[(key.name, name)]);
                let value = config.get(key.name).unwrap();
                let back = if value.is_array() { value[0].clone() } else { value };
                // A flag among the names is one in files.
                let back = back.as_str().map_or_else(|| back.to_string(), str::to_owned);
                assert_eq!(back, **name, "{}", key.name);
            }
        }
    }
}

#[test]
fn keys_are_unique_and_explained() {
    let keys = RunConfig::keys();
    for (i, key) in keys.iter().enumerate() {
        assert!(keys[..i].iter().all(|other| other.name != key.name), "{} twice", key.name);
        let (summary, details) = (key.summary.to_string(), key.details.to_string());
        assert!((10..=79).contains(&summary.chars().count()), "{}: {summary}", key.name);
        assert!(!summary.ends_with('.'), "{}", key.name);
        assert!(details.is_empty() || details.ends_with('.'), "{}", key.name);
    }
}

#[test]
fn help_names_the_optimizers_that_read_a_number() {
    let keys = RunConfig::keys();
    for kind in OptimizerKind::ALL {
        for number in kind.rule().reads() {
            let key = keys.iter().find(|key| key.name == *number);
            let summary = key.unwrap_or_else(|| panic!("no key {number}")).summary.to_string();
            let (names, _) = summary.split_once(": ").unwrap();
            assert!(names.split(", ").any(|name| name == kind.name()), "{summary}");
        }
    }
    let alone = keys.iter().find(|key| key.name == "weight_decay").unwrap();
    assert!(alone.optimizers.is_empty());
}

#[test]
fn values_are_read_by_their_kind() {
    let mut config = with(&[
        ("learning_rate", "3e-3"),
        ("target_modules", "q, v,wo"),
        ("shuffle", "false"),
        ("dropout", "model"),
        ("schedule", "inverse_sqrt"),
        ("threads", "2"),
    ]);
    assert_eq!(config.learning_rate(), 3e-3);
    let modules = config.target_modules();
    assert!(modules.iter().map(TargetModule::as_str).eq(["q", "v", "wo"]));
    assert!(!config.train.shuffle);
    assert_eq!(config.train.dropout, Dropout::Model);
    assert_eq!(config.model.threads, Some(2));
    config.set_text("threads", "all").unwrap();
    assert_eq!(config.model.threads, None);
    config.set("dropout", json!(0.1)).unwrap();
    assert_eq!(config.train.dropout, Dropout::Rate(0.1));
}

#[test]
fn wrong_values_say_what_was_found_and_expected() {
    let mut config = RunConfig::default();
    let mut set = |key: &str, value| message(config.set(key, value));
    assert_eq!(set("rank", json!(-1)), "rank: found -1, expected a whole number from 0");
    assert_eq!(set("rank", json!("8")), "rank: found `8`, expected a whole number from 0");
    assert_eq!(
        set("method", json!("lara")),
        "method: found `lara`, expected one of lora, ia3, prompt, full"
    );
    assert_eq!(set("shuffle", json!(1)), "shuffle: found 1, expected true or false");
    let modules = "a list of some of q, k, v, o, wi_0, wi_1, wi, wo; or of ends of their paths, \
                   such as EncDecAttention.q";
    assert_eq!(
        set("target_modules", json!(["q", "x"])),
        format!("target_modules: found [\"q\",\"x\"], expected {modules}")
    );
    let mut text = |key, text| message(config.set_text(key, text));
    assert_eq!(text("rank", "abc"), "rank: found `abc`, expected a whole number from 0");
    assert_eq!(text("z_loss", "nan"), "z_loss: found `nan`, expected a finite number");
    assert_eq!(text("dropout", "x"), "dropout: found `x`, expected a finite number, or model");
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    let mut config = RunConfig::default();
    let mut set = |key| message(config.set(key, json!(1)));
    assert_eq!(
        set("lerning_rate"),
        "lerning_rate: there is no such key; did you mean `learning_rate`?"
    );
    assert_eq!(set("batchSize"), "batchSize: there is no such key; did you mean `batch_size`?");
    assert_eq!(set("xyzzy"), "xyzzy: there is no such key");
}

#[test]
fn impossible_values_are_refused() {
    let refused = |key, text| message(with(&[(key, text)]).validate());
    assert_eq!(refused("rank", "0"), "rank: found 0, expected a whole number from 1");
    assert_eq!(
        refused("batch_size", "1000000000"),
        "batch_size: found 1000000000, expected a whole number up to 65536"
    );
    assert_eq!(
        refused("learning_rate", "0"),
        "learning_rate: found 0.0, expected a number greater than 0"
    );
    assert_eq!(refused("beta1", "1"), "beta1: found 1.0, expected a number from 0, less than 1");
    assert_eq!(
        refused("dropout", "1"),
        "dropout: found 1.0, expected a number from 0, less than 1"
    );
    assert_eq!(
        refused("init", "text"),
        "init_text: found nothing, expected a text, because `init` is text"
    );
    assert_eq!(
        refused("best_metric", "rougeL"),
        "best_metric: found `rougeL`, expected loss, or one of `metrics`"
    );
}

#[test]
fn values_must_go_together() {
    let refused = |settings: &[_]| message(with(settings).validate());
    assert_eq!(
        refused(&[("template", "a"), ("template_file", "f")]),
        "template_file: found `f`, expected nothing, because `template` is given too"
    );
    assert_eq!(
        refused(&[("template", "a"), ("source_field", "s")]),
        "source_field: found `s`, expected nothing, because `template` names the fields"
    );
    assert_eq!(
        refused(&[("validation", "v"), ("validation_fraction", "0.5")]),
        "validation_fraction: found 0.5, expected nothing or 0 beside a `validation` file"
    );
    assert_eq!(
        refused(&[("method", "full"), ("init_adapter", "a")]),
        "init_adapter: found `a`, expected nothing with `method` = full"
    );
}

#[test]
fn keys_of_generation_must_have_an_effect() {
    let refused = |settings: &[_]| message(with(settings).validate());
    assert_eq!(
        refused(&[("min_new_tokens", "9"), ("max_new_tokens", "8")]),
        "min_new_tokens: found 9, expected up to `max_new_tokens`, 8"
    );
    assert_eq!(
        refused(&[("num_beams", "4"), ("top_k", "5")]),
        "num_beams: found 4, expected 1 with `temperature`, `top_k` or `top_p`, \
         which draw single texts"
    );
    assert_eq!(
        refused(&[("length_penalty", "2")]),
        "length_penalty: found 2.0, expected 1 unless `num_beams` is greater than 1"
    );
    assert_eq!(
        refused(&[("early_stopping", "never")]),
        "early_stopping: found `never`, expected false unless `num_beams` is greater than 1"
    );
    assert_eq!(
        refused(&[("num_return_sequences", "3"), ("num_beams", "2")]),
        "num_return_sequences: found 3, expected up to `num_beams`, 2, \
         or any number with `temperature`, `top_k` or `top_p`"
    );
    assert_eq!(
        refused(&[("generation_seed", "3")]),
        "generation_seed: found 3, expected nothing unless with `temperature`, `top_k` or `top_p`"
    );
    for settings in [
        &[("num_beams", "4"), ("num_return_sequences", "4"), ("early_stopping", "never")][..],
        &[("temperature", "0.7"), ("num_return_sequences", "4"), ("generation_seed", "3")],
        &[("repetition_penalty", "1.3"), ("no_repeat_ngram_size", "2"), ("min_new_tokens", "64")],
    ] {
        with(settings).validate().unwrap();
    }
}

#[test]
fn early_stopping_is_a_flag_or_never() {
    let mut config = RunConfig::default();
    for (value, expected) in [
        (json!(true), EarlyStopping::True),
        (json!(false), EarlyStopping::False),
        (json!("never"), EarlyStopping::Never),
    ] {
        config.set("early_stopping", value.clone()).unwrap();
        assert_eq!(config.eval.early_stopping(), expected);
        assert_eq!(config.get("early_stopping"), Some(value));
        let file = serde_json::to_value(&config).unwrap();
        assert_eq!(serde_json::from_value::<RunConfig>(file).unwrap(), config);
    }
    assert_eq!(
        message(config.set("early_stopping", json!(1))),
        "early_stopping: found 1, expected one of false, true, never"
    );
}

#[test]
fn what_is_not_supported_yet_is_refused() {
    let refused = message(with(&[("dtype", "bf16")]).validate());
    assert!(refused.starts_with("dtype") && refused.contains("not supported yet"), "{refused}");
}

#[test]
fn the_file_form_is_by_section_and_strict() {
    let config = with(&[("rank", "4"), ("schedule", "cosine")]);
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(json["method"]["rank"], 4);
    assert_eq!(json["train"]["schedule"], "cosine");
    assert!(json["method"].get("alpha").is_none());
    assert_eq!(serde_json::from_value::<RunConfig>(json).unwrap(), config);
    assert!(serde_json::from_value::<RunConfig>(json!({"method": {"rnak": 4}})).is_err());
    assert!(serde_json::from_value::<RunConfig>(json!({"other": {}})).is_err());
}
