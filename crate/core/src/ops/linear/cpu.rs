//! Linear maps on the CPU: products straight into memory that is not cleared first.

use burn::{
    backend::{Flex, TensorMetadata, tensor::FloatTensor},
    tensor::Shape,
};

use super::{LinearMap, few};
use crate::ops::cpu::{Matrix, Shared, Values, filled, product, tensor};

/// A contiguous matrix, `[rows, columns]`.
struct Operand {
    values: Values,
    rows: usize,
    columns: usize,
}

impl Operand {
    fn of(tensor: &FloatTensor<Flex>) -> Self {
        let shape = tensor.shape();
        Operand { values: Values::of(tensor), rows: shape[0], columns: shape[1] }
    }

    fn matrix(&self) -> Matrix<'_> {
        Matrix::new(self.values.as_slice(), self.rows, self.columns, self.columns)
    }
}

/// `scale · a · b`, of this shape.
fn multiplied(a: Matrix, b: Matrix, [rows, columns]: [usize; 2], scale: f32) -> Vec<f32> {
    // SAFETY: the product writes every element, and has the vector to itself.
    unsafe {
        filled(rows * columns, |out| {
            product(out.matrix(0, columns), a, b, scale, false, false);
        })
    }
}

/// `x · Wᵀ`.
fn mapped(x: &Operand, weight: &Operand) -> Vec<f32> {
    let shape = [x.rows, weight.rows];
    if x.rows > few::ROWS {
        return multiplied(x.matrix(), weight.matrix().transposed(), shape, 1.0);
    }
    let (values, weight) = (x.values.as_slice(), weight.values.as_slice());
    // SAFETY: the product writes every element.
    unsafe { filled(shape[0] * shape[1], |y| few::product(y, values, weight, [x.rows, x.columns])) }
}

/// Adds `scale · a · b`, which has `columns` columns.
fn add(values: &mut [f32], a: Matrix, b: Matrix, columns: usize, scale: f32) {
    // SAFETY: the product has the vector to itself.
    unsafe { product(Shared::of(values).matrix(0, columns), a, b, scale, true, false) };
}

impl LinearMap for Flex {
    fn linear_map(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, weight) = (Operand::of(&x), Operand::of(&weight));
        tensor(mapped(&x, &weight), Shape::new([x.rows, weight.rows]))
    }

    fn linear_backward(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (gradient, weight) = (Operand::of(&gradient), Operand::of(&weight));
        let shape = [gradient.rows, weight.columns];
        tensor(multiplied(gradient.matrix(), weight.matrix(), shape, 1.0), Shape::new(shape))
    }

    fn linear_weight(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        let (a, b) = (Operand::of(&a), Operand::of(&b));
        let shape = [a.columns, b.columns];
        tensor(multiplied(a.matrix().transposed(), b.matrix(), shape, 1.0), Shape::new(shape))
    }

    fn lora(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, weight) = (Operand::of(&x), Operand::of(&weight));
        let (a, b) = (Operand::of(&a), Operand::of(&b));
        let (rows, rank, outputs) = (x.rows, a.rows, weight.rows);
        let low = multiplied(x.matrix(), a.matrix().transposed(), [rows, rank], 1.0);
        let mut y = mapped(&x, &weight);
        let up = b.matrix().transposed();
        add(&mut y, Matrix::new(&low, rows, rank, rank), up, outputs, scale);
        (tensor(y, Shape::new([rows, outputs])), tensor(low, Shape::new([rows, rank])))
    }

    fn lora_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        scale: f32,
        wants_x: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (x, weight, low) = (Operand::of(&x), Operand::of(&weight), Operand::of(&low));
        let (a, b, gradient) = (Operand::of(&a), Operand::of(&b), Operand::of(&gradient));
        let (rows, rank) = (x.rows, a.rows);
        let (inputs, outputs) = (weight.columns, weight.rows);
        let down = multiplied(gradient.matrix(), b.matrix(), [rows, rank], scale);
        let down = Matrix::new(&down, rows, rank, rank);
        let da = multiplied(down.transposed(), x.matrix(), [rank, inputs], 1.0);
        let back = gradient.matrix().transposed();
        let db = multiplied(back, low.matrix(), [outputs, rank], scale);
        let dx = match wants_x {
            true => {
                let shape = [rows, inputs];
                let mut dx = multiplied(gradient.matrix(), weight.matrix(), shape, 1.0);
                add(&mut dx, down, a.matrix(), inputs, 1.0);
                tensor(dx, Shape::new(shape))
            }
            false => tensor(Vec::new(), Shape::new([0, inputs])),
        };
        (dx, tensor(da, Shape::new([rank, inputs])), tensor(db, Shape::new([outputs, rank])))
    }
}
