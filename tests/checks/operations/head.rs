//! The head and the loss as one, against both apart.

use burn::tensor::Tensor;
use flantune::{
    device::Device,
    ops::{
        cross_entropy::{self, Labels, Smoothing, cross_entropy_of, mean_cross_entropy_of},
        packed::Format,
    },
};

use super::{
    block::{F16, FLOATS, INT8, floats, matrix},
    case::{Case, Draw, Form},
    pass,
};

pub(super) fn cases(draw: &mut Draw, device: &Device) -> Vec<Case> {
    [
        // Tokens, width, words; how weights rest, label smoothing and z-loss.
        ([5, 8, 12], FLOATS, [0.0, 0.0]),
        ([9, 4, 7], FLOATS, [0.1, 1e-2]),
        ([7, 8, 20], F16, [0.0, 1e-2]),
        ([3, 8, 33], INT8, [0.0, 0.0]),
        ([4, 6, 9], FLOATS, [0.0, 0.0]),
        // So many words that tokens go in several chunks, the last of one.
        ([129, 4, 66_000], FLOATS, [0.1, 1e-4]),
        ([65, 4, 66_000], INT8, [0.0, 0.0]),
    ]
    .into_iter()
    .flat_map(|(shape, format, smoothing)| {
        [true, false].map(|mean| case(draw, device, shape, format, smoothing, mean))
    })
    .collect()
}

fn case(
    draw: &mut Draw,
    device: &Device,
    [tokens, width, words]: [usize; 3],
    format: Option<Format>,
    [label_smoothing, z_loss]: [f64; 2],
    mean: bool,
) -> Case {
    let head = matrix(draw, [words, width], format).put(device);
    let smoothing = Smoothing { label_smoothing, z_loss };
    let labels: Vec<i32> =
        (0..tokens).map(|token| if token == 1 { -100 } else { draw.below(words) as i32 }).collect();
    let labels = Labels::new(&labels, device.burn());
    // Each token's loss alone is for where nothing comes back.
    let count = tokens * width;
    let input = if mean { draw.tracked(count) } else { draw.frozen(count) };
    let name = format!("{tokens} × {width} to {words}, {format:?}, {smoothing:?}, {mean}");
    Case::new(name, vec![input], move |inputs, form| {
        let hidden = inputs[0].clone().reshape([tokens, width]);
        let definition = |hidden: Tensor<2>| {
            let scores = hidden.matmul(floats(&head).transpose());
            cross_entropy::definition(scores, &labels, smoothing)
        };
        match (form, mean) {
            (Form::Fused, true) => {
                mean_cross_entropy_of(hidden, &head, &labels, smoothing, tokens, &pass())
            }
            (Form::Fused, false) => cross_entropy_of(hidden, &head, &labels, smoothing, &pass()),
            (Form::Definition, true) => definition(hidden).sum() / tokens as f64,
            (Form::Definition, false) => definition(hidden),
        }
    })
}
