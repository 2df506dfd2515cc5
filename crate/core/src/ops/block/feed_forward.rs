//! The feed-forward part of a block, with its norm and what goes past it.

use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::{
    Map, Norm, is_node,
    maps::{Inner, Maps},
};
use crate::ops::{
    Context, gated_gelu,
    gpu::{
        contiguous, dims,
        family::Family,
        few,
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
    let epsilon = norm.epsilon as f32;
    let make = {
        let (x, weight, inner) = (x.clone(), weight.clone(), inner.clone());
        move || {
            let norm = few::Norm { weight: &weight, epsilon };
            let (both, low, [n, scales]) = inner.forward_normed(&x, norm);
            let [gate, value] = [0, 1].map(|plane| inner.plane(&both, rows, plane));
            let g = gated_gelu::gpu::forward(&gate, &value);
            Made { both, low, n, scales, g }
        }
    };
    let mut made = make();
    let (y, outer_low) = outer.forward(&made.g, Some(&x));
    // Kept only for the gradients of low-rank products; else any matrix of as many rows does.
    if made.low.is_none() {
        made.n = x.clone();
    }
    if outer_low.is_none() {
        made.g = inner.plane(&made.both, rows, 0);
    }
    let kept = (!context.recompute).then_some(made);

    Some(record(parents, y, move |dy, wants| {
        let Made { both, low, n, scales, g } = kept.clone().unwrap_or_else(&make);
        let dy = contiguous(dy);
        let goes_on = wants[0] || low.is_some();
        let (dboth, [[a2, b2]]) = outer.backward(&g, &outer_low, &dy, goes_on, Some(&both));
        let Some(dboth) = dboth else { return [None, None, None, None, None, a2, b2] };
        let (dn, [[a0, b0], [a1, b1]]) = inner.backward(&n, &low, &dboth, wants[0], None);
        let dx = dn.map(|dn| rms_norm::gpu::backward(&x, &weight, &scales, &dn, Some(&dy)));
        [dx, a0, b0, a1, b1, a2, b2]
    }))
}

/// What is made on the way to the result, and read again by the backward pass.
#[derive(Clone)]
struct Made {
    /// The gate and the value, in planes.
    both: CubeTensor,
    low: Inner,
    n: CubeTensor,
    scales: CubeTensor,
    g: CubeTensor,
}
