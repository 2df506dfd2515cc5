//! RMS norm (Zhang and Sennrich 2019): `y = w ∘ x / sqrt(mean(x²) + ε)` along each row.

use burn::tensor::Tensor;

use crate::model::Pass;

/// `x`: `[rows, width]`, `weight`: `[width]`. Returns the shape of `x`.
pub fn rms_norm(x: Tensor<2>, weight: &Tensor<1>, epsilon: f64, pass: &Pass) -> Tensor<2> {
    let _ = pass;
    definition(x, weight, epsilon)
}

/// The operation in plain tensors.
pub fn definition(x: Tensor<2>, weight: &Tensor<1>, epsilon: f64) -> Tensor<2> {
    let variance = x.clone().square().mean_dim(1);
    x * (variance + epsilon).sqrt().recip() * weight.clone().unsqueeze::<2>()
}
