//! Rows of a matrix on GPUs: those of the embedding, or all of a packed one.

use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::EMBED;

use super::{Launch, Right, count, empty, groups};
use crate::ops::packed::Format;

/// Whether rows of so many packed numbers can be read.
pub fn fits(format: Format, columns: usize) -> bool {
    format.fits(columns) && columns.is_multiple_of(4)
}

/// These rows of the matrix as floats, `[ids, columns]`.
///
/// # Panics
/// Where rows of a packed matrix do not fit.
pub fn rows(matrix: &Right, ids: &CubeTensor, columns: usize) -> CubeTensor {
    if let Right::Packed { format, .. } = matrix {
        assert!(fits(*format, columns), "{columns} columns of {format:?}");
    }
    let fours = columns.is_multiple_of(4);
    let y = empty(ids, [count(ids), columns]);
    let width = if fours { columns / 4 } else { columns };
    let launch = matrix.read(matrix.constants(Launch::new(&EMBED)).constant("VEC", fours));
    let launch = launch.read(ids).write(&y).size(count(ids)).size(width);
    launch.run(groups(count(ids) * width, 64));
    y
}
