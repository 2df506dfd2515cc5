use super::{
    super::{LoraConfig, LoraInit, PromptInit, lora::settings::REFUSED, prompt::PromptConfig},
    *,
};
use crate::adapter::AdapterConfig;

const PATH: &str = "adapter/adapter_config.json";

fn fixture(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/");
    std::fs::read(format!("{root}{path}")).expect("a fixture")
}

fn read(value: &Value) -> Result<AdapterConfig> {
    AdapterConfig::from_json(PATH, value.to_string().as_bytes())
}

fn lora() -> Value {
    json!({"peft_type": "LORA", "task_type": TASK, "r": 8, "target_modules": ["q", "v"]})
}

fn prompt() -> Value {
    json!({
        "peft_type": "PROMPT_TUNING", "task_type": TASK, "num_virtual_tokens": 20, "token_dim": 512,
    })
}

fn list(names: &[&str]) -> Names {
    Names::List(names.iter().map(|&name| name.to_owned()).collect())
}

fn named(names: &[&str]) -> Targets {
    Targets { names: list(names), excluded: None, layers: None }
}

/// A configuration with one key set otherwise.
fn with(mut config: Value, key: &str, value: Value) -> Result<AdapterConfig> {
    config[key] = value;
    read(&config)
}

fn read_lora(key: &str, value: Value) -> Result<LoraConfig> {
    with(lora(), key, value).map(|config| match config {
        AdapterConfig::Lora(lora) => lora,
        other => panic!("{other:?} for a LoRA"),
    })
}

fn read_prompt(key: &str, value: Value) -> Result<PromptConfig> {
    with(prompt(), key, value).map(|config| match config {
        AdapterConfig::Prompt(prompt) => prompt,
        other => panic!("{other:?} for a prompt"),
    })
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, code: &str, parts: &[&str]) {
    let error = result.expect_err("a fault");
    assert_eq!(error.code(), code, "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with(PATH) && message.len() < 500, "{message}");
    for part in parts {
        assert!(message.contains(part), "`{message}` does not name {part}");
    }
}

#[test]
fn peft_files_are_written_again_to_the_byte() {
    for model in ["gated", "relu", "odd"] {
        for adapter in ["lora", "lora-all", "rslora", "dora", "ia3", "prompt"] {
            for state in ["initial", "trained"] {
                let path = format!("{model}/adapters/{adapter}/{state}/adapter_config.json");
                let bytes = fixture(&path);
                let config = AdapterConfig::from_json(PATH, &bytes).unwrap();
                let written = String::from_utf8(config.to_json()).unwrap();
                assert_eq!(written, String::from_utf8(bytes).unwrap(), "{path}");
            }
        }
    }
}

#[test]
fn numbers_come_back_to_the_bit() {
    for alpha in [1.9060211884410623, 1.1543327077049215, 0.9295313294735885, 3e-47] {
        assert_eq!(read_lora("lora_alpha", json!(alpha)).unwrap().alpha, alpha);
    }
}

#[test]
fn fixtures() {
    let read = |name: &str| {
        let bytes = fixture(&format!("gated/adapters/{name}/trained/adapter_config.json"));
        AdapterConfig::from_json(PATH, &bytes).unwrap()
    };
    let expected = LoraConfig {
        base: BaseModel::default(),
        r: 4,
        alpha: 8.0,
        dropout: 0.0,
        targets: named(&["q", "v"]),
        rank_pattern: Vec::new(),
        alpha_pattern: Vec::new(),
        use_rslora: false,
        use_dora: false,
        init: LoraInit::Kaiming,
    };
    assert_eq!(expected.scale(), 2.0);
    assert_eq!(read("lora"), AdapterConfig::Lora(expected));
    let AdapterConfig::Lora(rslora) = read("rslora") else { panic!("no LoRA") };
    assert!(rslora.use_rslora && rslora.scale() == 4.0);
    let AdapterConfig::Lora(dora) = read("dora") else { panic!("no LoRA") };
    assert!(dora.use_dora);
    let expected = PromptConfig {
        base: BaseModel::default(),
        num_virtual_tokens: 7,
        token_dim: 32,
        num_transformer_submodules: 2,
        num_layers: Some(2),
        num_attention_heads: Some(4),
        init: PromptInit::Random,
    };
    assert_eq!(read("prompt"), AdapterConfig::Prompt(expected));
}

#[test]
fn defaults_are_those_of_peft() {
    let config = read_lora("x", json!(1)).unwrap();
    assert_eq!((config.alpha, config.dropout, config.init), (8.0, 0.0, LoraInit::Kaiming));
    assert!(!config.use_rslora && !config.use_dora);
    let config = read_prompt("x", json!(1)).unwrap();
    assert_eq!(config.num_transformer_submodules, 2);
    assert_eq!((config.num_layers, config.num_attention_heads), (None, None));
    assert_eq!(config.init, PromptInit::Random);
}

#[test]
fn newer_keys_are_tolerated() {
    for config in [lora(), prompt()] {
        with(config.clone(), "some_new_key", json!({"deep": [1, 2]})).unwrap();
        with(config.clone(), "peft_version", json!("1.2.3")).unwrap();
        with(config, "inference_mode", json!(false)).unwrap();
    }
    for key in ["layers_to_transform", "modules_to_save", "exclude_modules"] {
        for nothing in [json!(null), json!([])] {
            read_lora(key, nothing).unwrap();
        }
    }
    for key in REFUSED {
        for nothing in [json!(null), json!(false), json!([]), json!({}), json!(""), json!(0)] {
            read_lora(key, nothing).unwrap();
        }
    }
    read_lora("rank_pattern", json!({})).unwrap();
    read_lora("eva_config", json!({"rho": 2.0})).unwrap();
    // What computes the same.
    for task in [json!(null), json!("CAUSAL_LM"), json!("FEATURE_EXTRACTION")] {
        read_lora("task_type", task).unwrap();
    }
    for bias in ["all", "lora_only", "none"] {
        read_lora("bias", json!(bias)).unwrap();
    }
    for flag in [true, false] {
        read_lora("fan_in_fan_out", json!(flag)).unwrap();
    }
    for saved in [&["classifier"][..], &["score", "pre_classifier"], &["qa_outputs"]] {
        read_lora("modules_to_save", json!(saved)).unwrap();
        with(prompt(), "modules_to_save", json!(saved)).unwrap();
    }
    for init in ["eva", "mica", "lora_ga"] {
        assert_eq!(read_lora("init_lora_weights", json!(init)).unwrap().init, LoraInit::Kaiming);
    }
}

#[test]
fn what_would_be_applied_otherwise() {
    for key in REFUSED {
        for value in [json!(true), json!(["x"]), json!({"q": 2}), json!("x"), json!(1)] {
            let parts = [format!("`{key}`"), "not supported".into()];
            refused(read_lora(key, value), "adapter", &[&parts[0], &parts[1]]);
        }
    }
    for (key, value) in [
        ("bias", "some"),
        ("task_type", "SEQ_CLS"),
        ("task_type", "TOKEN_CLS"),
        ("task_type", "QUESTION_ANS"),
        ("task_type", "X"),
    ] {
        refused(read_lora(key, json!(value)), "adapter", &[&format!("`{key}`"), value]);
    }
    let saved = [
        "lm_head",
        "head",
        "shared",
        "embed_tokens",
        "layer_norm",
        "norm",
        "q",
        "SelfAttention",
        "",
        "block.11",
        "encoder.block.3.layer.1.layer_norm",
        "decoder",
        "lm_.*",
    ];
    for name in saved {
        let result = read_lora("modules_to_save", json!(["classifier", name]));
        refused(result, "adapter", &["`modules_to_save`", name]);
    }
    for value in [json!("lm_head"), json!(true), json!({"q": 2}), json!([1])] {
        refused(read_lora("modules_to_save", value), "format", &["`modules_to_save`", "a list"]);
    }
    let result = read_prompt("modules_to_save", json!(["lm_head"]));
    refused(result, "adapter", &["`modules_to_save`", "lm_head"]);
    refused(read_prompt("task_type", json!("SEQ_CLS")), "adapter", &["`task_type`", "SEQ_CLS"]);
    refused(read_prompt("task_type", json!(null)), "format", &["`task_type`", "missing"]);

    for kind in ["PREFIX_TUNING", "P_TUNING", "ADALORA", "LOHA", "lora", ""] {
        refused(with(lora(), "peft_type", json!(kind)), "adapter", &["`peft_type`", "`LORA` or"]);
    }
    for init in ["pissa", "pissa_niter_16", "olora", "OLoRA", "corda", "loftq", "x"] {
        let result = read_lora("init_lora_weights", json!(init));
        refused(result, "adapter", &["`init_lora_weights`", init]);
    }
    for init in LoraInit::ALL {
        assert_eq!(read_lora("init_lora_weights", init.value()).unwrap().init, init);
    }
    let result = read_prompt("prompt_tuning_init", json!("X"));
    refused(result, "adapter", &["`prompt_tuning_init`", "SAMPLE_VOCAB"]);
}

#[test]
fn targets() {
    let key = "target_modules";
    let of = |value: Value| read_lora(key, value).map(|lora| lora.targets.names);
    for (value, expected) in [
        (json!("all-linear"), Names::AllLinear),
        (json!("ALL-Linear"), Names::AllLinear),
        (json!(".*q"), Names::Pattern(".*q".to_owned())),
        (json!(["q", "lm_head", "nothing"]), list(&["q", "lm_head", "nothing"])),
        (json!(null), list(&["q", "v"])),
    ] {
        assert_eq!(of(value).unwrap(), expected);
    }
    for value in [json!({"q": 1}), json!(1), json!(["q", 1]), json!(vec!["q"; 5000])] {
        refused(of(value), "format", &[key, "a list of at most 4096 names"]);
    }
    refused(of(json!([])), "format", &[key, "at least one"]);

    let layers = |number: Value, pattern: Value| {
        let mut config = lora();
        (config["layers_to_transform"], config["layers_pattern"]) = (number, pattern);
        read(&config).map(|config| config.targets().unwrap().layers.clone())
    };
    let some = |numbers: &[i64], patterns: &[&str]| {
        let patterns = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Some(Layers { numbers: numbers.to_vec(), patterns })
    };
    for (number, pattern, expected) in [
        (json!(null), json!(null), None),
        (json!([]), json!(null), None),
        (json!(0), json!(null), some(&[0], &[])),
        (json!([1, 0]), json!("block"), some(&[1, 0], &["block"])),
        (json!([1]), json!(["a", "b"]), some(&[1], &["a", "b"])),
        (json!([1]), json!(""), some(&[1], &[])),
    ] {
        assert_eq!(layers(number, pattern).unwrap(), expected);
    }
    refused(layers(json!(null), json!("block")), "format", &["`layers_pattern`", "missing"]);
    for number in [json!("1"), json!([1.5]), json!({})] {
        refused(layers(number, json!(null)), "format", &["`layers_to_transform`", "whole numbers"]);
    }
    let mut config = lora();
    (config[key], config["layers_to_transform"]) = (json!(".*q"), json!([1]));
    refused(read(&config), "adapter", &["`layers_to_transform`", "a list of names"]);
}

#[test]
fn by_patterns() {
    let read = |key: &str, value: Value| read_lora(key, value);
    let ranks = read("rank_pattern", json!({"q": 3, "^encoder": 1})).unwrap().rank_pattern;
    assert_eq!(ranks, [("q".to_owned(), 3), ("^encoder".to_owned(), 1)]);
    let alphas = read("alpha_pattern", json!({"q": 0.5, "v": 16})).unwrap().alpha_pattern;
    assert_eq!(alphas, [("q".to_owned(), 0.5), ("v".to_owned(), 16.0)]);
    for value in [json!(["q"]), json!("q"), json!(1)] {
        for key in ["rank_pattern", "alpha_pattern"] {
            refused(read(key, value.clone()), "format", &[key, "an object"]);
        }
    }
    for rank in [json!(0), json!(-1), json!(1.5), json!("2"), json!(4097), json!(null)] {
        refused(read("rank_pattern", json!({"q": rank})), "format", &["rank_pattern", "1 to 4096"]);
    }
    for alpha in [json!("2"), json!(1e300), json!(null)] {
        refused(
            read("alpha_pattern", json!({"q": alpha})),
            "format",
            &["alpha_pattern", "a number"],
        );
    }
}

#[test]
fn scales() {
    let base =
        json!({"peft_type": "IA3", "task_type": TASK, "target_modules": ["k", "wo", "wi_1"]});
    let of = |key: &str, value: Value| {
        with(base.clone(), key, value).map(|config| match config {
            AdapterConfig::Ia3(ia3) => ia3,
            other => panic!("{other:?} for an (IA)³"),
        })
    };
    let key = "feedforward_modules";
    // What peft takes for T5 where none are named.
    for (given, expected) in [
        (json!(null), list(&["wo"])),
        (json!([]), list(&[])),
        (json!(["wi_1", "wo"]), list(&["wi_1", "wo"])),
        (json!(".*wo"), Names::Pattern(".*wo".to_owned())),
    ] {
        let found = of(key, given).unwrap();
        assert_eq!(found.feedforward, expected);
        assert_eq!(found.targets, named(&["k", "wo", "wi_1"]));
    }
    assert_eq!(of("target_modules", json!(null)).unwrap().targets, named(&["k", "v", "wo"]));
    assert_eq!(of("target_modules", json!(["k"])).unwrap().feedforward, list(&[]));
    assert_eq!(of("target_modules", json!("all-linear")).unwrap().feedforward, list(&["wo"]));
    for task in [json!(null), json!("CAUSAL_LM"), json!("FEATURE_EXTRACTION")] {
        of("task_type", task).unwrap();
    }
    of("fan_in_fan_out", json!(true)).unwrap();
    assert_eq!(of("exclude_modules", json!(["k"])).unwrap().targets.excluded, Some(list(&["k"])));
    refused(of(key, json!(["v"])), "adapter", &["`feedforward_modules`", "`v`"]);
    refused(of("modules_to_save", json!(["lm_head"])), "adapter", &["`modules_to_save`"]);
    refused(of("task_type", json!("SEQ_CLS")), "adapter", &["`task_type`", "SEQ_CLS"]);
    refused(of("init_ia3_weights", json!("x")), "format", &["`init_ia3_weights`"]);
}

#[test]
fn hostile_numbers() {
    let sizes =
        [json!(0), json!(-1), json!(1.5), json!(u64::MAX), json!("8"), json!([]), json!({})];
    for value in sizes {
        refused(read_lora("r", value.clone()), "format", &["`r`", "1 to 4096"]);
        for key in ["num_virtual_tokens", "token_dim", "num_layers", "num_attention_heads"] {
            let result = read_prompt(key, value.clone());
            refused(result, "format", &[&format!("`{key}`"), "whole number"]);
        }
    }
    refused(read_lora("r", json!(4097)), "format", &["`r`", "4097"]);
    refused(read_lora("r", json!(null)), "format", &["`r`", "missing"]);
    let result = read_prompt("num_virtual_tokens", json!(4097));
    refused(result, "format", &["`num_virtual_tokens`", "4097"]);
    for value in [json!(0), json!(3), json!("2")] {
        let result = read_prompt("num_transformer_submodules", value);
        refused(result, "format", &["`num_transformer_submodules`", "1 to 2"]);
    }
    for value in [json!(-0.1), json!(1.1), json!("0"), json!(true)] {
        refused(read_lora("lora_dropout", value), "format", &["`lora_dropout`", "number"]);
    }
    for value in [json!("8"), json!(1e300), json!([])] {
        refused(read_lora("lora_alpha", value), "format", &["`lora_alpha`", "number"]);
    }
    for key in ["use_dora", "use_rslora"] {
        refused(read_lora(key, json!("yes")), "format", &[key, "true or false"]);
    }
    for key in ["peft_type", "task_type", "bias", "base_model_name_or_path"] {
        refused(read_lora(key, json!(3)), "format", &[key, "string"]);
    }
    let mut text = prompt();
    text["prompt_tuning_init"] = json!("TEXT");
    refused(read(&text), "format", &["`prompt_tuning_init_text`", "missing"]);
    refused(with(lora(), "peft_type", json!(null)), "format", &["`peft_type`", "missing"]);
}

#[test]
fn hostile_files() {
    let deep = "[".repeat(100_000);
    for bytes in [&b""[..], b"{", b"[]", b"null", b"\xff\xfe", b"{\"r\": NaN}", deep.as_bytes()] {
        refused(AdapterConfig::from_json(PATH, bytes), "format", &["JSON"]);
    }
    let whole = fixture("gated/adapters/dora/trained/adapter_config.json");
    for length in 0..whole.len() {
        refused(AdapterConfig::from_json(PATH, &whole[..length]), "format", &["JSON"]);
    }
}

#[test]
fn a_path_is_no_base() {
    let key = "base_model_name_or_path";
    for id in ["google/flan-t5-small", "t5-small", "a/b.c_d-e"] {
        let mut config = read_lora(key, json!(id)).unwrap();
        assert_eq!(config.base.id.as_deref(), Some(id));
        config.base.revision = Some("main".into());
        let again = AdapterConfig::from_json(PATH, &AdapterConfig::Lora(config.clone()).to_json());
        assert_eq!(again.unwrap(), AdapterConfig::Lora(config));
    }
    for path in ["/home/me/model", "./model", "../model", "a/b/c", "C:\\model", "", "a//b", "~/m"] {
        let mut config = read_lora(key, json!(path)).unwrap();
        assert_eq!(config.base, BaseModel::default(), "{path}");
        config.base = BaseModel { id: Some(path.to_owned()), revision: Some("main".into()) };
        let bytes = AdapterConfig::Lora(config).to_json();
        let written: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&written[key], &written["revision"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn a_text_that_started_a_prompt() {
    let mut config = read_prompt("num_transformer_submodules", json!(1)).unwrap();
    config.init = PromptInit::Text("Fasse zusammen: Ü".into());
    let written = |config: &PromptConfig| -> Value {
        let bytes = AdapterConfig::Prompt(config.clone()).to_json();
        assert!(bytes.is_ascii());
        serde_json::from_slice(&bytes).unwrap()
    };
    // peft refuses TEXT where no tokenizer is named.
    let value = written(&config);
    assert_eq!(value["prompt_tuning_init"], "RANDOM");
    assert_eq!(value["prompt_tuning_init_text"], Value::Null);
    assert_eq!(value["num_transformer_submodules"], 1);

    config.base.id = Some("google/flan-t5-small".into());
    let value = written(&config);
    assert_eq!(value["prompt_tuning_init"], "TEXT");
    assert_eq!(value["prompt_tuning_init_text"], "Fasse zusammen: Ü");
    assert_eq!(value["tokenizer_name_or_path"], "google/flan-t5-small");
    assert_eq!(read(&value).unwrap(), AdapterConfig::Prompt(config.clone()));

    config.init = PromptInit::Vocabulary;
    assert_eq!(read(&written(&config)).unwrap(), AdapterConfig::Prompt(config));
}

#[test]
fn alpha_is_whole_where_it_can_be() {
    for (alpha, text) in [(16.0, "\"lora_alpha\": 16,"), (1.5, "\"lora_alpha\": 1.5,")] {
        let config = read_lora("lora_alpha", json!(alpha)).unwrap();
        let written = String::from_utf8(AdapterConfig::Lora(config).to_json()).unwrap();
        assert!(written.contains(text), "{written}");
    }
}
