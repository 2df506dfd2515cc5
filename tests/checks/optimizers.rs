//! Steps of optimisers that no training oracle makes: against steps made by hand, and Prodigy against
//! its authors' own.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    device::{self, Device},
    model::parameter::Parameter,
    optimizer::{Numbers, OptimizerKind},
    train::optimizer::{Optimizer, Scale},
};
use serde_json::Value;

use super::{Failure, compare::close};

/// What is checked here.
pub(super) const OPTIMIZERS: [&str; 3] = ["lion", "sgd", "prodigy"];

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
        "prodigy" => prodigy(device).await,
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
    let (mut optimizer, mut weights) = (Optimizer::new(kind, NUMBERS, false), row(begin));
    let mut norm = row(begin);
    for (step, (gradient, expected)) in steps.iter().enumerate() {
        optimizer.begin();
        // Clipping halves a gradient that is twice as long.
        let twice = row(gradient.map(|g| 2.0 * g));
        let half = Scale::Known(0.5);
        weights = optimizer.update((0, "q.weight", &[3]), weights, twice, rate, &half);
        let (of, none) = ((1, "layer_norm.weight", &[3][..]), row([0.0; 3]));
        norm = optimizer.update(of, norm, none, rate, &Scale::Known(1.0));
        let found = device::read(weights.clone()).await?;
        close(&format!("step {step}: the weights"), &found, expected, 1e-6)?;
    }
    // Without a gradient only the decay would move it.
    match device::read(norm).await? == begin {
        true => Ok(()),
        false => Err("the weight of a norm decays".into()),
    }
}

/// Twenty steps of Prodigy on a matrix and a vector, as `prodigyopt` has made them.
async fn prodigy(device: &Device) -> Result<(), Failure> {
    let oracle: Value = serde_json::from_str(include_str!("../oracle/optimizers/prodigy.json"))?;
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let numbers = |value: &Value| -> Vec<f32> {
        value.as_array().into_iter().flatten().map(|value| number(value) as f32).collect()
    };
    let size = |key: &str| oracle[key].as_u64().unwrap_or(0) as usize;
    let (rows, columns) = (size("rows"), size("columns"));
    let row = |values: &[f32]| -> Tensor<1> {
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device.burn())
    };
    for (case, of) in oracle["cases"].as_array().into_iter().flatten().enumerate() {
        let weight_decay = number(&of["decay"]);
        let settings = Numbers { beta2: 0.999, weight_decay, ..NUMBERS };
        let mut optimizer = Optimizer::new(OptimizerKind::Prodigy, settings, false);
        let mut matrix = row(&numbers(&of["begin"][0])).reshape([rows, columns]);
        let mut vector = row(&numbers(&of["begin"][1]));
        let wanted = numbers(&of["wanted"]);
        let (wanted_matrix, wanted_vector) = wanted.split_at(rows * columns);
        for (step, expected) in of["steps"].as_array().into_iter().flatten().enumerate() {
            let rate = number(&expected["rate"]);
            let towards = |values: &[f32], wanted: &[f32]| -> Vec<f32> {
                let pairs = values.iter().zip(wanted).enumerate();
                // Clipping halves a gradient that is twice as long.
                pairs
                    .map(|(place, (w, to))| 2.0 * (w - to) * (place % columns + 1) as f32)
                    .collect()
            };
            let gradients = [
                row(&towards(&device::read(matrix.clone()).await?, wanted_matrix)),
                row(&towards(&device::read(vector.clone()).await?, wanted_vector)),
            ];
            let scale = Scale::Known(0.5);
            optimizer.begin();
            for both in [true, false] {
                let parameters = [
                    ("q.weight", Parameter::Matrix(&mut matrix)),
                    ("layer_norm.weight", Parameter::Vector(&mut vector)),
                ];
                for (index, (name, mut parameter)) in parameters.into_iter().enumerate() {
                    let (gradient, shape) = (gradients[index].clone(), parameter.shape());
                    let of = (index, name, &shape[..]);
                    match both {
                        true => optimizer.observe(of, &parameter.flat(), gradient, rate, &scale),
                        false => parameter
                            .replace(|values| optimizer.update(of, values, gradient, rate, &scale)),
                    }
                }
                if both {
                    optimizer.conclude(rate, &scale);
                }
            }
            let what = |what: &str| format!("case {case}, step {step}: {what}");
            let found = device::read(matrix.clone()).await?;
            close(&what("the matrix"), &found, &numbers(&expected["matrix"]), 1e-5)?;
            let found = device::read(vector.clone()).await?;
            close(&what("the vector"), &found, &numbers(&expected["vector"]), 1e-5)?;
            let shared = optimizer.shared();
            let d = device::read(shared[0].1.clone()).await?;
            let wanted = number(&expected["d"]);
            if (f64::from(d[0]) / wanted - 1.0).abs() > 1e-4 {
                return Err(what(&format!("the estimate is {}, expected {wanted}", d[0])).into());
            }
        }
    }
    Ok(())
}
