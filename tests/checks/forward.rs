//! Logits, hidden states, losses and gradients of the whole model.

use flantune::{
    config::Method,
    device::{self, Device},
    model::{Pass, parameter::Parameters},
    ops::cross_entropy::{Labels, Smoothing, cross_entropy},
    optimizer::OptimizerKind,
    storage::Storage,
    train::trainer::{Trainer, TrainerSettings},
};

use super::{
    Failure,
    compare::{Fixture, close, gradient_tolerance, loss_tolerance, model, near},
};

pub(super) async fn forward(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let model = model(storage, &format!("tiny/{name}"), device).await?;
    let fixture = Fixture::open(storage, &format!("tiny/{name}/forward.safetensors")).await?;
    let batch = fixture.batch().await?;
    let inputs = model.shift_right(&batch.labels, batch.target_length);
    if inputs != fixture.integers("decoder_input_ids").await? {
        return Err("the decoder's inputs differ".into());
    }

    let pass = Pass::evaluate(None, kernels).observing();
    let encoded = model.encode(model.source(&batch, &pass), &pass);
    for (index, hidden) in pass.observed().into_iter().enumerate() {
        let name = format!("encoder_hidden.{index}");
        let expected = fixture.floats(&name).await?;
        close(&name, &device::read(hidden).await?, &expected, 1e-4)?;
    }
    let hidden = model.decode(model.target(&inputs, batch.rows), &encoded, &pass);
    for (index, hidden) in pass.observed().into_iter().enumerate() {
        let name = format!("decoder_hidden.{index}");
        let expected = fixture.floats(&name).await?;
        close(&name, &device::read(hidden).await?, &expected, 1e-4)?;
    }
    let logits = model.logits(hidden, &pass);
    let expected = fixture.floats("logits").await?;
    close("logits", &device::read(logits.clone()).await?, &expected, 1e-4)?;

    let labels = Labels::new(&batch.labels, device.burn());
    let count = labels.count as f64;
    let tolerance = loss_tolerance(device);
    let plain = Smoothing::default();
    let tokens = cross_entropy(logits.clone(), &labels, plain, &pass);
    let tokens = device::read(tokens).await?;
    close("loss_per_token", &tokens, &fixture.floats("loss_per_token").await?, tolerance)?;
    let rows: Vec<f32> = (tokens.chunks(batch.target_length))
        .zip(batch.labels.chunks(batch.target_length))
        .map(|(losses, labels)| {
            let count = labels.iter().filter(|&&label| label >= 0).count();
            losses.iter().sum::<f32>() / count as f32
        })
        .collect();
    close("loss_per_row", &rows, &fixture.floats("loss_per_row").await?, tolerance)?;
    for (name, smoothing) in [
        ("loss", plain),
        ("loss_smoothing_0.1", Smoothing { label_smoothing: 0.1, ..plain }),
        ("loss_z_1e-4", Smoothing { z_loss: 1e-4, ..plain }),
    ] {
        let tokens = cross_entropy(logits.clone(), &labels, smoothing, &pass);
        let found = device::read(tokens).await?.into_iter().map(f64::from).sum::<f64>() / count;
        near(name, found, f64::from(fixture.floats(name).await?[0]), tolerance)?;
    }
    Ok(())
}

pub(super) async fn gradients(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let model = model(storage, &format!("tiny/{name}"), device).await?;
    let fixture = Fixture::open(storage, &format!("tiny/{name}/forward.safetensors")).await?;
    let batch = fixture.batch().await?;
    let expected = Fixture::open(storage, &format!("tiny/{name}/gradients.safetensors")).await?;
    let mut trainer = Trainer::new(model, None, settings(Method::Full, kernels));
    let (loss, gradients) = trainer.gradients(&[batch]).await?;
    near("loss", loss, f64::from(fixture.floats("loss").await?[0]), loss_tolerance(device))?;
    compare(&mut trainer, gradients, &expected, "", gradient_tolerance(device)).await
}

/// Compares gradients, in the order of the walk, with a fixture whose names begin with `prefix`.
pub(super) async fn compare(
    trainer: &mut Trainer,
    gradients: Vec<burn::tensor::Tensor<1>>,
    expected: &Fixture<'_>,
    prefix: &str,
    tolerance: f64,
) -> Result<(), Failure> {
    let mut names = Vec::new();
    trainer.trained().visit(&mut |name, _| names.push(format!("{prefix}{name}")));
    if names.len() != expected.file.tensors().len() {
        let (found, expected) = (names.len(), expected.file.tensors().len());
        return Err(format!("{found} gradients, not {expected}").into());
    }
    for (name, gradient) in names.into_iter().zip(gradients) {
        // In memory peft calls them otherwise than in its files.
        let inside = match name.as_str() {
            "prompt_embeddings" => "prompt_encoder.embedding.weight".to_owned(),
            name if name.ends_with("lora_magnitude_vector") => format!("{name}.weight"),
            name => name.to_owned(),
        };
        let found = device::read(gradient).await?;
        let expected = expected.floats(&inside).await?;
        // peft's soft prompt has rows for the decoder too, which nothing uses.
        let used = if name == "prompt_embeddings" { found.len() } else { expected.len() };
        close(&name, &found, &expected[..used], tolerance)?;
    }
    Ok(())
}

/// What the oracles' steps go by: AdamW at torch's defaults, clipped to 1, without dropout.
pub(super) fn settings(method: Method, kernels: bool) -> TrainerSettings {
    TrainerSettings {
        method,
        optimizer: OptimizerKind::Adamw,
        numbers: flantune::optimizer::Numbers {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            momentum: 0.0,
            scale_parameter: false,
            weight_decay: 0.0,
        },
        smoothing: Smoothing::default(),
        clip_norm: 1.0,
        dropout: 0.0,
        lora_dropout: 0.0,
        seed: 0,
        arithmetic: kernels.into(),
        recompute: false,
    }
}

/// The number of a JSON fixture.
pub(super) fn number(value: &serde_json::Value) -> Result<f64, Failure> {
    value.as_f64().ok_or_else(|| "a fixture's number is missing".into())
}

/// A JSON fixture.
pub(super) async fn json(storage: &dyn Storage, path: &str) -> Result<serde_json::Value, Failure> {
    Ok(serde_json::from_slice(&storage.read_all(path, 1 << 20).await?)?)
}

/// Every tensor of a walk, by name.
pub(super) async fn values(
    parameters: &mut dyn Parameters,
) -> Result<Vec<(String, Vec<f32>)>, Failure> {
    let mut tensors = Vec::new();
    parameters.visit(&mut |name, parameter| tensors.push((name.to_owned(), parameter.flat())));
    let mut values = Vec::new();
    for (name, tensor) in tensors {
        values.push((name, device::read(tensor).await?));
    }
    Ok(values)
}
