//! Three steps of each optimiser on the whole model.

use flantune::{
    config::Method, device::Device, optimizer::OptimizerKind, storage::Storage,
    train::trainer::Trainer,
};

use super::{
    Failure,
    compare::{Fixture, close, model, moved, near},
    forward::{json, number, settings, values},
};

pub(super) async fn steps(
    storage: &dyn Storage,
    name: &str,
    optimizer: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let directory = format!("tiny/{name}");
    let model = model(storage, &directory, device).await?;
    let record = json(storage, &format!("{directory}/full/{optimizer}.json")).await?;
    let mut settings = settings(Method::Full, kernels);
    let rate = match optimizer {
        "adamw" => {
            settings.numbers.weight_decay = 0.01;
            1e-3
        }
        "sgd" => {
            settings.optimizer = OptimizerKind::Sgd;
            settings.numbers.momentum = 0.9;
            1e-1
        }
        _ => {
            settings.optimizer = OptimizerKind::Adafactor;
            settings.numbers.scale_parameter = optimizer == "adafactor-scaled";
            settings.clip_norm = 0.0;
            1e-3
        }
    };
    let mut trainer = Trainer::new(model, None, settings);
    for step in 0..3 {
        let path = format!("{directory}/full/batches/{step}.safetensors");
        let batch = Fixture::open(storage, &path).await?.batch().await?;
        let outcome = trainer.step(&[batch], rate).await?;
        let what = format!("step {step}: the loss");
        near(&what, outcome.loss, number(&record["losses"][step])?, 1e-4)?;
        let norm = number(&record["gradient_norms"][step])?;
        near(&format!("step {step}: the gradient's norm"), outcome.gradient_norm, norm, 1e-3)?;
    }
    let path = format!("{directory}/full/{optimizer}.safetensors");
    let expected = Fixture::open(storage, &path).await?;
    for (name, found) in values(trainer.trained()).await? {
        let expected = expected.floats(&name).await?;
        match optimizer {
            // Its steps are as long as its gradients, so its weights are as near as they.
            "sgd" => close(&name, &found, &expected, 1e-4)?,
            _ => moved(&name, &found, &expected, rate, 3)?,
        }
    }
    Ok(())
}
