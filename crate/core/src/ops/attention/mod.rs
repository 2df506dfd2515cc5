//! Attention of several heads with an additive bias.
//!
//! For each row and head: `P = softmax(Q · Kᵀ + position + mask)`, `Y = P · V`, and backwards
//! `dV = Pᵀ · dY`, `dS = P ∘ (dY · Vᵀ − rowsum(P ∘ (dY · Vᵀ)))`, `dQ = dS · K`, `dK = dSᵀ · Q`,
//! `d position = Σ over rows of dS`. Heads lie side by side in the columns, so nothing is permuted.

mod cpu;
pub(in crate::ops) mod gpu;
mod gradient;
pub mod step;

use burn::{
    backend::{Backend, Cube, Dispatch, backend_extension, tensor::FloatTensor},
    tensor::{Tensor, activation::softmax},
};

use super::{Context, cpu::is_cpu, gpu::family::Family, rows::lay_together};

/// What is added to the scores before the softmax.
#[derive(Clone, Debug, Default)]
pub struct Bias {
    /// By position, the same for each row: `[1, heads, queries, keys]`.
    pub position: Option<Tensor<4>>,
    /// By row: `[batch, 1, 1, keys]`, 0 for what is seen and −1e9 for padding.
    pub mask: Option<Tensor<4>>,
}

impl Bias {
    /// Both parts in one buffer where that spares a GPU to put them there for each layer.
    pub fn lay_together(self, context: &Context) -> Self {
        let Bias { position: Some(position), mask: Some(mask) } = &self else { return self };
        if !context.has_gpu_kernel(position) || position.is_require_grad() {
            return self;
        }
        let both = [position, mask].map(|part| part.clone().try_into_primitive::<Cube>());
        let [Ok(position), Ok(mask)] = both else { return self };
        let mut both = lay_together(vec![position, mask]).into_iter();
        let mut part = || both.next().map(Tensor::from_primitive::<Cube>);
        Bias { position: part(), mask: part() }
    }
}

/// Keys and values, each `[batch · keys, heads · d_kv]`.
#[derive(Clone, Debug)]
pub struct KeysValues {
    /// The keys.
    pub keys: Tensor<2>,
    /// The values.
    pub values: Tensor<2>,
}

/// How the columns and rows of the operands divide.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Rows of the batch.
    pub batch: usize,
    /// Heads in the columns.
    pub heads: usize,
}

/// The kernels. A bias that is not there is a single zero on the CPU, and has no numbers on GPUs.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait FusedAttention: Backend {
    /// The result, and what the backward pass has of the probabilities: themselves,
    /// `[batch, heads, queries, keys]`, or what makes them again, `[batch · heads · queries, 4]`.
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
    /// number). `position`, `mask` and the result `y` are read only where the probabilities are made again.
    #[allow(clippy::too_many_arguments)]
    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        position: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        y: FloatTensor<Self>,
        kept: FloatTensor<Self>,
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
    context: &Context,
) -> Tensor<2> {
    // Dropout acts between the softmax and the second product, which the kernel has in one.
    let fits = is_cpu(&q) || gpu::fits(q.dims()[1] / shape.heads);
    if !context.has_kernel(Family::Attention, &q) || !fits || context.drops() {
        return definition(q, source, shape, bias, context);
    }
    let device = q.device().without_autodiff();
    let none = || match is_cpu(&q) {
        true => Tensor::<4>::zeros([1, 1, 1, 1], &device),
        false => Tensor::empty([1, 1, 1, 0], &device),
    };
    let position = bias.position.clone().unwrap_or_else(none);
    let mask = bias.mask.clone().unwrap_or_else(none);
    let (mixed, _) = <Dispatch as FusedAttention>::fused_attention(
        q.into_dispatch(),
        source.keys.into_dispatch(),
        source.values.into_dispatch(),
        position.into_dispatch(),
        mask.into_dispatch(),
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
    context: &Context,
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
    let probabilities = context.dropout(softmax(scores, 3));
    probabilities.matmul(split(source.values)).swap_dims(1, 2).reshape([rows, width])
}
