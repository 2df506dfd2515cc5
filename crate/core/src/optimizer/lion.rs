//! Lion (Chen et al. 2023): the sign of an interpolated momentum.

use burn::tensor::Tensor;

use super::{Numbers, Rule, Update};

pub(super) struct Lion;

impl Rule for Lion {
    fn reads(&self) -> &'static [&'static str] {
        &["beta1", "beta2"]
    }

    fn slots(&self, _: &Numbers, shape: &[usize]) -> Vec<(&'static str, usize)> {
        vec![("exp_avg", shape.iter().product())]
    }

    fn step(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        mut state: Vec<Tensor<1>>,
        update: Update,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let Some(average) = state.pop() else {
            return (values, state);
        };
        let gradient = update.scaled(gradient);
        let (beta1, beta2) = (update.numbers.beta1, update.numbers.beta2);
        let direction = (average.clone() * beta1 + gradient.clone() * (1.0 - beta1)).sign();
        let values = values * (1.0 - update.rate * update.decay) - direction * update.rate;
        (values, vec![average * beta2 + gradient * (1.0 - beta2)])
    }
}
