//! The gate of T5 v1.1: `y = gelu(a) ∘ b`, with the tanh form of GELU that transformers calls
//! `gelu_new`: `gelu(a) = a/2 · (1 + tanh(√(2/π) · (a + 0.044715 · a³)))`.

use burn::tensor::Tensor;

use crate::model::Pass;

/// `gate` and `value` of one shape, which is also that of the result.
pub fn gated_gelu(gate: Tensor<2>, value: Tensor<2>, pass: &Pass) -> Tensor<2> {
    let _ = pass;
    definition(gate, value)
}

/// The operation in plain tensors.
pub fn definition(gate: Tensor<2>, value: Tensor<2>) -> Tensor<2> {
    let cube = gate.clone() * gate.clone() * gate.clone();
    let inner = (gate.clone() + cube * 0.044715) * (2.0 / std::f64::consts::PI).sqrt();
    gate * 0.5 * (inner.tanh() + 1.0) * value
}
