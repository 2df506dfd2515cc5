//! Which matrices of a model rest as smaller numbers than floats, and how those of integers lie in its files.

use super::{
    names::{HEAD, SHARED},
    safetensors::Dtype,
};
use crate::{
    config,
    error::Error,
    ops::{Format, packed::int4::BLOCK},
};

/// What a matrix rests as, where a model's weights are kept in this type; none where it stays floats. Those are
/// norms and position biases, which are small.
///
/// Of 4-bit integers the embedding and the head are 8-bit ones: what they lose would be in every token and in
/// every score. So are matrices whose rows are not whole blocks.
pub fn format(name: &str, shape: &[usize], dtype: config::Dtype) -> Option<Format> {
    if shape.len() != 2 || name.ends_with(".relative_attention_bias.weight") {
        return None;
    }
    match dtype {
        config::Dtype::F32 | config::Dtype::Bf16 => None,
        config::Dtype::F16 => Some(Format::F16),
        config::Dtype::Int8 => Some(Format::Int8),
        config::Dtype::Int4 if [SHARED, HEAD].contains(&name) => Some(Format::Int8),
        config::Dtype::Int4 if !Format::Int4.fits(shape[1]) => Some(Format::Int8),
        config::Dtype::Int4 => Some(Format::Int4),
    }
}

/// As [`format()`], where it is integers: files hold floats of 16 bits as any others.
pub(super) fn integers(name: &str, shape: &[usize], dtype: config::Dtype) -> Option<Format> {
    format(name, shape, dtype).filter(|format| *format != Format::F16)
}

/// A matrix of integers in a file: two tensors.
pub(super) struct Stored {
    pub(super) numbers: (Dtype, Vec<usize>),
    pub(super) scales: (Dtype, Vec<usize>),
}

impl Stored {
    /// A matrix of this shape.
    pub(super) fn of(format: Format, shape: &[usize]) -> Self {
        let (rows, columns) = (shape[0], shape[1]);
        match format {
            // Two numbers in a byte.
            Format::Int4 => Stored {
                numbers: (Dtype::U8, vec![rows, columns / 2]),
                scales: (Dtype::F16, vec![rows, columns / BLOCK]),
            },
            _ => Stored {
                numbers: (Dtype::I8, vec![rows, columns]),
                scales: (Dtype::F32, vec![rows]),
            },
        }
    }
}

/// The name of the tensor that holds a matrix's scales.
pub(super) fn scale_name(name: &str) -> String {
    format!("{name}_scale")
}

/// That a number of a tensor does not go into a format.
pub(super) fn too_large(path: &str, name: &str, place: usize, value: f32, to: Format) -> Error {
    let (format, instead) = match to {
        Format::Int4 => ("int4", "f32 and int8 hold it"),
        Format::Int8 => ("int8", "f32 holds it"),
        Format::F16 => ("f16", "f32 and int8 hold it"),
    };
    let message = format!("element {place}, {value}, is too large for {format}; {instead}");
    Error::tensor(path, name, message)
}
