//! The linear map whose weight rests as 8-bit integers with a scale for each row:
//! `y = x · (q ∘ s)ᵀ`, backwards `dx = dy · (q ∘ s)`. The weight is never trained, and its floats are
//! never kept: the backward pass multiplies them out again.

mod cpu;
mod gpu;
mod gradient;

use burn::{
    backend::{
        Backend, Dispatch, TensorMetadata, backend_extension,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::{FloatDType, Shape, Slice, Tensor},
};

use crate::ops::{Context, gpu::family::Family, int8::Int8};

/// The kernels. `words` and `scales` are those of [`Int8`], `columns` the width of a row.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait Int8Map: Backend {
    /// The weight as floats, `[rows, columns]`.
    fn int8_dense(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self>;
    /// `x · Wᵀ`.
    fn int8_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    /// The gradient of x.
    fn int8_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self>;
}

/// `x`: `[rows, inputs]`, `weight`: `[outputs, inputs]`. Returns `[rows, outputs]`.
pub fn linear(x: Tensor<2>, weight: &Int8, context: &Context) -> Tensor<2> {
    if !context.has_kernel(Family::Int8, &x) {
        return linear_definition(x, weight);
    }
    let (words, scales) = (weight.words.clone(), weight.scales.clone());
    let y = <Dispatch as Int8Map>::int8_map(
        x.into_dispatch(),
        words.into_dispatch(),
        scales.into_dispatch(),
    );
    Tensor::from_dispatch(y)
}

/// The weight as floats, `[rows, columns]`.
pub fn multiplied_out(weight: &Int8) -> Tensor<2> {
    let (words, scales) = (weight.words.clone(), weight.scales.clone());
    let dense = <Dispatch as Int8Map>::int8_dense(
        words.into_dispatch(),
        scales.into_dispatch(),
        weight.columns,
    );
    Tensor::from_dispatch(dense)
}

/// The map in plain tensors.
pub fn linear_definition(x: Tensor<2>, weight: &Int8) -> Tensor<2> {
    x.matmul(definition(weight).transpose())
}

/// The weight as floats, in plain tensors.
pub fn definition(weight: &Int8) -> Tensor<2> {
    let (words, scales) = (weight.words.clone(), weight.scales.clone());
    let dense = unpacked::<Dispatch>(words.into_dispatch(), scales.into_dispatch(), weight.columns);
    Tensor::from_dispatch(dense)
}

/// The bytes of each word, with their signs, times the row's scale.
fn unpacked<B: Backend>(
    words: IntTensor<B>,
    scales: FloatTensor<B>,
    columns: usize,
) -> FloatTensor<B> {
    let shape = words.shape();
    let (rows, width) = (shape[0], shape[1]);
    let byte = |place: i32| {
        let high = B::bitwise_left_shift_scalar(words.clone(), (24 - 8 * place).into());
        let byte = B::bitwise_right_shift_scalar(high, 24.into());
        B::int_reshape(byte, Shape::new([rows, width, 1]))
    };
    let bytes = B::int_cat((0..4).map(byte).collect(), 2);
    let bytes = B::int_reshape(bytes, Shape::new([rows, 4 * width]));
    let bytes = B::int_slice(bytes, &[Slice::from(0..rows), Slice::from(0..columns)]);
    let values = B::int_into_float(bytes, FloatDType::F32);
    B::float_mul(values, B::float_reshape(scales, Shape::new([rows, 1])))
}
