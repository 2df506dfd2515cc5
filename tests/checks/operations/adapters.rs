//! Two maps in turn whose adapters alone want gradients, as in all training beside a frozen base. Backwards
//! nothing may be asked of the frozen weights or the input: on Metal the plain operations made what is not a
//! number of it (burn's issue 5162). So they run here too, on every device.

use burn::tensor::{Device, Tensor, TensorData};
use flantune::{
    model::Pass,
    ops::{gated_gelu, linear, rms_norm},
};

use super::case::{Case, Draw, Form};

const ROWS: usize = 5;
const WIDTH: usize = 8;
const INNER: usize = 12;
const RANK: usize = 2;
const SCALE: f64 = 1.7;
const EPSILON: f64 = 1e-6;

pub(super) fn cases(draw: &mut Draw, device: &Device) -> Vec<Case> {
    let mut matrix = |shape: [usize; 2]| -> Tensor<2> {
        let values = draw.normal(shape[0] * shape[1], 0.3);
        Tensor::from_data(TensorData::new(values, shape), device)
    };
    let (first, second) = (matrix([INNER, WIDTH]), matrix([WIDTH, INNER]));
    let norm: Tensor<1> =
        Tensor::from_data(TensorData::new(draw.normal(INNER, 1.0), [INNER]), device);
    [true, false]
        .map(|kernels| {
            let inputs = vec![
                draw.frozen(ROWS * WIDTH),
                draw.tracked(RANK * WIDTH),
                draw.tracked(INNER * RANK),
                draw.tracked(RANK * INNER),
                draw.tracked(WIDTH * RANK),
            ];
            let (first, second, norm) = (first.clone(), second.clone(), norm.clone());
            Case::new(format!("kernels {kernels}"), inputs, move |inputs, form| {
                let pass = Pass::evaluate(None, kernels && form == Form::Fused);
                let matrix = |place: usize, shape: [usize; 2]| inputs[place].clone().reshape(shape);
                let map = |x: Tensor<2>, weight: &Tensor<2>, a: Tensor<2>, b: Tensor<2>| {
                    linear::lora(x, &weight.clone().into(), &a, &b, SCALE, &pass)
                };
                let (a, b) = (matrix(1, [RANK, WIDTH]), matrix(2, [INNER, RANK]));
                let inner = map(matrix(0, [ROWS, WIDTH]), &first, a, b);
                let inner = rms_norm::rms_norm(inner, &norm, EPSILON, &pass);
                // Of its own, because no kernel takes one buffer twice.
                let value = inner.clone() * 0.5;
                let inner = gated_gelu::gated_gelu(inner, value, &pass);
                let (a, b) = (matrix(3, [RANK, INNER]), matrix(4, [WIDTH, RANK]));
                map(inner, &second, a, b).flatten(0, 1)
            })
        })
        .into()
}
