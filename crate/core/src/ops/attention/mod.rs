//! Attention of several heads with an additive bias.
//!
//! For each row and head: `P = softmax(Q · Kᵀ + position + mask)`, `Y = P · V`, and backwards
//! `dV = Pᵀ · dY`, `dS = P ∘ (dY · Vᵀ − rowsum(P ∘ (dY · Vᵀ)))`, `dQ = dS · K`, `dK = dSᵀ · Q`,
//! `d position = Σ over rows of dS`. Heads lie side by side in the columns, so nothing is permuted.

mod cpu;
mod gradient;

use burn::{
    backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor},
    tensor::{Tensor, activation::softmax},
};

use super::cpu::is_cpu;
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

/// The kernels. A bias that is not there is a single zero.
#[backend_extension(Flex, Autodiff)]
pub trait FusedAttention: Backend {
    /// The result, and the probabilities: `[batch, heads, queries, keys]`.
    fn fused_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        position: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        batch: usize,
        heads: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// The gradients of q, k, v and, where `wants_position`, of the bias by position (else a single
    /// zero).
    #[allow(clippy::too_many_arguments)]
    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        probabilities: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        batch: usize,
        heads: usize,
        wants_position: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
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
    // Dropout acts between the softmax and the second product, which the kernel has in one.
    if !pass.kernels || pass.drops() || !is_cpu(&q) {
        return definition(q, source, shape, bias, pass);
    }
    let none = || Tensor::<4>::zeros([1, 1, 1, 1], &burn::tensor::Device::flex());
    let (position, mask) = (bias.position.clone(), bias.mask.clone());
    let (mixed, _) = <Dispatch as FusedAttention>::fused_attention(
        q.into_dispatch(),
        source.keys.into_dispatch(),
        source.values.into_dispatch(),
        position.unwrap_or_else(none).into_dispatch(),
        mask.unwrap_or_else(none).into_dispatch(),
        shape.batch,
        shape.heads,
    );
    Tensor::from_dispatch(mixed)
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
