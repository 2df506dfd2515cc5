//! What may stand beside a frozen model in a forward pass: adapters do.

use std::fmt;

use burn::tensor::Tensor;

use crate::ops::{Context, Weight, block::LowRank};

/// What stands beside a model.
pub trait Beside: fmt::Debug {
    /// What stands beside the linear map of this name.
    fn map(&self, name: &str) -> Option<&dyn BesideMap>;

    /// What goes before the source, `[virtual tokens, d_model]`.
    fn prompt(&self) -> Option<&Tensor<2>> {
        None
    }
}

/// What stands beside a linear map.
pub trait BesideMap {
    /// The map and this together. `x`: `[rows, inputs]`, `weight`: `[outputs, inputs]`. Returns
    /// `[rows, outputs]`.
    fn forward(&self, x: Tensor<2>, weight: &Weight, context: &Context) -> Tensor<2>;

    /// The low-rank product that is added to the map, where that is all it does in such a pass: then whole
    /// parts of a block may be computed at once.
    fn low_rank(&self, _context: &Context) -> Option<LowRank<'_>> {
        None
    }
}
