//! Adapters that peft made in ways that Flantune has no settings for: read with peft's losses, or
//! refused by the key that says so. `scripts/oracle/elsewhere.py` made them.

use flantune::{
    adapter::{Adapter, merge::merge},
    config::Method,
    device::{self, Device, DeviceKind},
    model::{Pass, T5},
    ops::cross_entropy::{Labels, Smoothing, cross_entropy},
    storage::{MemoryStorage, Storage},
    text::batch::Batch,
    train::trainer::Trainer,
};
use serde_json::{Map, Value};

use super::{
    Failure,
    compare::{batch, loss_tolerance, model, near},
    forward::{number, settings},
};

/// The rate of a step on from an adapter.
const RATE: f64 = 1e-3;

/// The kinds with what peft computes, by name.
pub(super) fn kinds(of_model: &str) -> Vec<(String, Value)> {
    let all = include_str!("../oracle/elsewhere/kinds.json");
    let all: Map<String, Value> = serde_json::from_str(all).unwrap_or_default();
    all.into_iter().filter(|(_, kind)| kind["model"] == of_model).collect()
}

pub(super) async fn read(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let base = model(storage, &format!("tiny/{name}"), device).await?;
    let batch = batch(storage, name).await?;
    let kinds = kinds(name);
    if kinds.is_empty() {
        return Err("there are no kinds".into());
    }
    let mut failed = Vec::new();
    for (kind, expected) in &kinds {
        if let Err(error) = one(storage, kind, expected, &base, &batch, kernels).await {
            failed.push(format!("{kind}: {error}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

async fn one(
    storage: &dyn Storage,
    kind: &str,
    expected: &Value,
    base: &T5,
    batch: &Batch,
    kernels: bool,
) -> Result<(), Failure> {
    let loaded = Adapter::load(storage, &format!("elsewhere/{kind}"), base, None).await;
    if let Some(key) = expected["refused"].as_str() {
        let error = loaded.err().ok_or("it was read")?.to_string();
        return match error.contains(key) && error.contains("adapter_config.json") {
            true => Ok(()),
            false => Err(format!("no `{key}` in: {error}").into()),
        };
    }
    let mut adapter = loaded?;
    let peft = expected["losses"].as_array().ok_or("no losses")?;
    let same = |what: &str, found: &[f64], tolerance: f64| -> Result<(), Failure> {
        for (found, expected) in found.iter().zip(peft) {
            near(what, *found, number(expected)?, tolerance)?;
        }
        Ok(())
    };
    let tolerance = loss_tolerance(base.device());
    let found = losses(base, Some(&adapter), batch, kernels).await?;
    same("the loss", &found, tolerance)?;

    if base.device().kind() != DeviceKind::Cpu {
        // The rest is files and sums, which no device has kernels for.
        return Ok(());
    }

    // What is written of it means the same, to the bit.
    let memory = MemoryStorage::new();
    adapter.save(&memory, "out", None).await?;
    let again = Adapter::load(&memory, "out", base, None).await?;
    if losses(base, Some(&again), batch, kernels).await? != found
        || again.config() != adapter.config()
    {
        return Err("it is another one when it is written and read again".into());
    }
    if adapter.method() != Method::Prompt {
        let merged = merge(base, &adapter, kind)?;
        same("merged", &losses(&merged, None, batch, kernels).await?, 2e-4)?;
    }

    // And so it is after a step from it.
    let trained = settings(adapter.method(), kernels);
    let mut trainer = Trainer::new(base.clone(), Some(adapter), trained);
    trainer.step(std::slice::from_ref(batch), RATE).await?;
    let trained = trainer.adapter.as_mut().ok_or("the adapter is gone")?;
    let stepped = losses(base, Some(trained), batch, kernels).await?;
    trained.save(&memory, "trained", None).await?;
    let again = Adapter::load(&memory, "trained", base, None).await?;
    if stepped == found || losses(base, Some(&again), batch, kernels).await? != stepped {
        return Err("a step from it is lost when it is written".into());
    }
    Ok(())
}

/// The mean loss of each row's tokens.
async fn losses(
    model: &T5,
    adapter: Option<&Adapter>,
    batch: &Batch,
    kernels: bool,
) -> Result<Vec<f64>, Failure> {
    let pass = Pass::evaluate(adapter.map(Adapter::beside), kernels);
    let encoded = model.encode(model.source(batch, &pass), &pass);
    let inputs = model.shift_right(&batch.labels, batch.target_length);
    let logits =
        model.logits(model.decode(model.target(&inputs, batch.rows), &encoded, &pass), &pass);
    let labels = Labels::new(&batch.labels, model.device().burn());
    let tokens = cross_entropy(logits, &labels, Smoothing::default(), &pass);
    let tokens = device::read(tokens).await?;
    let rows = tokens.chunks(batch.target_length).zip(batch.labels.chunks(batch.target_length));
    let mean = |(losses, labels): (&[f32], &[i32])| {
        let count = labels.iter().filter(|&&label| label >= 0).count();
        losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / count as f64
    };
    Ok(rows.map(mean).collect())
}

/// The adapters that are read, written anew: their names, each in a directory of that name.
///
/// # Errors
/// Those of missing fixtures and of the core.
pub async fn rewritten(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
) -> Result<MemoryStorage, Failure> {
    let base = model(storage, &format!("tiny/{name}"), device).await?;
    let files = MemoryStorage::new();
    for (kind, _) in kinds(name).into_iter().filter(|(_, kind)| kind["refused"].is_null()) {
        let mut adapter = Adapter::load(storage, &format!("elsewhere/{kind}"), &base, None).await?;
        adapter.save(&files, &kind, None).await?;
    }
    Ok(files)
}
