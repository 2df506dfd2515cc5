//! Products with a weight that rests as 8-bit integers, by integers: activations and gradients are rounded to
//! 16 bits in blocks of [`BLOCK`] along what is summed over, each block with a scale of its own.
//!
//! `y = Σ (s · Σ q · w) · t`: the inner sum is over a block, of integers and hence exact; the outer one over
//! blocks in float32 and in ascending order, a multiplication and an addition each; `s` is the block's scale,
//! `t` that of the weight's row. Going back, `t` is multiplied into the gradient before that is rounded. So
//! the result is the same to the bit whatever computes it: any tile, thread, browser and processor.
//!
//! What rounding costs: the gradients of LoRA are off by some 0.1 %, where those of bfloat16 are by 4
//! (docs/performance.md). The tables of that and the idea of blocks are as in QLoRA (arXiv:2305.14314) and
//! LLM.int8() (arXiv:2208.07339), which have others of both.

pub mod definition;
mod instructions;
mod panels;
mod product;
mod rounded;

pub use self::product::{backward, forward};
use crate::named::named;

named! {
    /// What a frozen weight of 8-bit integers is multiplied as.
    #[derive(Default)]
    Products {
        /// As floats.
        #[default]
        F32 = "f32",
        /// As integers, with activations and gradients of 16 bits.
        Int16 = "int16",
    }
}

/// Numbers that have a scale together. The sum of a block cannot leave 32 bits: 64 · 127 · 32767 < 2³¹.
pub const BLOCK: usize = 64;

/// A matrix of 8-bit integers with a scale for each row.
#[derive(Clone, Copy, Debug)]
pub struct Integers<'a> {
    numbers: &'a [i8],
    stride: usize,
    scales: &'a [f32],
    columns: usize,
}

impl<'a> Integers<'a> {
    /// Rows of `columns` numbers, `stride` apart, as many as there are scales.
    pub fn new(numbers: &'a [i8], stride: usize, scales: &'a [f32], columns: usize) -> Self {
        assert!(columns <= stride && numbers.len() >= scales.len() * stride, "rows of integers");
        Integers { numbers, stride, scales, columns }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.scales.len()
    }

    /// A row's numbers.
    fn row(&self, row: usize) -> &'a [i8] {
        &self.numbers[row * self.stride..][..self.columns]
    }
}

/// Which way a weight is multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// Transposed: from inputs to outputs.
    Forward,
    /// As it stands: from gradients of outputs to those of inputs.
    Backward,
}

impl Direction {
    /// How many numbers are summed over, and how many a row of the result has.
    fn sizes(self, weight: &Integers) -> [usize; 2] {
        match self {
            Direction::Forward => [weight.columns, weight.rows()],
            Direction::Backward => [weight.rows(), weight.columns],
        }
    }
}

#[cfg(test)]
mod tests;
