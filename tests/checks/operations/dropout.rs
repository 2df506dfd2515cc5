//! Dropout: what is drawn depends on seed, step and place alone, and nothing is lost on average.

use burn::tensor::{Device, Tensor};
use flantune::{device, model::Pass, ops::Dropout};

use super::super::Failure;

const RATE: f64 = 0.3;
const COUNT: usize = 20_000;

pub(super) async fn check(device: &Device) -> Result<(), Failure> {
    let mask = masks(1, 2, device).await?;
    if masks(1, 2, device).await? != mask {
        return Err("the same seed and step drop something else".into());
    }
    for (seed, step) in [(2, 2), (1, 3)] {
        if masks(seed, step, device).await?.iter().zip(&mask).any(|(a, b)| a == b) {
            return Err(format!("seed {seed}, step {step} drop what seed 1, step 2 do").into());
        }
    }
    if mask[0] == mask[1] {
        return Err("two places drop the same".into());
    }
    let keep = (1.0 / (1.0 - RATE)) as f32;
    for mask in &mask {
        if let Some(other) = mask.iter().find(|&&factor| factor != 0.0 && factor != keep) {
            return Err(format!("a number was multiplied by {other}, not 0 or {keep}").into());
        }
        let kept = mask.iter().filter(|&&factor| factor != 0.0).count() as f64;
        let expected = COUNT as f64 * (1.0 - RATE);
        // Five deviations: one mask in two million is farther off.
        if (kept - expected).abs() > 5.0 * (expected * RATE).sqrt() {
            return Err(format!("{kept} of {COUNT} are kept, not about {expected}").into());
        }
        let mean = mask.iter().copied().map(f64::from).sum::<f64>() / COUNT as f64;
        let deviation = (RATE / (1.0 - RATE) / COUNT as f64).sqrt();
        if (mean - 1.0).abs() > 5.0 * deviation {
            return Err(format!("what is expected of a 1 is {mean}").into());
        }
    }
    gradient(device).await
}

/// What ones become at the first two places of a pass.
async fn masks(seed: u64, step: u64, device: &Device) -> Result<[Vec<f32>; 2], Failure> {
    let pass = Pass::train(None, true, Dropout::new(RATE, 0.0, seed, step));
    let ones = Tensor::<1>::ones([COUNT], device);
    let (first, second) = (pass.dropout(ones.clone()), pass.dropout(ones));
    Ok([device::read(first).await?, device::read(second).await?])
}

/// What was dropped gets no gradient, what was kept a larger one; a rate of zero changes nothing.
async fn gradient(device: &Device) -> Result<(), Failure> {
    let pass = Pass::train(None, true, Dropout::new(RATE, 0.0, 1, 2));
    let x = Tensor::<1>::ones([50], device).autodiff().require_grad();
    let y = pass.dropout(x.clone());
    let mut gradients = y.clone().sum().backward();
    let gradient = x.grad_remove(&mut gradients).ok_or("dropout has no gradient")?;
    if device::read(gradient).await? != device::read(y.without_autodiff()).await? {
        return Err("dropout's gradient is not its mask".into());
    }
    let ones = Tensor::<1>::ones([50], device);
    let off = Pass::train(None, true, Dropout::new(0.0, 0.0, 1, 2));
    match device::read(off.lora_dropout(off.dropout(ones))).await? == vec![1.0; 50] {
        true => Ok(()),
        false => Err("dropout at a rate of zero changes something".into()),
    }
}
