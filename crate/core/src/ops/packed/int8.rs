//! Numbers as 8-bit integers: `w ≈ q · s` with a scale `s` for each row, that is for each output of a
//! product and each token of the embedding. Symmetric: `s` is the row's greatest magnitude over 127,
//! `q` is `w / s` rounded, so that no weight is off by more than half a scale.

use crate::ops::cpu::widest;

/// What the greatest magnitude of a row becomes.
const GREATEST: f32 = 127.0;
/// Numbers of a word.
const PACKED: usize = 4;
/// Numbers that are rounded at a time.
const AT_ONCE: usize = 64;

/// The scale of a row. Greater than zero, also where the row is all zeros.
pub(super) fn scale(row: &[f32]) -> f32 {
    let magnitude = widest(
        #[inline(always)]
        || {
            row.iter()
                .fold(0.0f32, |most, value| if value.abs() > most { value.abs() } else { most })
        },
    );
    (magnitude / GREATEST).max(f32::MIN_POSITIVE)
}

/// Appends a row as multiples of its scale.
pub(super) fn quantise(row: &[f32], scale: f32, out: &mut Vec<i32>) {
    // In double precision, so that rounding the quotient never moves a weight by more than half a
    // scale.
    let scale = f64::from(scale);
    for values in row.chunks(AT_ONCE) {
        let mut integers = [0i8; AT_ONCE];
        widest(
            #[inline(always)]
            || {
                for (integer, value) in integers.iter_mut().zip(values) {
                    *integer = (f64::from(*value) / scale).round_ties_even() as i8;
                }
            },
        );
        let words = integers.as_chunks::<PACKED>().0.iter().take(values.len().div_ceil(PACKED));
        out.extend(words.map(|word| i32::from_le_bytes(word.map(|integer| integer as u8))));
    }
}

/// The floats of a row.
pub(super) fn multiply_out(words: &[i32], scale: f32, out: &mut [f32]) {
    // SAFETY: any byte is an integer of 8 bits, and a word has four of them. The first is the lowest
    // on every platform that burn runs on.
    let integers: &[i8] =
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), PACKED * words.len()) };
    widest(
        #[inline(always)]
        || {
            for (out, integer) in out.iter_mut().zip(integers) {
                *out = f32::from(*integer) * scale;
            }
        },
    );
}
