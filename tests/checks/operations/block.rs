//! The parts of a block, each as one node of the graph, against the operations that they are made of.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    device::{Device, DeviceKind},
    ops::{
        Format, Matrix, Packer, Weight,
        attention::{self, Bias, Heads, KeysValues},
        block::{self, Another, Gathered, LowRank, Map, Norm},
        gated_gelu,
        linear::{self, packed},
        rms_norm,
    },
};

use super::{
    case::{Case, Draw, Form, Input},
    pass,
};

pub(super) const EPSILON: f64 = 1e-6;
const SCALE: f64 = 1.7;
/// How weights rest.
pub(super) const FLOATS: Option<Format> = None;
pub(super) const INT8: Option<Format> = Some(Format::Int8);
pub(super) const INT4: Option<Format> = Some(Format::Int4);
pub(super) const F16: Option<Format> = Some(Format::F16);
/// Whether activations are made again for the backward pass: each case in both ways.
const RECOMPUTE: [bool; 2] = [false, true];

pub(super) fn cases(draw: &mut Draw, device: &Device) -> Vec<Case> {
    let mut cases: Vec<Case> = [
        // Rows; ranks beside the gate, the value and the map back; how weights rest, and whether the input wants a
        // gradient: a model's first does not.
        (5, [0, 0, 0], FLOATS, true),
        (33, [2, 3, 4], FLOATS, true),
        (7, [0, 4, 0], FLOATS, false),
        (4, [0, 0, 3], FLOATS, false),
        (1, [1, 0, 1], INT8, true),
        (35, [0, 0, 0], INT8, true),
        (33, [2, 3, 4], INT4, true),
        (1, [0, 0, 2], INT4, true),
        (5, [2, 3, 4], F16, true),
    ]
    .into_iter()
    .flat_map(|(rows, ranks, format, tracked)| {
        RECOMPUTE.map(|recompute| {
            feed_forward(draw, device, rows, ranks, format, Way::Whole { tracked, recompute })
        })
    })
    .collect();
    cases.extend(
        [
            // Rows of the batch, queries; how many keys where it is to another sequence; ranks of q, k, v, o.
            ([2, 5], None, [0, 0, 0, 0], FLOATS, true),
            ([2, 3], None, [2, 0, 3, 0], FLOATS, true),
            ([1, 33], None, [4, 4, 4, 4], FLOATS, true),
            ([3, 2], None, [0, 0, 4, 1], INT8, false),
            ([2, 3], Some(5), [2, 0, 3, 0], FLOATS, true),
            ([2, 4], Some(1), [0, 3, 0, 2], INT8, true),
            ([1, 1], Some(7), [0, 0, 0, 0], FLOATS, true),
            ([1, 33], None, [4, 4, 4, 4], INT4, true),
            ([2, 4], Some(3), [0, 3, 0, 2], INT4, true),
            ([2, 3], None, [2, 0, 3, 0], F16, true),
        ]
        .into_iter()
        .flat_map(|(sizes, keys, ranks, format, tracked)| {
            RECOMPUTE
                .map(|again| attention(draw, device, sizes, keys, ranks, format, [tracked, again]))
        }),
    );
    cases
}

/// A frozen weight that is not on a device yet.
pub(super) fn matrix(
    draw: &mut Draw,
    [outputs, inputs]: [usize; 2],
    format: Option<Format>,
) -> Matrix {
    // So small that what is added up stays about 1.
    let values = draw.normal(outputs * inputs, 1.0 / (inputs as f32).sqrt());
    let Some(format) = format else {
        return Matrix::Dense(values, [outputs, inputs]);
    };
    let mut packer = Packer::new(format, [outputs, inputs]);
    packer.round(&values).expect("numbers below 1");
    Matrix::Packed(packer)
}

/// The maps of an attention, as a model has them.
pub(super) fn attention_weights(
    draw: &mut Draw,
    shapes: [[usize; 2]; 4],
    format: Option<Format>,
    to_itself: bool,
    device: &Device,
) -> [Weight; 4] {
    let [q, k, v, o] = shapes.map(|shape| matrix(draw, shape, format));
    let o = o.put(device);
    if to_itself {
        let [q, k, v] = Matrix::put_together([q, k, v], device);
        return [q, k, v, o];
    }
    let [k, v] = Matrix::put_together([k, v], device);
    [q.put(device), k, v, o]
}

pub(super) fn floats(weight: &Weight) -> Tensor<2> {
    match weight {
        Weight::Dense(tensor) => tensor.clone(),
        Weight::Packed(packed) => packed::definition(packed),
    }
}

/// Whether inputs want gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inputs {
    Tracked,
    Frozen,
}

/// How a part is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// With a backward pass; whether its input wants a gradient, and whether activations are made again.
    Whole { tracked: bool, recompute: bool },
    /// For a token of generation: nothing wants a gradient.
    Step,
}

/// A and B of each map that has a rank.
pub(super) fn matrices(draw: &mut Draw, maps: &[([usize; 2], usize)], which: Inputs) -> Vec<Input> {
    let sizes = maps.iter().flat_map(|([outputs, inputs], rank)| [rank * inputs, outputs * rank]);
    // So small that the softmax has more than one key to share.
    let sizes = sizes.filter(|size| *size > 0);
    let input = |size| Input::new(draw.normal(size, 0.2), which == Inputs::Tracked);
    sizes.map(input).collect()
}

/// The same as tensors.
pub(super) fn pairs(
    maps: &[([usize; 2], usize)],
    mut inputs: impl Iterator<Item = Tensor<1>>,
) -> Vec<Option<[Tensor<2>; 2]>> {
    let pair = |([outputs, width], rank): &([usize; 2], usize)| match rank {
        0 => None,
        _ => {
            let a = inputs.next()?.reshape([*rank, *width]);
            Some([a, inputs.next()?.reshape([*outputs, *rank])])
        }
    };
    maps.iter().map(pair).collect()
}

pub(super) fn map<'a>(weight: &'a Weight, pair: &'a Option<[Tensor<2>; 2]>) -> Map<'a> {
    let low_rank = pair.as_ref().map(|[a, b]| LowRank { a, b, scale: SCALE });
    Map { weight, low_rank }
}

pub(super) fn plain(x: &Tensor<2>, map: Map<'_>) -> Tensor<2> {
    let weight = floats(map.weight);
    match map.low_rank {
        Some(LowRank { a, b, scale }) => linear::lora_definition(x.clone(), &weight, a, b, scale),
        None => x.clone().matmul(weight.transpose()),
    }
}

/// What was made at once; on the CPU the definition, because parts are no nodes there.
fn made(
    whole: Option<Tensor<2>>,
    device: &Device,
    definition: impl FnOnce() -> Tensor<2>,
) -> Tensor<2> {
    match (whole, device.kind()) {
        (None, DeviceKind::Cpu) => definition(),
        (whole, _) => whole.expect("a part is one node on a GPU"),
    }
}

/// A feed-forward part, in this way.
pub(super) fn feed_forward(
    draw: &mut Draw,
    device: &Device,
    rows: usize,
    ranks: [usize; 3],
    format: Option<Format>,
    way: Way,
) -> Case {
    const INNER: usize = 64;
    let width = if format == INT4 { 32 } else { 16 };
    let (within, back) = ([INNER, width], [width, INNER]);
    let maps = [(within, ranks[0]), (within, ranks[1]), (back, ranks[2])];
    let [gate, value, back] = maps.map(|(shape, _)| matrix(draw, shape, format));
    let [gate, value] = Matrix::put_together([gate, value], device);
    let weights = [gate, value, back.put(device)];
    let norm = norm_weight(draw, width, device);
    let (tracked, which) = match way {
        Way::Whole { tracked, .. } => (tracked, Inputs::Tracked),
        Way::Step => (false, Inputs::Frozen),
    };
    let x = if tracked { draw.tracked(rows * width) } else { draw.frozen(rows * width) };
    let mut inputs = vec![x];
    inputs.extend(matrices(draw, &maps, which));
    let device = device.clone();
    let name = format!("feed-forward: {rows} rows, ranks {ranks:?}, {format:?}, {way:?}");
    let case = Case::new(name, inputs, move |inputs, form| {
        let x = inputs[0].clone().reshape([rows, width]);
        let pairs = pairs(&maps, inputs[1..].iter().cloned());
        let [gate, value, back] = [0, 1, 2].map(|index| map(&weights[index], &pairs[index]));
        let definition = || {
            let n = rms_norm::definition(x.clone(), &norm, EPSILON);
            let inner = gated_gelu::definition(plain(&n, gate), plain(&n, value));
            x.clone() + plain(&inner, back)
        };
        let norm = Norm { weight: &norm, epsilon: EPSILON };
        let y = match form {
            Form::Fused => {
                let wi = [gate, value];
                let part = match way {
                    Way::Whole { recompute, .. } => {
                        let pass = pass().recomputing(recompute);
                        block::feed_forward(&x, norm, wi, back, &pass)
                    }
                    Way::Step => block::step::feed_forward(&x, norm, wi, back, &pass()),
                };
                made(part, &device, definition)
            }
            Form::Definition => definition(),
        };
        y.flatten(0, 1)
    });
    if tracked || ranks != [0; 3] { case } else { case.not_smooth() }
}

fn attention(
    draw: &mut Draw,
    device: &Device,
    [batch, queries]: [usize; 2],
    others: Option<usize>,
    ranks: [usize; 4],
    format: Option<Format>,
    [tracked, recompute]: [bool; 2],
) -> Case {
    const HEADS: usize = 4;
    const INNER: usize = HEADS * 16;
    let width = if format == INT4 { 32 } else { 20 };
    let keys = others.unwrap_or(queries);
    let (within, back) = ([INNER, width], [width, INNER]);
    let maps = [(within, ranks[0]), (within, ranks[1]), (within, ranks[2]), (back, ranks[3])];
    let shapes = maps.map(|(shape, _)| shape);
    let weights = attention_weights(draw, shapes, format, others.is_none(), device);
    let norm = norm_weight(draw, width, device);
    let mut input = |count| if tracked { draw.tracked(count) } else { draw.frozen(count) };
    let mut inputs = vec![input(batch * queries * width)];
    inputs.extend(others.map(|keys| input(batch * keys * width)));
    inputs.extend(matrices(draw, &maps, Inputs::Tracked));
    let numbers = |values: Vec<f32>, shape: [usize; 4]| -> Tensor<4> {
        Tensor::from_data(TensorData::new(values, shape), device.burn())
    };
    let position = draw.normal(HEADS * queries * keys, 1.0);
    // The first row has all its keys, each other one less than the one before.
    let hidden = (0..batch * keys).map(|place| {
        let (row, key) = (place / keys, place % keys);
        if key > 0 && key + row >= keys { -1e9 } else { 0.0 }
    });
    let bias = Bias {
        position: others.is_none().then(|| numbers(position, [1, HEADS, queries, keys])),
        mask: Some(numbers(hidden.collect(), [batch, 1, 1, keys])),
    };
    let device = device.clone();
    let name = format!(
        "attention: {batch} × {queries} to {others:?}, ranks {ranks:?}, {format:?}, recompute {recompute}"
    );
    Case::new(name, inputs, move |inputs, form| {
        let x = inputs[0].clone().reshape([batch * queries, width]);
        let source = others.map(|keys| inputs[1].clone().reshape([batch * keys, width]));
        let first = 1 + usize::from(others.is_some());
        let pairs = pairs(&maps, inputs[first..].iter().cloned());
        let all = [0, 1, 2, 3].map(|index| map(&weights[index], &pairs[index]));
        let shape = Heads { batch, heads: HEADS };
        let definition = |x: Tensor<2>| {
            let n = rms_norm::definition(x.clone(), &norm, EPSILON);
            let s = source.clone().unwrap_or_else(|| n.clone());
            let source = KeysValues { keys: plain(&s, all[1]), values: plain(&s, all[2]) };
            let mixed = attention::definition(plain(&n, all[0]), source, shape, &bias, &pass());
            x + plain(&mixed, all[3])
        };
        let norm = Norm { weight: &norm, epsilon: EPSILON };
        let gathered = Gathered::default();
        let another = source.as_ref().map(|hidden| Another { hidden, gathered: &gathered });
        let part = |x: Tensor<2>| match form {
            Form::Fused => {
                let pass = pass().recomputing(recompute);
                let whole = block::attention(&x, another, norm, all, shape, &bias, &pass);
                made(whole, &device, || definition(x))
            }
            Form::Definition => definition(x),
        };
        // To another sequence two after each other: what comes back to it is gathered.
        let y = match another {
            Some(_) => part(part(x)),
            None => part(x),
        };
        y.flatten(0, 1)
    })
}

pub(super) fn norm_weight(draw: &mut Draw, width: usize, device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(draw.normal(width, 1.0), [width]), device.burn())
}
