//! The feed-forward part of a block, with its norm and what goes past it.

use burn::tensor::Tensor;

use super::{Map, Norm, is_node, maps::Maps};
use crate::ops::{
    Context, gated_gelu,
    gpu::{
        contiguous, dims,
        family::Family,
        node::{Parent, record},
    },
    rms_norm,
};

/// `x + (gelu(n · Wi₀ᵀ) ∘ n · Wi₁ᵀ) · Woᵀ` with `n = norm(x)`: `x` is `[rows, width]`. None where it is no node
/// of its own.
pub fn feed_forward(
    x: &Tensor<2>,
    norm: Norm<'_>,
    wi: [Map<'_>; 2],
    wo: Map<'_>,
    context: &Context,
) -> Option<Tensor<2>> {
    if !is_node(x, norm, Family::GatedGelu, context) {
        return None;
    }
    let [[a0, b0], [a1, b1], [a2, b2]] = [&wi[0], &wi[1], &wo].map(|map| map.parents(x));
    let parents = [Parent::of(x)?, a0?, b0?, a1?, b1?, a2?, b2?];
    let [x, a0, b0, a1, b1, a2, b2] = parents.each_ref().map(|parent| contiguous(parent.numbers()));
    let inner = Maps::new(&wi, &[[a0, b0], [a1, b1]])?;
    let outer = Maps::new(&[wo], &[[a2, b2]])?;
    let weight = Parent::of(norm.weight)?.numbers();

    let rows = dims(&x)[0];
    let (both, low, [n, scales]) = inner.forward_normed(&x, &weight, norm.epsilon as f32);
    let [gate, value] = [0, 1].map(|plane| inner.plane(&both, rows, plane));
    let g = gated_gelu::gpu::forward(&gate, &value);
    let (y, outer_low) = outer.forward(&g, Some(&x));
    // Kept only for the gradients of low-rank products; else any matrix of as many rows does.
    let n = if low.is_some() { n } else { x.clone() };
    let g = if outer_low.is_some() { g } else { gate };

    Some(record(parents, y, move |dy, wants| {
        let dy = contiguous(dy);
        let goes_on = wants[0] || low.is_some();
        let (dboth, [[a2, b2]]) = outer.backward(&g, &outer_low, &dy, goes_on, Some(&both));
        let Some(dboth) = dboth else { return [None, None, None, None, None, a2, b2] };
        let (dn, [[a0, b0], [a1, b1]]) = inner.backward(&n, &low, &dboth, wants[0], None);
        let dx = dn.map(|dn| rms_norm::gpu::backward(&x, &weight, &scales, &dn, Some(&dy)));
        [dx, a0, b0, a1, b1, a2, b2]
    }))
}
