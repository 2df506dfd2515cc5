//! Steps of optimisers that no oracle makes, against steps made by hand.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    device::{self, Device},
    model::parameter::Parameter,
    optimizer::{Numbers, OptimizerKind},
    train::optimizer::{Optimizer, Scale},
};

use super::{Failure, compare::close};

/// What is checked here.
pub(super) const OPTIMIZERS: [&str; 2] = ["lion", "sgd"];

const NUMBERS: Numbers = Numbers {
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    momentum: 0.9,
    scale_parameter: false,
    weight_decay: 0.1,
};

pub(super) async fn check(name: &str, device: &Device) -> Result<(), Failure> {
    let begin = [1.0, -2.0, 0.5];
    match name {
        // At rate 0.01: w ← 0.999 · w − 0.01 · sign(0.9 · m + 0.1 · g), m ← 0.99 · m + 0.01 · g.
        "lion" => {
            // The sign of a gradient of zero is zero.
            let first = ([0.5, -0.25, 0.0], [0.989, -1.988, 0.4995]);
            // m = (0.005, −0.0025, 0) outvotes the first gradient, but not the second.
            let second = ([-0.01, 0.1, 1.0], [0.978011, -1.996012, 0.4890005]);
            steps(OptimizerKind::Lion, 0.01, begin, &[first, second], device).await
        }
        // At rate 0.1: m ← 0.9 · m + (g + 0.1 · w), w ← w − 0.1 · m.
        _ => {
            let first = ([0.5, -0.25, 0.0], [0.94, -1.955, 0.495]);
            // g + 0.1 · w = (0.194, −0.0955, 1.0495), m = (0.734, −0.5005, 1.0945).
            let second = ([0.1, 0.1, 1.0], [0.8666, -1.90495, 0.38555]);
            steps(OptimizerKind::Sgd, 0.1, begin, &[first, second], device).await
        }
    }
}

/// Steps from `begin`, each with its gradient and the weights after it.
async fn steps(
    kind: OptimizerKind,
    rate: f64,
    begin: [f32; 3],
    steps: &[([f32; 3], [f32; 3])],
    device: &Device,
) -> Result<(), Failure> {
    let row = |values: [f32; 3]| -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [3]), device.burn())
    };
    let (mut optimizer, mut weights) = (Optimizer::new(kind, NUMBERS), row(begin));
    let mut norm = row(begin);
    for (step, (gradient, expected)) in steps.iter().enumerate() {
        optimizer.begin();
        // Clipping halves a gradient that is twice as long.
        let twice = row(gradient.map(|g| 2.0 * g));
        let parameter = &mut Parameter::Vector(&mut weights);
        optimizer.update(0, "q.weight", parameter, twice, rate, &Scale::Known(0.5));
        let parameter = &mut Parameter::Vector(&mut norm);
        optimizer.update(
            1,
            "layer_norm.weight",
            parameter,
            row([0.0; 3]),
            rate,
            &Scale::Known(1.0),
        );
        let found = device::read(weights.clone()).await?;
        close(&format!("step {step}: the weights"), &found, expected, 1e-6)?;
    }
    // Without a gradient only the decay would move it.
    match device::read(norm).await? == begin {
        true => Ok(()),
        false => Err("the weight of a norm decays".into()),
    }
}
