//! Linear maps on GPUs: a product in one dispatch, and with LoRA beside it two.

use burn::backend::{Cube, tensor::FloatTensor};

use super::LinearMap;
use crate::ops::gpu::{
    Right, both, contiguous, dims, empty,
    few::by_transposed,
    product::{Low, With, by_rows, of_transposed},
};

impl LinearMap for Cube {
    fn linear_map(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, weight) = both(x, weight);
        let [outputs, _] = dims(&weight);
        by_transposed(&x, &Right::Floats(weight), outputs, With::default())
    }

    fn linear_backward(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (gradient, weight) = both(gradient, weight);
        let ([rows, outputs], [_, inputs]) = (dims(&gradient), dims(&weight));
        let sizes = [rows, inputs, outputs];
        by_rows(&gradient, &Right::Floats(weight), sizes, 1.0, With::default())
    }

    fn linear_weight(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let (a, b) = both(a, b);
        of_transposed(&a, &b, 1.0)
    }

    fn lora(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let ((x, weight), (a, b)) = (both(x, weight), both(a, b));
        let ([outputs, _], [rank, _]) = (dims(&weight), dims(&a));
        let low = by_transposed(&x, &Right::Floats(a), rank, With::default());
        let with = With { low: Some(Low::one(&low, &b, scale)), ..With::default() };
        let y = by_transposed(&x, &Right::Floats(weight), outputs, with);
        (y, low)
    }

    fn lora_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        scale: f32,
        wants_x: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let ((x, weight), (a, b)) = (both(x, weight), both(a, b));
        let gradient = contiguous(gradient);
        let ([outputs, inputs], [rank, _]) = (dims(&weight), dims(&a));
        let [rows, _] = dims(&gradient);
        let sizes = [rows, rank, outputs];
        let dlow = by_rows(&gradient, &Right::Floats(b), sizes, scale, With::default());
        let dx = match wants_x {
            true => {
                let with = With { low: Some(Low::one(&dlow, &a, 1.0)), ..With::default() };
                let sizes = [rows, inputs, outputs];
                by_rows(&gradient, &Right::Floats(weight), sizes, 1.0, with)
            }
            false => empty(&x, [0, inputs]),
        };
        (dx, of_transposed(&dlow, &x, 1.0), of_transposed(&gradient, &low, scale))
    }
}
