//! The fused operations: each against its definition, forward and every gradient, and its gradients
//! against finite differences. No fixtures; shapes that no vector, tile or thread divides evenly.

mod adapters;
mod block;
mod case;
mod dora;
mod dropout;
mod head;
mod integers;
mod packed;
mod step;

use burn::tensor::{Device, Tensor, TensorData};
use flantune::{
    device::DeviceKind,
    model::Pass,
    ops::{
        Format,
        attention::{self, Bias, Heads, KeysValues},
        cross_entropy::{self, Labels, Smoothing},
        gated_gelu,
        gpu::product::{Tiles, set_tiles},
        linear, rms_norm,
    },
};

use self::case::{Case, Draw, Form, Input};
use super::Failure;

/// What is checked here.
pub(super) const OPERATIONS: [&str; 16] = [
    "adapters",
    "attention",
    "rms_norm",
    "gated_gelu",
    "cross_entropy",
    "head",
    "linear",
    "lora",
    "int8",
    "int4",
    "f16",
    "integers",
    "dora",
    "block",
    "step",
    "dropout",
];

pub(super) async fn check(name: &str, device: &flantune::device::Device) -> Result<(), Failure> {
    match name {
        "dropout" => return dropout::check(device.burn()).await,
        "integers" => return integers::check(device).await,
        _ => {}
    }
    // The definition on the CPU: it is what all devices must equal, and on GPUs every shape of it would have
    // shaders compiled, which takes a software rasteriser seconds.
    let reference = flantune::device::Device::cpu();
    let (cases, definitions) = (cases(name, device)?, cases(name, &reference)?);
    for tiles in tiles(device) {
        // For all of this program: beside the processor's checks a GPU's may be at work.
        if device.kind() == DeviceKind::Webgpu {
            set_tiles(tiles);
        }
        for (case, definition) in cases.iter().zip(&definitions) {
            let checked = case.check(definition, device.burn(), reference.burn()).await;
            checked.map_err(|failure| format!("{tiles:?} tiles: {failure}"))?;
        }
    }
    if device.kind() == DeviceKind::Webgpu {
        set_tiles(Tiles::Fitting);
    }
    Ok(())
}

/// The ways of making products that are tried.
fn tiles(device: &flantune::device::Device) -> Vec<Tiles> {
    match device.kind() {
        DeviceKind::Cpu => vec![Tiles::Fitting],
        DeviceKind::Webgpu => vec![Tiles::None, Tiles::Shared],
    }
}

fn cases(name: &str, place: &flantune::device::Device) -> Result<Vec<Case>, Failure> {
    let (draw, device) = (&mut Draw::new(), place.burn());
    Ok(match name {
        "adapters" => adapters::cases(draw, device),
        "attention" => attentions(draw, device),
        "rms_norm" => rms_norms(draw),
        "gated_gelu" => gated_gelus(draw),
        "cross_entropy" => cross_entropies(draw, device),
        "head" => head::cases(draw, place),
        "linear" => linears(draw),
        "lora" => loras(draw, device),
        "int8" => packed::cases(draw, place, Format::Int8),
        "int4" => packed::cases(draw, place, Format::Int4),
        "f16" => packed::cases(draw, place, Format::F16),
        "dora" => dora::cases(draw, device),
        "block" => block::cases(draw, place),
        "step" => step::cases(draw, place),
        _ => return Err(format!("there is no operation `{name}`").into()),
    })
}

/// Whether matrices lie in memory as they are, or turned over: then neither the operands nor the
/// gradient that comes back are contiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Straight,
    Turned,
}
use Layout::{Straight, Turned};

impl Layout {
    fn matrix(self, row: &Tensor<1>, [rows, columns]: [usize; 2]) -> Tensor<2> {
        match self {
            Straight => row.clone().reshape([rows, columns]),
            Turned => row.clone().reshape([columns, rows]).transpose(),
        }
    }

    fn flat(self, matrix: Tensor<2>) -> Tensor<1> {
        match self {
            Straight => matrix.flatten(0, 1),
            Turned => matrix.transpose().flatten(0, 1),
        }
    }
}

fn pass() -> Pass<'static> {
    Pass::evaluate(None, true)
}

/// The bias by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Without,
    /// It wants no gradient.
    Frozen,
    Tracked,
}

/// Which keys are padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mask {
    /// There is no mask.
    Without,
    /// It hides nothing.
    Empty,
    /// Each row has one key less than the one before.
    Part,
    /// One key is left.
    AllButOne,
    All,
}

impl Mask {
    fn hides(self, row: usize, key: usize, keys: usize) -> bool {
        match self {
            Mask::Without | Mask::Empty => false,
            Mask::Part => key > 0 && key + row + 1 > keys,
            Mask::AllButOne => key != row % keys,
            Mask::All => true,
        }
    }
}

fn attentions(draw: &mut Draw, device: &Device) -> Vec<Case> {
    // Rows, heads, queries, keys, numbers of a head.
    [
        ([2, 3, 3, 5, 4], Position::Tracked, Mask::Part, Straight),
        ([2, 2, 1, 7, 3], Position::Frozen, Mask::Part, Straight),
        ([2, 2, 4, 5, 3], Position::Without, Mask::AllButOne, Straight),
        ([2, 1, 6, 6, 3], Position::Tracked, Mask::All, Straight),
        ([1, 1, 1, 1, 1], Position::Without, Mask::Without, Straight),
        ([2, 2, 3, 4, 1], Position::Tracked, Mask::Empty, Turned),
        ([1, 5, 33, 19, 12], Position::Tracked, Mask::Without, Straight),
        ([3, 2, 18, 37, 64], Position::Frozen, Mask::Part, Turned),
    ]
    .map(|(sizes @ [batch, heads, queries, keys, depth], position, mask, layout)| {
        let width = heads * depth;
        let mut inputs = vec![
            draw.tracked(batch * queries * width),
            draw.tracked(batch * keys * width),
            draw.tracked(batch * keys * width),
        ];
        match position {
            Position::Without => {}
            Position::Frozen => inputs.push(draw.frozen(heads * queries * keys)),
            Position::Tracked => inputs.push(draw.tracked(heads * queries * keys)),
        }
        let hidden: Vec<f32> = (0..batch * keys)
            .map(|place| if mask.hides(place / keys, place % keys, keys) { -1e9 } else { 0.0 })
            .collect();
        let hidden = TensorData::new(hidden, [batch, 1, 1, keys]);
        let hidden = (mask != Mask::Without).then(|| Tensor::from_data(hidden, device));
        let name = format!("{sizes:?}, position {position:?}, mask {mask:?}, {layout:?}");
        let case = Case::new(name, inputs, move |inputs, form| {
            let q = layout.matrix(&inputs[0], [batch * queries, width]);
            let source = KeysValues {
                keys: layout.matrix(&inputs[1], [batch * keys, width]),
                values: layout.matrix(&inputs[2], [batch * keys, width]),
            };
            let position =
                inputs.get(3).map(|input| input.clone().reshape([1, heads, queries, keys]));
            let bias = Bias { position, mask: hidden.clone() };
            let shape = Heads { batch, heads };
            layout.flat(match form {
                Form::Fused => attention::attention(q, source, shape, &bias, &pass()),
                Form::Definition => attention::definition(q, source, shape, &bias, &pass()),
            })
        });
        // Beside −1e9 a score vanishes in rounding, but not its gradient.
        if mask == Mask::All { case.not_smooth() } else { case }
    })
    .into()
}

fn rms_norms(draw: &mut Draw) -> Vec<Case> {
    const EPSILON: f64 = 1e-6;
    let case = |x: Input, weight: Input, [rows, width]: [usize; 2], layout: Layout| {
        let name = format!("[{rows}, {width}], {layout:?}");
        Case::new(name, vec![x, weight], move |inputs, form| {
            let x = layout.matrix(&inputs[0], [rows, width]);
            layout.flat(match form {
                Form::Fused => rms_norm::rms_norm(x, &inputs[1], EPSILON, &pass()),
                Form::Definition => rms_norm::definition(x, &inputs[1], EPSILON),
            })
        })
    };
    let mut cases = vec![
        // Where all is zero, only ε keeps the norm finite; the slope there is 1 / √ε.
        case(Input::tracked(vec![0.0; 6]), draw.tracked(3), [2, 3], Straight).not_smooth(),
        // Most norms are not trained.
        case(draw.tracked(12), draw.frozen(4), [3, 4], Straight),
    ];
    cases.extend(
        [
            ([5, 7], Straight),
            ([1, 13], Straight),
            ([4, 1], Straight),
            ([6, 5], Turned),
            ([700, 65], Straight),
        ]
        .map(|(shape @ [rows, width], layout)| {
            case(draw.tracked(rows * width), draw.tracked(width), shape, layout)
        }),
    );
    cases
}

fn gated_gelus(draw: &mut Draw) -> Vec<Case> {
    [
        ([5, 7], 1.0, Straight),
        // Where tanh is at its ends, and e^2x beyond what a float holds.
        ([9, 5], 10.0, Straight),
        ([1, 1], 1.0, Straight),
        ([1, 19], 1.0, Straight),
        ([6, 1], 1.0, Straight),
        ([4, 6], 1.0, Turned),
        ([211, 157], 1.0, Straight),
    ]
    .map(|(shape @ [rows, columns], deviation, layout)| {
        let count = rows * columns;
        let inputs = vec![Input::tracked(draw.normal(count, deviation)), draw.tracked(count)];
        let name = format!("{shape:?}, deviation {deviation}, {layout:?}");
        Case::new(name, inputs, move |inputs, form| {
            let (gate, value) =
                (layout.matrix(&inputs[0], shape), layout.matrix(&inputs[1], shape));
            layout.flat(match form {
                Form::Fused => gated_gelu::gated_gelu(gate, value, &pass()),
                Form::Definition => gated_gelu::definition(gate, value),
            })
        })
    })
    .into()
}

fn cross_entropies(draw: &mut Draw, device: &Device) -> Vec<Case> {
    // Tokens, vocabulary; the deviation of logits; label smoothing, z-loss.
    [
        ([5, 7], 1.0, Mask::Without, [0.0, 0.0], Straight),
        ([6, 9], 1.0, Mask::Part, [0.1, 1e-2], Straight),
        // So sharp that most of a row vanishes.
        ([7, 33], 30.0, Mask::Part, [0.1, 1e-4], Straight),
        ([4, 11], 1.0, Mask::All, [0.1, 1e-2], Straight),
        ([1, 13], 1.0, Mask::Without, [0.1, 0.0], Straight),
        ([3, 1], 1.0, Mask::Without, [0.1, 1e-2], Straight),
        ([4, 11], 1.0, Mask::AllButOne, [0.0, 1e-2], Straight),
        ([5, 8], 1.0, Mask::Part, [0.1, 0.0], Turned),
        ([401, 97], 2.0, Mask::Part, [0.1, 1e-4], Straight),
    ]
    .map(|(shape @ [tokens, words], deviation, mask, [label_smoothing, z_loss], layout)| {
        let inputs = vec![Input::tracked(draw.normal(tokens * words, deviation))];
        let labels: Vec<i32> = (0..tokens)
            .map(|token| match mask.hides(1, token, tokens) {
                true => -100,
                // The last word is the one that a wrong bound forgets.
                false if token == 0 => words as i32 - 1,
                false => draw.below(words) as i32,
            })
            .collect();
        let labels = Labels::new(&labels, device);
        let smoothing = Smoothing { label_smoothing, z_loss };
        let name =
            format!("{shape:?}, deviation {deviation}, mask {mask:?}, {smoothing:?}, {layout:?}");
        Case::new(name, inputs, move |inputs, form| {
            let logits = layout.matrix(&inputs[0], shape);
            match form {
                Form::Fused => cross_entropy::cross_entropy(logits, &labels, smoothing, &pass()),
                Form::Definition => cross_entropy::definition(logits, &labels, smoothing),
            }
        })
    })
    .into()
}

fn linears(draw: &mut Draw) -> Vec<Case> {
    let case = |x: Input, weight: Input, [rows, inputs, outputs]: [usize; 3], layout: Layout| {
        let name = format!("[{rows}, {inputs}] to {outputs}, {layout:?}");
        Case::new(name, vec![x, weight], move |tensors, form| {
            let x = layout.matrix(&tensors[0], [rows, inputs]);
            let weight = layout.matrix(&tensors[1], [outputs, inputs]);
            layout.flat(match form {
                Form::Fused => linear::linear(x, &weight.into(), &pass()),
                Form::Definition => x.matmul(weight.transpose()),
            })
        })
    };
    let mut cases = vec![
        case(draw.tracked(12), draw.frozen(20), [3, 4, 5], Straight),
        case(draw.frozen(12), draw.tracked(20), [3, 4, 5], Straight),
    ];
    cases.extend(
        [
            ([5, 7, 3], Straight),
            ([1, 1, 1], Straight),
            ([9, 1, 4], Straight),
            ([1, 17, 5], Straight),
            ([6, 5, 7], Turned),
            // Rows as generation has them, by weights of more than one thread's part.
            ([2, 35, 7], Straight),
            ([11, 96, 701], Straight),
            ([16, 64, 6], Straight),
            // Fours, as models have them, and tiles of 32 and 16 more or less.
            ([33, 16, 36], Straight),
            ([31, 20, 32], Straight),
            ([1, 64, 4], Straight),
            ([8, 32, 64], Turned),
            // Sums over so many rows that they are made in parts.
            ([300, 36, 68], Straight),
            // Large enough for all threads.
            ([211, 203, 199], Straight),
        ]
        .map(|(sizes @ [rows, inputs, outputs], layout)| {
            case(draw.tracked(rows * inputs), draw.tracked(outputs * inputs), sizes, layout)
        }),
    );
    cases
}

fn loras(draw: &mut Draw, device: &Device) -> Vec<Case> {
    const SCALE: f64 = 1.7;
    // Rows, inputs, outputs, rank; whether the input wants a gradient: a model's first does not.
    [
        ([5, 7, 3, 2], true, Straight),
        ([4, 3, 5, 2], false, Straight),
        ([1, 1, 1, 1], true, Straight),
        ([1, 13, 4, 3], true, Straight),
        ([4, 3, 2, 8], true, Straight),
        ([6, 5, 4, 2], true, Turned),
        // Fours, as models have them, with ranks that are none.
        ([33, 16, 36, 3], true, Straight),
        ([32, 64, 4, 8], true, Straight),
        ([130, 32, 68, 4], false, Turned),
        ([211, 203, 199, 9], true, Straight),
    ]
    .map(|([rows, inputs, outputs, rank], tracked, layout)| {
        let weight = draw.normal(outputs * inputs, 1.0);
        let weight: Tensor<2> =
            Tensor::from_data(TensorData::new(weight, [outputs, inputs]), device);
        let x = if tracked { draw.tracked(rows * inputs) } else { draw.frozen(rows * inputs) };
        let tensors = vec![x, draw.tracked(rank * inputs), draw.tracked(outputs * rank)];
        let name = format!("[{rows}, {inputs}] to {outputs}, rank {rank}, {layout:?}");
        Case::new(name, tensors, move |tensors, form| {
            let x = layout.matrix(&tensors[0], [rows, inputs]);
            let a = layout.matrix(&tensors[1], [rank, inputs]);
            let b = layout.matrix(&tensors[2], [outputs, rank]);
            let weight = weight.clone();
            layout.flat(match form {
                Form::Fused => linear::lora(x, &weight.into(), &a, &b, SCALE, &pass()),
                Form::Definition => linear::lora_definition(x, &weight, &a, &b, SCALE),
            })
        })
    })
    .into()
}
