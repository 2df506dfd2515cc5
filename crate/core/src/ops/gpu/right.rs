//! The right side of a product, and the matrix that rows are taken from.

use burn_cubecl::tensor::CubeTensor;

use super::{Launch, adjacent};
use crate::ops::packed::Format;

/// The weight of a map, or of several maps one below the other.
// A tensor is large, and there are few of these.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Right {
    /// Floats.
    Floats(CubeTensor),
    /// A packed matrix.
    Packed {
        /// What its numbers are.
        format: Format,
        /// `[rows, words of a row]`.
        words: CubeTensor,
        /// `[rows, words of a row's scales]`.
        scales: Option<CubeTensor>,
    },
}

impl Right {
    /// What its numbers are; none for floats.
    pub fn format(&self) -> Option<Format> {
        match self {
            Right::Floats(_) => None,
            Right::Packed { format, .. } => Some(*format),
        }
    }

    /// The constants by which a shader knows how to read it (`shaders/right.wgsl`).
    pub fn constants<'a>(&self, launch: Launch<'a>) -> Launch<'a> {
        let kinds = [
            ("FLOATS", None),
            ("INT8", Some(Format::Int8)),
            ("INT4", Some(Format::Int4)),
            ("F16", Some(Format::F16)),
        ];
        kinds
            .iter()
            .fold(launch, |launch, (name, format)| launch.constant(name, *format == self.format()))
    }

    /// Binds its buffers.
    pub fn read<'a>(&'a self, launch: Launch<'a>) -> Launch<'a> {
        match self {
            Right::Floats(floats) => launch.read(floats),
            Right::Packed { words, scales, .. } => {
                scales.iter().fold(launch.read(words), Launch::read)
            }
        }
    }

    /// Several of one kind as one, if each of their buffers lies after that of the one before.
    pub fn together(parts: &[Right]) -> Option<Right> {
        let kind = parts.first()?.format();
        if parts.iter().any(|part| part.format() != kind) {
            return None;
        }
        let all = |buffer: fn(&Right) -> Option<CubeTensor>| -> Option<CubeTensor> {
            adjacent(&parts.iter().map(buffer).collect::<Option<Vec<_>>>()?)
        };
        let numbers = all(|part| Some(part.numbers().clone()))?;
        Some(match kind {
            None => Right::Floats(numbers),
            Some(format) => {
                let scales = match parts[0].scales() {
                    Some(_) => Some(all(|part| part.scales().cloned())?),
                    None => None,
                };
                Right::Packed { format, words: numbers, scales }
            }
        })
    }

    fn numbers(&self) -> &CubeTensor {
        match self {
            Right::Floats(floats) => floats,
            Right::Packed { words, .. } => words,
        }
    }

    fn scales(&self) -> Option<&CubeTensor> {
        match self {
            Right::Floats(_) => None,
            Right::Packed { scales, .. } => scales.as_ref(),
        }
    }
}
