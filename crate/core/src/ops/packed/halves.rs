//! Numbers as 16-bit floats, two in a word. Some GPUs take those below 2⁻¹⁴, of which matrices have few, for
//! zero.

use half::f16;

use crate::ops::cpu::widest;

/// Appends a row, each number rounded to the nearest.
///
/// # Errors
/// The place of the first that is too large.
pub(super) fn round(row: &[f32], out: &mut Vec<i32>) -> Result<(), usize> {
    for (index, pair) in row.chunks(2).enumerate() {
        let mut word = 0;
        for (place, value) in pair.iter().enumerate() {
            let rounded = f16::from_f32(*value);
            if !rounded.is_finite() {
                return Err(2 * index + place);
            }
            word |= i32::from(rounded.to_bits()) << (16 * place);
        }
        out.push(word);
    }
    Ok(())
}

/// The floats of a row.
pub(super) fn widen(words: &[i32], out: &mut [f32]) {
    widest(
        #[inline(always)]
        || {
            let (pairs, rest) = out.as_chunks_mut::<2>();
            for (pair, word) in pairs.iter_mut().zip(words) {
                *pair = [float(*word), float(*word >> 16)];
            }
            if let ([last], Some(word)) = (rest, words.last()) {
                *last = float(*word);
            }
        },
    );
}

/// The number in the lower bits, which is finite. Without a branch, so that it compiles to vectors, and
/// without 32-bit floats next to zero, which the processor may take for zero.
#[inline(always)]
fn float(word: i32) -> f32 {
    /// By which the exponents of the two kinds differ, where a float has its exponent.
    const EXPONENT: u32 = (127 - 15) << 23;
    let bits = (word as u32 & 0x7fff) << 13;
    let normal = f32::from_bits(bits + EXPONENT);
    // Where the exponent is 0, there is no leading one.
    let next = 1 << 23;
    let denormal = f32::from_bits(bits + EXPONENT + next) - f32::from_bits(EXPONENT + next);
    let magnitude = if bits < next { denormal } else { normal };
    f32::from_bits(magnitude.to_bits() | (word as u32 & 0x8000) << 16)
}
