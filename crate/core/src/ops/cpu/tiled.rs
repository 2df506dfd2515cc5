//! A product of floats by tiles whose sums stay in registers, for vectors of any width.
//!
//! Each sum is taken in ascending order of what is summed over, one number after the other, so that
//! neither sizes nor tiles change a bit of it; whether a multiplication and an addition are rounded
//! apart depends on the instructions that there are.

use std::array::from_fn;

use pulp::{Arch, Simd, WithSimd};

use super::matrix::{Matrix, Target};

/// Rows of a tile.
const ROWS: usize = 4;
/// Vectors in a row of a tile: with [`ROWS`] of them, eight sums, beside which sixteen registers have room
/// for what is multiplied.
const VECTORS: usize = 2;
/// Steps of the sums at a time: a panel of 8 KiB, with vectors of four numbers.
const DEPTH: usize = 256;
/// Rows at a time: strips of 64 KiB.
const BAND: usize = 16 * ROWS;
/// Columns at a time: panels of 512 KiB.
const GROUP: usize = 512;
/// With fewer columns the left matrix is read where it stands.
const WORTH_STRIPS: usize = 64;
/// With no more rows the right one is.
const FEW: usize = 2 * ROWS;
/// The most numbers of a tile.
const TILE: usize = ROWS * VECTORS * 16;

/// `out = scale · a · b`, or with `add` what is there plus that.
///
/// # Safety
/// The target has `a`'s rows and `b`'s columns, is valid, and nobody else reads or writes it.
pub(super) unsafe fn product(out: Target, a: Matrix, b: Matrix, scale: f32, add: bool) {
    assert_eq!(a.columns, b.rows, "the inner sizes of a product");
    Arch::new().dispatch(Product { out, a, b, scale, add });
}

struct Product<'a> {
    out: Target,
    a: Matrix<'a>,
    b: Matrix<'a>,
    scale: f32,
    add: bool,
}

/// Some of the steps, rows or columns.
#[derive(Clone, Copy)]
struct Span {
    first: usize,
    count: usize,
}

impl Span {
    /// All of them, in parts of this size.
    fn parts(all: usize, size: usize) -> impl Iterator<Item = Span> {
        (0..all).step_by(size).map(move |first| Span { first, count: size.min(all - first) })
    }

    /// This part in parts.
    fn split(self, size: usize) -> impl Iterator<Item = Span> {
        let parts = Span::parts(self.count, size);
        parts.map(move |part| Span { first: self.first + part.first, count: part.count })
    }
}

/// What a tile is multiplied from.
#[derive(Clone, Copy)]
struct Operands {
    /// Where each row of the left matrix begins, and the distance between two steps.
    left: [*const f32; ROWS],
    left_step: usize,
    /// Where the columns of the right matrix begin, and the distance between two steps.
    right: *const f32,
    right_step: usize,
    steps: usize,
}

/// Memory for what is packed. It is written before it is read.
struct Scratch(Vec<f32>);

impl Scratch {
    fn new(length: usize) -> Self {
        Scratch(Vec::with_capacity(length))
    }

    /// Where a part of it begins.
    fn part(&mut self, part: std::ops::Range<usize>) -> *mut f32 {
        assert!(part.start <= part.end && part.end <= self.0.capacity(), "within what is packed");
        // SAFETY: it lies within the memory.
        unsafe { self.0.as_mut_ptr().add(part.start) }
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { a, b, add, .. } = self;
        if b.rows == 0 && !add {
            return self.clear();
        }
        let width = VECTORS * S::F32_LANES;
        let depth = DEPTH.min(b.rows);
        let mut panels = Scratch::new(GROUP.min(b.columns).next_multiple_of(width) * depth);
        let mut strips = Scratch::new(BAND.min(a.rows).next_multiple_of(ROWS) * depth);
        for steps in Span::parts(b.rows, DEPTH) {
            // Later steps go on from what is there.
            let fresh = steps.first == 0 && !add;
            for columns in Span::parts(b.columns, GROUP) {
                for panel in columns.split(width).filter(|panel| !self.right_stands(*panel, width))
                {
                    let place = (panel.first - columns.first) * steps.count;
                    let packed = panels.part(place..place + width * steps.count);
                    // SAFETY: the panel has room for its steps.
                    unsafe { self.pack_panel(panel, steps, width, packed) };
                }
                for rows in Span::parts(a.rows, BAND) {
                    self.band(simd, Band { rows, columns, steps, fresh }, &mut panels, &mut strips);
                }
            }
        }
    }
}

/// Some rows and columns of the result, and the steps that are summed over next.
#[derive(Clone, Copy)]
struct Band {
    rows: Span,
    columns: Span,
    steps: Span,
    /// Whether the sums begin at zero, or go on from what is there.
    fresh: bool,
}

impl Product<'_> {
    /// Sums by the panels of its columns.
    #[inline(always)]
    fn band<S: Simd>(&self, simd: S, band: Band, panels: &mut Scratch, strips: &mut Scratch) {
        let Band { rows, columns, steps, fresh } = band;
        let width = VECTORS * S::F32_LANES;
        let packs = columns.count >= WORTH_STRIPS && self.a.rows > FEW;
        for strip in rows.split(ROWS).filter(|_| packs) {
            let place = (strip.first - rows.first) * steps.count;
            let packed = strips.part(place..place + ROWS * steps.count);
            // SAFETY: the strip has room for its steps.
            unsafe { self.pack_strip(strip, steps, packed) };
        }
        for panel in columns.split(width) {
            let place = (panel.first - columns.first) * steps.count;
            let (right, right_step) = match self.right_stands(panel, width) {
                true => (self.right(steps.first, panel.first), self.b.row_stride),
                false => (panels.part(place..place).cast_const(), width),
            };
            for strip in rows.split(ROWS) {
                let place = (strip.first - rows.first) * steps.count;
                let (left, left_step) = match packs {
                    true => {
                        let first = strips.part(place..place).cast_const();
                        // SAFETY: a strip has so many rows.
                        (from_fn(|row| unsafe { first.add(row) }), ROWS)
                    }
                    // What is beside the rows that there are is multiplied and not kept.
                    false => {
                        let row = |row: usize| strip.first + row.min(strip.count - 1);
                        (from_fn(|place| self.left(row(place), steps.first)), self.a.column_stride)
                    }
                };
                let operands = Operands { left, left_step, right, right_step, steps: steps.count };
                // SAFETY: the operands are there for all steps.
                unsafe { self.tile(simd, operands, strip, panel, fresh) };
            }
        }
    }

    /// A sum of nothing.
    fn clear(&self) {
        for row in 0..self.a.rows {
            // SAFETY: the row is the target's.
            unsafe { self.out(row, 0).write_bytes(0, self.b.columns) };
        }
    }

    /// Where an element of the result is.
    ///
    /// # Safety
    /// There is such an element.
    #[inline(always)]
    unsafe fn out(&self, row: usize, column: usize) -> *mut f32 {
        // SAFETY: the caller's promise.
        unsafe { self.out.first.add(row * self.out.stride + column) }
    }

    /// Where an element of the left matrix is.
    #[inline(always)]
    fn left(&self, row: usize, step: usize) -> *const f32 {
        let Matrix { values, row_stride, column_stride, .. } = self.a;
        &raw const values[row * row_stride + step * column_stride]
    }

    /// Where an element of the right matrix is.
    #[inline(always)]
    fn right(&self, step: usize, column: usize) -> *const f32 {
        let Matrix { values, row_stride, column_stride, .. } = self.b;
        &raw const values[step * row_stride + column * column_stride]
    }

    /// Whether the columns of a panel are read where they stand.
    #[inline(always)]
    fn right_stands(&self, panel: Span, width: usize) -> bool {
        self.a.rows <= FEW && self.b.column_stride == 1 && self.scale == 1.0 && panel.count == width
    }

    /// Writes the steps of a panel one after the other, each with all columns; zeros where there are none.
    ///
    /// # Safety
    /// There is room for `width` numbers in each step.
    #[inline(always)]
    unsafe fn pack_panel(&self, panel: Span, steps: Span, width: usize, packed: *mut f32) {
        for column in 0..width {
            if column >= panel.count {
                for step in 0..steps.count {
                    // SAFETY: the caller's promise.
                    unsafe { packed.add(step * width + column).write(0.0) };
                }
                continue;
            }
            let from = self.right(steps.first, panel.first + column);
            for step in 0..steps.count {
                // SAFETY: the matrix has these steps, the rest is the caller's promise.
                unsafe {
                    let value = *from.add(step * self.b.row_stride) * self.scale;
                    packed.add(step * width + column).write(value);
                }
            }
        }
    }

    /// Writes the steps of a strip one after the other, each with all rows; the last row again where there
    /// are fewer.
    ///
    /// # Safety
    /// There is room for [`ROWS`] numbers in each step.
    #[inline(always)]
    unsafe fn pack_strip(&self, strip: Span, steps: Span, packed: *mut f32) {
        for row in 0..ROWS {
            let from = self.left(strip.first + row.min(strip.count - 1), steps.first);
            for step in 0..steps.count {
                // SAFETY: the matrix has these steps, the rest is the caller's promise.
                unsafe {
                    packed.add(step * ROWS + row).write(*from.add(step * self.a.column_stride))
                };
            }
        }
    }

    /// Computes a tile of the result, of which a strip's rows and a panel's columns are kept.
    ///
    /// # Safety
    /// The operands are there for all steps.
    #[inline(always)]
    unsafe fn tile<S: Simd>(
        &self,
        simd: S,
        operands: Operands,
        strip: Span,
        panel: Span,
        fresh: bool,
    ) {
        let width = VECTORS * S::F32_LANES;
        // SAFETY: the strip and the panel are the target's.
        let out = unsafe { self.out(strip.first, panel.first) };
        if strip.count == ROWS && panel.count == width {
            // SAFETY: all of the tile is the target's.
            return unsafe { sums(simd, operands, out, self.out.stride, fresh) };
        }
        let mut whole = [0.0; TILE];
        for row in 0..if fresh { 0 } else { strip.count } {
            // SAFETY: the row's columns are the target's, and fit into the tile.
            unsafe {
                let from = out.add(row * self.out.stride);
                from.copy_to_nonoverlapping(&raw mut whole[row * width], panel.count);
            }
        }
        // SAFETY: the tile has room for all of it.
        unsafe { sums(simd, operands, whole.as_mut_ptr(), width, fresh) };
        for row in 0..strip.count {
            // SAFETY: the row's columns are the target's.
            unsafe {
                let to = out.add(row * self.out.stride);
                to.copy_from_nonoverlapping(&raw const whole[row * width], panel.count);
            }
        }
    }
}

/// The sums of a whole tile, whose rows are `stride` apart; unless it is `fresh`, on top of what is there.
///
/// # Safety
/// The operands are there for all steps, and the tile is valid.
#[inline(always)]
unsafe fn sums<S: Simd>(simd: S, operands: Operands, out: *mut f32, stride: usize, fresh: bool) {
    let Operands { mut left, left_step, mut right, right_step, steps } = operands;
    // SAFETY: the caller's promise; vectors may stand anywhere.
    unsafe {
        let place = |row: usize, vector: usize| -> *mut S::f32s {
            out.add(row * stride + vector * S::F32_LANES).cast()
        };
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        if !fresh {
            sums = from_fn(|row| from_fn(|vector| place(row, vector).read_unaligned()));
        }
        for _ in 0..steps {
            let columns: [S::f32s; VECTORS] = from_fn(|vector| {
                right.add(vector * S::F32_LANES).cast::<S::f32s>().read_unaligned()
            });
            for row in 0..ROWS {
                let number = simd.splat_f32s(*left[row]);
                for vector in 0..VECTORS {
                    let sum = &mut sums[row][vector];
                    *sum = simd.mul_add_e_f32s(number, columns[vector], *sum);
                }
                left[row] = left[row].wrapping_add(left_step);
            }
            right = right.wrapping_add(right_step);
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (vector, sum) in sums.into_iter().enumerate() {
                place(row, vector).write_unaligned(sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ops::cpu::Shared,
        rng::{Purpose, Random},
    };

    /// Numbers of a matrix, and whether its columns lie in one piece.
    struct Values {
        numbers: Vec<f32>,
        rows: usize,
        columns: usize,
        turned: bool,
    }

    impl Values {
        fn random(seed: u64, rows: usize, columns: usize, turned: bool) -> Self {
            let mut random = Random::new(seed, Purpose::Synthetic, 0, 0);
            let numbers = (0..rows * columns).map(|_| random.uniform() - 0.5).collect();
            Values { numbers, rows, columns, turned }
        }

        fn matrix(&self) -> Matrix<'_> {
            match self.turned {
                true => Matrix::new(&self.numbers, self.columns, self.rows, self.rows).transposed(),
                false => Matrix::new(&self.numbers, self.rows, self.columns, self.columns),
            }
        }

        fn at(&self, row: usize, column: usize) -> f64 {
            f64::from(match self.turned {
                true => self.numbers[column * self.rows + row],
                false => self.numbers[row * self.columns + column],
            })
        }
    }

    fn multiply(a: Matrix, b: Matrix, scale: f32, add: Option<f32>) -> Vec<f32> {
        let mut out = vec![add.unwrap_or(f32::NAN); a.rows * b.columns];
        let target = Shared::of(&mut out);
        // SAFETY: the vector has the product's size.
        unsafe { product(target.matrix(0, b.columns), a, b, scale, add.is_some()) };
        out
    }

    /// Sizes about those of tiles, bands, groups and steps.
    const SIZES: [[usize; 3]; 11] = [
        [1, 1, 1],
        [3, 5, 0],
        [4, 8, 16],
        [5, 33, 7],
        [8, 64, 40],
        [9, 65, 257],
        [63, 7, 300],
        [64, 96, 256],
        [67, 513, 3],
        [2, 520, 513],
        [130, 70, 600],
    ];

    #[test]
    fn products_equal_their_definition() {
        for (case, [rows, columns, inner]) in SIZES.into_iter().enumerate() {
            for turned in [[false, false], [false, true], [true, false], [true, true]] {
                let a = Values::random(case as u64, rows, inner, turned[0]);
                let b = Values::random(100 + case as u64, inner, columns, turned[1]);
                for (scale, add) in [(1.0, None), (0.5, None), (1.0, Some(3.0)), (-2.0, Some(1.0))]
                {
                    let found = multiply(a.matrix(), b.matrix(), scale, add);
                    for (place, found) in found.into_iter().enumerate() {
                        let (row, column) = (place / columns, place % columns);
                        let sum: f64 =
                            (0..inner).map(|step| a.at(row, step) * b.at(step, column)).sum();
                        let expected = f64::from(scale) * sum + f64::from(add.unwrap_or(0.0));
                        let found = f64::from(found);
                        assert!(
                            (found - expected).abs() < 2e-5 * (1.0 + inner as f64).sqrt(),
                            "{rows} × {columns} × {inner}, {turned:?}: {found}, not {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_tile_changes_a_sum() {
        let (a, b) = (Values::random(1, 71, 300, false), Values::random(2, 300, 83, true));
        let whole = multiply(a.matrix(), b.matrix(), 1.0, None);
        for row in 0..71 {
            let alone = Matrix::new(&a.numbers[row * 300..], 1, 300, 300);
            assert_eq!(multiply(alone, b.matrix(), 1.0, None), whole[row * 83..][..83]);
        }
        for column in 0..83 {
            let alone = Matrix::new(&b.numbers[column * 300..], 1, 300, 300).transposed();
            let found = multiply(a.matrix(), alone, 1.0, None);
            let expected: Vec<f32> = (0..71).map(|row| whole[row * 83 + column]).collect();
            assert_eq!(found, expected);
        }
    }
}
