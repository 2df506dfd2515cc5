//! A linear map without bias, and one with LoRA beside it.
//!
//! `y = x · Wᵀ`, and `y = x · Wᵀ + s · l · Bᵀ` with `l = x · Aᵀ`. Backwards
//! `dx = dy · W + s · (dy · B) · A`, `dA = s · (dy · B)ᵀ · x`, `dB = s · dyᵀ · l`, `dW = dyᵀ · x` where
//! W is trained. The low-rank product is added to the frozen one in place: no sum of weights, no
//! second result.

mod cpu;
mod few;
mod gpu;
mod gradient;
pub mod packed;

use burn::{
    backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};

use super::{Context, Weight, gpu::family::Family};

/// The kernels.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait LinearMap: Backend {
    /// `x · Wᵀ`.
    fn linear_map(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;
    /// The gradient of x.
    fn linear_backward(gradient: FloatTensor<Self>, weight: FloatTensor<Self>)
    -> FloatTensor<Self>;
    /// `aᵀ · b`: the gradient of a weight, from those of its results and from its inputs.
    fn linear_weight(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
    /// The result, and `l`: `[rows, rank]`.
    fn lora(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// The gradients of x, A and B; that of x is empty unless it is wanted.
    #[allow(clippy::too_many_arguments)]
    fn lora_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        scale: f32,
        wants_x: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// `x`: `[rows, inputs]`, `weight`: `[outputs, inputs]`. Returns `[rows, outputs]`.
pub fn linear(x: Tensor<2>, weight: &Weight, context: &Context) -> Tensor<2> {
    match weight {
        Weight::Dense(weight) => dense(x, weight, context),
        Weight::Packed(weight) => packed::linear(x, weight, context),
    }
}

/// [`linear`] with a weight of floats.
fn dense(x: Tensor<2>, weight: &Tensor<2>, context: &Context) -> Tensor<2> {
    let weight = weight.clone();
    if !context.has_kernel(Family::Product, &x) {
        return x.matmul(weight.transpose());
    }
    let y = <Dispatch as LinearMap>::linear_map(x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(y)
}

/// `x`: `[rows, inputs]`, `weight`: `[outputs, inputs]`, `a`: `[rank, inputs]`, `b`:
/// `[outputs, rank]`. Returns `[rows, outputs]`.
pub fn lora(
    x: Tensor<2>,
    weight: &Weight,
    a: &Tensor<2>,
    b: &Tensor<2>,
    scale: f64,
    context: &Context,
) -> Tensor<2> {
    let weight = match weight {
        Weight::Dense(weight) => weight,
        Weight::Packed(weight) => {
            let low = dense(x.clone(), a, context) * scale;
            return packed::linear(x, weight, context) + dense(low, b, context);
        }
    };
    if !context.has_kernel(Family::Product, &x) {
        return lora_definition(x, weight, a, b, scale);
    }
    let (y, _) = <Dispatch as LinearMap>::lora(
        x.into_dispatch(),
        weight.clone().into_dispatch(),
        a.clone().into_dispatch(),
        b.clone().into_dispatch(),
        scale as f32,
    );
    Tensor::from_dispatch(y)
}

/// LoRA in plain tensors.
pub fn lora_definition(
    x: Tensor<2>,
    weight: &Tensor<2>,
    a: &Tensor<2>,
    b: &Tensor<2>,
    scale: f64,
) -> Tensor<2> {
    let low = x.clone().matmul(a.clone().transpose()) * scale;
    x.matmul(weight.clone().transpose()) + low.matmul(b.clone().transpose())
}
