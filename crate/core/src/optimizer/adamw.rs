//! AdamW (Loshchilov and Hutter 2017), as `torch.optim.AdamW`.

use burn::tensor::Tensor;

use super::{Numbers, Rule, Update};
use crate::ops::{
    cpu,
    gpu::{self, adamw::Factors},
};

pub(super) struct AdamW;

impl Rule for AdamW {
    fn reads(&self) -> &'static [&'static str] {
        &["beta1", "beta2", "epsilon"]
    }

    fn slots(&self, _: &Numbers, shape: &[usize]) -> Vec<(&'static str, usize)> {
        let length = shape.iter().product();
        vec![("exp_avg", length), ("exp_avg_sq", length)]
    }

    fn step(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        state: Vec<Tensor<1>>,
        update: Update,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        step(values, gradient, state, update)
    }

    fn has_gpu_kernel(&self) -> bool {
        true
    }

    fn step_on_gpu(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        mut state: Vec<Tensor<1>>,
        update: Update,
        settled: &Tensor<1>,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let (Some(second), Some(first)) = (state.pop(), state.pop()) else {
            return (values, state);
        };
        gpu::adamw::step(values, gradient, [first, second], Factors::of(&update), settled)
    }

    fn works_in_place(&self) -> bool {
        true
    }
}

impl Factors {
    fn of(update: &Update) -> Self {
        let Numbers { beta1, beta2, epsilon, .. } = update.numbers;
        let correction = |beta: f64| 1.0 - beta.powf(update.step as f64);
        Factors {
            beta1: beta1 as f32,
            rest1: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            rest2: (1.0 - beta2) as f32,
            keep: (1.0 - update.rate * update.decay) as f32,
            size: (update.rate / correction(beta1)) as f32,
            root: (1.0 / correction(beta2).sqrt()) as f32,
            epsilon: epsilon as f32,
        }
    }
}

/// One fused pass over the numbers on the CPU, tensor operations elsewhere.
fn step(
    values: Tensor<1>,
    gradient: Tensor<1>,
    mut state: Vec<Tensor<1>>,
    update: Update,
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let (second, first) = (state.pop(), state.pop());
    let (Some(first), Some(second)) = (first, second) else {
        return (values, state);
    };
    if !cpu::is_cpu(&values) {
        let numbers = update.numbers;
        let correction1 = 1.0 - numbers.beta1.powf(update.step as f64);
        let correction2 = 1.0 - numbers.beta2.powf(update.step as f64);
        let keep = 1.0 - update.rate * update.decay;
        let size = update.rate / correction1;
        let root = correction2.sqrt();
        let gradient = update.scaled(gradient);
        let first = first * numbers.beta1 + gradient.clone() * (1.0 - numbers.beta1);
        let second = second * numbers.beta2 + gradient.square() * (1.0 - numbers.beta2);
        let divisor = second.clone().sqrt() / root + numbers.epsilon;
        let values = values * keep - first.clone() / divisor * size;
        return (values, vec![first, second]);
    }
    let Factors { beta1, rest1, beta2, rest2, keep, size, root, epsilon } = Factors::of(&update);
    let scale = update.scale as f32;
    let [values, first, second] =
        cpu::update([values, first, second], &gradient, move |[p, m, v], gradient| {
            for (((p, m), v), g) in p.iter_mut().zip(m).zip(v).zip(gradient) {
                let g = g * scale;
                *m = beta1 * *m + rest1 * g;
                *v = beta2 * *v + rest2 * g * g;
                *p = *p * keep - size * (*m / (v.sqrt() * root + epsilon));
            }
        });
    (values, vec![first, second])
}
