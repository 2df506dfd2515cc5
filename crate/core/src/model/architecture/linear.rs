//! A linear map without bias, and what an adapter adds to it.

use burn::tensor::Tensor;

use crate::device::Device;
use crate::model::pass::Pass;
use crate::ops::{self, Matrix, Weight, block::Map};

/// `y = x · Wᵀ`, and what stands beside it where the pass carries an adapter for it.
#[derive(Clone, Debug)]
pub struct Linear {
    /// The module's path in Hugging Face's naming, such as `encoder.block.0.layer.0.SelfAttention.q`.
    pub name: String,
    /// `[outputs, inputs]`, as in the file.
    pub weight: Weight,
}

/// A linear map whose weight is not on a device yet.
#[derive(Debug)]
pub struct Unplaced {
    /// As [`Linear::name`].
    pub name: String,
    /// As [`Linear::weight`].
    pub weight: Matrix,
}

impl Unplaced {
    /// Puts maps onto a device, those that are named together as a GPU takes them as one.
    pub fn put<const N: usize>(maps: [Unplaced; N], device: &Device) -> [Linear; N] {
        let mut names = Vec::with_capacity(N);
        let matrices = maps.map(|Unplaced { name, weight }| {
            names.push(name);
            weight
        });
        let mut names = names.into_iter();
        Matrix::put_together(matrices, device).map(|weight| {
            let name = names.next().expect("a name of each map");
            Linear { name, weight }
        })
    }
}

impl Linear {
    /// `x`: `[rows, inputs]`. Returns `[rows, outputs]`.
    pub fn forward(&self, x: Tensor<2>, pass: &Pass) -> Tensor<2> {
        match pass.beside(&self.name) {
            Some(beside) => beside.forward(x, &self.weight, pass),
            None => ops::linear::linear(x, &self.weight, pass),
        }
    }

    /// The map with what stands beside it, where that is no more than a low-rank product.
    pub fn map<'a>(&'a self, pass: &Pass<'a>) -> Option<Map<'a>> {
        let low_rank = match pass.beside(&self.name) {
            Some(beside) => Some(beside.low_rank(pass)?),
            None => None,
        };
        Some(Map { weight: &self.weight, low_rank })
    }
}
