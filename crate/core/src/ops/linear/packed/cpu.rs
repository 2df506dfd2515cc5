//! On the CPU: a block of rows at a time is multiplied out and handed to a product; for few rows of x,
//! as generation has them, a block so small that only the packed numbers are read from memory.

use std::ops::Range;

use burn::{
    backend::{
        Flex, TensorMetadata,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::Shape,
};
use burn_flex::FlexTensor;

use super::PackedMap;
use crate::ops::{
    cpu::{Matrix, Shared, Values, filled, for_each, parts, product, tensor},
    integers::{self, Integers, Products},
    linear::few,
    packed::Format,
};

/// Rows of the weight that are multiplied out at a time for few rows of x: 16 KiB of FLAN-T5-small's.
const AT_ONCE: usize = 8;
/// Floats that are there at a time: 2 MiB, which a core's own cache holds.
const BLOCK: usize = 1 << 19;

/// A weight that can be looked at.
struct Weight {
    words: FlexTensor,
    scales: FlexTensor,
    format: Format,
    rows: usize,
    columns: usize,
}

impl Weight {
    fn new(
        words: &IntTensor<Flex>,
        scales: &IntTensor<Flex>,
        format: Format,
        columns: usize,
    ) -> Self {
        let (words, scales) = (words.to_contiguous(), scales.to_contiguous());
        let rows = words.shape()[0];
        Weight { words, scales, format, rows, columns }
    }

    /// Its integers, where these are the products to be made of them.
    fn integers(&self, products: Products) -> Option<Integers<'_>> {
        if (products, self.format) != (Products::Int16, Format::Int8) {
            return None;
        }
        let numbers = self.words.as_slice::<i32>().unwrap_or_default();
        let scales = self.scales.as_slice::<i32>().unwrap_or_default();
        // SAFETY: a word is four integers of 8 bits, the first the lowest on every platform that burn runs on, and
        // scales are the bits of floats.
        let (numbers, scales) = unsafe {
            (
                std::slice::from_raw_parts(numbers.as_ptr().cast::<i8>(), size_of_val(numbers)),
                std::slice::from_raw_parts(scales.as_ptr().cast::<f32>(), scales.len()),
            )
        };
        let stride = size_of::<i32>() * self.format.words(self.columns);
        Some(Integers::new(numbers, stride, scales, self.columns))
    }

    /// The floats of these rows.
    fn multiply_out(&self, rows: Range<usize>, out: &mut [f32]) {
        let words = Words::of(&self.words, self.format.words(self.columns));
        let scales = Words::of(&self.scales, self.format.scale_words(self.columns));
        for (row, out) in rows.zip(out.chunks_exact_mut(self.columns.max(1))) {
            self.format.multiply_out(words.row(row), scales.row(row), out);
        }
    }

    /// The floats of these rows, by all threads.
    fn multiply_out_by_all(&self, rows: Range<usize>, out: &mut [f32]) {
        let out = Shared::of(out);
        for_each(parts(rows.len(), self.columns), |part| {
            let place = part.start * self.columns..part.end * self.columns;
            // SAFETY: the rows of a part are those of one thread.
            let out = unsafe { out.part(place) };
            self.multiply_out(rows.start + part.start..rows.start + part.end, out);
        });
    }

    /// The rows in blocks, each with its floats, one after the other.
    fn blocks(&self, mut each: impl FnMut(Range<usize>, Matrix)) {
        let step = (BLOCK / self.columns.max(1)).clamp(1, self.rows.max(1));
        let mut floats = vec![0.0; step * self.columns];
        for first in (0..self.rows).step_by(step) {
            let rows = first..self.rows.min(first + step);
            let floats = &mut floats[..rows.len() * self.columns];
            self.multiply_out_by_all(rows.clone(), floats);
            let matrix = Matrix::new(floats, rows.len(), self.columns, self.columns);
            each(rows, matrix);
        }
    }
}

/// Words in rows of one width.
#[derive(Clone, Copy)]
struct Words<'a> {
    all: &'a [i32],
    width: usize,
}

impl<'a> Words<'a> {
    fn of(tensor: &'a FlexTensor, width: usize) -> Self {
        Words { all: tensor.as_slice::<i32>().unwrap_or_default(), width }
    }

    fn row(self, row: usize) -> &'a [i32] {
        &self.all[row * self.width..(row + 1) * self.width]
    }
}

/// `x · Wᵀ` for few rows: a few rows of the weight at a time become floats, which stay in a core's
/// nearest cache, so that memory is read for packed numbers alone.
fn few(x: &[f32], rows: usize, weight: &Weight) -> Vec<f32> {
    let (inputs, outputs) = (weight.columns, weight.rows);
    // SAFETY: every output of every row is written, each by one thread.
    unsafe {
        filled(rows * outputs, |y| {
            for_each(parts(outputs, inputs), |part| {
                let mut floats = vec![0.0; AT_ONCE * inputs];
                for first in part.clone().step_by(AT_ONCE) {
                    let count = AT_ONCE.min(part.end - first);
                    let floats = &mut floats[..count * inputs];
                    weight.multiply_out(first..first + count, floats);
                    few::some(y, x, floats, [rows, inputs], [first, outputs]);
                }
            });
        })
    }
}

impl PackedMap for Flex {
    fn packed_dense(
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
    ) -> FloatTensor<Self> {
        let weight = Weight::new(&words, &scales, format, columns);
        let mut floats = vec![0.0; weight.rows * columns];
        weight.multiply_out_by_all(0..weight.rows, &mut floats);
        tensor(floats, Shape::new([weight.rows, columns]))
    }

    fn packed_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        products: Products,
    ) -> FloatTensor<Self> {
        let shape = x.shape();
        let (rows, inputs) = (shape[0], shape[1]);
        let weight = Weight::new(&words, &scales, format, inputs);
        let (x, outputs) = (Values::of(&x), weight.rows);
        let x = x.as_slice();
        if rows <= few::ROWS {
            return tensor(few(x, rows, &weight), Shape::new([rows, outputs]));
        }
        if let Some(weight) = weight.integers(products) {
            return tensor(integers::forward(x, rows, &weight), Shape::new([rows, outputs]));
        }
        let x = Matrix::new(x, rows, inputs, inputs);
        // SAFETY: the blocks cover all columns of the result, and nobody else has it.
        let y = unsafe {
            filled(rows * outputs, |y| {
                weight.blocks(|block, floats| {
                    let target = y.matrix(block.start, outputs);
                    product(target, x, floats.transposed(), 1.0, false, false);
                });
            })
        };
        tensor(y, Shape::new([rows, outputs]))
    }

    fn packed_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
        products: Products,
    ) -> FloatTensor<Self> {
        let shape = gradient.shape();
        let (rows, outputs) = (shape[0], shape[1]);
        let weight = Weight::new(&words, &scales, format, columns);
        let gradient = Values::of(&gradient);
        if let Some(weight) = weight.integers(products) {
            let dx = integers::backward(gradient.as_slice(), rows, &weight);
            return tensor(dx, Shape::new([rows, columns]));
        }
        let mut dx = vec![0.0; rows * columns];
        weight.blocks(|block, floats| {
            // A row's last part may end with it.
            let part = &gradient.as_slice()[block.start.min(rows * outputs)..];
            let part = Matrix::new(part, rows, block.len(), outputs);
            // SAFETY: the product has the vector to itself.
            unsafe {
                product(Shared::of(&mut dx).matrix(0, columns), part, floats, 1.0, true, false)
            };
        });
        tensor(dx, Shape::new([rows, columns]))
    }
}
