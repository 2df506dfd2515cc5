//! Tiles of the product, whose sums stay in registers.

use std::{array::from_fn, ops::Range};

use super::{
    BLOCK, Direction, Integers,
    instructions::{Instructions, Work, dispatch},
    panels,
    rounded::{ROWS, Rounded},
};
use crate::ops::cpu::{Blank, filled, for_each};

/// Vectors in a row of a tile.
const VECTORS: usize = 2;
/// The most columns of a tile.
const WIDEST: usize = VECTORS * 16;
/// Blocks at a time: a panel of 8 KiB with vectors of four columns.
const DEPTH: usize = 16;
/// Pairs of steps that are written out one after the other. In Chromium eight are a sixth faster than one; a
/// native compiler knows better what to do with one.
const UNROLLED: usize = if cfg!(target_family = "wasm") { 8 } else { 1 };
/// Below this many multiplications a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 20;

/// `x · Wᵀ`: x is `[rows, weight's columns]`, the result `[rows, weight's rows]`.
pub fn forward(x: &[f32], rows: usize, weight: &Integers) -> Vec<f32> {
    product(Direction::Forward, x, rows, weight, |part| dispatch(part))
}

/// `dy · W`: the gradient is `[rows, weight's rows]`, the result `[rows, weight's columns]`.
pub fn backward(gradient: &[f32], rows: usize, weight: &Integers) -> Vec<f32> {
    product(Direction::Backward, gradient, rows, weight, |part| dispatch(part))
}

/// The product in a direction, part by part as `run` does each.
pub(super) fn product(
    direction: Direction,
    x: &[f32],
    rows: usize,
    weight: &Integers,
    run: impl Fn(Part) + Sync + Send,
) -> Vec<f32> {
    let [inner, columns] = direction.sizes(weight);
    // Going back, a row's scale belongs to what is summed over.
    let factors = (direction == Direction::Backward).then_some(weight.scales);
    let left = &Rounded::new(x, [rows, inner], factors);
    // SAFETY: the parts cover all columns of all rows.
    unsafe {
        filled(rows * columns, |out| {
            let cost = (rows * left.steps() * WIDEST).max(1);
            let step = WIDEST * WORTH_A_THREAD.div_ceil(cost);
            let parts = (0..columns).step_by(step).map(|first| first..columns.min(first + step));
            for_each(parts.collect(), |columns| {
                run(Part { direction, left, rows, weight, columns, out });
            });
        })
    }
}

/// Some columns of the result.
pub(super) struct Part<'a> {
    direction: Direction,
    left: &'a Rounded,
    rows: usize,
    weight: &'a Integers<'a>,
    columns: Range<usize>,
    out: Blank,
}

impl Work for Part<'_> {
    #[inline(always)]
    fn run<I: Instructions>(self, instructions: I) {
        let width = VECTORS * I::LANES;
        let blocks = self.left.steps() / BLOCK;
        let mut panel = vec![0; width * BLOCK * DEPTH.min(blocks)];
        if blocks == 0 {
            return self.clear();
        }
        for first in self.columns.clone().step_by(width) {
            let columns = first..self.columns.end.min(first + width);
            let mut factors = [1.0; WIDEST];
            if self.direction == Direction::Forward {
                factors[..columns.len()].copy_from_slice(&self.weight.scales[columns.clone()]);
            }
            for block in (0..blocks).step_by(DEPTH) {
                let end = blocks.min(block + DEPTH);
                let steps = block * BLOCK..end * BLOCK;
                let panel = &mut panel[..width * steps.len()];
                panels::pack(self.direction, self.weight, columns.clone(), width, steps, panel);
                for row in (0..self.rows).step_by(ROWS) {
                    let (numbers, scales) = self.left.strip(row / ROWS, block);
                    let tile = Tile {
                        numbers: numbers.as_ptr(),
                        scales: scales.as_ptr(),
                        panel: panel.as_ptr(),
                        factors: (end == blocks).then_some(&factors),
                        blocks: end - block,
                        fresh: block == 0,
                    };
                    let rows = row..self.rows.min(row + ROWS);
                    // SAFETY: the strip and the panel have so many blocks.
                    unsafe { self.tile(instructions, tile, rows, columns.clone()) };
                }
            }
        }
    }
}

/// What a tile is made from.
#[derive(Clone, Copy)]
struct Tile<'a> {
    numbers: *const i16,
    scales: *const f32,
    panel: *const i8,
    /// What the columns are multiplied by, when all else is done.
    factors: Option<&'a [f32; WIDEST]>,
    blocks: usize,
    /// Whether it begins at zero, or goes on from what is there.
    fresh: bool,
}

impl Part<'_> {
    /// Numbers of a row of the result.
    fn stride(&self) -> usize {
        self.direction.sizes(self.weight)[1]
    }

    /// Sums of nothing.
    fn clear(&self) {
        for row in 0..self.rows {
            let first = row * self.stride();
            // SAFETY: these columns are this part's.
            let out =
                unsafe { self.out.part(first + self.columns.start..first + self.columns.end) };
            out.fill(std::mem::MaybeUninit::new(0.0));
        }
    }

    /// Computes a tile, of which these rows and columns are kept.
    ///
    /// # Safety
    /// What it is made from has so many blocks.
    #[inline(always)]
    unsafe fn tile<I: Instructions>(
        &self,
        instructions: I,
        tile: Tile,
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        let (width, stride) = (VECTORS * I::LANES, self.stride());
        let place = |row: usize| row * stride + columns.start..row * stride + columns.end;
        if rows.len() == ROWS && columns.len() == width {
            // SAFETY: a tile's columns of all its rows are this part's.
            let out: [*mut f32; ROWS] = from_fn(|row| unsafe {
                self.out.part(place(rows.start + row)).as_mut_ptr().cast()
            });
            // SAFETY: each has room for a tile's columns; the rest is the caller's promise.
            return unsafe { sums(instructions, tile, out) };
        }
        let mut whole = [[0.0; WIDEST]; ROWS];
        for (row, whole) in rows.clone().zip(&mut whole).filter(|_| !tile.fresh) {
            // SAFETY: these columns are this part's, and written by the blocks before.
            whole[..columns.len()].copy_from_slice(unsafe { self.out.written(place(row)) });
        }
        let out = whole.each_mut().map(|row| row.as_mut_ptr());
        // SAFETY: each has room for a tile's columns; the rest is the caller's promise.
        unsafe { sums(instructions, tile, out) };
        for (row, whole) in rows.zip(&whole) {
            // SAFETY: these columns are this part's.
            let out = unsafe { self.out.part(place(row)) };
            for (out, value) in out.iter_mut().zip(whole) {
                out.write(*value);
            }
        }
    }
}

/// The sums of a whole tile.
///
/// # Safety
/// What it is made from has so many blocks, and each row of `out` has room for a tile's columns.
#[inline(always)]
unsafe fn sums<I: Instructions>(i: I, tile: Tile, out: [*mut f32; ROWS]) {
    let Tile { mut numbers, mut scales, mut panel, factors, blocks, fresh } = tile;
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[i.float(0.0); VECTORS]; ROWS];
        if !fresh {
            sums = from_fn(|row| from_fn(|vector| i.load(out[row].add(vector * I::LANES))));
        }
        for _ in 0..blocks {
            let mut block = [[i.zero(); VECTORS]; ROWS];
            for _ in 0..BLOCK / 2 / UNROLLED {
                for pair in 0..UNROLLED {
                    let panel = panel.add(2 * pair * VECTORS * I::LANES);
                    let columns: [I::Pairs; VECTORS] =
                        from_fn(|vector| i.widen(panel.add(2 * vector * I::LANES)));
                    for (row, block) in block.iter_mut().enumerate() {
                        let pair = i.pair(numbers.add(2 * (pair * ROWS + row)));
                        for (sum, column) in block.iter_mut().zip(columns) {
                            *sum = i.add_products(*sum, pair, column);
                        }
                    }
                }
                numbers = numbers.add(2 * UNROLLED * ROWS);
                panel = panel.add(2 * UNROLLED * VECTORS * I::LANES);
            }
            for row in 0..ROWS {
                let scale = i.float(*scales.add(row));
                for vector in 0..VECTORS {
                    let floats = i.floats(block[row][vector]);
                    sums[row][vector] = i.multiply_add(floats, scale, sums[row][vector]);
                }
            }
            scales = scales.add(ROWS);
        }
        for (out, sums) in out.into_iter().zip(sums) {
            for (vector, sum) in sums.into_iter().enumerate() {
                let place = vector * I::LANES;
                let factors = factors.map(|factors| i.load(factors.as_ptr().add(place)));
                let sum = factors.map_or(sum, |factors| i.multiply(sum, factors));
                i.store(out.add(place), sum);
            }
        }
    }
}
