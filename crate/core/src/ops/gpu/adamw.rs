//! A step of AdamW on GPUs: one pass over memory.

use burn::{backend::Cube, tensor::Tensor};
use flantune_shaders::ADAMW;

use super::{Launch, buffer, count, empty, groups, own};

/// What the numbers of a step come to.
#[derive(Clone, Copy, Debug)]
pub struct Factors {
    /// What is kept of the first moment.
    pub beta1: f32,
    /// What of it is new.
    pub rest1: f32,
    /// What is kept of the second moment.
    pub beta2: f32,
    /// What of it is new.
    pub rest2: f32,
    /// What weight decay leaves of a value.
    pub keep: f32,
    /// The rate over the first moment's correction.
    pub size: f32,
    /// 1 over the root of the second moment's correction.
    pub root: f32,
    /// What is added to the divisor.
    pub epsilon: f32,
}

/// Returns the new values and moments. `numbers` are those of [`settle`](super::settle::settle).
///
/// # Panics
/// Where the tensors are not on a GPU.
pub fn step(
    values: Tensor<1>,
    gradient: Tensor<1>,
    moments: [Tensor<1>; 2],
    factors: Factors,
    numbers: &Tensor<1>,
) -> (Tensor<1>, Vec<Tensor<1>>) {
    let (values, gradient) = (buffer(values), buffer(gradient));
    let [first, second] = moments.map(|moment| own(buffer(moment)));
    let settled = buffer(numbers.clone());
    let y = empty(&values, values.meta.shape().clone());
    let Factors { beta1, rest1, beta2, rest2, keep, size, root, epsilon } = factors;
    let launch = Launch::new(&ADAMW).read(&values).read(&gradient).write(&first).write(&second);
    let launch = launch.read(&settled).write(&y).size(count(&y));
    let numbers = [beta1, rest1, beta2, rest2, keep, size, root, epsilon];
    numbers.into_iter().fold(launch, Launch::number).run(groups(count(&y), 64));
    let tensor = |buffer| Tensor::from_primitive::<Cube>(buffer);
    (tensor(y), vec![tensor(first), tensor(second)])
}
