//! A linear map without bias, and what an adapter adds to it.

use burn::tensor::Tensor;

use crate::model::pass::Pass;
use crate::ops::{self, Weight, block::Map};

/// `y = x · Wᵀ`, and what stands beside it where the pass carries an adapter for it.
#[derive(Clone, Debug)]
pub struct Linear {
    /// The module's path in Hugging Face's naming, such as `encoder.block.0.layer.0.SelfAttention.q`.
    pub name: String,
    /// `[outputs, inputs]`, as in the file.
    pub weight: Weight,
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
