//! Linear maps on GPUs: a product in one dispatch, and with LoRA beside it two.

use burn::backend::{Cube, tensor::FloatTensor};

use super::LinearMap;
use crate::ops::gpu::{
    contiguous, dims, empty,
    product::{Low, Right, both, by_rows, by_transposed, of_transposed},
};

impl LinearMap for Cube {
    fn linear_map(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, weight) = both(x, weight);
        let [outputs, _] = dims(&weight);
        by_transposed(&x, &Right::Floats(&weight), outputs, None)
    }

    fn linear_backward(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (gradient, weight) = both(gradient, weight);
        let [_, inputs] = dims(&weight);
        by_rows(&gradient, &Right::Floats(&weight), inputs, 1.0, None)
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
        let low = by_transposed(&x, &Right::Floats(&a), rank, None);
        let beside = Low { low: &low, up: &b, scale };
        let y = by_transposed(&x, &Right::Floats(&weight), outputs, Some(beside));
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
        let ([_, inputs], [rank, _]) = (dims(&weight), dims(&a));
        let dlow = by_rows(&gradient, &Right::Floats(&b), rank, scale, None);
        let dx = match wants_x {
            true => {
                let beside = Low { low: &dlow, up: &a, scale: 1.0 };
                by_rows(&gradient, &Right::Floats(&weight), inputs, 1.0, Some(beside))
            }
            false => empty(&x, [0, inputs]),
        };
        (dx, of_transposed(&dlow, &x, 1.0), of_transposed(&gradient, &low, scale))
    }
}
