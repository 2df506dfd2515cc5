//! Linear maps whose weights are 8-bit integers, with and without LoRA beside them.

use flantune::{
    device::Device,
    ops::linear::{self, int8},
    ops::{Weight, int8::Packer},
};

use super::{
    Layout, Straight, Turned,
    case::{Case, Draw, Form},
    pass,
};

const SCALE: f64 = 1.7;

pub(super) fn cases(draw: &mut Draw, device: &Device) -> Vec<Case> {
    // Rows, inputs, outputs, rank; without LoRA where the rank is 0. Inputs that fill words and some
    // that do not; one row, few, and more than a row at a time is worth.
    let sizes: [([usize; 4], Layout); 13] = [
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
    sizes
        .map(|([rows, inputs, outputs, rank], layout)| {
            let mut packer = Packer::new(outputs, inputs);
            packer.quantise(&draw.normal(outputs * inputs, 1.0));
            let weight = packer.finish(device);
            let mut tensors = vec![draw.tracked(rows * inputs)];
            if rank > 0 {
                tensors.extend([draw.tracked(rank * inputs), draw.tracked(outputs * rank)]);
            }
            let name = format!("[{rows}, {inputs}] to {outputs}, rank {rank}, {layout:?}");
            Case::new(name, tensors, move |tensors, form| {
                let x = layout.matrix(&tensors[0], [rows, inputs]);
                let fused = Weight::Int8(weight.clone());
                let y = match (tensors, form) {
                    ([_, a, b], _) => {
                        let a = layout.matrix(a, [rank, inputs]);
                        let b = layout.matrix(b, [outputs, rank]);
                        match form {
                            Form::Fused => linear::lora(x, &fused, &a, &b, SCALE, &pass()),
                            Form::Definition => {
                                let weight = int8::definition(&weight);
                                linear::lora_definition(x, &weight, &a, &b, SCALE)
                            }
                        }
                    }
                    (_, Form::Fused) => linear::linear(x, &fused, &pass()),
                    (_, Form::Definition) => int8::linear_definition(x, &weight),
                };
                layout.flat(y)
            })
        })
        .into()
}
