//! What is checked of each family. Sizes are those of models where they decide which variant of a kernel
//! runs (fours, heads of 64), and a tile and one more where they do not.

use burn::tensor::{Tensor, TensorData};

use super::check::{Check, Input, SEED};
use crate::{
    device::Device,
    ops::{
        Context, Dropout, Weight, argmax,
        attention::{
            Bias, Heads, KeysValues, attention,
            step::{Kept, step},
        },
        cross_entropy::{Labels, Smoothing, mean_cross_entropy},
        gated_gelu::gated_gelu,
        gpu::family::Family,
        linear::linear,
        packed::{Format, Packer},
        rms_norm::rms_norm,
        rows::{join, part},
    },
    rng::{Purpose, Random},
};

const ROWS: usize = 33;
const WIDTH: usize = 64;
const OUTPUTS: usize = 36;
/// So many that the gradient of a weight is summed in parts.
const MANY: usize = 129;
/// So few as go by a kernel of their own.
const FEW: usize = 5;

const fn tracked(count: usize) -> Input {
    Input { count, deviation: 1.0, tracked: true }
}

const fn frozen(count: usize) -> Input {
    Input { count, deviation: 1.0, tracked: false }
}

pub(super) const CHECKS: &[Check] = &[
    Check {
        family: Family::Rows,
        inputs: &[frozen(7 * WIDTH), frozen(5 * WIDTH)],
        operation: rows,
    },
    Check {
        family: Family::Product,
        inputs: &[tracked(MANY * WIDTH), tracked(OUTPUTS * WIDTH)],
        operation: |inputs, _, context| product(inputs, [MANY, WIDTH, OUTPUTS], &context),
    },
    // Sizes that are no fours.
    Check {
        family: Family::Product,
        inputs: &[tracked(5 * 7), tracked(3 * 7)],
        operation: |inputs, _, context| product(inputs, [5, 7, 3], &context),
    },
    Check { family: Family::Packed, inputs: &[tracked(ROWS * WIDTH)], operation: packed },
    Check {
        family: Family::Norm,
        inputs: &[tracked(ROWS * WIDTH), tracked(WIDTH)],
        operation: norm,
    },
    Check {
        family: Family::GatedGelu,
        // As far as where tanh is at its ends.
        inputs: &[
            Input { count: ROWS * WIDTH, deviation: 5.0, tracked: true },
            tracked(ROWS * WIDTH),
        ],
        operation: gelu,
    },
    Check {
        family: Family::Attention,
        inputs: &[
            tracked(BATCH * QUERIES * HEADS * DEPTH),
            tracked(BATCH * KEYS * HEADS * DEPTH),
            tracked(BATCH * KEYS * HEADS * DEPTH),
            tracked(HEADS * QUERIES * KEYS),
        ],
        operation: attends,
    },
    Check { family: Family::CrossEntropy, inputs: &[tracked(TOKENS * WORDS)], operation: loss },
    Check {
        family: Family::Generation,
        inputs: &[
            frozen(FEW * WIDTH),
            frozen(OUTPUTS * WIDTH),
            frozen(2 * 3 * BATCH * HEADS * DEPTH),
        ],
        operation: generates,
    },
    Check { family: Family::Dropout, inputs: &[tracked(ROWS * WIDTH)], operation: drops },
];

fn rows(inputs: &[Tensor<1>], device: &Device, context: Context) -> Tensor<1> {
    let mut both = [inputs[0].clone(), inputs[1].clone()];
    if context.has_gpu_kernel(&both[0]) {
        let whole = join(both.to_vec());
        both = [part(&whole, 0, 7 * WIDTH), part(&whole, 7 * WIDTH, 5 * WIDTH)];
    }
    let [first, second] = both;
    let first = Weight::Dense(first.reshape([7, WIDTH]));
    let second = Weight::Dense(second.reshape([5, WIDTH]));
    let ids = |ids: [i32; 3]| Tensor::from_data(TensorData::from(ids), device.burn());
    let first = first.rows(ids([6, 0, 3]), &context);
    Tensor::cat(vec![first, second.rows(ids([4, 4, 1]), &context)], 0).flatten(0, 1)
}

fn product(
    inputs: &[Tensor<1>],
    [rows, width, outputs]: [usize; 3],
    context: &Context,
) -> Tensor<1> {
    let x = inputs[0].clone().reshape([rows, width]);
    let weight: Tensor<2> = inputs[1].clone().reshape([outputs, width]);
    linear(x, &weight.into(), context).flatten(0, 1)
}

fn packed(inputs: &[Tensor<1>], device: &Device, context: Context) -> Tensor<1> {
    let mut values = vec![0.0; OUTPUTS * WIDTH];
    Random::new(SEED, Purpose::Synthetic, 1, 0).fill_normal(&mut values, 0.0, 1.0);
    let mut made = Vec::new();
    for format in [Format::Int8, Format::Int4, Format::F16] {
        let mut packer = Packer::new(format, [OUTPUTS, WIDTH]);
        packer.round(&values).expect("normal numbers are no large ones");
        let weight = Weight::Packed(packer.finish(device));
        let x = inputs[0].clone().reshape([ROWS, WIDTH]);
        made.push(linear(x, &weight, &context).flatten(0, 1));
        let ids = Tensor::from_data(TensorData::from([OUTPUTS as i32 - 1, 0]), device.burn());
        made.push(weight.rows(ids, &context).flatten(0, 1));
    }
    Tensor::cat(made, 0)
}

/// A product of few rows, its likeliest outputs, and two tokens that attend to themselves and what was before.
fn generates(inputs: &[Tensor<1>], device: &Device, context: Context) -> Tensor<1> {
    let y = product(inputs, [FEW, WIDTH, OUTPUTS], &context);
    let best = argmax(y.clone().reshape([FEW, OUTPUTS]), &context).float();
    let mut made = vec![y, best];
    let position = inputs[2].clone().narrow(0, 0, HEADS * KEYS).reshape([1, HEADS, 1, KEYS]);
    let bias = Bias { position: Some(position), mask: None };
    let mut kept = Kept::none(BATCH, HEADS * DEPTH, device.burn());
    for token in 0..2 {
        let matrix = |place: usize| {
            let first = (token * 3 + place) * BATCH * HEADS * DEPTH;
            let row = inputs[2].clone().narrow(0, first, BATCH * HEADS * DEPTH);
            row.reshape([BATCH, HEADS * DEPTH])
        };
        let new = KeysValues { keys: matrix(0), values: matrix(1) };
        let shape = Heads { batch: BATCH, heads: HEADS };
        let mixed = step(matrix(2) * 0.1, Some(new), &mut kept, shape, &bias, &context);
        made.push(mixed.flatten(0, 1));
    }
    Tensor::cat(made, 0)
}

fn norm(inputs: &[Tensor<1>], _: &Device, context: Context) -> Tensor<1> {
    rms_norm(inputs[0].clone().reshape([ROWS, WIDTH]), &inputs[1], 1e-6, &context).flatten(0, 1)
}

fn gelu(inputs: &[Tensor<1>], _: &Device, context: Context) -> Tensor<1> {
    let [gate, value] = [0, 1].map(|place| inputs[place].clone().reshape([ROWS, WIDTH]));
    gated_gelu(gate, value, &context).flatten(0, 1)
}

const BATCH: usize = 2;
const HEADS: usize = 2;
const QUERIES: usize = 5;
const KEYS: usize = 19;
const DEPTH: usize = 64;

fn attends(inputs: &[Tensor<1>], device: &Device, context: Context) -> Tensor<1> {
    let matrix = |place: usize, length: usize| {
        // Or scores would leave all to one key.
        let matrix: Tensor<2> = inputs[place].clone().reshape([BATCH * length, HEADS * DEPTH]);
        if place == 0 { matrix * 0.1 } else { matrix }
    };
    // The second row of the batch has four keys less.
    let mask: Vec<f32> =
        (0..BATCH * KEYS).map(|place| if place >= BATCH * KEYS - 4 { -1e9 } else { 0.0 }).collect();
    let bias = Bias {
        position: Some(inputs[3].clone().reshape([1, HEADS, QUERIES, KEYS])),
        mask: Some(Tensor::from_data(TensorData::new(mask, [BATCH, 1, 1, KEYS]), device.burn())),
    };
    let source = KeysValues { keys: matrix(1, KEYS), values: matrix(2, KEYS) };
    let shape = Heads { batch: BATCH, heads: HEADS };
    attention(matrix(0, QUERIES), source, shape, &bias, &context).flatten(0, 1)
}

const TOKENS: usize = 9;
const WORDS: usize = 67;

fn loss(inputs: &[Tensor<1>], device: &Device, context: Context) -> Tensor<1> {
    // The last word, and two that do not count.
    let labels = [WORDS as i32 - 1, 5, -100, 0, 31, 64, 2, -100, 63];
    let labels = Labels::new(&labels, device.burn());
    let smoothing = Smoothing { label_smoothing: 0.1, z_loss: 1e-2 };
    let logits = inputs[0].clone().reshape([TOKENS, WORDS]);
    mean_cross_entropy(logits, &labels, smoothing, TOKENS - 2, &context)
}

fn drops(inputs: &[Tensor<1>], _: &Device, context: Context) -> Tensor<1> {
    let dropout = Some(Dropout::new(0.3, 0.0, SEED, 1));
    Context { dropout, ..context }.dropout(inputs[0].clone())
}
