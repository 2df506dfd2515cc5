//! An adapter's files.

use flantune::{
    adapter::{Adapter, AdapterConfig, notes::notes},
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
        "oracle/elsewhere/ia3-patterns/adapter_config.json",
        "oracle/elsewhere/layers-of-parts/adapter_config.json",
        "oracle/elsewhere/ranks-and-alphas-of-rslora/adapter_config.json",
    ],
    words: &[
        "LORA",
        "IA3",
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

/// What chooses the maps of a model that an adapter stands beside.
pub(super) const ADAPTER_RULES: Target = Target {
    name: "adapter_rules",
    limits: Limits::BOUNDED,
    fixtures: &[
        "oracle/elsewhere/excluded-by-a-pattern/adapter_config.json",
        "oracle/elsewhere/ia3-patterns/adapter_config.json",
        "oracle/elsewhere/layers-and-a-path/adapter_config.json",
        "oracle/elsewhere/pattern-that-looks-ahead/adapter_config.json",
        "oracle/elsewhere/ranks-and-alphas-of-rslora/adapter_config.json",
    ],
    words: &[
        "all-linear",
        "layers_to_transform",
        "layers_pattern",
        "exclude_modules",
        "feedforward_modules",
        "rank_pattern",
        "alpha_pattern",
        "modules_to_save",
        "encoder.block.0",
        "SelfAttention.q",
        "(?!",
        "(?<=",
        ".*",
        r"\\d+",
        "(.+)+",
        "{1000}",
        "|",
        ")",
    ],
    run: |input| {
        with_base(|storage, model| {
            storage.insert("lora/adapter_config.json", input);
            if let Some(mut read) = checked(block_on(Adapter::load(storage, "lora", model, None))) {
                block_on(read.save(storage, "again", None)).expect("memory");
                let again = block_on(Adapter::load(storage, "again", model, None));
                assert_eq!(again.expect("what is written is read").config(), read.config());
            }
            checked(block_on(notes(storage, "lora", model)));
        });
    },
};

/// A model, beside a directory of each method with an adapter's settings, and one with its tensors.
fn with_base(work: impl FnOnce(&MemoryStorage, &T5)) {
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
                for file in ["adapter_config.json", "adapter_model.safetensors"] {
                    storage.insert(format!("{method}/{file}"), fixture(&format!("{folder}/{file}")));
                }
            }
            (storage, model.expect("a fixture"))
        });
    }
    BASE.with(|(storage, model)| work(storage, model));
}

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
        with_base(|storage, model| {
            for method in METHODS {
                storage.insert(format!("{method}/adapter_model.safetensors"), input);
                checked(block_on(Adapter::load(storage, method, model, Some("a base"))));
            }
        });
    },
};
