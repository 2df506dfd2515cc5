//! On the CPU: a block of rows at a time is dequantized and handed to a product; for few rows of x,
//! as generation has them, a block so small that only the integers are read from memory.

use std::ops::Range;

use burn::{
    backend::{
        Flex, TensorMetadata,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::Shape,
};
use burn_flex::FlexTensor;

use super::Int8Map;
use crate::ops::{
    cpu::{Matrix, Shared, Values, filled, for_each, parts, product, tensor, widest},
    int8::{multiplied_out, multiply_out},
    linear::few,
};

/// Rows of the weight that are dequantized at a time for few rows of x: 16 KiB of FLAN-T5-small's.
const AT_ONCE: usize = 8;
/// Floats that are dequantized at a time: 2 MiB, which a core's own cache holds.
const BLOCK: usize = 1 << 19;

/// A weight that can be looked at.
struct Int8 {
    words: FlexTensor,
    scales: Values,
    rows: usize,
    columns: usize,
}

impl Int8 {
    fn new(words: &IntTensor<Flex>, scales: &FloatTensor<Flex>, columns: usize) -> Self {
        let words = words.to_contiguous();
        let rows = words.shape()[0];
        Int8 { words, scales: Values::of(scales), rows, columns }
    }

    /// A row as it lies, and its scale.
    fn row(&self, row: usize) -> (&[i8], f32) {
        let words = self.words.as_slice::<i32>().unwrap_or_default();
        let width = words.len() / self.rows.max(1);
        let words = &words[row * width..(row + 1) * width];
        // SAFETY: any byte is an integer of 8 bits, and a word has four of them. The first is the
        // lowest on every platform that burn runs on.
        let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<i8>(), 4 * width) };
        (&bytes[..self.columns], self.scales.as_slice()[row])
    }

    /// Some rows as floats.
    fn dense(&self, rows: Range<usize>) -> Vec<f32> {
        // SAFETY: every row is written, each by one thread.
        unsafe {
            filled(rows.len() * self.columns, |out| {
                for_each(parts(rows.len(), self.columns), |part| {
                    for row in part {
                        let place = row * self.columns;
                        let (values, scale) = self.row(rows.start + row);
                        let out = out.part(place..place + self.columns);
                        widest(
                            #[inline(always)]
                            || {
                                for (out, value) in
                                    out.iter_mut().zip(multiplied_out(values, scale))
                                {
                                    out.write(value);
                                }
                            },
                        );
                    }
                });
            })
        }
    }

    /// The rows in blocks, each with its floats, one after the other.
    fn blocks(&self, mut each: impl FnMut(Range<usize>, Matrix)) {
        let step = (BLOCK / self.columns.max(1)).max(1);
        for first in (0..self.rows).step_by(step) {
            let rows = first..self.rows.min(first + step);
            let dense = self.dense(rows.clone());
            let matrix = Matrix::new(&dense, rows.len(), self.columns, self.columns);
            each(rows, matrix);
        }
    }
}

/// `x · Wᵀ` for few rows: a few rows of the weight at a time become floats, which stay in a core's
/// nearest cache, so that memory is read for integers alone.
fn few(x: &[f32], rows: usize, weight: &Int8) -> Vec<f32> {
    let (inputs, outputs) = (weight.columns, weight.rows);
    // SAFETY: every output of every row is written, each by one thread.
    unsafe {
        filled(rows * outputs, |y| {
            for_each(parts(outputs, inputs), |part| {
                let mut dense = vec![0.0; AT_ONCE * inputs];
                for first in part.clone().step_by(AT_ONCE) {
                    let count = AT_ONCE.min(part.end - first);
                    for (place, dense) in dense.chunks_mut(inputs).take(count).enumerate() {
                        let (values, scale) = weight.row(first + place);
                        multiply_out(values, scale, dense);
                    }
                    few::some(y, x, &dense[..count * inputs], [rows, inputs], [first, outputs]);
                }
            });
        })
    }
}

impl Int8Map for Flex {
    fn int8_dense(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        let weight = Int8::new(&words, &scales, columns);
        tensor(weight.dense(0..weight.rows), Shape::new([weight.rows, columns]))
    }

    fn int8_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = x.shape();
        let (rows, inputs) = (shape[0], shape[1]);
        let (x, weight) = (Values::of(&x), Int8::new(&words, &scales, inputs));
        let (x, outputs) = (x.as_slice(), weight.rows);
        if rows <= few::ROWS {
            return tensor(few(x, rows, &weight), Shape::new([rows, outputs]));
        }
        let x = Matrix::new(x, rows, inputs, inputs);
        // SAFETY: the blocks cover all columns of the result, and nobody else has it.
        let y = unsafe {
            filled(rows * outputs, |y| {
                weight.blocks(|block, dense| {
                    let target = y.matrix(block.start, outputs);
                    product(target, x, dense.transposed(), 1.0, false, false);
                });
            })
        };
        tensor(y, Shape::new([rows, outputs]))
    }

    fn int8_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        let shape = gradient.shape();
        let (rows, outputs) = (shape[0], shape[1]);
        let (gradient, weight) = (Values::of(&gradient), Int8::new(&words, &scales, columns));
        let mut dx = vec![0.0; rows * columns];
        weight.blocks(|block, dense| {
            // A row's last part may end with it.
            let part = &gradient.as_slice()[block.start.min(rows * outputs)..];
            let part = Matrix::new(part, rows, block.len(), outputs);
            // SAFETY: the product has the vector to itself.
            unsafe {
                product(Shared::of(&mut dx).matrix(0, columns), part, dense, 1.0, true, false)
            };
        });
        tensor(dx, Shape::new([rows, columns]))
    }
}
