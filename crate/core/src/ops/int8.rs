//! Weights as 8-bit integers: `w ≈ q · s` with a scale `s` for each row, that is for each output of a
//! product and each token of the embedding. Symmetric: `s` is the row's greatest magnitude over 127,
//! `q` is `w / s` rounded, so that no weight is off by more than half a scale.

use burn::tensor::{DType, Int, Tensor, TensorData};

use super::cpu::widest;
use crate::device::Device;

/// What the greatest magnitude of a row becomes.
const GREATEST: f32 = 127.0;
/// Numbers of a word.
const PACKED: usize = 4;

/// A matrix of 8-bit integers on a device.
#[derive(Clone, Debug)]
pub struct Int8 {
    /// `[rows, ⌈columns / 4⌉]`: four numbers a word of 32 bits, because shaders have no smaller
    /// type; the first is in the lowest byte, and zeros fill a row's last word.
    pub words: Tensor<2, Int>,
    /// The scale of each row, `[rows]`.
    pub scales: Tensor<1>,
    /// Numbers of a row.
    pub columns: usize,
}

impl Int8 {
    /// `[rows, columns]`.
    pub fn dims(&self) -> [usize; 2] {
        [self.words.dims()[0], self.columns]
    }

    /// These rows, in this order.
    pub fn select(&self, rows: Tensor<1, Int>) -> Self {
        Int8 {
            words: self.words.clone().select(0, rows.clone()),
            scales: self.scales.clone().select(0, rows),
            columns: self.columns,
        }
    }
}

/// The scale of a row. Greater than zero, also where the row is all zeros.
pub fn scale(row: &[f32]) -> f32 {
    let magnitude = widest(
        #[inline(always)]
        || {
            row.iter()
                .fold(0.0f32, |most, value| if value.abs() > most { value.abs() } else { most })
        },
    );
    (magnitude / GREATEST).max(f32::MIN_POSITIVE)
}

/// A row as multiples of its scale.
pub fn quantise(row: &[f32], scale: f32, out: &mut [i8]) {
    // In double precision, so that rounding the quotient never moves a weight by more than half a
    // scale.
    let scale = f64::from(scale);
    widest(
        #[inline(always)]
        || {
            for (out, value) in out.iter_mut().zip(row) {
                *out = (f64::from(*value) / scale).round_ties_even() as i8;
            }
        },
    );
}

/// Multiplies a row out.
pub fn multiply_out(row: &[i8], scale: f32, out: &mut [f32]) {
    widest(
        #[inline(always)]
        || out.iter_mut().zip(multiplied_out(row, scale)).for_each(|(out, value)| *out = value),
    );
}

/// The floats of a row.
#[inline(always)]
pub fn multiplied_out(row: &[i8], scale: f32) -> impl Iterator<Item = f32> {
    row.iter().map(
        #[inline(always)]
        move |value| f32::from(*value) * scale,
    )
}

/// Takes a matrix row by row, so that it is never there in another form as a whole.
#[derive(Debug)]
pub struct Packer {
    columns: usize,
    words: Vec<i32>,
    scales: Vec<f32>,
    /// A row that is being quantised.
    row: Vec<i8>,
}

impl Packer {
    /// Before the first of `rows` rows of `columns` numbers.
    pub fn new(rows: usize, columns: usize) -> Self {
        Packer {
            columns,
            words: Vec::with_capacity(rows * columns.div_ceil(PACKED)),
            scales: Vec::with_capacity(rows),
            row: vec![0; columns],
        }
    }

    /// Quantises whole rows.
    pub fn quantise(&mut self, rows: &[f32]) {
        let mut quantised = std::mem::take(&mut self.row);
        for row in rows.chunks_exact(self.columns) {
            let scale = scale(row);
            quantise(row, scale, &mut quantised);
            self.scales.push(scale);
            self.pack(&quantised);
        }
        self.row = quantised;
    }

    /// Takes whole rows that are quantised already; their scales come by [`Packer::scales`].
    pub fn pack(&mut self, rows: &[i8]) {
        for row in rows.chunks_exact(self.columns) {
            let (words, rest) = row.as_chunks::<PACKED>();
            self.words.extend(words.iter().map(|&word| packed(word)));
            if !rest.is_empty() {
                let mut word = [0; PACKED];
                word[..rest.len()].copy_from_slice(rest);
                self.words.push(packed(word));
            }
        }
    }

    /// The scales of the rows that are quantised already.
    pub fn scales(&mut self, scales: &[f32]) {
        self.scales.extend_from_slice(scales);
    }

    /// Puts the matrix onto a device.
    pub fn finish(self, device: &Device) -> Int8 {
        let device = device.burn();
        let rows = self.scales.len();
        let words = TensorData::new(self.words, [rows, self.columns.div_ceil(PACKED)]);
        Int8 {
            words: Tensor::from_data(words, (device, DType::I32)),
            scales: Tensor::from_data(TensorData::new(self.scales, [rows]), device),
            columns: self.columns,
        }
    }
}

fn packed(word: [i8; PACKED]) -> i32 {
    i32::from_le_bytes(word.map(|value| value as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_weight_is_off_by_more_than_half_a_scale() {
        let mut random = crate::rng::Random::new(7, crate::rng::Purpose::Synthetic, 0, 0);
        for deviation in [1e-30f32, 1e-3, 1.0, 1e30] {
            let mut row = vec![0.0; 1001];
            random.fill_normal(&mut row, 0.0, deviation);
            let scale = scale(&row);
            let mut quantised = vec![0; row.len()];
            quantise(&row, scale, &mut quantised);
            for (weight, quantised) in row.iter().zip(&quantised) {
                let off = f64::from(*weight) - f64::from(*quantised) * f64::from(scale);
                assert!(off.abs() <= f64::from(scale) / 2.0 * (1.0 + 1e-12), "{weight}: {off}");
            }
            let greatest = quantised.iter().map(|value| value.unsigned_abs()).max();
            assert_eq!(greatest, Some(127), "the whole range is used");
        }
    }

    #[test]
    fn rows_of_zeros_have_a_scale() {
        let scale = scale(&[0.0, -0.0]);
        assert!(scale > 0.0);
        let (mut quantised, mut back) = ([9, 9], [9.0; 2]);
        quantise(&[0.0, -0.0], scale, &mut quantised);
        multiply_out(&quantised, scale, &mut back);
        assert_eq!(back, [0.0; 2]);
    }
}
