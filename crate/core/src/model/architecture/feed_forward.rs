//! The feed-forward part of a block: gated GELU (T5 v1.1, FLAN-T5) or ReLU (T5 v1.0).

use burn::tensor::{Tensor, activation::relu};

use crate::device::Device;
use crate::model::{
    linear::{Linear, Unplaced},
    parameter::{Parameter, Parameters},
    pass::Pass,
};
use crate::ops::{self, block::Norm};

/// What stands between the two maps.
// There is one in a block, and all blocks of a model have the same.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum FeedForward {
    /// `(gelu_new(x · wi_0ᵀ) ∘ x · wi_1ᵀ) · woᵀ`.
    GatedGelu {
        /// To the gate, `[d_ff, d_model]`.
        wi_0: Linear,
        /// To what is gated, `[d_ff, d_model]`.
        wi_1: Linear,
        /// Back, `[d_model, d_ff]`.
        wo: Linear,
    },
    /// `relu(x · wiᵀ) · woᵀ`.
    Relu {
        /// `[d_ff, d_model]`.
        wi: Linear,
        /// Back, `[d_model, d_ff]`.
        wo: Linear,
    },
}

impl FeedForward {
    /// Puts the maps `wi_0`, `wi_1` and `wo` of a gated one onto a device, where weights lie as [`FeedForward::part`]
    /// takes them.
    pub fn put_gated([wi_0, wi_1, wo]: [Unplaced; 3], device: &Device) -> Self {
        let ([wi_0, wi_1], [wo]) =
            (Unplaced::put([wi_0, wi_1], device), Unplaced::put([wo], device));
        FeedForward::GatedGelu { wi_0, wi_1, wo }
    }

    /// Puts the maps `wi` and `wo` of one without a gate onto a device.
    pub fn put_relu([wi, wo]: [Unplaced; 2], device: &Device) -> Self {
        let ([wi], [wo]) = (Unplaced::put([wi], device), Unplaced::put([wo], device));
        FeedForward::Relu { wi, wo }
    }

    /// The whole part of a block, with the norm before it and what goes past it, where it is computed at once.
    pub fn part(&self, x: &Tensor<2>, norm: Norm<'_>, pass: &Pass) -> Option<Tensor<2>> {
        match self {
            FeedForward::GatedGelu { wi_0, wi_1, wo } => {
                let wi = [wi_0.map(pass)?, wi_1.map(pass)?];
                ops::block::feed_forward(x, norm, wi, wo.map(pass)?, pass)
            }
            FeedForward::Relu { .. } => None,
        }
    }

    /// The same for one more token of each row, `[batch, d_model]`, of which nothing is trained.
    pub fn step(&self, x: &Tensor<2>, norm: Norm<'_>, pass: &Pass) -> Option<Tensor<2>> {
        match self {
            FeedForward::GatedGelu { wi_0, wi_1, wo } => {
                let wi = [wi_0.map(pass)?, wi_1.map(pass)?];
                ops::block::step::feed_forward(x, norm, wi, wo.map(pass)?, pass)
            }
            FeedForward::Relu { .. } => None,
        }
    }

    /// `x`: `[rows, d_model]`. Returns the same shape.
    pub fn forward(&self, x: Tensor<2>, pass: &Pass) -> Tensor<2> {
        match self {
            FeedForward::GatedGelu { wi_0, wi_1, wo } => {
                let gate = wi_0.forward(x.clone(), pass);
                let value = wi_1.forward(x, pass);
                let inner = ops::gated_gelu::gated_gelu(gate, value, pass);
                wo.forward(pass.dropout(inner), pass)
            }
            FeedForward::Relu { wi, wo } => {
                let inner = relu(wi.forward(x, pass));
                wo.forward(pass.dropout(inner), pass)
            }
        }
    }
}

impl Parameters for FeedForward {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        match self {
            FeedForward::GatedGelu { wi_0, wi_1, wo } => {
                for linear in [wi_0, wi_1, wo] {
                    linear.visit(visit);
                }
            }
            FeedForward::Relu { wi, wo } => {
                for linear in [wi, wo] {
                    linear.visit(visit);
                }
            }
        }
    }
}
