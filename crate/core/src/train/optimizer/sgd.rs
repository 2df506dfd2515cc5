//! Stochastic gradient descent with momentum, as `torch.optim.SGD`.

use burn::tensor::Tensor;

use super::{Update, scaled};

pub(super) fn step(
    values: Tensor<1>,
    gradient: Tensor<1>,
    mut state: Vec<Tensor<1>>,
    update: Update,
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let mut gradient = scaled(gradient, update.scale);
    if update.decay > 0.0 {
        gradient = gradient + values.clone() * update.decay;
    }
    let Some(buffer) = state.pop() else {
        return (values - gradient * update.rate, state);
    };
    let buffer = buffer * update.settings.momentum + gradient;
    (values - buffer.clone() * update.rate, vec![buffer])
}
