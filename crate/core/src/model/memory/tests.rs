use super::*;
use crate::{
    adapter::{
        LoraAdapter,
        config::{BaseModel, LoraConfig, LoraInit},
    },
    device::Device,
    model::{T5, parameter::Parameters},
};

fn demand(method: Method) -> Demand {
    let mut config = RunConfig::default();
    config.method.method = method;
    Demand::new(&config, true)
}

fn small() -> T5Config {
    T5Config::flan("small").unwrap()
}

fn total(change: impl FnOnce(&mut Demand)) -> u64 {
    let mut demand = demand(Method::Lora);
    change(&mut demand);
    estimate(&small(), &demand).total
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

    for (targets, dora) in [
        (vec![TargetModule::Q, TargetModule::V], false),
        (vec![TargetModule::K, TargetModule::O, TargetModule::Wi0, TargetModule::Wo], true),
    ] {
        let lora = LoraConfig {
            base: BaseModel::default(),
            r: 4,
            alpha: 8.0,
            dropout: 0.0,
            target_modules: targets.iter().map(|target| target.name().to_owned()).collect(),
            use_rslora: false,
            use_dora: dora,
            init: LoraInit::Kaiming,
        };
        let mut adapter = LoraAdapter::initialise(&mut model, lora, 0).unwrap();
        let demand = Demand { rank: 4, target_modules: targets, dora, ..demand(Method::Lora) };
        let lora = estimate(&config, &demand);
        assert_eq!(lora.trainable_parameters, adapter.count() as u64);
        assert_eq!(lora.total_parameters, lora.trainable_parameters + full.total_parameters);
    }
    let prompt = Demand { num_virtual_tokens: 5, ..demand(Method::Prompt) };
    assert_eq!(estimate(&config, &prompt).trainable_parameters, 5 * 8);
}

#[test]
fn the_parts_are_the_whole() {
    for method in [Method::Lora, Method::Prompt, Method::Full] {
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
    assert!(total(|demand| demand.batch_size *= 2) > plain);
    assert!(total(|demand| demand.source *= 2) > plain);
    assert!(total(|demand| demand.target *= 2) > plain);
    assert!(total(|demand| demand.rank *= 64) > plain);
    assert!(total(|demand| demand.target_modules.push(TargetModule::Wo)) > plain);
    assert!(total(|demand| demand.method = Method::Full) > plain);
    assert!(total(|demand| demand.kernels = false) > plain);
    assert!(total(|demand| demand.drops = true) > plain);
    assert!(total(|demand| demand.dora = true) > plain);
    assert!(total(|demand| demand.recompute = true) < plain);
    assert!(total(|demand| demand.dtype = Dtype::Int8) < total(|d| d.dtype = Dtype::Bf16));
    let full =
        |optimizer| estimate(&small(), &Demand { optimizer, ..demand(Method::Full) }).optimizer;
    assert!(full(OptimizerKind::Adafactor) < full(OptimizerKind::Lion));
    assert!(full(OptimizerKind::Lion) < full(OptimizerKind::Adamw));
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
}
