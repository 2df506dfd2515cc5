//! Adapters that Flantune made, trained and wrote, as peft reads them: `scripts/oracle/adapters.py`
//! opened each in peft, and kept it with peft's logits.

use flantune::{
    adapter::{Adapter, Beginning, merge::merge},
    config::{Method, RunConfig},
    device::Device,
    model::{BaseModel, T5, config::FeedForward, weights::weights_path},
    storage::{MemoryStorage, Storage, join},
    train::trainer::Trainer,
};

use serde_json::json;

use super::{
    Failure,
    adapters::{method_of, probe},
    compare::{Fixture, batch, close, model},
    forward::settings,
};

/// The rate of the five steps.
const RATE: f64 = 1e-2;
/// Where an adapter's first numbers come from.
const SEED: u64 = 7;
/// What the adapters are trained on; their logits are of the first.
pub(super) const BATCHES: usize = 5;

/// What [`make`] leaves.
#[derive(Clone, Debug)]
pub struct Written {
    /// The adapter's directory at the root, and the whole model under `merged` where the adapter
    /// can be merged.
    pub files: MemoryStorage,
    /// Of the first batch, with the adapter: `[rows · target_length · vocab_size]`.
    pub logits: Vec<f32>,
}

/// Makes an adapter of this kind for one of the models, trains it five steps and writes it, alone
/// and merged.
///
/// # Errors
/// Those of missing fixtures and of the core.
pub async fn make(
    storage: &dyn Storage,
    name: &str,
    adapter: &str,
    device: &Device,
) -> Result<Written, Failure> {
    let base = model(storage, &format!("tiny/{name}"), device).await?;
    let mut batches = Vec::new();
    for index in 0..BATCHES {
        let path = format!("tiny/{name}/adapters/batches/{index}.safetensors");
        batches.push(Fixture::open(storage, &path).await?.batch().await?);
    }
    let method = method_of(adapter);
    let fresh = fresh(&base, adapter)?;
    let mut trainer = Trainer::new(base.clone(), Some(fresh), settings(method, true));
    for batch in &batches {
        trainer.step(std::slice::from_ref(batch), RATE).await?;
    }
    let mut trained = trainer.adapter.take().ok_or("the adapter is gone")?;

    let files = MemoryStorage::new();
    trained.save(&files, "", None).await?;
    if method != Method::Prompt {
        let mut merged = merge(&base, &trained, adapter)?;
        files.write(&join("merged", "config.json"), &merged.config.to_json()).await?;
        merged.save(&files, &weights_path("merged")).await?;
    }
    let logits = probe(&base, Some(&trained), &batches[0], true).await?;
    Ok(Written { files, logits })
}

/// An adapter as a run begins with it.
fn fresh(base: &T5, adapter: &str) -> Result<Adapter, Failure> {
    let feed_forward = match base.config.feed_forward {
        FeedForward::GatedGelu => ["wi_0", "wi_1", "wo"].as_slice(),
        FeedForward::Relu => &["wi", "wo"],
    };
    let mut config = RunConfig::default();
    let settings = match adapter {
        "lora" => json!({"rank": 4, "target_modules": ["q", "v"]}),
        "lora-all" => {
            let modules = [&["q", "k", "v", "o"], feed_forward].concat();
            json!({"rank": 3, "alpha": 5, "target_modules": modules})
        }
        "rslora" => {
            json!({"rank": 4, "variant": "rslora", "target_modules": ["q", "k", "v", "o"]})
        }
        "dora" => {
            let modules = [&["q", "v"], feed_forward].concat();
            json!({"rank": 4, "variant": "dora", "target_modules": modules})
        }
        "prompt" => json!({"method": "prompt", "num_virtual_tokens": 7}),
        other => json!({ "method": other }),
    };
    for (key, value) in settings.as_object().into_iter().flatten() {
        config.set(key, value.clone())?;
    }
    config.set("seed", json!(SEED))?;
    let vocabulary = base.config.vocab_size;
    let beginning = Beginning { base: &BaseModel::default(), vocabulary, text: Vec::new() };
    Ok(Adapter::fresh(&beginning, base, &config)?.ok_or("nothing beside the base")?)
}

/// Reads an adapter and computes what peft did with it.
pub(super) async fn read(
    storage: &dyn Storage,
    name: &str,
    adapter: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let base = model(storage, &format!("tiny/{name}"), device).await?;
    let batch = batch(storage, name).await?;
    let directory = format!("written/{name}/{adapter}");
    let adapter = Adapter::load(storage, &directory, &base, None).await?;
    let found = probe(&base, Some(&adapter), &batch, kernels).await?;
    let fixture = Fixture::open(storage, &format!("{directory}/logits.safetensors")).await?;
    close("logits", &found, &fixture.floats("logits").await?, 1e-4)
}
