//! What a step does besides computing one batch's gradients: it adds those of several batches, and
//! draws what is dropped.

use flantune::{
    Error,
    adapter::Adapter,
    config::Method,
    device::{self, Device, DeviceKind},
    model::T5,
    optimizer::OptimizerKind,
    storage::Storage,
    text::batch::Batch,
    train::trainer::{Trainer, TrainerSettings},
};

use super::{
    Failure,
    compare::{batch, close, model, near},
    forward::{settings, values},
};

/// Fails unless a step over two halves of a batch is the step over the whole one.
pub(super) async fn accumulate(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let base = model(storage, &format!("tiny/{name}"), device).await?;
    let whole = batch(storage, name).await?;
    let (first, second) = halves(&whole);
    if first.target_tokens() == second.target_tokens() {
        return Err("halves of one length do not tell a mean of means from a mean".into());
    }
    let mut settings = settings(Method::Full, kernels);
    // Its steps are as long as its gradients, which AdamW's are not.
    settings.optimizer = OptimizerKind::Sgd;
    let mut at_once = Trainer::new(base.clone(), None, settings);
    let mut in_halves = Trainer::new(base, None, settings);
    let (whole, halves) = ([whole], [first, second]);

    let (loss, expected) = at_once.gradients(&whole).await?;
    let (found_loss, found) = in_halves.gradients(&halves).await?;
    near("the loss", found_loss, loss, 1e-5)?;
    for (index, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        let (found, expected) = (device::read(found).await?, device::read(expected).await?);
        close(&format!("gradient {index}"), &found, &expected, 1e-5)?;
    }
    let expected = at_once.step(&whole, 0.1).await?;
    let found = in_halves.step(&halves, 0.1).await?;
    near("the gradient's norm", found.gradient_norm, expected.gradient_norm, 1e-5)?;
    let expected = values(at_once.trained()).await?;
    for ((name, found), (_, expected)) in
        values(in_halves.trained()).await?.into_iter().zip(expected)
    {
        close(&name, &found, &expected, 1e-5)?;
    }
    Ok(())
}

/// Fails unless steps whose losses are asked for together are those that are asked for one by one; and
/// unless one that is not finite, and those after it, change nothing.
pub(super) async fn put_off(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let (base, adapter, batch) = beside(storage, name, device).await?;
    let batch = std::slice::from_ref(&batch);
    let settings = TrainerSettings { clip_norm: 0.5, ..settings(Method::Lora, kernels) };
    let trainer = || Trainer::new(base.clone(), Some(adapter.clone()), settings);

    let (mut one_by_one, mut together) = (trainer(), trainer());
    let mut expected = Vec::new();
    for _ in 0..2 {
        expected.push(one_by_one.step(batch, 1e-2).await?);
        together.submit(batch, 1e-2).await?;
    }
    let settled = together.settle().await?;
    if settled.outcomes != expected || settled.failure.is_some() {
        return Err(format!("found {settled:?}, expected {expected:?}").into());
    }
    same(&mut together, &mut one_by_one).await?;

    // A step of this length leaves nothing finite behind.
    let infinite = f64::from(f32::MAX);
    one_by_one.step(batch, infinite).await?;
    together.submit(batch, infinite).await?;
    for _ in 0..2 {
        together.submit(batch, 1e-2).await?;
    }
    let settled = together.settle().await?;
    if settled.outcomes.len() != 1 || together.optimizer.steps() != 3 {
        return Err(format!("{settled:?} after {} steps", together.optimizer.steps()).into());
    }
    match settled.failure {
        Some(Error::NotFinite { step: 4, .. }) => same(&mut together, &mut one_by_one).await,
        other => Err(format!("expected step 4 to fail, found {other:?}").into()),
    }
}

/// Fails unless both have the same weights, to the bit.
async fn same(found: &mut Trainer, expected: &mut Trainer) -> Result<(), Failure> {
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let (found, expected) = (values(found.trained()).await?, values(expected.trained()).await?);
    for ((name, found), (_, expected)) in found.into_iter().zip(expected) {
        if bits(found) != bits(expected) {
            return Err(format!("{name} is another").into());
        }
    }
    Ok(())
}

/// Fails unless dropout changes the loss by seed, step and batch alone.
pub(super) async fn dropout(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let (base, adapter, batch) = beside(storage, name, device).await?;
    let trainer = |seed: u64, dropout: f64, lora_dropout: f64, kernels: bool| {
        let settings =
            TrainerSettings { dropout, lora_dropout, seed, ..settings(Method::Lora, kernels) };
        Trainer::new(base.clone(), Some(adapter.clone()), settings)
    };
    let once = std::slice::from_ref(&batch);
    let (plain, _) = trainer(1, 0.0, 0.0, kernels).gradients(once).await?;
    // What is drawn does not depend on the device, so the slow ones do with both at once.
    let rates: &[(f64, f64)] = match device.kind() {
        DeviceKind::Cpu => &[(0.2, 0.0), (0.0, 0.2)],
        _ => &[(0.2, 0.2)],
    };
    for &(dropout, lora_dropout) in rates {
        let mut first = trainer(1, dropout, lora_dropout, kernels);
        let (loss, _) = first.gradients(once).await?;
        let (again, _) = trainer(1, dropout, lora_dropout, kernels).gradients(once).await?;
        if again != loss {
            return Err(format!("one seed gives losses {loss} and {again}").into());
        }
        if device.kind() == DeviceKind::Cpu {
            // Kernels or not, the same is dropped: a run may be resumed either way.
            let (other, _) = trainer(1, dropout, lora_dropout, !kernels).gradients(once).await?;
            near("the loss with and without kernels", other, loss, 1e-5)?;
        }
        // A step of no length, so that only what is dropped differs.
        first.step(once, 0.0).await?;
        let (next_step, _) = first.gradients(once).await?;
        let (other_seed, _) = trainer(2, dropout, lora_dropout, kernels).gradients(once).await?;
        let twice = [batch.clone(), batch.clone()];
        let (two, _) = trainer(1, dropout, lora_dropout, kernels).gradients(&twice).await?;
        for other in [plain, next_step, other_seed, two] {
            if (other - loss).abs() < 1e-4 * loss {
                return Err(format!("{other} and {loss} should differ by what is dropped").into());
            }
        }
    }
    Ok(())
}

/// A base, LoRA beside it before its first step, and a batch.
async fn beside(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
) -> Result<(T5, Adapter, Batch), Failure> {
    let base = model(storage, &format!("tiny/{name}"), device).await?;
    let path = format!("tiny/{name}/adapters/lora/initial");
    let adapter = Adapter::load(storage, &path, &base, None).await?;
    Ok((base, adapter, batch(storage, name).await?))
}

fn halves(batch: &Batch) -> (Batch, Batch) {
    let (rows, source, target) = (batch.rows / 2, batch.source_length, batch.target_length);
    let part = |values: &[i32], length: usize, second: bool| match second {
        false => values[..rows * length].to_vec(),
        true => values[rows * length..].to_vec(),
    };
    let half = |second: bool| Batch {
        rows: if second { batch.rows - rows } else { rows },
        source_length: source,
        target_length: target,
        input_ids: part(&batch.input_ids, source, second),
        attention_mask: part(&batch.attention_mask, source, second),
        labels: part(&batch.labels, target, second),
    };
    (half(false), half(true))
}
