use super::{
    super::{LoraConfig, LoraInit, PromptInit, lora::settings::REFUSED, prompt::PromptConfig},
    *,
};
use crate::{adapter::AdapterConfig, config::TargetModule};

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
        target_modules: ["q", "v"].into_iter().filter_map(TargetModule::new).collect(),
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
    read_lora("rank_pattern", json!({})).unwrap();
    read_lora("eva_config", json!({"rho": 2.0})).unwrap();
    // A LoRA without a task is computed the same.
    read_lora("task_type", json!(null)).unwrap();
}

#[test]
fn what_would_be_applied_otherwise() {
    for key in REFUSED.into_iter().chain(["modules_to_save"]) {
        for value in [json!(true), json!(["x"]), json!({"q": 2}), json!("x"), json!(1)] {
            let parts = [format!("`{key}`"), "not supported".into()];
            refused(read_lora(key, value), "adapter", &[&parts[0], &parts[1]]);
        }
    }
    for key in ["bias", "task_type"] {
        for value in ["all", "lora_only", "CAUSAL_LM"] {
            let result = read_lora(key, json!(value));
            refused(result, "adapter", &[&format!("`{key}`"), value]);
        }
    }
    let result = read_prompt("modules_to_save", json!(["lm_head"]));
    refused(result, "adapter", &["`modules_to_save`", "lm_head"]);
    refused(read_prompt("task_type", json!("SEQ_CLS")), "adapter", &["`task_type`", "SEQ_CLS"]);
    refused(read_prompt("task_type", json!(null)), "format", &["`task_type`", "missing"]);

    for kind in ["PREFIX_TUNING", "P_TUNING", "ADALORA", "LOHA", "lora", ""] {
        refused(with(lora(), "peft_type", json!(kind)), "adapter", &["`peft_type`", "`LORA` or"]);
    }
    for init in ["pissa", "pissa_niter_16", "olora", "eva", "corda", "loftq", "lora_ga", "mica"] {
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
    for value in [json!("all-linear"), json!(".*q"), json!("q"), json!({"q": 1}), json!(1)] {
        refused(read_lora(key, value), "adapter", &["`target_modules`", "a list of names"]);
    }
    for name in ["lm_head", "shared", "", ".", "q.", ".q.", "q*", "SelfAttention", "../q", "Q"] {
        refused(read_lora(key, json!(["v", name])), "adapter", &[key, "q, k, v, o, wi"]);
    }
    refused(read_lora(key, json!(["q", 1])), "adapter", &[key, "q, k, v, o, wi"]);
    refused(read_lora(key, json!([])), "format", &[key]);
    refused(read_lora(key, json!(vec!["q"; 5000])), "format", &[key]);
    refused(read_lora(key, json!(null)), "format", &[key, "missing"]);

    let names = ["q", "EncDecAttention.v", "encoder.block.0.layer.0.SelfAttention.o"];
    let config = read_lora(key, json!(names)).unwrap();
    assert!(config.target_modules.iter().map(TargetModule::as_str).eq(names));
}

#[test]
fn scales() {
    let base =
        json!({"peft_type": "IA3", "task_type": TASK, "target_modules": ["k", "wo", "wi_1"]});
    let read = |key: &str, value: Value| {
        with(base.clone(), key, value).map(|config| match config {
            AdapterConfig::Ia3(ia3) => ia3,
            other => panic!("{other:?} for an (IA)³"),
        })
    };
    let names =
        |modules: &[TargetModule]| modules.iter().map(ToString::to_string).collect::<Vec<_>>();
    let key = "feedforward_modules";
    // What peft takes for T5 where none are named.
    for (given, expected) in [
        (json!(null), vec!["wo"]),
        (json!([]), vec![]),
        (json!(["wi_1", "wo"]), vec!["wi_1", "wo"]),
    ] {
        let found = read(key, given).unwrap();
        assert_eq!(names(&found.feedforward_modules), expected);
        assert_eq!(names(&found.target_modules), ["k", "wo", "wi_1"]);
    }
    refused(read(key, json!(["v"])), "adapter", &["`feedforward_modules`", "`v`"]);
    refused(read(key, json!("wo")), "adapter", &["`feedforward_modules`", "a list of names"]);
    refused(read("exclude_modules", json!(["k"])), "adapter", &["`exclude_modules`"]);
    refused(read("fan_in_fan_out", json!(true)), "adapter", &["`fan_in_fan_out`"]);
    refused(read("modules_to_save", json!(["lm_head"])), "adapter", &["`modules_to_save`"]);
    refused(read("task_type", json!("CAUSAL_LM")), "adapter", &["`task_type`", "CAUSAL_LM"]);
    refused(read("target_modules", json!(null)), "format", &["`target_modules`", "missing"]);
    refused(read("init_ia3_weights", json!("x")), "format", &["`init_ia3_weights`"]);
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
    for value in [json!(-0.1), json!(1), json!("0"), json!(true)] {
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
