//! Attention of several heads with an additive bias.
//!
//! For each row and head: `P = softmax(Q · Kᵀ + position + mask)`, `Y = P · V`, and backwards
//! `dV = Pᵀ · dY`, `dS = P ∘ (dY · Vᵀ − rowsum(P ∘ (dY · Vᵀ)))`, `dQ = dS · K`, `dK = dSᵀ · Q`,
//! `d position = Σ over rows of dS`. Heads lie side by side in the columns, so nothing is permuted.

use burn::tensor::{Tensor, activation::softmax};

use crate::model::{
    Pass,
    attention::{Bias, KeysValues},
};

/// How the columns and rows of the operands divide.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Rows of the batch.
    pub batch: usize,
    /// Heads in the columns.
    pub heads: usize,
}

/// `q`: `[batch · queries, heads · d_kv]`, keys and values `[batch · keys, heads · d_kv]`. Returns
/// the shape of `q`. Dropout acts on the probabilities.
pub fn attention(
    q: Tensor<2>,
    source: KeysValues,
    shape: Heads,
    bias: &Bias,
    pass: &Pass,
) -> Tensor<2> {
    definition(q, source, shape, bias, pass)
}

/// The operation in plain tensors.
pub fn definition(
    q: Tensor<2>,
    source: KeysValues,
    Heads { batch, heads }: Heads,
    bias: &Bias,
    pass: &Pass,
) -> Tensor<2> {
    let [rows, width] = q.dims();
    let split = |x: Tensor<2>| {
        let length = x.dims()[0] / batch;
        x.reshape([batch, length, heads, width / heads]).swap_dims(1, 2)
    };
    let mut scores = split(q).matmul(split(source.keys).swap_dims(2, 3));
    for part in [&bias.position, &bias.mask].into_iter().flatten() {
        scores = scores + part.clone();
    }
    let probabilities = pass.dropout(softmax(scores, 3));
    probabilities.matmul(split(source.values)).swap_dims(1, 2).reshape([rows, width])
}
