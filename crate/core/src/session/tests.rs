use serde_json::{Value, json};

use super::*;
use crate::{
    adapter::{Adapter, AdapterConfig, Beginning},
    config::ValueKind,
    rng::{Purpose, Random},
    storage::MemoryStorage,
};

/// A number of any size, with those at the ends of ranges among them.
fn drawn(random: &mut Random, kind: ValueKind) -> Value {
    let ends = [0.0, 1.0, 0.99, 0.995, 4096.0, 4097.0, 65_536.0, 1e6, 2e6, 1e-9, 1e300];
    let number = match random.below(3) {
        0 => ends[random.below(ends.len() as u64) as usize],
        1 => random.uniform_f64(),
        _ => 10f64.powf(random.uniform_f64() * 16.0 - 8.0),
    };
    match kind {
        ValueKind::Integer => json!(number as u64),
        _ => json!(number),
    }
}

#[test]
fn whatever_settings_are_accepted_their_adapter_reads_back() {
    let mut random = Random::new(0, Purpose::Synthetic, 0, 0);
    let (mut made, mut refused) = (0, 0);
    let storage = MemoryStorage::new();
    for name in ["config.json", "model.safetensors"] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/gated/");
        storage.insert(join("base", name), std::fs::read(format!("{root}{name}")).unwrap());
    }
    let model = pollster::block_on(async {
        let config = T5Config::open(&storage, "base").await?;
        let files = WeightFiles::open(&storage, "base").await?;
        T5::load(&storage, &files, config, &Device::cpu(), Dtype::F32).await
    });
    let (model, base) = (model.unwrap(), BaseModel::default());
    let keys: Vec<_> =
        RunConfig::keys().into_iter().filter(|key| key.section == "method").collect();
    for _ in 0..600 {
        let mut config = RunConfig::default();
        for key in &keys {
            let value = match key.kind {
                ValueKind::Integer | ValueKind::Number => drawn(&mut random, key.kind),
                ValueKind::Choice(names) => json!(names[random.below(names.len() as u64) as usize]),
                ValueKind::List(names) if !names.is_empty() => {
                    let count = random.below(3) * (1 + random.below(9));
                    let name = |_| names[random.below(names.len() as u64) as usize];
                    json!((0..count).map(name).collect::<Vec<_>>())
                }
                ValueKind::Text if key.name == "init_text" => {
                    json!("the cat ".repeat(10usize.pow(random.below(6) as u32)))
                }
                _ => continue,
            };
            if random.below(3) == 0 {
                config.set(key.name, value).unwrap();
            }
        }
        if config.validate().is_err() {
            refused += 1;
            continue;
        }
        let text = match &config.method.init_text {
            Some(_) => vec![5, 6, 7],
            None => Vec::new(),
        };
        let beginning = Beginning { base: &base, vocabulary: 96, text };
        let adapter = match Adapter::fresh(&beginning, &model, &config) {
            Ok(Some(adapter)) => adapter.config(),
            // No layer of this base has that name.
            Ok(None) | Err(_) => continue,
        };
        made += 1;
        let read = AdapterConfig::from_json("adapter_config.json", &adapter.to_json());
        let read = read.unwrap_or_else(|error| panic!("{:?}: {error}", config.method));
        assert_eq!(read.method(), adapter.method());
    }
    assert!(made > 60 && refused > 60, "{made} made, {refused} refused");
}
