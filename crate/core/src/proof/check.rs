//! An operation on small inputs: on a GPU by its kernels, on the processor by its definition.

use burn::tensor::{Tensor, TensorData};

use crate::{
    device::{self, Device},
    error::Result,
    ops::{Context, gpu::family::Family},
    rng::{Purpose, Random},
};

/// How far a number may be from the processor's, in parts of the greatest of its tensor. Exponentials and
/// roots of a GPU are right to a part in a hundred thousand; what a driver makes wrong is far off.
pub(super) const TOLERANCE: f32 = 1e-3;
/// Of all numbers here.
pub(super) const SEED: u64 = 0;

/// An operation, and what goes into it.
pub(super) struct Check {
    pub(super) family: Family,
    pub(super) inputs: &'static [Input],
    /// From the inputs, each one row of numbers, to one row.
    pub(super) operation: fn(&[Tensor<1>], &Device, Context) -> Tensor<1>,
}

/// A row of normal numbers.
pub(super) struct Input {
    pub(super) count: usize,
    pub(super) deviation: f32,
    /// Whether it wants a gradient.
    pub(super) tracked: bool,
}

impl Check {
    /// Whether the results and the gradients are the processor's. What a device does not answer is wrong.
    pub(super) async fn is_right(&self, device: &Device) -> bool {
        let Ok(expected) = self.run(&Device::cpu(), false).await else { return false };
        match self.run(device, true).await {
            Ok(found) => {
                found.len() == expected.len()
                    && found.iter().zip(&expected).all(|(a, b)| are_alike(a, b))
            }
            Err(_) => false,
        }
    }

    /// The result, and the gradient of each input that wants one.
    async fn run(&self, device: &Device, kernels: bool) -> Result<Vec<Vec<f32>>> {
        let row = |values: Vec<f32>| {
            let length = values.len();
            Tensor::<1>::from_data(TensorData::new(values, [length]), device.burn())
        };
        let inputs = self.inputs.iter().zip(1..).map(|(input, place)| {
            let tensor = row(input.draw(place));
            if input.tracked { tensor.autodiff().require_grad() } else { tensor }
        });
        let inputs: Vec<Tensor<1>> = inputs.collect();
        let y = (self.operation)(&inputs, device, Context { kernels, ..Context::default() });
        if !self.inputs.iter().any(|input| input.tracked) {
            return read(vec![y]).await;
        }
        // So that each result counts for something else.
        let weights = Input { count: y.dims()[0], deviation: 1.0, tracked: false };
        let mut gradients = (y.clone() * row(weights.draw(0))).backward();
        let mut rows = vec![y.without_autodiff()];
        rows.extend(inputs.iter().filter_map(|tensor| tensor.grad_remove(&mut gradients)));
        read(rows).await
    }
}

impl Input {
    /// Numbers that are the same on every device.
    fn draw(&self, place: u64) -> Vec<f32> {
        let mut values = vec![0.0; self.count];
        let mut random = Random::new(SEED, Purpose::Synthetic, 0, place);
        random.fill_normal(&mut values, 0.0, self.deviation);
        values
    }
}

/// Reads rows at once: some browsers take a tenth of a second to answer.
pub(super) async fn read(rows: Vec<Tensor<1>>) -> Result<Vec<Vec<f32>>> {
    let lengths: Vec<usize> = rows.iter().map(|row| row.dims()[0]).collect();
    let mut values = device::read(Tensor::cat(rows, 0)).await?.into_iter();
    Ok(lengths.into_iter().map(|length| values.by_ref().take(length).collect()).collect())
}

/// Whether all numbers are alike, up to rounding.
pub(super) fn are_alike(found: &[f32], expected: &[f32]) -> bool {
    let limit = TOLERANCE * greatest(expected);
    let near = |(found, expected): (&f32, &f32)| (found - expected).abs() <= limit;
    found.len() == expected.len() && found.iter().zip(expected).all(near)
}

/// The greatest magnitude.
pub(super) fn greatest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}
