//! The attention part of a block, with its norm and what goes past it.

use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::{
    Map, Norm, is_node,
    maps::{Inner, Maps},
};
use crate::ops::{
    Context,
    attention::{
        Bias, Heads,
        gpu::{Biases, Operands, Sizes, fits},
    },
    gpu::{
        contiguous, dims, empty,
        family::Family,
        few,
        node::{Parent, record},
        part,
        product::stride,
    },
    rms_norm,
};

/// `x + attention(n · Wqᵀ, s · Wkᵀ, s · Wvᵀ) · Woᵀ` with `n = norm(x)`, where `s` is `source`, or else `n`: `x` is
/// `[batch · queries, width]`, `source` `[batch · keys, width]`; `maps` are those to queries, keys and values,
/// and back. None where it is no node of its own.
pub fn attention(
    x: &Tensor<2>,
    source: Option<&Tensor<2>>,
    norm: Norm<'_>,
    maps: [Map<'_>; 4],
    shape: Heads,
    bias: &Bias,
    context: &Context,
) -> Option<Tensor<2>> {
    let depth = maps[0].weight.dims()[0] / shape.heads;
    let trained = bias.position.as_ref().is_some_and(Tensor::is_require_grad);
    if !is_node(x, norm, Family::Attention, context) || !fits(depth) || trained {
        return None;
    }
    match source {
        None => to_itself(x, norm, maps, shape, bias, context.recompute),
        Some(source) => to_another(x, source, norm, maps, shape, bias, context.recompute),
    }
}

fn to_itself(
    x: &Tensor<2>,
    norm: Norm<'_>,
    maps: [Map<'_>; 4],
    shape: Heads,
    bias: &Bias,
    recompute: bool,
) -> Option<Tensor<2>> {
    let bias = numbers(bias, x)?;
    let [[a0, b0], [a1, b1], [a2, b2], [a3, b3]] = maps.map(|map| map.parents(x));
    let parents = [Parent::of(x)?, a0?, b0?, a1?, b1?, a2?, b2?, a3?, b3?];
    let [x, a0, b0, a1, b1, a2, b2, a3, b3] =
        parents.each_ref().map(|parent| contiguous(parent.numbers()));
    let [q, k, v, o] = maps;
    let inner = Maps::new(&[q, k, v], &[[a0, b0], [a1, b1], [a2, b2]])?;
    let outer = Maps::new(&[o], &[[a3, b3]])?;
    let weight = Parent::of(norm.weight)?.numbers();

    let rows = dims(&x)[0];
    let epsilon = norm.epsilon as f32;
    let make = {
        let (x, weight, inner) = (x.clone(), weight.clone(), inner.clone());
        move || {
            let norm = few::Norm { weight: &weight, epsilon };
            let (all, low, [n, scales]) = inner.forward_normed(&x, norm);
            let [q, k, v] = [0, 1, 2].map(|plane| inner.plane(&all, rows, plane));
            let sizes = Sizes::of(&q, &k, shape.batch, shape.heads);
            let operands = Operands { q, k, v, bias: bias.clone(), sizes };
            let (mixed, stats) = operands.forward();
            ToItself { operands, low, n, scales, mixed, stats }
        }
    };
    let mut made = make();
    let (y, outer_low) = outer.forward(&made.mixed, Some(&x));
    // Kept only for the gradients of low-rank products; else any matrix of as many rows does.
    if made.low.is_none() {
        made.n = x.clone();
    }
    let kept = (!recompute).then_some(made);

    Some(record(parents, y, move |dy, wants| {
        let made = kept.clone().unwrap_or_else(&make);
        let ToItself { operands, low, n, scales, mixed, stats } = made;
        let dy = contiguous(dy);
        let goes_on = wants[0] || low.is_some();
        let (dmixed, [[a3, b3]]) = outer.backward(&mixed, &outer_low, &dy, goes_on, None);
        let Some(dmixed) = dmixed else {
            return [None, None, None, None, None, None, None, a3, b3];
        };
        let dall = empty(&dy, [inner.size(rows)]);
        let dq = inner.plane(&dall, rows, 0);
        let values = stride(rows, dims(&dq)[1]);
        let dkv = part(&dall, values, [2 * values]);
        operands.backward([&mixed, &stats, &dmixed], &dq, (&dkv, values));
        let (dn, [[a0, b0], [a1, b1], [a2, b2]]) = inner.backward(&n, &low, &dall, wants[0], None);
        let dx = dn.map(|dn| rms_norm::gpu::backward(&x, &weight, &scales, &dn, Some(&dy)));
        [dx, a0, b0, a1, b1, a2, b2, a3, b3]
    }))
}

/// What is made on the way to the result, and read again by the backward pass.
#[derive(Clone)]
struct ToItself {
    operands: Operands,
    low: Inner,
    n: CubeTensor,
    scales: CubeTensor,
    mixed: CubeTensor,
    stats: CubeTensor,
}

fn to_another(
    x: &Tensor<2>,
    source: &Tensor<2>,
    norm: Norm<'_>,
    maps: [Map<'_>; 4],
    shape: Heads,
    bias: &Bias,
    recompute: bool,
) -> Option<Tensor<2>> {
    let bias = numbers(bias, x)?;
    let [[a0, b0], [a1, b1], [a2, b2], [a3, b3]] = maps.map(|map| map.parents(x));
    let parents = [Parent::of(x)?, Parent::of(source)?, a0?, b0?, a1?, b1?, a2?, b2?, a3?, b3?];
    let [x, source, a0, b0, a1, b1, a2, b2, a3, b3] =
        parents.each_ref().map(|parent| contiguous(parent.numbers()));
    let [q, k, v, o] = maps;
    let asks = Maps::new(&[q], &[[a0, b0]])?;
    let answers = Maps::new(&[k, v], &[[a1, b1], [a2, b2]])?;
    let outer = Maps::new(&[o], &[[a3, b3]])?;
    let weight = Parent::of(norm.weight)?.numbers();

    let others = dims(&source)[0];
    let epsilon = norm.epsilon as f32;
    let make = {
        let (x, source, weight) = (x.clone(), source.clone(), weight.clone());
        let (asks, answers) = (asks.clone(), answers.clone());
        move || {
            let norm = few::Norm { weight: &weight, epsilon };
            let (q, asks_low, [n, scales]) = asks.forward_normed(&x, norm);
            let (both, low) = answers.forward(&source, None);
            let [k, v] = [0, 1].map(|plane| answers.plane(&both, others, plane));
            let sizes = Sizes::of(&q, &k, shape.batch, shape.heads);
            let operands = Operands { q, k, v, bias: bias.clone(), sizes };
            let (mixed, stats) = operands.forward();
            ToAnother { operands, asks_low, low, n, scales, mixed, stats }
        }
    };
    let mut made = make();
    let (y, outer_low) = outer.forward(&made.mixed, Some(&x));
    if made.asks_low.is_none() {
        made.n = x.clone();
    }
    let kept = (!recompute).then_some(made);

    Some(record(parents, y, move |dy, wants| {
        let made = kept.clone().unwrap_or_else(&make);
        let ToAnother { operands, asks_low, low, n, scales, mixed, stats } = made;
        let dy = contiguous(dy);
        let goes_on = wants[0] || wants[1] || asks_low.is_some() || low.is_some();
        let (dmixed, [[a3, b3]]) = outer.backward(&mixed, &outer_low, &dy, goes_on, None);
        let Some(dmixed) = dmixed else {
            return [None, None, None, None, None, None, None, None, a3, b3];
        };
        let dq = empty(&dy, dims(&operands.q));
        let dkv = empty(&dy, [answers.size(others)]);
        let values = stride(others, dims(&operands.k)[1]);
        operands.backward([&mixed, &stats, &dmixed], &dq, (&dkv, values));
        let (dn, [[a0, b0]]) = asks.backward(&n, &asks_low, &dq, wants[0], None);
        let dx = dn.map(|dn| rms_norm::gpu::backward(&x, &weight, &scales, &dn, Some(&dy)));
        let (dsource, [[a1, b1], [a2, b2]]) = answers.backward(&source, &low, &dkv, wants[1], None);
        [dx, dsource, a0, b0, a1, b1, a2, b2, a3, b3]
    }))
}

/// As [`ToItself`].
#[derive(Clone)]
struct ToAnother {
    operands: Operands,
    asks_low: Inner,
    low: Inner,
    n: CubeTensor,
    scales: CubeTensor,
    mixed: CubeTensor,
    stats: CubeTensor,
}

/// The bias on the device of `like`.
fn numbers(bias: &Bias, like: &Tensor<2>) -> Option<Biases> {
    let part = |part: &Option<Tensor<4>>| {
        let parent = match part {
            Some(part) => Parent::of(part),
            None => Parent::nothing(like),
        };
        parent.map(|parent| parent.numbers())
    };
    Some(Biases::of(part(&bias.position)?, part(&bias.mask)?))
}
