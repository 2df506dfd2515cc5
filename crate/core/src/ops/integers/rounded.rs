//! Rows of floats as integers with a scale for each block.

use super::BLOCK;
use crate::ops::cpu::{for_each, parts, widest};

/// Rows that lie together, step by step: as many as a tile has.
pub(super) const ROWS: usize = 4;
/// What the greatest magnitude of a block becomes.
const GREATEST: f32 = 32_767.0;
/// Blocks with nothing greater are zeros: their scale would have no inverse.
const LEAST: f32 = 1e-33;

/// Rows in strips of [`ROWS`]: of each strip, pairs of steps, in each the rows' two numbers. Rows and
/// steps that there are not are zeros.
#[derive(Debug)]
pub(super) struct Rounded {
    /// `[strips, steps / 2, ROWS, 2]`.
    numbers: Vec<i16>,
    /// `[strips, blocks, ROWS]`.
    scales: Vec<f32>,
    /// Steps of a row, those that fill its last block among them.
    steps: usize,
}

impl Rounded {
    /// Rounds `[rows, width]`, each number multiplied by its column's of `factors` first, where there are some.
    pub(super) fn new(x: &[f32], [rows, width]: [usize; 2], factors: Option<&[f32]>) -> Self {
        assert_eq!(x.len(), rows * width, "rows of numbers");
        let (strips, steps) = (rows.div_ceil(ROWS), width.next_multiple_of(BLOCK));
        let blocks = steps / BLOCK;
        let mut numbers = vec![0; strips * ROWS * steps];
        let mut scales = vec![0.0; strips * ROWS * blocks];
        let strips = x.chunks(ROWS * width.max(1));
        let memory = numbers.chunks_mut((ROWS * steps).max(1));
        let memory = memory.zip(scales.chunks_mut((ROWS * blocks).max(1)));
        let mut strips: Vec<_> = strips.zip(memory).collect();
        let mut shares = Vec::new();
        for part in parts(strips.len(), ROWS * width).into_iter().rev() {
            shares.push(strips.split_off(part.start));
        }
        for_each(shares, |strips| {
            for (rows, (numbers, scales)) in strips {
                for (row, values) in rows.chunks_exact(width).enumerate() {
                    widest(
                        #[inline(always)]
                        || round(values, factors, row, numbers, scales),
                    );
                }
            }
        });
        Rounded { numbers, scales, steps }
    }

    /// Steps of a row.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// A strip from a block on: pairs of steps, and the scales of blocks.
    pub(super) fn strip(&self, strip: usize, block: usize) -> (&[i16], &[f32]) {
        let blocks = self.steps / BLOCK;
        (
            &self.numbers
                [ROWS * (strip * self.steps + block * BLOCK)..ROWS * (strip + 1) * self.steps],
            &self.scales[ROWS * (strip * blocks + block)..ROWS * (strip + 1) * blocks],
        )
    }
}

/// Rounds a row to its place in a strip.
#[inline(always)]
fn round(
    values: &[f32],
    factors: Option<&[f32]>,
    row: usize,
    numbers: &mut [i16],
    scales: &mut [f32],
) {
    for (block, values) in values.chunks(BLOCK).enumerate() {
        let mut multiplied = [0.0; BLOCK];
        multiplied[..values.len()].copy_from_slice(values);
        if let Some(factors) = factors {
            let factors = &factors[block * BLOCK..][..values.len()];
            multiplied.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
        }
        // As integers, so that what is not a number is the greatest.
        let bits = multiplied.iter().fold(0, |most, value| (value.to_bits() & !SIGN).max(most));
        let greatest = f32::from_bits(bits);
        let (scale, inverse) = match greatest {
            greatest if !greatest.is_finite() => (f32::NAN, 0.0),
            greatest if greatest < LEAST => (0.0, 0.0),
            greatest => (greatest / GREATEST, GREATEST / greatest),
        };
        scales[block * ROWS + row] = scale;
        let integers = multiplied.map(|value| integer(value * inverse));
        let pairs = numbers[block * BLOCK * ROWS..].chunks_exact_mut(2 * ROWS);
        for (pair, integers) in pairs.zip(integers.as_chunks::<2>().0) {
            pair[2 * row..][..2].copy_from_slice(integers);
        }
    }
}

const SIGN: u32 = 1 << 31;

/// The nearest integer, the even one of two. Adding 1.5 · 2²³ leaves it in the lowest bits.
#[inline(always)]
fn integer(value: f32) -> i16 {
    (value + 12_582_912.0).to_bits() as i16
}
