//! Matrices of numbers that are smaller than a float: several in a word of 32 bits, because shaders have
//! no smaller type, with the scales that integers are multiples of beside them.

mod halves;
pub mod int4;
mod int8;

use burn::tensor::{DType, Int, Tensor, TensorData};

use crate::device::Device;

/// What the numbers of a matrix are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// 8-bit integers, with a scale for each row.
    Int8,
    /// 4-bit integers, with a scale for each block of a row.
    Int4,
    /// 16-bit floats.
    F16,
}

impl Format {
    /// Bits of a number.
    pub fn bits(self) -> usize {
        match self {
            Format::Int8 => 8,
            Format::Int4 => 4,
            Format::F16 => 16,
        }
    }

    /// Whether rows of so many numbers can be packed so: blocks are whole.
    pub fn fits(self, columns: usize) -> bool {
        self != Format::Int4 || columns.is_multiple_of(int4::BLOCK)
    }

    /// Words of a row's numbers. The first is in the lowest bits, and zeros fill the last word.
    pub fn words(self, columns: usize) -> usize {
        (columns * self.bits()).div_ceil(32)
    }

    /// Words of a row's scales.
    pub fn scale_words(self, columns: usize) -> usize {
        match self {
            Format::Int8 => 1,
            Format::Int4 => (columns / int4::BLOCK).div_ceil(2),
            Format::F16 => 0,
        }
    }

    /// Bytes of a matrix with its scales.
    pub fn bytes(self, [rows, columns]: [usize; 2]) -> u64 {
        4 * rows as u64 * (self.words(columns) + self.scale_words(columns)) as u64
    }

    /// Appends the scales of a row.
    ///
    /// # Errors
    /// The place of a number that is too large for a scale.
    pub fn scales(self, row: &[f32], out: &mut Vec<i32>) -> Result<(), usize> {
        match self {
            Format::Int8 => out.push(int8::scale(row).to_bits() as i32),
            Format::Int4 => int4::scales(row, out)?,
            Format::F16 => {}
        }
        Ok(())
    }

    /// Appends the numbers of a row with these scales.
    ///
    /// # Errors
    /// The place of a number that is too large.
    pub fn numbers(self, row: &[f32], scales: &[i32], out: &mut Vec<i32>) -> Result<(), usize> {
        match self {
            Format::Int8 => int8::quantise(row, int8_scale(scales), out),
            Format::Int4 => int4::quantise(row, scales, out),
            Format::F16 => halves::round(row, out)?,
        }
        Ok(())
    }

    /// The floats of a row.
    pub fn multiply_out(self, words: &[i32], scales: &[i32], out: &mut [f32]) {
        match self {
            Format::Int8 => int8::multiply_out(words, int8_scale(scales), out),
            Format::Int4 => int4::multiply_out(words, scales, out),
            Format::F16 => halves::widen(words, out),
        }
    }

    /// Appends the words of rows of bytes without gaps, as files have them.
    pub fn pack(self, bytes: &[u8], columns: usize, out: &mut Vec<i32>) {
        for row in bytes.chunks_exact((columns * self.bits()).div_ceil(8)) {
            let (words, rest) = row.as_chunks::<4>();
            out.extend(words.iter().map(|word| i32::from_le_bytes(*word)));
            if !rest.is_empty() {
                let mut word = [0; 4];
                word[..rest.len()].copy_from_slice(rest);
                out.push(i32::from_le_bytes(word));
            }
        }
    }

    /// The bytes of rows of words, without gaps.
    pub fn unpack(self, words: &[i32], columns: usize) -> Vec<u8> {
        let length = (columns * self.bits()).div_ceil(8);
        let rows = words.chunks_exact(self.words(columns));
        rows.flat_map(|row| row.iter().flat_map(|word| word.to_le_bytes()).take(length)).collect()
    }

    /// Appends the words of scales, those of rows of so many numbers.
    pub fn pack_scales(self, scales: &[f32], columns: usize, out: &mut Vec<i32>) {
        match self {
            Format::Int8 => out.extend(scales.iter().map(|scale| scale.to_bits() as i32)),
            Format::Int4 => {
                scales.chunks(columns / int4::BLOCK).for_each(|row| int4::pack_scales(row, out));
            }
            Format::F16 => {}
        }
    }

    /// The scales in a row's words.
    pub fn unpack_scales(self, words: &[i32], columns: usize) -> Vec<f32> {
        match self {
            Format::Int8 => vec![int8_scale(words)],
            Format::Int4 => int4::unpack_scales(words).take(columns / int4::BLOCK).collect(),
            Format::F16 => Vec::new(),
        }
    }
}

fn int8_scale(words: &[i32]) -> f32 {
    f32::from_bits(words[0] as u32)
}

/// A packed matrix on a device.
#[derive(Clone, Debug)]
pub struct Packed {
    /// What its numbers are.
    pub format: Format,
    /// `[rows, words of a row]`.
    pub words: Tensor<2, Int>,
    /// `[rows, words of a row's scales]`: the bits of a float, or of two 16-bit floats.
    pub scales: Option<Tensor<2, Int>>,
    /// Numbers of a row.
    pub columns: usize,
}

impl Packed {
    /// `[rows, columns]`.
    pub fn dims(&self) -> [usize; 2] {
        [self.words.dims()[0], self.columns]
    }

    /// These rows, in this order.
    pub fn select(&self, rows: Tensor<1, Int>) -> Self {
        let scales = self.scales.clone().map(|scales| scales.select(0, rows.clone()));
        Packed { words: self.words.clone().select(0, rows), scales, ..*self }
    }
}

/// Takes a matrix row by row, so that it is never there in another form as a whole.
#[derive(Debug)]
pub struct Packer {
    pub(super) format: Format,
    pub(super) columns: usize,
    pub(super) words: Vec<i32>,
    pub(super) scales: Vec<i32>,
}

impl Packer {
    /// Before the first of `rows` rows of `columns` numbers.
    ///
    /// # Panics
    /// Where the format does not fit such rows.
    pub fn new(format: Format, [rows, columns]: [usize; 2]) -> Self {
        assert!(format.fits(columns), "{columns} columns of {format:?}");
        Packer {
            format,
            columns,
            words: Vec::with_capacity(rows * format.words(columns)),
            scales: Vec::with_capacity(rows * format.scale_words(columns)),
        }
    }

    /// After all rows, of which there are words already.
    pub fn of_words(format: Format, columns: usize, words: Vec<i32>, scales: Vec<i32>) -> Self {
        Packer { format, columns, words, scales }
    }

    /// Rounds whole rows.
    ///
    /// # Errors
    /// The place among these of a number that is too large.
    pub fn round(&mut self, rows: &[f32]) -> Result<(), usize> {
        for (index, row) in rows.chunks_exact(self.columns).enumerate() {
            let at = |place| index * self.columns + place;
            let first = self.scales.len();
            self.format.scales(row, &mut self.scales).map_err(at)?;
            self.format.numbers(row, &self.scales[first..], &mut self.words).map_err(at)?;
        }
        Ok(())
    }

    /// Takes the bytes of whole rows that are packed already; their scales come by [`Packer::scales`].
    pub fn pack(&mut self, rows: &[u8]) {
        self.format.pack(rows, self.columns, &mut self.words);
    }

    /// The scales of rows that are packed already.
    pub fn scales(&mut self, scales: &[f32]) {
        self.format.pack_scales(scales, self.columns, &mut self.scales);
    }

    /// Puts the matrix onto a device.
    pub fn finish(self, device: &Device) -> Packed {
        let Packer { format, columns, words, scales } = self;
        let rows = words.len() / format.words(columns).max(1);
        let tensor = |words: Vec<i32>, width: usize| {
            Tensor::from_data(TensorData::new(words, [rows, width]), (device.burn(), DType::I32))
        };
        let width = format.scale_words(columns);
        let scales = (width > 0).then(|| tensor(scales, width));
        Packed { format, words: tensor(words, format.words(columns)), scales, columns }
    }
}

#[cfg(test)]
mod tests;
