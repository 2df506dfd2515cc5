//! Numbers as 4-bit integers: `w ≈ q · s`, q from −8 to 7, with a scale `s` for each block of a row, a
//! 16-bit float. No weight is off by more than half a scale.
//!
//! `s` is the lesser of two that keep to that, away from zero as far as 16 bits want it. One makes the
//! block's greatest magnitude ±7. The other makes it −8, whichever sign it has, for which the scale takes
//! its opposite; but then nothing on the other side may be beyond 7.5. That is so in 85 of 100 blocks of
//! normal numbers, which are off by 8.6 % of their norm thus, and by 9.7 % where q never is −8.

use half::f16;

use crate::ops::cpu::widest;

/// Numbers of a row that share a scale.
pub const BLOCK: usize = 32;
/// Numbers of a word.
const PACKED: usize = 8;
/// The least and the greatest integer.
const LEAST: f32 = -8.0;
const GREATEST: f32 = 7.0;

/// Appends the scales of a row, two in a word.
///
/// # Errors
/// The place of a number that is too large for a scale.
pub(super) fn scales(row: &[f32], out: &mut Vec<i32>) -> Result<(), usize> {
    let mut scales = Vec::with_capacity(row.len() / BLOCK);
    for (index, block) in row.as_chunks::<BLOCK>().0.iter().enumerate() {
        scales.push(scale(block).map_err(|place| index * BLOCK + place)?);
    }
    pack(&scales, out);
    Ok(())
}

/// The scale of a block; the place of its greatest number, where that is too large.
fn scale(block: &[f32; BLOCK]) -> Result<f16, usize> {
    let mut place = 0;
    for (other, value) in block.iter().enumerate() {
        if value.abs() > block[place].abs() {
            place = other;
        }
    }
    let to_least = at_least(block[place] / LEAST);
    let scale = to_least.to_f32();
    let scale = match block.iter().all(|value| value / scale <= GREATEST + 0.5) {
        true => to_least,
        false => at_least(block[place].abs() / GREATEST),
    };
    if scale.is_finite() { Ok(scale) } else { Err(place) }
}

/// The nearest 16-bit float that is no smaller in magnitude. None is below the least normal one, because
/// some GPUs take those for zero.
fn at_least(value: f32) -> f16 {
    let magnitude = value.abs();
    let mut rounded = f16::from_f32(magnitude);
    if rounded.to_f32() < magnitude {
        rounded = f16::from_bits(rounded.to_bits() + 1);
    }
    rounded.max(f16::MIN_POSITIVE).copysign(f16::from_f32(value))
}

/// Appends a row as multiples of its scales.
pub(super) fn quantise(row: &[f32], scales: &[i32], out: &mut Vec<i32>) {
    for (block, scale) in row.as_chunks::<BLOCK>().0.iter().zip(unpack_scales(scales)) {
        // In double precision, for the same reason as 8-bit integers.
        let scale = f64::from(scale);
        let mut integers = [0i32; BLOCK];
        widest(
            #[inline(always)]
            || {
                for (integer, value) in integers.iter_mut().zip(block) {
                    let whole = (f64::from(*value) / scale).round_ties_even();
                    *integer = whole.clamp(f64::from(LEAST), f64::from(GREATEST)) as i32;
                }
            },
        );
        out.extend(integers.as_chunks::<PACKED>().0.iter().map(|word| {
            let bits = word.iter().enumerate();
            bits.fold(0, |word, (place, integer)| word | (integer & 15) << (4 * place))
        }));
    }
}

/// The floats of a row.
pub(super) fn multiply_out(words: &[i32], scales: &[i32], out: &mut [f32]) {
    let words = words.as_chunks::<{ BLOCK / PACKED }>().0;
    let blocks = out.as_chunks_mut::<BLOCK>().0.iter_mut().zip(words);
    widest(
        #[inline(always)]
        || {
            for ((out, words), scale) in blocks.zip(unpack_scales(scales)) {
                for (out, word) in out.as_chunks_mut::<PACKED>().0.iter_mut().zip(words) {
                    for (place, out) in out.iter_mut().enumerate() {
                        *out = (*word << (28 - 4 * place) >> 28) as f32 * scale;
                    }
                }
            }
        },
    );
}

/// Appends the words of a row's scales.
pub(super) fn pack_scales(scales: &[f32], out: &mut Vec<i32>) {
    let scales: Vec<f16> = scales.iter().map(|scale| f16::from_f32(*scale)).collect();
    pack(&scales, out);
}

fn pack(scales: &[f16], out: &mut Vec<i32>) {
    out.extend(scales.chunks(2).map(|pair| {
        let high = pair.get(1).copied().unwrap_or_default();
        i32::from(pair[0].to_bits()) | i32::from(high.to_bits()) << 16
    }));
}

/// The scales in these words, and a zero where the last word has one only.
pub(super) fn unpack_scales(words: &[i32]) -> impl Iterator<Item = f32> {
    let halves = words.iter().flat_map(|word| [*word as u16, (*word >> 16) as u16]);
    halves.map(|bits| f16::from_bits(bits).to_f32())
}
