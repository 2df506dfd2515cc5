//! Adafactor (Shazeer and Stern 2018), as transformers' with `relative_step` off and no first
//! moment: the second moment of a matrix is kept as one number per row and one per column.

use burn::tensor::Tensor;

use super::{Numbers, Rule, Update};

/// Added to squared gradients.
const EPSILON_GRADIENT: f64 = 1e-30;
/// The least size that a parameter counts with under `scale_parameter`.
const EPSILON_PARAMETER: f64 = 1e-3;
/// The largest root mean square of an update before the learning rate.
const CLIP_THRESHOLD: f64 = 1.0;
/// How the decay of the second moment approaches 1.
const DECAY_RATE: f64 = -0.8;

pub(super) struct Adafactor;

impl Rule for Adafactor {
    fn reads(&self) -> &'static [&'static str] {
        &["scale_parameter"]
    }

    /// By rows and columns.
    fn is_by_number(&self) -> bool {
        false
    }

    fn slots(&self, _: &Numbers, shape: &[usize]) -> Vec<(&'static str, usize)> {
        match *shape {
            [rows, columns] => vec![("exp_avg_sq_row", rows), ("exp_avg_sq_col", columns)],
            _ => vec![("exp_avg_sq", shape.iter().product())],
        }
    }

    fn step(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        state: Vec<Tensor<1>>,
        update: Update,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        step(values, update.scaled(gradient), state, update)
    }
}

fn step(
    values: Tensor<1>,
    gradient: Tensor<1>,
    mut state: Vec<Tensor<1>>,
    update: Update,
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let decay = 1.0 - (update.step as f64).powf(DECAY_RATE);
    let follow = |old: Tensor<1>, new: Tensor<1>| old * decay + new * (1.0 - decay);
    let squared = gradient.clone().square() + EPSILON_GRADIENT;
    let (second, first) = (state.pop(), state.pop());
    let (direction, state) = match (first, second, update.shape) {
        (Some(row), Some(column), &[rows, columns]) => {
            let squared = squared.reshape([rows, columns]);
            let row = follow(row, squared.clone().mean_dim(1).squeeze_dim(1));
            let column = follow(column, squared.mean_dim(0).squeeze_dim(0));
            let by_row = (row.clone() / row.clone().mean()).sqrt().recip().unsqueeze_dim::<2>(1);
            let by_column = column.clone().sqrt().recip().unsqueeze_dim::<2>(0);
            let direction = gradient.reshape([rows, columns]) * by_row * by_column;
            (direction.flatten(0, 1), vec![row, column])
        }
        (_, Some(second), _) => {
            let second = follow(second, squared);
            (gradient * second.clone().sqrt().recip(), vec![second])
        }
        _ => return (values, Vec::new()),
    };
    // torch divides by max(1, rms / threshold); all of it stays on the device.
    let excess = (rms(&direction) / CLIP_THRESHOLD).clamp_min(1.0);
    let mut movement = direction / excess * update.rate;
    if update.numbers.scale_parameter {
        movement = movement * rms(&values).clamp_min(EPSILON_PARAMETER);
    }
    let values = match update.decay {
        0.0 => values,
        decay => values * (1.0 - decay * update.rate),
    };
    (values - movement, state)
}

/// The root of the mean of squares, `[1]`.
fn rms(tensor: &Tensor<1>) -> Tensor<1> {
    tensor.clone().square().mean().sqrt()
}
