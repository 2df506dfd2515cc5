//! Stochastic gradient descent with momentum, as `torch.optim.SGD`.

use burn::tensor::Tensor;

use super::{Numbers, Rule, Update};

pub(super) struct Sgd;

impl Rule for Sgd {
    fn reads(&self) -> &'static [&'static str] {
        &["momentum"]
    }

    fn slots(&self, numbers: &Numbers, shape: &[usize]) -> Vec<(&'static str, usize)> {
        match numbers.momentum {
            0.0 => Vec::new(),
            _ => vec![("momentum_buffer", shape.iter().product())],
        }
    }

    fn step(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        mut state: Vec<Tensor<1>>,
        update: Update,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let mut gradient = update.scaled(gradient);
        if update.decay > 0.0 {
            gradient = gradient + values.clone() * update.decay;
        }
        let Some(buffer) = state.pop() else {
            return (values - gradient * update.rate, state);
        };
        let buffer = buffer * update.numbers.momentum + gradient;
        (values - buffer.clone() * update.rate, vec![buffer])
    }
}
