//! A whole step of training on a very small model: the loss, the norm of all gradients, and what the step
//! changes, as the processor has them.

use burn::tensor::{Tensor, TensorData};
use serde_json::json;

use super::check::{SEED, TOLERANCE, greatest, read};
use crate::{
    adapter::{Adapter, Beginning},
    config::{Dtype, RunConfig},
    device::Device,
    error::Result,
    model::{BaseModel, T5, T5Config, parameter::Parameters},
    rng::{Purpose, Random},
    text::batch::{Batch, IGNORED, PAD},
    train::trainer::{Trainer, TrainerSettings},
};

/// What a step comes to.
struct Made {
    /// The loss and the norm.
    numbers: [f64; 2],
    /// By how much each tensor of the adapter changed.
    changes: Vec<Vec<f32>>,
}

/// Whether a step is the processor's. What a device does not answer is wrong.
pub(super) async fn is_right(device: &Device) -> bool {
    match (step(&Device::cpu(), false).await, step(device, true).await) {
        (Ok(expected), Ok(found)) => found.is_like(&expected),
        _ => false,
    }
}

impl Made {
    fn is_like(&self, expected: &Made) -> bool {
        let near = |(found, expected): (&f64, &f64)| {
            (found - expected).abs() <= f64::from(TOLERANCE) * expected.abs()
        };
        // A change that is all rounding is as exact as those beside it.
        let all = expected.changes.iter().map(|change| greatest(change)).fold(0.0, f32::max);
        let alike = |(found, expected): (&Vec<f32>, &Vec<f32>)| {
            let limit = TOLERANCE * greatest(expected).max(all / 10.0);
            let mut pairs = found.iter().zip(expected);
            found.len() == expected.len() && pairs.all(|(a, b)| (a - b).abs() <= limit)
        };
        self.numbers.iter().zip(&expected.numbers).all(near)
            && self.changes.len() == expected.changes.len()
            && self.changes.iter().zip(&expected.changes).all(alike)
    }
}

async fn step(device: &Device, kernels: bool) -> Result<Made> {
    let shape = json!({
        "vocab_size": 40, "d_model": 64, "d_kv": 64, "d_ff": 96, "num_heads": 2, "num_layers": 1,
        "num_decoder_layers": 1, "feed_forward_proj": "gated-gelu",
    });
    let shape = T5Config::from_json("", shape.to_string().as_bytes())?;
    let model = T5::random(shape, device, Dtype::F32, SEED);
    let mut config = RunConfig::default();
    config.method.rank = 4;
    let (base, vocabulary) = (BaseModel::default(), model.config.vocab_size);
    let beginning = Beginning { base: &base, vocabulary, text: Vec::new() };
    let mut adapter = Adapter::fresh(&beginning, &model, &config)?;
    let before = adapter.as_mut().map(|adapter| draw(adapter, device)).unwrap_or_default();
    let mut settings =
        TrainerSettings { arithmetic: kernels.into(), ..TrainerSettings::of(&config, &model)? };
    // Clipped; and so that a change is nearly the gradient itself, and not its sign.
    settings.clip_norm = 0.5;
    settings.numbers.epsilon = 1.0;
    let mut trainer = Trainer::new(model, adapter, settings);
    let made = trainer.step(&[batch()], 1.0).await?;
    let mut after = Vec::new();
    trainer.trained().visit(&mut |_, parameter| after.push(parameter.flat()));
    let after = read(after).await?;
    let change = |(before, after): (&Vec<f32>, &Vec<f32>)| {
        after.iter().zip(before).map(|(after, before)| after - before).collect()
    };
    Ok(Made {
        numbers: [made.loss, made.gradient_norm],
        changes: before.iter().zip(&after).map(change).collect(),
    })
}

/// An adapter as it is after some steps: a fresh one has zeros, which hide what they are multiplied by. Returns
/// the numbers of each tensor.
fn draw(adapter: &mut Adapter, device: &Device) -> Vec<Vec<f32>> {
    let mut drawn = Vec::new();
    adapter.visit(&mut |_, mut parameter| {
        let mut values = vec![0.0; parameter.shape().iter().product()];
        let mut random = Random::new(SEED, Purpose::Synthetic, 2, drawn.len() as u64);
        random.fill_normal(&mut values, 0.0, 0.2);
        let data = TensorData::new(values.clone(), [values.len()]);
        parameter.replace(|_| Tensor::from_data(data, device.burn()));
        drawn.push(values);
    });
    drawn
}

/// Three rows, of which one is full.
fn batch() -> Batch {
    const LENGTHS: [[usize; 2]; 3] = [[11, 5], [7, 3], [2, 1]];
    let mut random = Random::new(SEED, Purpose::Synthetic, 3, 0);
    let mut ids = |length: usize, most: usize, rest: i32| -> Vec<i32> {
        let ids =
            (0..most).map(|place| if place < length { random.below(40) as i32 } else { rest });
        ids.collect()
    };
    let [most_source, most_target] = LENGTHS[0];
    Batch {
        rows: LENGTHS.len(),
        source_length: most_source,
        target_length: most_target,
        input_ids: LENGTHS.iter().flat_map(|[source, _]| ids(*source, most_source, PAD)).collect(),
        attention_mask: LENGTHS
            .iter()
            .flat_map(|[source, _]| (0..most_source).map(|place| i32::from(place < *source)))
            .collect(),
        labels: LENGTHS.iter().flat_map(|[_, target]| ids(*target, most_target, IGNORED)).collect(),
    }
}
