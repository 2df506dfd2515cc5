//! Products of a few rows, as generation makes them: one for each text and token. They are bound by
//! reading the weight, so it is read once, from where it stands, and nothing is packed.

use pulp::{Arch, Simd, WithSimd};

use crate::ops::cpu::{Blank, for_each, parts};

/// Up to so many rows this form is the faster one.
pub(super) const ROWS: usize = 16;

/// Rows of x, and of the weight, whose sums are kept in registers together: eight sums are as many as
/// a processor adds to before the first is ready again.
const TILE: [usize; 2] = [4, 2];

/// Writes `x · Wᵀ` to `y`: x is `[rows, inputs]`, the weight `[outputs, inputs]`.
///
/// # Safety
/// Nobody else has a part of `y`.
pub(super) unsafe fn product(y: Blank, x: &[f32], weight: &[f32], [rows, inputs]: [usize; 2]) {
    let outputs = y.len() / rows.max(1);
    assert!(x.len() == rows * inputs && weight.len() == outputs * inputs, "shapes of a product");
    for_each(parts(outputs, inputs), |part| {
        let weight = &weight[part.start * inputs..part.end * inputs];
        // SAFETY: each part of the outputs is one thread's, and lies within the rows.
        unsafe { some(y, x, weight, [rows, inputs], [part.start, outputs]) };
    });
}

/// Writes those of the `outputs` from `first` on that these rows of the weight are for.
///
/// # Safety
/// `y` is `[rows, outputs]`, and nobody else has these outputs of it.
pub(super) unsafe fn some(
    y: Blank,
    x: &[f32],
    weight: &[f32],
    [rows, inputs]: [usize; 2],
    [first, outputs]: [usize; 2],
) {
    let count = weight.len() / inputs.max(1);
    Arch::new().dispatch(Part { y, x, weight, rows, inputs, first, outputs, count });
}

/// `count` outputs from `first` on, with their rows of the weight.
struct Part<'a> {
    y: Blank,
    x: &'a [f32],
    weight: &'a [f32],
    rows: usize,
    inputs: usize,
    first: usize,
    outputs: usize,
    count: usize,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for output in (0..self.count).step_by(TILE[1]) {
            let both = output + TILE[1] <= self.count;
            for row in (0..self.rows).step_by(TILE[0]) {
                match (self.rows - row, both) {
                    (1, true) => self.tile::<S, 1, 2>(simd, row, output),
                    (2, true) => self.tile::<S, 2, 2>(simd, row, output),
                    (3, true) => self.tile::<S, 3, 2>(simd, row, output),
                    (_, true) => self.tile::<S, 4, 2>(simd, row, output),
                    (1, false) => self.tile::<S, 1, 1>(simd, row, output),
                    (2, false) => self.tile::<S, 2, 1>(simd, row, output),
                    (3, false) => self.tile::<S, 3, 1>(simd, row, output),
                    (_, false) => self.tile::<S, 4, 1>(simd, row, output),
                }
            }
        }
    }
}

impl Part<'_> {
    /// `R` rows of x by `C` rows of the weight, from these on.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(&self, simd: S, row: usize, output: usize) {
        let line = |values, place| S::as_simd_f32s(line(values, place, self.inputs));
        let x: [_; R] = std::array::from_fn(|r| line(self.x, row + r));
        let weight: [_; C] = std::array::from_fn(|c| line(self.weight, output + c));
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        for place in 0..weight[0].0.len() {
            // SAFETY: all are lines of one length.
            let (x, weight): ([_; R], [_; C]) = unsafe {
                (
                    std::array::from_fn(|r| *x[r].0.get_unchecked(place)),
                    std::array::from_fn(|c| *weight[c].0.get_unchecked(place)),
                )
            };
            for r in 0..R {
                for c in 0..C {
                    // Not `mul_add_f32s`, which imitates one rounding where there is no instruction for it.
                    sums[r][c] = simd.mul_add_e_f32s(x[r], weight[c], sums[r][c]);
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            let first = (row + r) * self.outputs + self.first + output;
            // SAFETY: whoever began this alone has these outputs.
            let y = unsafe { self.y.part(first..first + C) };
            for (c, sum) in sums.into_iter().enumerate() {
                let rest = x[r].1.iter().zip(weight[c].1).map(|(a, b)| a * b);
                y[c].write(simd.reduce_sum_f32s(sum) + rest.sum::<f32>());
            }
        }
    }
}

/// A row of a matrix.
#[inline(always)]
fn line(values: &[f32], place: usize, width: usize) -> &[f32] {
    &values[place * width..][..width]
}
