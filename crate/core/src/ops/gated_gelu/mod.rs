//! The gate of T5 v1.1: `y = gelu(a) ∘ b`, with the tanh form of GELU that transformers calls
//! `gelu_new`: `gelu(a) = a/2 · (1 + t)`, `t = tanh(√(2/π) · (a + 0.044715 · a³))`.
//!
//! Backwards `da = dy ∘ b ∘ gelu'(a)`, `db = dy ∘ gelu(a)` with
//! `gelu'(a) = (1 + t)/2 + a/2 · (1 − t²) · √(2/π) · (1 + 3 · 0.044715 · a²)`.

mod cpu;
pub(in crate::ops) mod gpu;
mod gradient;

use burn::{
    backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor},
    tensor::Tensor,
};

use super::{Context, gpu::family::Family};

const CUBIC: f64 = 0.044715;

/// Beyond it tanh is ±1 in a float. Some GPUs' tanh is a quotient of exponentials, which is not a
/// number where they overflow; so what it is given is held within this.
const TANH_ENDS: f64 = 10.0;

/// The kernels.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait GatedGelu: Backend {
    /// The result.
    fn gated_gelu(gate: FloatTensor<Self>, value: FloatTensor<Self>) -> FloatTensor<Self>;
    /// The gradients of gate and value.
    fn gated_gelu_backward(
        gate: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// `gate` and `value` of one shape, which is also that of the result.
pub fn gated_gelu(gate: Tensor<2>, value: Tensor<2>, context: &Context) -> Tensor<2> {
    if !context.has_kernel(Family::GatedGelu, &gate) {
        return definition(gate, value);
    }
    Tensor::from_dispatch(<Dispatch as GatedGelu>::gated_gelu(
        gate.into_dispatch(),
        value.into_dispatch(),
    ))
}

/// The operation in plain tensors.
pub fn definition(gate: Tensor<2>, value: Tensor<2>) -> Tensor<2> {
    let cube = gate.clone() * gate.clone() * gate.clone();
    let inner = (gate.clone() + cube * CUBIC) * (2.0 / std::f64::consts::PI).sqrt();
    gate * 0.5 * (inner.clamp(-TANH_ENDS, TANH_ENDS).tanh() + 1.0) * value
}
