//! Prodigy (Mishchenko and Defazio 2023), as its authors' `prodigyopt` with its defaults: Adam whose
//! steps are multiplied by an estimate of how far the solution is, which only grows. A learning rate of 1
//! is meant; a schedule may lower it.
//!
//! With `d` the estimate, η the rate and β₃ = √β₂, of each tensor
//!
//! - `m ← β₁ m + d (1 − β₁) g` and `v ← β₂ v + d² (1 − β₂) g²`,
//! - `s ← β₃ s + (d² η / d₀) g`;
//!
//! over all tensors `n ← β₃ n + (d² η / d₀) Σ g · (p₀ − p)` and `d ← max(d, n / Σ ‖s‖₁)`, and then
//! `p ← p − d_before η (decay p + m / (√v + d ε))`.

use burn::tensor::Tensor;

use super::{Numbers, Rule, Update};

/// The first estimate.
const FIRST: f32 = 1e-6;

pub(super) struct Prodigy;

impl Rule for Prodigy {
    fn reads(&self) -> &'static [&'static str] {
        &["beta1", "beta2", "epsilon"]
    }

    fn slots(&self, _: &Numbers, shape: &[usize]) -> Vec<(&'static str, usize)> {
        let length = shape.iter().product();
        vec![("exp_avg", length), ("exp_avg_sq", length), ("s", length), ("p0", length)]
    }

    fn begin(&self, numbers: &Numbers, values: &Tensor<1>, shape: &[usize]) -> Vec<Tensor<1>> {
        let zeros = || values.zeros_like();
        debug_assert_eq!(self.slots(numbers, shape).len(), 4);
        vec![zeros(), zeros(), zeros(), values.clone()]
    }

    /// The estimate, what it was before this step, and the sum that it is the quotient of.
    fn shared(&self) -> &'static [(&'static str, f32)] {
        &[("d", FIRST), ("d_before", FIRST), ("d_numerator", 0.0)]
    }

    fn observe(
        &self,
        values: &Tensor<1>,
        gradient: Tensor<1>,
        state: Vec<Tensor<1>>,
        update: Update,
    ) -> (Vec<Tensor<1>>, Vec<Tensor<1>>) {
        let (Ok([mean, square, sum, from]), [d, ..]) =
            (<[Tensor<1>; 4]>::try_from(state), update.shared)
        else {
            return (Vec::new(), Vec::new());
        };
        // A warm-up's first step has a rate of 0, and teaches nothing.
        if update.rate == 0.0 {
            return (vec![mean, square, sum, from], Vec::new());
        }
        let Numbers { beta1, beta2, .. } = update.numbers;
        let gradient = update.scaled(gradient) * d.clone();
        // d² η g / d₀, of which a factor d is in the gradient.
        let weighed = gradient.clone() * (d.clone() * (update.rate / f64::from(FIRST)));
        let mean = mean * beta1 + gradient.clone() * (1.0 - beta1);
        let square = square * beta2 + gradient.square() * (1.0 - beta2);
        let sum = sum * beta2.sqrt() + weighed.clone();
        let progress = (weighed * (from.clone() - values.clone())).sum();
        let distance = sum.clone().abs().sum();
        (vec![mean, square, sum, from], vec![progress, distance])
    }

    fn conclude(
        &self,
        shared: Vec<Tensor<1>>,
        sums: Vec<Tensor<1>>,
        update: Update,
    ) -> Vec<Tensor<1>> {
        let Ok([progress, distance]) = <[Tensor<1>; 2]>::try_from(sums) else { return shared };
        let Ok([d, _, numerator]) = <[Tensor<1>; 3]>::try_from(shared) else { return Vec::new() };
        let numerator = numerator * update.numbers.beta2.sqrt() + progress;
        // Without any gradient there is nothing to divide by.
        let none = distance.clone().equal_elem(0.0);
        let estimate = numerator.clone() / distance.mask_fill(none.clone(), 1.0);
        let estimate = estimate.mask_fill(none, 0.0);
        vec![d.clone().max_pair(estimate), d, numerator]
    }

    fn step(
        &self,
        values: Tensor<1>,
        _: Tensor<1>,
        state: Vec<Tensor<1>>,
        update: Update,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        let ([mean, square, _, _], [d, before, _]) = (&state[..], update.shared) else {
            return (values, state);
        };
        let divisor = square.clone().sqrt() + d.clone() * update.numbers.epsilon;
        let rate = before.clone() * update.rate;
        let kept = match update.decay {
            0.0 => values,
            decay => values.clone() - values * (rate.clone() * decay),
        };
        (kept - mean.clone() / divisor * rate, state)
    }

    fn rate(&self) -> Option<f64> {
        Some(1.0)
    }
}
