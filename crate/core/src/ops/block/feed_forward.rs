//! The feed-forward part of a block, with its norm and what goes past it.

use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::{
    Map, Norm, is_node,
    low_rank::{Beside, Input, Room, Sources, gradients},
    maps::{Maps, Past},
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
    let (room, [low, low_back]) = Room::new(&x, rows, [(&inner.low, rows), (&outer.low, rows)]);
    let make = {
        let (x, weight, inner) = (x.clone(), weight.clone(), inner.clone());
        let (room, low) = (room.clone(), low.clone());
        move || {
            let norm = few::Norm { weight: &weight, epsilon };
            let both = inner.forward_normed(&x, norm, &room, &low);
            let [gate, value] = [0, 1].map(|plane| inner.plane(&both, rows, plane));
            let g = gated_gelu::gpu::forward(&gate, &value);
            Made { both, g }
        }
    };
    let mut made = make();
    let y = outer.forward(&made.g, &low_back, Some(&x));
    // Kept only for the gradients of a low-rank product; else any matrix does.
    if low_back.is_none() {
        made.g = inner.plane(&made.both, rows, 0);
    }
    let kept = (!context.recompute).then_some(made);

    Some(record(parents, y, move |dy, wants| {
        let Made { both, g } = kept.clone().unwrap_or_else(&make);
        let dy = contiguous(dy);
        let goes_on = wants[0] || low.is_some();
        let past = Past { gated: Some(&both), ..Past::default() };
        let dboth = outer.backward(&dy, rows, &low_back, goes_on, past);
        let dn = dboth
            .as_ref()
            .and_then(|dboth| inner.backward(dboth, rows, &low, wants[0], Past::default()));
        let dx = dn.map(|dn| rms_norm::gpu::backward(&x, &weight, &room.scales, &dn, Some(&dy)));
        let sources =
            Sources { norm: [&x, &weight], other: None, within: dboth.as_ref(), back: [&g, &dy] };
        let within = |index| Beside::of((&inner.low, &low), index, Input::Norm, 0);
        let back = Beside::of((&outer.low, &low_back), 0, Input::Back, 0);
        let by_name = [within(0), within(1), back];
        let [[a0, b0], [a1, b1], [a2, b2]] = gradients(&room, &sources, by_name);
        [dx, a0, b0, a1, b1, a2, b2]
    }))
}

/// What is made on the way to the result, and read again by the backward pass.
#[derive(Clone)]
struct Made {
    /// The gate and the value, in planes.
    both: CubeTensor,
    g: CubeTensor,
}
