//! The attention part of a block, with its norm and what goes past it.

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

use super::{
    Map, Norm, is_node,
    low_rank::{Beside, Input, Room, Sources, gradients},
    maps::{Maps, Past},
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

/// Another sequence that parts attend to.
#[derive(Clone, Copy, Debug)]
pub struct Another<'a> {
    /// `[batch · keys, width]`.
    pub hidden: &'a Tensor<2>,
    /// What comes back to it.
    pub gathered: &'a Gathered,
}

/// What comes back to a sequence from all parts of a decoder that attend to it, each of which reads what the one
/// before made: then the last one's gradient is there first, each adds its own, and the first one's hands on the sum.
/// The graph would add each to the sum before in a dispatch of its own.
#[derive(Clone, Debug, Default)]
pub struct Gathered(Arc<Mutex<Gathering>>);

#[derive(Debug, Default)]
struct Gathering {
    /// Whether there was a part already.
    begun: bool,
    sum: Option<CubeTensor>,
}

impl Gathered {
    /// Whether this is the first part.
    fn begins(&self) -> bool {
        !std::mem::replace(&mut self.held().begun, true)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Gathering> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `x + attention(n · Wqᵀ, s · Wkᵀ, s · Wvᵀ) · Woᵀ` with `n = norm(x)`, where `s` is `source`, or else `n`: `x` is
/// `[batch · queries, width]`; `maps` are those to queries, keys and values, and back. None where it is no node of
/// its own.
pub fn attention(
    x: &Tensor<2>,
    source: Option<Another<'_>>,
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
    let (room, [low, low_back]) = Room::new(&x, rows, [(&inner.low, rows), (&outer.low, rows)]);
    let make = {
        let (x, weight, inner) = (x.clone(), weight.clone(), inner.clone());
        let (room, low) = (room.clone(), low.clone());
        move || {
            let norm = few::Norm { weight: &weight, epsilon };
            let all = inner.forward_normed(&x, norm, &room, &low);
            let [q, k, v] = [0, 1, 2].map(|plane| inner.plane(&all, rows, plane));
            let sizes = Sizes::of(&q, &k, shape.batch, shape.heads);
            let operands = Operands { q, k, v, bias: bias.clone(), sizes };
            let (mixed, stats) = operands.forward();
            Made { operands, mixed, stats }
        }
    };
    let made = make();
    let y = outer.forward(&made.mixed, &low_back, Some(&x));
    let kept = (!recompute).then_some(made);

    Some(record(parents, y, move |dy, wants| {
        let Made { operands, mixed, stats } = kept.clone().unwrap_or_else(&make);
        let dy = contiguous(dy);
        let goes_on = wants[0] || low.is_some();
        let dmixed = outer.backward(&dy, rows, &low_back, goes_on, Past::default());
        let dall = dmixed.map(|dmixed| {
            let dall = empty(&dy, [inner.size(rows)]);
            let dq = inner.plane(&dall, rows, 0);
            let values = stride(rows, dims(&dq)[1]);
            let dkv = part(&dall, values, [2 * values]);
            operands.backward([&mixed, &stats, &dmixed], &dq, (&dkv, values));
            dall
        });
        let dn = dall
            .as_ref()
            .and_then(|dall| inner.backward(dall, rows, &low, wants[0], Past::default()));
        let dx = dn.map(|dn| rms_norm::gpu::backward(&x, &weight, &room.scales, &dn, Some(&dy)));
        let sources = Sources {
            norm: [&x, &weight],
            other: None,
            within: dall.as_ref(),
            back: [&mixed, &dy],
        };
        let within = |index| Beside::of((&inner.low, &low), index, Input::Norm, 0);
        let back = Beside::of((&outer.low, &low_back), 0, Input::Back, 0);
        let by_name = [within(1), back, within(0), within(2)];
        let [[a1, b1], [a3, b3], [a0, b0], [a2, b2]] = gradients(&room, &sources, by_name);
        [dx, a0, b0, a1, b1, a2, b2, a3, b3]
    }))
}

/// What is made on the way to the result, and read again by the backward pass.
#[derive(Clone)]
struct Made {
    operands: Operands,
    mixed: CubeTensor,
    stats: CubeTensor,
}

fn to_another(
    x: &Tensor<2>,
    source: Another<'_>,
    norm: Norm<'_>,
    maps: [Map<'_>; 4],
    shape: Heads,
    bias: &Bias,
    recompute: bool,
) -> Option<Tensor<2>> {
    let bias = numbers(bias, x)?;
    let [[a0, b0], [a1, b1], [a2, b2], [a3, b3]] = maps.map(|map| map.parents(x));
    let [a0, b0, a1, b1, a2, b2, a3, b3] = [a0?, b0?, a1?, b1?, a2?, b2?, a3?, b3?];
    let (x, hidden) = (Parent::of(x)?, Parent::of(source.hidden)?);
    let [q, k, v, o] = maps;
    let pair = |a: &Parent, b: &Parent| [a, b].map(|parent| contiguous(parent.numbers()));
    let asks = Maps::new(&[q], &[pair(&a0, &b0)])?;
    let answers = Maps::new(&[k, v], &[pair(&a1, &b1), pair(&a2, &b2)])?;
    let outer = Maps::new(&[o], &[pair(&a3, &b3)])?;
    let weight = Parent::of(norm.weight)?.numbers();
    // Of the source only the first part is a child.
    let gathers = hidden.is_tracked().then(|| source.gathered.clone());
    let begins = gathers.as_ref().is_some_and(Gathered::begins);
    let numbers = contiguous(hidden.numbers());
    let hidden = if begins { hidden } else { Parent::constant(numbers.clone()) };
    let parents = [x, hidden, a0, b0, a1, b1, a2, b2, a3, b3];
    let (x, source) = (contiguous(parents[0].numbers()), numbers);

    let (rows, others) = (dims(&x)[0], dims(&source)[0]);
    let epsilon = norm.epsilon as f32;
    let all = [(&asks.low, rows), (&answers.low, others), (&outer.low, rows)];
    let (room, [low_asks, low_answers, low_back]) = Room::new(&x, rows, all);
    let make = {
        let (x, source, weight) = (x.clone(), source.clone(), weight.clone());
        let (asks, answers, room) = (asks.clone(), answers.clone(), room.clone());
        let (low_asks, low_answers) = (low_asks.clone(), low_answers.clone());
        move || {
            let norm = few::Norm { weight: &weight, epsilon };
            let q = asks.forward_normed(&x, norm, &room, &low_asks);
            let both = answers.forward(&source, &low_answers, None);
            let [k, v] = [0, 1].map(|plane| answers.plane(&both, others, plane));
            let sizes = Sizes::of(&q, &k, shape.batch, shape.heads);
            let operands = Operands { q, k, v, bias: bias.clone(), sizes };
            let (mixed, stats) = operands.forward();
            Made { operands, mixed, stats }
        }
    };
    let made = make();
    let y = outer.forward(&made.mixed, &low_back, Some(&x));
    let kept = (!recompute).then_some(made);

    Some(record(parents, y, move |dy, wants| {
        let Made { operands, mixed, stats } = kept.clone().unwrap_or_else(&make);
        let dy = contiguous(dy);
        let goes_on = wants[0] || gathers.is_some() || low_asks.is_some() || low_answers.is_some();
        let dmixed = outer.backward(&dy, rows, &low_back, goes_on, Past::default());
        // The gradient of the queries, then those of keys and values.
        let keys = stride(rows, dims(&operands.q)[1]);
        let dall = dmixed.map(|dmixed| {
            let dall = empty(&dy, [keys + answers.size(others)]);
            let dq = asks.plane(&dall, rows, 0);
            let dkv = part(&dall, keys, [answers.size(others)]);
            let values = stride(others, dims(&operands.k)[1]);
            operands.backward([&mixed, &stats, &dmixed], &dq, (&dkv, values));
            [dall, dq, dkv]
        });
        let dn = dall
            .as_ref()
            .and_then(|[_, dq, _]| asks.backward(dq, rows, &low_asks, wants[0], Past::default()));
        let dx = dn.map(|dn| rms_norm::gpu::backward(&x, &weight, &room.scales, &dn, Some(&dy)));
        let so_far = gathers.as_ref().and_then(|gathers| gathers.held().sum.take());
        let dsource = dall.as_ref().and_then(|[_, _, dkv]| {
            let past = Past { residual: so_far.as_ref(), ..Past::default() };
            answers.backward(dkv, others, &low_answers, gathers.is_some(), past)
        });
        let dsource = match &gathers {
            Some(gathers) if !begins => {
                gathers.held().sum = dsource;
                None
            }
            _ => dsource,
        };
        let sources = Sources {
            norm: [&x, &weight],
            other: Some(&source),
            within: dall.as_ref().map(|[dall, ..]| dall),
            back: [&mixed, &dy],
        };
        let within = |index| Beside::of((&answers.low, &low_answers), index, Input::Other, keys);
        let asking = Beside::of((&asks.low, &low_asks), 0, Input::Norm, 0);
        let back = Beside::of((&outer.low, &low_back), 0, Input::Back, 0);
        let by_name = [within(0), back, asking, within(1)];
        let [[a1, b1], [a3, b3], [a0, b0], [a2, b2]] = gradients(&room, &sources, by_name);
        [dx, dsource, a0, b0, a1, b1, a2, b2, a3, b3]
    }))
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
