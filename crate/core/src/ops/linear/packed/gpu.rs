//! On GPUs: numbers are unpacked where they are multiplied, and no floats of the weight are made.

use burn::{
    backend::{
        Backend, Cube, TensorMetadata,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::IntDType,
};

use super::{PackedMap, definition::unpacked};
use crate::ops::{
    gpu::{
        Right, contiguous, dims, embed,
        family::{Family, is_left_out},
        few::by_transposed,
        product::{With, by_rows},
    },
    integers::Products,
    packed::Format,
};

impl PackedMap for Cube {
    fn packed_dense(
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
    ) -> FloatTensor<Self> {
        if is_left_out(Family::Packed) || !embed::fits(format, columns) {
            return unpacked::<Self>(words, scales, format, columns);
        }
        let all = contiguous(first::<Self>(dims(&words)[0], &words.device()));
        embed::rows(&right(words, scales, format), &all, columns)
    }

    fn packed_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        _: Products,
    ) -> FloatTensor<Self> {
        let ([outputs, _], x) = (dims(&words), contiguous(x));
        by_transposed(&x, &right(words, scales, format), outputs, With::default())
    }

    fn packed_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
        _: Products,
    ) -> FloatTensor<Self> {
        let gradient = contiguous(gradient);
        let ([rows, _], [outputs, _]) = (dims(&gradient), dims(&words));
        let sizes = [rows, columns, outputs];
        by_rows(&gradient, &right(words, scales, format), sizes, 1.0, With::default())
    }
}

fn right(words: IntTensor<Cube>, scales: IntTensor<Cube>, format: Format) -> Right {
    let has_scales = format != Format::F16;
    let scales = has_scales.then(|| contiguous(scales));
    Right::Packed { format, words: contiguous(words), scales }
}

/// The places of so many rows.
fn first<B: Backend>(rows: usize, device: &B::Device) -> IntTensor<B> {
    B::int_arange(0..rows as i64, device, IntDType::I32)
}
