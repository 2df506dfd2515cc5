//! On GPUs: the integers are unpacked where they are multiplied, and no floats of the weight are made.

use burn::backend::{
    Cube,
    tensor::{FloatTensor, IntTensor},
};

use super::{Int8Map, unpacked};
use crate::ops::gpu::{
    both, contiguous, dims,
    few::by_transposed,
    product::{Right, With, by_rows},
};

impl Int8Map for Cube {
    fn int8_dense(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        unpacked::<Self>(words, scales, columns)
    }

    fn int8_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let ((words, scales), x) = (both(words, scales), contiguous(x));
        let [outputs, _] = dims(&words);
        by_transposed(&x, &Right::Int8 { words, scales }, outputs, With::default())
    }

    fn int8_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        let ((words, scales), gradient) = (both(words, scales), contiguous(gradient));
        let ([rows, _], [outputs, _]) = (dims(&gradient), dims(&words));
        let sizes = [rows, columns, outputs];
        by_rows(&gradient, &Right::Int8 { words, scales }, sizes, 1.0, With::default())
    }
}
