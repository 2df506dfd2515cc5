//! The linear map whose weight rests packed: `y = x · Wᵀ`, backwards `dx = dy · W`. The weight is never
//! trained, and its floats are never kept: the backward pass multiplies them out again.

mod cpu;
mod definition;
mod gpu;
mod gradient;

use burn::{
    backend::{
        Backend, Dispatch, backend_extension,
        tensor::{FloatTensor, IntTensor},
    },
    tensor::Tensor,
};

pub use self::definition::{definition, linear_definition};
use crate::ops::{
    Context,
    gpu::family::Family,
    integers::Products,
    packed::{Format, Packed},
};

/// The kernels. `words`, `scales` and `format` are those of [`Packed`], `columns` the width of a row. Where a format
/// has no scales, nothing looks at them: what is handed over must be a tensor.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait PackedMap: Backend {
    /// The weight as floats, `[rows, columns]`.
    fn packed_dense(
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
    ) -> FloatTensor<Self>;
    /// `x · Wᵀ`; on the processor by these products.
    fn packed_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        products: Products,
    ) -> FloatTensor<Self>;
    /// The gradient of x.
    fn packed_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
        products: Products,
    ) -> FloatTensor<Self>;
}

/// `x`: `[rows, inputs]`, `weight`: `[outputs, inputs]`. Returns `[rows, outputs]`.
pub fn linear(x: Tensor<2>, weight: &Packed, context: &Context) -> Tensor<2> {
    if !context.has_kernel(Family::Packed, &x) {
        return linear_definition(x, weight);
    }
    let (words, scales) = operands(weight);
    let (x, products) = (x.into_dispatch(), context.products);
    let y = <Dispatch as PackedMap>::packed_map(x, words, scales, weight.format, products);
    Tensor::from_dispatch(y)
}

/// The weight as floats, `[rows, columns]`.
pub fn multiplied_out(weight: &Packed) -> Tensor<2> {
    let (words, scales) = operands(weight);
    let Packed { format, columns, .. } = *weight;
    Tensor::from_dispatch(<Dispatch as PackedMap>::packed_dense(words, scales, format, columns))
}

/// The words of the numbers and of the scales.
fn operands(weight: &Packed) -> (IntTensor<Dispatch>, IntTensor<Dispatch>) {
    let words = weight.words.clone();
    let scales = weight.scales.clone().unwrap_or_else(|| words.clone());
    (words.into_dispatch(), scales.into_dispatch())
}
