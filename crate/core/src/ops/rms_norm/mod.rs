//! RMS norm (Zhang and Sennrich 2019): `y = w ∘ x · r` along each row, `r = 1 / √(mean(x²) + ε)`.
//!
//! Backwards `dx = r · (dy ∘ w − x · r² · mean(dy ∘ w ∘ x))`, `dw = Σ over rows of dy ∘ x · r`.

mod cpu;
pub(in crate::ops) mod gpu;
mod gradient;

use burn::{
    backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};

use super::{Context, gpu::family::Family};

/// The kernels.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait RmsNorm: Backend {
    /// The result, and r of each row: `[rows]`.
    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// The gradients of x and the weight; that of the weight may be empty unless it is wanted.
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scales: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        wants_weight: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// `x`: `[rows, width]`, `weight`: `[width]`. Returns the shape of `x`.
pub fn rms_norm(x: Tensor<2>, weight: &Tensor<1>, epsilon: f64, context: &Context) -> Tensor<2> {
    if !context.has_kernel(Family::Norm, &x) {
        return definition(x, weight, epsilon);
    }
    let weight = weight.clone().into_dispatch();
    let (y, _) = <Dispatch as RmsNorm>::rms_norm(x.into_dispatch(), weight, epsilon as f32);
    Tensor::from_dispatch(y)
}

/// The operation in plain tensors.
pub fn definition(x: Tensor<2>, weight: &Tensor<1>, epsilon: f64) -> Tensor<2> {
    let variance = x.clone().square().mean_dim(1);
    x * (variance + epsilon).sqrt().recip() * weight.clone().unsqueeze::<2>()
}
