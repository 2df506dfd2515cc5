//! Linear maps whose weights are packed, with and without LoRA beside them.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    device::Device,
    ops::linear::{self, packed},
    ops::{Format, Packed, Packer, Weight},
};

use super::{
    Layout, Straight, Turned,
    case::{Case, Draw, Form},
    pass,
};

const SCALE: f64 = 1.7;

/// Rows, inputs, outputs, rank; without LoRA where the rank is 0. Inputs that fill words and some that do not; one
/// row, few, and more than a row at a time is worth.
const ANY: [([usize; 4], Layout); 13] = [
    ([3, 6, 5, 0], Straight),
    ([17, 5, 3, 0], Straight),
    ([4, 7, 5, 2], Straight),
    ([1, 12, 5, 0], Straight),
    ([1, 1, 1, 1], Straight),
    ([6, 8, 7, 0], Turned),
    ([19, 4, 3, 2], Turned),
    ([1, 203, 199, 0], Straight),
    // Fours, as models have them.
    ([33, 16, 36, 0], Straight),
    ([31, 64, 32, 3], Straight),
    ([32, 20, 68, 8], Turned),
    ([16, 203, 1099, 3], Straight),
    // More than one block of floats.
    ([211, 811, 1303, 3], Straight),
];

/// The same of rows of whole blocks: an odd number of them, whose last word has one scale, and an even one.
const BLOCKS: [([usize; 4], Layout); 10] = [
    ([3, 32, 5, 0], Straight),
    ([1, 64, 3, 2], Straight),
    ([1, 32, 1, 1], Straight),
    ([6, 32, 7, 0], Turned),
    ([1, 224, 199, 0], Straight),
    ([33, 96, 36, 0], Straight),
    ([31, 64, 32, 3], Straight),
    ([32, 160, 68, 8], Turned),
    ([16, 224, 1099, 3], Straight),
    ([211, 800, 1303, 3], Straight),
];

pub(super) fn cases(draw: &mut Draw, device: &Device, format: Format) -> Vec<Case> {
    let mut cases = maps(draw, device, format);
    cases.extend(rows(draw, device, format));
    cases
}

fn weight(draw: &mut Draw, device: &Device, format: Format, shape: [usize; 2]) -> Packed {
    let mut packer = Packer::new(format, shape);
    packer.round(&draw.normal(shape[0] * shape[1], 1.0)).expect("numbers of about 1");
    packer.finish(device)
}

/// Rows as an embedding's are taken, and all of them.
fn rows(draw: &mut Draw, device: &Device, format: Format) -> Vec<Case> {
    let columns = if format == Format::Int4 { [32, 96] } else { [7, 100] };
    let case = |columns: usize| {
        let weight = weight(draw, device, format, [9, columns]);
        let ids = Tensor::from_data(TensorData::from([8i32, 0, 3, 3]), device.burn());
        let name = format!("rows of {columns} numbers");
        Case::new(name, vec![draw.tracked(13 * columns)], move |tensors, form| {
            let packed = Weight::Packed(weight.clone());
            let [some, all] = match form {
                Form::Fused => [packed.rows(ids.clone(), &pass()), packed.dense()],
                Form::Definition => {
                    let all = packed::definition(&weight);
                    [all.clone().select(0, ids.clone()), all]
                }
            };
            let rows = Tensor::cat(vec![some, all], 0);
            (tensors[0].clone().reshape([13, columns]) * rows).flatten(0, 1)
        })
    };
    columns.map(case).into()
}

fn maps(draw: &mut Draw, device: &Device, format: Format) -> Vec<Case> {
    let sizes = if format == Format::Int4 { &BLOCKS[..] } else { &ANY[..] };
    sizes
        .iter()
        .map(|&([rows, inputs, outputs, rank], layout)| {
            let weight = weight(draw, device, format, [outputs, inputs]);
            let mut tensors = vec![draw.tracked(rows * inputs)];
            if rank > 0 {
                tensors.extend([draw.tracked(rank * inputs), draw.tracked(outputs * rank)]);
            }
            let name = format!("[{rows}, {inputs}] to {outputs}, rank {rank}, {layout:?}");
            Case::new(name, tensors, move |tensors, form| {
                let x = layout.matrix(&tensors[0], [rows, inputs]);
                let fused = Weight::Packed(weight.clone());
                let y = match (tensors, form) {
                    ([_, a, b], _) => {
                        let a = layout.matrix(a, [rank, inputs]);
                        let b = layout.matrix(b, [outputs, rank]);
                        match form {
                            Form::Fused => linear::lora(x, &fused, &a, &b, SCALE, &pass()),
                            Form::Definition => {
                                let weight = packed::definition(&weight);
                                linear::lora_definition(x, &weight, &a, &b, SCALE)
                            }
                        }
                    }
                    (_, Form::Fused) => linear::linear(x, &fused, &pass()),
                    (_, Form::Definition) => packed::linear_definition(x, &weight),
                };
                layout.flat(y)
            })
        })
        .collect()
}
