//! An adapter's files.

use flantune::{
    adapter::{Adapter, AdapterConfig},
    config::Dtype,
    device::Device,
    model::{T5, T5Config, files::WeightFiles},
    storage::MemoryStorage,
};
use pollster::block_on;

use super::{checked, fixture};
use crate::{Limits, Target};

pub(super) const ADAPTER_CONFIG: Target = Target {
    name: "adapter_config",
    limits: Limits::PROPORTIONAL,
    fixtures: &[
        "oracle/tiny/gated/adapters/lora-all/trained/adapter_config.json",
        "oracle/tiny/gated/adapters/dora/trained/adapter_config.json",
        "oracle/tiny/gated/adapters/prompt/trained/adapter_config.json",
    ],
    words: &[
        "LORA",
        "PROMPT_TUNING",
        "SEQ_2_SEQ_LM",
        "RANDOM",
        "SAMPLE_VOCAB",
        "TEXT",
        "gaussian",
        "orthogonal",
        "target_modules",
        "prompt_tuning_init_text",
        "rank_pattern",
        "google/flan-t5-small",
        "/home/x",
        "..",
        "revision",
    ],
    run: |input| {
        let Some(config) = checked(AdapterConfig::from_json("adapter_config.json", input)) else {
            return;
        };
        let written = config.to_json();
        let again = AdapterConfig::from_json("again", &written).expect("what is written is read");
        assert_eq!(again.to_json(), written);
        if let AdapterConfig::Lora(lora) = config {
            assert!(lora.scale().is_finite() && lora.r > 0);
        }
    },
};

const METHODS: [&str; 3] = ["lora", "dora", "prompt"];

pub(super) const ADAPTER: Target = Target {
    name: "adapter",
    limits: Limits::BOUNDED,
    fixtures: &[
        "oracle/tiny/gated/adapters/lora/trained/adapter_model.safetensors",
        "oracle/tiny/gated/adapters/dora/trained/adapter_model.safetensors",
        "oracle/tiny/gated/adapters/prompt/trained/adapter_model.safetensors",
    ],
    words: &["__metadata__", "flantune_base", "format", "pt", "prompt_embeddings", "lora_A.weight"],
    run: |input| {
        thread_local! {
            static BASE: (MemoryStorage, T5) = block_on(async {
                let storage = MemoryStorage::new();
                let config = fixture("oracle/tiny/gated/config.json");
                let config = T5Config::from_json("config.json", &config).expect("a fixture");
                let path = "base/model.safetensors";
                storage.insert(path, fixture("oracle/tiny/gated/model.safetensors"));
                let files = WeightFiles::open(&storage, "base").await.expect("a fixture");
                let model = T5::load(&storage, &files, config, &Device::cpu(), Dtype::F32).await;
                for method in METHODS {
                    let folder = format!("oracle/tiny/gated/adapters/{method}/trained");
                    let config = fixture(&format!("{folder}/adapter_config.json"));
                    storage.insert(format!("{method}/adapter_config.json"), config);
                }
                (storage, model.expect("a fixture"))
            });
        }
        BASE.with(|(storage, model)| {
            for method in METHODS {
                storage.insert(format!("{method}/adapter_model.safetensors"), input);
                checked(block_on(Adapter::load(storage, method, model, Some("a base"))));
            }
        });
    },
};
