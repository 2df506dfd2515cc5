//! The matrices beside one linear map.

use burn::tensor::Tensor;

use crate::{
    model::beside::BesideMap,
    ops::{self, Context, Weight, block::LowRank},
};

/// The matrices beside one linear map.
#[derive(Clone, Debug)]
pub struct LoraLayer {
    /// A, `[rank, inputs]`.
    pub a: Tensor<2>,
    /// B, `[outputs, rank]`.
    pub b: Tensor<2>,
    /// α/r or α/√r.
    pub scale: f64,
    /// DoRA's part.
    pub dora: Option<Dora>,
}

/// What DoRA adds to a layer.
#[derive(Clone, Debug)]
pub struct Dora {
    /// The magnitude of each output's weight vector, `[outputs]`; trained.
    pub magnitude: Tensor<1>,
    /// The squared norm of each row of the frozen weight, `[outputs]`.
    base_squared: Tensor<1>,
}

impl BesideMap for LoraLayer {
    fn forward(&self, x: Tensor<2>, weight: &Weight, context: &Context) -> Tensor<2> {
        if self.dora.is_none() && !context.drops_lora() {
            return ops::linear::lora(x, weight, &self.a, &self.b, self.scale, context);
        }
        let dropped = context.lora_dropout(x.clone());
        let base = ops::linear::linear(x, weight, context);
        let map = |x, matrix: &Tensor<2>| ops::linear::linear(x, &matrix.clone().into(), context);
        let up = map(map(dropped.clone(), &self.a) * self.scale, &self.b);
        let Some(dora) = &self.dora else {
            return base + up;
        };
        let ratio = self.ratio(dora, weight, context);
        if context.drops_lora() {
            // As peft: the magnitude acts on the product of the dropped input.
            let frozen = ops::linear::linear(dropped, weight, context);
            base + frozen * (ratio.clone() - 1.0) + up * ratio
        } else {
            (base + up) * ratio
        }
    }

    fn low_rank(&self, context: &Context) -> Option<LowRank<'_>> {
        let plain = self.dora.is_none() && !context.drops_lora();
        plain.then_some(LowRank { a: &self.a, b: &self.b, scale: self.scale })
    }
}

impl LoraLayer {
    /// The magnitude over the norm of each row of `W + s · B · A`, `[1, outputs]`. The norm counts
    /// as a constant in the backward pass (section 4.3 of the DoRA paper), and comes from
    /// `‖w‖² + 2s · w·(BA) + s² · ‖BA‖²` so that no dense sum is made.
    fn ratio(&self, dora: &Dora, weight: &Weight, context: &Context) -> Tensor<2> {
        let (a, b) = (self.a.clone().without_autodiff(), self.b.clone().without_autodiff());
        let map = |x, matrix: &Tensor<2>| ops::linear::linear(x, &matrix.clone().into(), context);
        let mixed = map(weight.dense(), &a) * b.clone();
        // A · Aᵀ, in plain tensors: no shader may have one buffer twice. It is its own transpose.
        let own = map(b.clone(), &a.clone().matmul(a.transpose())) * b;
        let squared = dora.base_squared.clone().unsqueeze_dim::<2>(1)
            + mixed.sum_dim(1) * (2.0 * self.scale)
            + own.sum_dim(1) * (self.scale * self.scale);
        let norm = squared.clamp_min(0.0).sqrt().squeeze_dim::<1>(1);
        (dora.magnitude.clone() / norm).unsqueeze()
    }

    /// The weight that does alone what the frozen one and this do together, `[outputs, inputs]`.
    pub fn merged(&self, weight: &Weight) -> Tensor<2> {
        let sum = weight.dense() + self.b.clone().matmul(self.a.clone()) * self.scale;
        match &self.dora {
            None => sum,
            Some(dora) => sum * self.ratio(dora, weight, &Context::default()).transpose(),
        }
    }
}

impl Dora {
    /// The magnitudes that change nothing: the norms of the frozen rows.
    pub fn of(weight: &Weight) -> Self {
        let base_squared = weight.dense().square().sum_dim(1).squeeze_dim::<1>(1);
        Dora { magnitude: base_squared.clone().sqrt(), base_squared }
    }

    /// Trained magnitudes beside a frozen weight.
    pub fn with(magnitude: Tensor<1>, weight: &Weight) -> Self {
        Dora { magnitude, ..Dora::of(weight) }
    }
}
