//! The parts of a block for one more token of each row, as generation has them. On GPUs they are few dispatches, and
//! nothing is kept for a backward pass. None where a part is not made at once.

use burn::{backend::Cube, tensor::Tensor};
use burn_cubecl::tensor::CubeTensor;

use super::{Map, Norm, is_node, maps::Maps};
use crate::ops::{
    Context,
    attention::{
        Bias, Heads,
        gpu::fits,
        step::{Kept, gpu::launch},
    },
    gpu::{buffer, dims, empty, family::Family},
};

/// `x + attention(n · Wqᵀ, kept) · Woᵀ` with `n = norm(x)`: `x` is `[batch, width]`. Where there are maps to keys and
/// values, those of n are kept first.
#[allow(clippy::too_many_arguments)]
pub fn attention(
    x: &Tensor<2>,
    norm: Norm<'_>,
    [q, o]: [Map<'_>; 2],
    new: Option<[Map<'_>; 2]>,
    kept: &mut Kept,
    shape: Heads,
    bias: &Bias,
    context: &Context,
) -> Option<Tensor<2>> {
    if !is_node(x, norm, Family::Generation, context) || !fits(q.weight.dims()[0] / shape.heads) {
        return None;
    }
    let inner = match new {
        Some([k, v]) => maps(&[q, k, v], x)?,
        None => maps(&[q], x)?,
    };
    let outer = maps(&[o], x)?;
    let (x, weight) = (plain(x), plain(norm.weight));
    let rows = dims(&x)[0];
    let all = inner.step(&x, norm.on_gpu(&weight));
    let new = new.map(|_| [1, 2].map(|plane| inner.plane(&all, rows, plane)));
    let mixed = launch(&inner.plane(&all, rows, 0), new.as_ref(), kept, shape, bias);
    Some(Tensor::from_primitive::<Cube>(outer.once(&mixed, Some(&x))))
}

/// `x + (gelu(n · Wi₀ᵀ) ∘ n · Wi₁ᵀ) · Woᵀ` with `n = norm(x)`: `x` is `[batch, width]`.
pub fn feed_forward(
    x: &Tensor<2>,
    norm: Norm<'_>,
    wi: [Map<'_>; 2],
    wo: Map<'_>,
    context: &Context,
) -> Option<Tensor<2>> {
    if !is_node(x, norm, Family::Generation, context) {
        return None;
    }
    let (inner, outer) = (maps(&wi, x)?, maps(&[wo], x)?);
    let (x, weight) = (plain(x), plain(norm.weight));
    let g = inner.gated_step(&x, norm.on_gpu(&weight));
    Some(Tensor::from_primitive::<Cube>(outer.once(&g, Some(&x))))
}

fn maps<const N: usize>(maps: &[Map<'_>; N], like: &Tensor<2>) -> Option<Maps> {
    let nothing = empty(&plain(like), [0, 0]);
    let matrices = maps.each_ref().map(|map| match map.low_rank {
        Some(low) => [plain(low.a), plain(low.b)],
        None => [nothing.clone(), nothing.clone()],
    });
    Maps::new(maps, &matrices)
}

fn plain<const D: usize>(tensor: &Tensor<D>) -> CubeTensor {
    buffer(tensor.clone().without_autodiff())
}
