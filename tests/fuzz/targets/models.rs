//! A model's files.

use flantune::{
    config::{RunConfig, Task},
    generate::Own,
    model::{
        GenerationConfig, T5Config,
        config::expected_tensors,
        files::WeightFiles,
        safetensors::{ADAPTER_HEADER_LIMIT, SafetensorsFile},
    },
    storage::MemoryStorage,
};
use pollster::block_on;

use super::{checked, fixture};
use crate::{Limits, Target};

pub(super) const CONFIG: Target = Target {
    name: "config",
    limits: Limits::PROPORTIONAL,
    fixtures: &[
        "oracle/tiny/gated/config.json",
        "oracle/tiny/odd/config.json",
        "oracle/tiny/relu/config.json",
    ],
    words: &[
        "d_model",
        "num_layers",
        "vocab_size",
        "feed_forward_proj",
        "gated-gelu",
        "gated-silu",
        "relu",
        "is_gated_act",
        "dense_act_fn",
        "tie_word_embeddings",
        "scale_decoder_outputs",
        "eos_token_id",
        "quantization_config",
        "model_type",
        "umt5",
    ],
    run: |input| {
        let Some(config) = checked(T5Config::from_json("config.json", input)) else { return };
        // What is written says what was read.
        let written = config.to_json();
        let again = T5Config::from_json("again", &written).expect("what is written can be read");
        assert_eq!(again.to_json(), written);
        for tied in [false, true] {
            assert!(!expected_tensors(&config, tied).is_empty());
        }
        let generation = GenerationConfig::from(&config);
        assert!(!generation.eos_token_ids.is_empty());
    },
};

pub(super) const GENERATION_CONFIG: Target = Target {
    name: "generation_config",
    limits: Limits::PROPORTIONAL,
    fixtures: &["oracle/tiny/gated/generation_config.json"],
    words: &[
        "decoder_start_token_id",
        "eos_token_id",
        "pad_token_id",
        "do_sample",
        "early_stopping",
        "max_length",
        "max_new_tokens",
        "num_beams",
        "top_k",
    ],
    run: |input| {
        let bytes = fixture("oracle/tiny/gated/config.json");
        let config = T5Config::from_json("config.json", &bytes).expect("a fixture");
        let path = "generation_config.json";
        if let Some(generation) = checked(GenerationConfig::from_json(path, input, &config)) {
            let ids = generation
                .eos_token_ids
                .iter()
                .chain([&generation.decoder_start_token_id, &generation.pad_token_id]);
            assert!(ids.into_iter().all(|id| (*id as usize) < config.vocab_size));
            assert!(!generation.eos_token_ids.is_empty());
            for task in [Task::Generate, Task::Evaluate, Task::Train] {
                let mut config = RunConfig::default();
                Own::fill(&generation.file, &mut config, task).message();
                config.validate().expect("what is taken over goes together");
            }
        }
    },
};

pub(super) const SAFETENSORS: Target = Target {
    name: "safetensors",
    limits: Limits::PROPORTIONAL,
    fixtures: &[
        "oracle/tiny/gated/adapters/lora/trained/adapter_model.safetensors",
        "oracle/tiny/gated/adapters/prompt/trained/adapter_model.safetensors",
        "oracle/tiny/gated/generate.safetensors",
        "oracle/tiny/gated/full/batches/0.safetensors",
    ],
    words: &[
        "__metadata__",
        "dtype",
        "shape",
        "data_offsets",
        "F32",
        "F16",
        "BF16",
        "F64",
        "I64",
        "I32",
        "BOOL",
        "F8_E4M3",
    ],
    run: |input| {
        let storage = MemoryStorage::new();
        storage.insert("f", input);
        let file = block_on(SafetensorsFile::open(&storage, "f", ADAPTER_HEADER_LIMIT));
        let Some(file) = checked(file) else { return };
        for (name, info) in file.tensors() {
            assert!(info.range.start <= info.range.end && info.range.end <= input.len() as u64);
            if let Some(values) = checked(block_on(file.read_f32(&storage, name))) {
                assert_eq!(values.len(), info.elements());
            }
            if let Some(values) = checked(block_on(file.read_i64(&storage, name))) {
                assert_eq!(values.len(), info.elements());
            }
        }
    },
};

pub(super) const INDEX: Target = Target {
    name: "index",
    limits: Limits::BOUNDED,
    fixtures: &["oracle/tiny/gated/as/sharded/model.safetensors.index.json"],
    words: &[
        "weight_map",
        "metadata",
        "lm_head.weight",
        "model-00001-of-00005.safetensors",
        "../model.safetensors",
        "model.safetensors",
    ],
    run: |input| {
        thread_local! {
            static SHARDED: (MemoryStorage, T5Config) = {
                let folder = "oracle/tiny/gated/as/sharded";
                let storage = MemoryStorage::new();
                for shard in 1..=5 {
                    let name = format!("model-0000{shard}-of-00005.safetensors");
                    storage.insert(format!("m/{name}"), fixture(&format!("{folder}/{name}")));
                }
                let config = fixture(&format!("{folder}/config.json"));
                (storage, T5Config::from_json("config.json", &config).expect("a fixture"))
            };
        }
        SHARDED.with(|(storage, config)| {
            storage.insert("m/model.safetensors.index.json", input);
            let Some(files) = checked(block_on(WeightFiles::open(storage, "m"))) else { return };
            checked(files.check(&expected_tensors(config, files.tied(config)), &[]));
            assert!(files.names().all(|name| files.get(name).is_some()));
        });
    },
};
