//! Adapters beside a frozen base: gradients, five steps, logits before and after, merged weights.

use flantune::{
    adapter::{Adapter, merge::merge},
    config::Method,
    device::{self, Device},
    model::{Pass, T5},
    storage::{MemoryStorage, Storage},
    text::batch::Batch,
    train::trainer::Trainer,
};

use super::{
    Failure,
    compare::{Fixture, close, gradient_tolerance, loss_tolerance, model, moved, near},
    forward::{self, json, number, settings, values},
};

/// The rate of the oracle's steps.
const RATE: f64 = 1e-2;

pub(super) async fn steps(
    storage: &dyn Storage,
    name: &str,
    adapter: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let base = model(storage, &format!("tiny/{name}"), device).await?;
    let directory = format!("tiny/{name}/adapters/{adapter}");
    let mut batches = Vec::new();
    for index in 0..5 {
        let path = format!("tiny/{name}/adapters/batches/{index}.safetensors");
        batches.push(Fixture::open(storage, &path).await?.batch().await?);
    }
    let record = json(storage, &format!("{directory}/steps.json")).await?;
    let logits = Fixture::open(storage, &format!("{directory}/logits.safetensors")).await?;
    let initial = Adapter::load(storage, &format!("{directory}/initial"), &base, None).await?;
    let method = method_of(adapter);

    let found = probe(&base, Some(&initial), &batches[0], kernels).await?;
    close("initial logits", &found, &logits.floats("initial").await?, 1e-4)?;

    let mut trainer = Trainer::new(base.clone(), Some(initial), settings(method, kernels));
    let (loss, gradients) = trainer.gradients(&batches[..1]).await?;
    near("initial loss", loss, number(&record["probe_loss_initial"])?, loss_tolerance(device))?;
    let expected = Fixture::open(storage, &format!("{directory}/gradients.safetensors")).await?;
    let prefix = if adapter == "prompt" { "" } else { "base_model.model." };
    let tolerance = gradient_tolerance(device);
    forward::compare(&mut trainer, gradients, &expected, prefix, tolerance).await?;

    for (step, batch) in batches.iter().enumerate() {
        let outcome = trainer.step(std::slice::from_ref(batch), RATE).await?;
        near(
            &format!("step {step}: the loss"),
            outcome.loss,
            number(&record["losses"][step])?,
            1e-4,
        )?;
        let norm = number(&record["gradient_norms"][step])?;
        near(&format!("step {step}: the gradient's norm"), outcome.gradient_norm, norm, 1e-3)?;
    }
    let mut trained = Adapter::load(storage, &format!("{directory}/trained"), &base, None).await?;
    let expected = values(&mut trained).await?;
    for ((name, found), (_, expected)) in values(trainer.trained()).await?.into_iter().zip(expected)
    {
        moved(&name, &found, &expected, RATE, 5)?;
    }
    let stepped = trainer.adapter.as_mut().ok_or("the adapter is gone")?;
    let after = logits.floats("trained").await?;
    let found = probe(&base, Some(stepped), &batches[0], kernels).await?;
    close("logits after five steps", &found, &after, 2e-3)?;

    // What peft wrote gives peft's logits, and survives being written here.
    let found = probe(&base, Some(&trained), &batches[0], kernels).await?;
    close("logits of peft's adapter", &found, &after, 1e-4)?;
    let memory = MemoryStorage::new();
    trained.save(&memory, "out", Some("a base")).await?;
    let again = Adapter::load(&memory, "out", &base, Some("a base")).await?;
    if probe(&base, Some(&again), &batches[0], kernels).await? != found {
        return Err("an adapter written and read again gives other logits".into());
    }
    if Adapter::load(&memory, "out", &base, Some("another base")).await.is_ok() {
        return Err("an adapter of another base was taken".into());
    }

    let merged = merge(&base, &trained, &directory);
    if adapter == "prompt" {
        return match merged {
            Ok(_) => Err("a soft prompt was merged".into()),
            Err(_) => Ok(()),
        };
    }
    let mut merged = merged?;
    let found = probe(&merged, None, &batches[0], kernels).await?;
    close("merged logits", &found, &after, 2e-3)?;
    let expected = Fixture::open(storage, &format!("{directory}/merged.safetensors")).await?;
    for (name, found) in values(&mut merged).await? {
        close(&name, &found, &expected.floats(&name).await?, 1e-4)?;
    }
    Ok(())
}

/// What an adapter of the oracles trains.
pub(super) fn method_of(adapter: &str) -> Method {
    match adapter {
        "ia3" => Method::Ia3,
        "prompt" => Method::Prompt,
        _ => Method::Lora,
    }
}

/// The logits of a batch.
pub(super) async fn probe(
    model: &T5,
    adapter: Option<&Adapter>,
    batch: &Batch,
    kernels: bool,
) -> Result<Vec<f32>, Failure> {
    let pass = Pass::evaluate(adapter.map(Adapter::beside), kernels);
    let encoded = model.encode(model.source(batch, &pass), &pass);
    let inputs = model.shift_right(&batch.labels, batch.target_length);
    let hidden = model.decode(model.target(&inputs, batch.rows), &encoded, &pass);
    Ok(device::read(model.logits(hidden, &pass)).await?)
}
