//! Matrices of floats in memory, wherever their rows and columns stand.

/// A matrix to be written: its first element and the distance between rows.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub(super) first: *mut f32,
    pub(super) stride: usize,
}

/// A matrix to be read.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    pub(super) values: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `columns` numbers, `stride` apart.
    pub fn new(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        let needed = if rows * columns == 0 { 0 } else { (rows - 1) * stride + columns };
        assert!(values.len() >= needed, "a matrix of {needed} numbers in {}", values.len());
        Matrix { values, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// Rows and columns exchanged; nothing is copied.
    pub fn transposed(self) -> Self {
        Matrix {
            values: self.values,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}
