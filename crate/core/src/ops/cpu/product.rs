//! Products of matrices of floats: by the `gemm` crate natively, whose kernels for AVX-512 and NEON and
//! whose threads we have no better of, and by tiles of our own in Wasm.

use super::matrix::{Matrix, Target};
#[cfg(target_family = "wasm")]
use super::tiled;

/// Below this many multiplications a second thread costs more than it saves.
#[cfg(not(target_family = "wasm"))]
const WORTH_SPLITTING: usize = 1 << 23;

/// `out = scale · a · b`, or with `add` what is there plus that. Large products take all threads
/// unless `alone`.
///
/// # Safety
/// The target has `a`'s rows and `b`'s columns, is valid, and nobody else reads or writes it.
#[cfg(not(target_family = "wasm"))]
pub unsafe fn product(out: Target, a: Matrix, b: Matrix, scale: f32, add: bool, alone: bool) {
    assert_eq!(a.columns, b.rows, "the inner sizes of a product");
    let (rows, columns, inner) = (a.rows, b.columns, a.columns);
    let threads = match rows * columns * inner >= WORTH_SPLITTING && !alone {
        true => gemm::Parallelism::Rayon(0),
        false => gemm::Parallelism::None,
    };
    // SAFETY: the matrices were checked when they were made, the target is the caller's promise.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.first,
            1,
            out.stride as isize,
            add,
            a.values.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.values.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            threads,
        );
    }
}

/// `out = scale · a · b`, or with `add` what is there plus that.
///
/// # Safety
/// The target has `a`'s rows and `b`'s columns, is valid, and nobody else reads or writes it.
#[cfg(target_family = "wasm")]
pub unsafe fn product(out: Target, a: Matrix, b: Matrix, scale: f32, add: bool, _: bool) {
    // SAFETY: as the caller promises.
    unsafe { tiled::product(out, a, b, scale, add) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::cpu::{Shared, dot};

    #[test]
    fn products_take_any_strides() {
        let a: Vec<f32> = (0..12).map(|x| x as f32).collect();
        let b: Vec<f32> = (0..8).map(|x| x as f32 * 0.5).collect();
        let mut out = vec![1.0; 12];
        let target = Shared::of(&mut out);
        let (a_matrix, b_matrix) = (Matrix::new(&a, 3, 4, 4), Matrix::new(&b, 2, 4, 4));
        // SAFETY: three rows of two numbers, four apart.
        unsafe { product(target.matrix(1, 4), a_matrix, b_matrix.transposed(), 2.0, true, true) };
        for row in 0..3 {
            for column in 0..4 {
                let expected = match column {
                    1 | 2 => 1.0 + 2.0 * dot(&a[row * 4..][..4], &b[(column - 1) * 4..][..4]),
                    _ => 1.0,
                };
                assert_eq!(out[row * 4 + column], expected);
            }
        }
    }
}
