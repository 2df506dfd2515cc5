//! DoRA, with and without dropout, against the dense sum that training never makes.

use burn::tensor::{Device, Tensor, TensorData};
use flantune::{
    adapter::{LoraLayer, lora::Dora},
    model::{Pass, beside::BesideMap},
    ops::{Dropout, Weight},
};

use super::case::{Case, Draw, Form};

const SCALE: f64 = 1.3;

pub(super) fn cases(draw: &mut Draw, device: &Device) -> Vec<Case> {
    // Rows, inputs, outputs, rank; whether A and B want gradients.
    [
        ([5, 7, 3, 2], 0.0, true),
        ([5, 7, 3, 2], 0.3, true),
        ([4, 6, 5, 2], 0.0, false),
        ([4, 6, 5, 2], 0.3, false),
        ([1, 1, 1, 1], 0.0, true),
    ]
    .map(|([rows, inputs, outputs, rank], rate, tracked)| {
        let weight = TensorData::new(draw.normal(outputs * inputs, 1.0), [outputs, inputs]);
        let weight: Tensor<2> = Tensor::from_data(weight, device);
        let frozen = Weight::from(weight.clone());
        let mut low = |count| if tracked { draw.tracked(count) } else { draw.frozen(count) };
        let (a, b) = (low(rank * inputs), low(outputs * rank));
        let tensors = vec![draw.tracked(rows * inputs), a, b, draw.tracked(outputs)];
        let name = format!("[{rows}, {inputs}] to {outputs}, rank {rank}, dropout {rate}");
        let case = Case::new(name, tensors, move |tensors, form| {
            let x = tensors[0].clone().reshape([rows, inputs]);
            let a = tensors[1].clone().reshape([rank, inputs]);
            let b = tensors[2].clone().reshape([outputs, rank]);
            let magnitude = tensors[3].clone();
            // The draws of a pass begin anew with each.
            let pass = Pass::train(None, true, Dropout::new(0.0, rate, 0, 0));
            let y = match form {
                Form::Fused => {
                    let dora = Some(Dora::with(magnitude, &frozen));
                    LoraLayer { a, b, scale: SCALE, dora }.forward(x, &frozen, &pass)
                }
                Form::Definition => {
                    let dropped = pass.lora_dropout(x.clone());
                    dense(x, dropped, &weight, b.matmul(a) * SCALE, magnitude)
                }
            };
            y.flatten(0, 1)
        });
        // The norm counts as a constant, so only what it does not depend on has slopes.
        if tracked { case.not_smooth() } else { case }
    })
    .into()
}

/// `x · Wᵀ + (m / ‖W + L‖ · (W + L) − W) · d`, where d is x with what dropout took away missing.
fn dense(
    x: Tensor<2>,
    dropped: Tensor<2>,
    weight: &Tensor<2>,
    low: Tensor<2>,
    magnitude: Tensor<1>,
) -> Tensor<2> {
    let sum = weight.clone() + low;
    let norm = sum.clone().detach().square().sum_dim(1).sqrt();
    let change = sum * (magnitude.unsqueeze_dim::<2>(1) / norm) - weight.clone();
    x.matmul(weight.clone().transpose()) + dropped.matmul(change.transpose())
}
