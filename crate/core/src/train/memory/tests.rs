use super::*;
use crate::{
    adapter::{Adapter, Beginning},
    config::{Dtype, Variant},
    device::Device,
    model::{BaseModel, T5, parameter::Parameters},
    optimizer::OptimizerKind,
};

fn demand(method: Method) -> Demand {
    with(method, |_| ())
}

fn with(method: Method, change: impl FnOnce(&mut RunConfig)) -> Demand {
    let mut config = RunConfig::default();
    config.method.method = method;
    change(&mut config);
    Demand::new(&config, true)
}

fn small() -> T5Config {
    T5Config::flan("small").unwrap()
}

fn total(change: impl FnOnce(&mut RunConfig)) -> u64 {
    estimate(&small(), &with(Method::Lora, change)).total
}

#[test]
fn parameters_are_those_of_the_model() {
    let json = serde_json::json!({
        "vocab_size": 20, "d_model": 8, "d_kv": 3, "d_ff": 10, "num_layers": 2,
        "num_decoder_layers": 3, "num_heads": 2, "feed_forward_proj": "gated-gelu",
    });
    let config = T5Config::from_json("", json.to_string().as_bytes()).unwrap();
    let mut model = T5::random(config.clone(), &Device::cpu(), Dtype::F32, 0);
    let full = estimate(&config, &demand(Method::Full));
    assert_eq!(full.total_parameters, model.count() as u64);
    assert_eq!(full.trainable_parameters, full.total_parameters);
    assert_eq!(full.optimizer, 2 * FLOAT * full.total_parameters);

    // Whether there is a head beside the embedding, the weights tell better than the configuration.
    model.head = None;
    let tied = Demand { has_head: Some(false), ..demand(Method::Full) };
    assert_eq!(estimate(&config, &tied).total_parameters, model.count() as u64);

    // Of every kind of adapter, what is counted is what a fresh one has.
    let (base, vocabulary) = (BaseModel::default(), 20);
    let beginning = Beginning { base: &base, vocabulary, text: Vec::new() };
    for method in Method::ALL.iter().filter(|method| **method != Method::Full) {
        for modules in [
            "q,v",
            "q,k",
            "k,o,wi_0,wo",
            "EncDecAttention.q",
            "encoder.block.1.layer.1.DenseReluDense.wo,v",
        ] {
            for variant in Variant::ALL {
                let demand = with(*method, |config| {
                    config.method.rank = 4;
                    config.method.num_virtual_tokens = 5;
                    config.method.variant = *variant;
                    config.set_text("target_modules", modules).unwrap();
                });
                let adapter = Adapter::fresh(&beginning, &model, &demand.config).unwrap();
                let found = estimate(&config, &demand);
                assert_eq!(found.trainable_parameters, adapter.unwrap().count() as u64);
                let all = found.trainable_parameters + full.total_parameters;
                assert_eq!(found.total_parameters, all);
            }
        }
    }
}

#[test]
fn the_parts_are_the_whole() {
    for &method in Method::ALL {
        for kernels in [true, false] {
            let demand = Demand { kernels, ..demand(method) };
            let Estimate {
                weights, gradients, optimizer, activations, logits, buffers, total, ..
            } = estimate(&small(), &demand);
            let parts = weights + gradients + optimizer + activations + logits + buffers;
            assert_eq!(parts, total);
        }
    }
}

#[test]
fn what_takes_more_is_estimated_higher() {
    let plain = total(|_| ());
    assert!(total(|config| config.train.batch_size *= 2) > plain);
    assert!(total(|config| config.data.max_source_tokens *= 2) > plain);
    assert!(total(|config| config.data.max_target_tokens *= 2) > plain);
    assert!(total(|config| config.method.rank *= 64) > plain);
    let on = |modules| total(|config| config.set_text("target_modules", modules).unwrap());
    assert!(on("q,v,wo") > plain);
    assert!(on("EncDecAttention.q,EncDecAttention.v") < plain);
    assert!(total(|config| config.method.method = Method::Full) > plain);
    assert!(total(|config| config.model.kernels = false) > plain);
    assert!(total(|config| config.train.dropout = Dropout::Rate(0.1)) > plain);
    assert!(total(|config| config.method.variant = Variant::Dora) > plain);
    let on_gpu = |recompute| {
        let mut demand = with(Method::Lora, |config| config.model.recompute = recompute);
        demand.gpu = true;
        estimate(&small(), &demand).total
    };
    assert!(on_gpu(true) < on_gpu(false));
    // There what norms make is made again, but not for DoRA.
    let more_of_dora = |gpu| {
        let [dora, plain] = [Variant::Dora, Variant::Plain].map(|variant| {
            let mut demand = with(Method::Lora, |config| config.method.variant = variant);
            demand.gpu = gpu;
            estimate(&small(), &demand).total
        });
        dora - plain
    };
    assert!(more_of_dora(true) > more_of_dora(false));
    let types = [Dtype::F32, Dtype::F16, Dtype::Int8, Dtype::Int4];
    assert!(
        types.map(|dtype| total(|config| config.model.dtype = dtype)).is_sorted_by(|a, b| a > b)
    );
    let full = |optimizer| {
        let demand = with(Method::Full, |config| config.train.optimizer = Some(optimizer));
        estimate(&small(), &demand).optimizer
    };
    assert!(full(OptimizerKind::Adafactor) < full(OptimizerKind::Lion));
    assert!(full(OptimizerKind::Lion) < full(OptimizerKind::Adamw));
}

#[test]
fn weights_take_the_part_of_memory_that_their_type_is_said_to() {
    // As the guides and the page say it: a half, a quarter, a fifth, and a seventh of large models.
    for (size, parts) in [("small", [0.5, 0.25, 0.19]), ("xl", [0.5, 0.25, 0.145])] {
        let config = T5Config::flan(size).unwrap();
        let weights = |dtype| {
            let demand = with(Method::Prompt, |config| {
                (config.model.dtype, config.method.num_virtual_tokens) = (dtype, 0);
            });
            estimate(&config, &demand).weights as f64
        };
        for (dtype, part) in [Dtype::F16, Dtype::Int8, Dtype::Int4].into_iter().zip(parts) {
            let found = weights(dtype) / weights(Dtype::F32);
            assert!((found / part - 1.0).abs() < 0.02, "{size}, {dtype}: {found}, not {part}");
        }
    }
}

#[test]
fn what_is_in_the_way_is_named() {
    let estimate = estimate(&small(), &demand(Method::Lora));
    assert_eq!(estimate.obstacle(&Limits::default(), None), None);
    assert_eq!(estimate.obstacle(&Limits::default(), Some(1 << 40)), None);
    let there = estimate.total - 1;
    let memory = Some(Obstacle::Memory { there });
    assert_eq!(estimate.obstacle(&Limits::default(), Some(there)), memory);
    // The embedding of 32,128 tokens is beyond the 32 MiB that a shader sees here.
    let limits = Limits { max_binding_size: Some(32 << 20), ..Limits::default() };
    let found = estimate.obstacle(&limits, Some(1 << 40));
    assert!(matches!(found, Some(Obstacle::Binding { .. })), "{found:?}");
    // As integers it is not, and neither are the scores of a few tokens.
    let obstacle = |dtype| {
        let few = with(Method::Lora, |config| {
            config.model.dtype = dtype;
            (config.train.batch_size, config.data.max_target_tokens) = (1, 32);
        });
        super::estimate(&small(), &few).obstacle(&limits, None)
    };
    assert!(obstacle(Dtype::F32).is_some());
    assert_eq!(obstacle(Dtype::Int8), None);
}
