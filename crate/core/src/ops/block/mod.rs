//! The two kinds of parts that a T5 block consists of, each with its norm before it and what goes past it:
//! `x + part(norm(x))`, with low-rank products beside the linear maps. On GPUs each is one node of the graph
//! with a backward pass derived by hand, so that products add what goes past them, maps of one input are one
//! product, and no more is kept than is read again. Elsewhere, and where something is beside a map that is no
//! low-rank product, a part is made of the other operations, which are its definition.
//!
//! With `n = norm(x)` and `Δ` for gradients, backwards
//!
//! - of the feed-forward part `y = x + g · Woᵀ`, `g = gated_gelu(n · Wi₀ᵀ, n · Wi₁ᵀ)`:
//!   `Δg = Δy · Wo`, `Δn = Δgate · Wi₀ + Δvalue · Wi₁`, `Δx = Δy + norm'(Δn)`;
//! - of attention `y = x + a · Woᵀ`, `a = attention(n · Wqᵀ, s · Wkᵀ, s · Wvᵀ)` where `s` is `n` or another
//!   sequence: `Δa = Δy · Wo`, `Δn = Δq · Wq`, `Δs = Δk · Wk + Δv · Wv`, `Δx = Δy + norm'(Δn)`.

mod attention;
mod feed_forward;
mod low_rank;
mod maps;
pub mod step;

use burn::tensor::Tensor;
use burn_cubecl::tensor::CubeTensor;

pub use attention::{Another, Gathered, attention};
pub use feed_forward::feed_forward;

use super::{
    Context, Weight,
    gpu::{family::Family, few, node::Parent},
};

/// A linear map and the low-rank product beside it.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// `[outputs, inputs]`.
    pub weight: &'a Weight,
    /// What is beside it.
    pub low_rank: Option<LowRank<'a>>,
}

/// `scale · (x · Aᵀ) · Bᵀ`.
#[derive(Clone, Copy, Debug)]
pub struct LowRank<'a> {
    /// A, `[rank, inputs]`.
    pub a: &'a Tensor<2>,
    /// B, `[outputs, rank]`.
    pub b: &'a Tensor<2>,
    /// What the product is multiplied by.
    pub scale: f64,
}

impl Map<'_> {
    /// A and B as parents of a node; where there are none, two of no numbers.
    fn parents(&self, like: &Tensor<2>) -> [Option<Parent>; 2] {
        match self.low_rank {
            Some(LowRank { a, b, .. }) => [a, b].map(Parent::of),
            None => [(); 2].map(|()| Parent::nothing(like)),
        }
    }
}

/// The norm before a part.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// `[width]`.
    pub weight: &'a Tensor<1>,
    /// What is added to the mean square.
    pub epsilon: f64,
}

impl Norm<'_> {
    /// The same where its weight is on a GPU.
    fn on_gpu<'a>(&self, weight: &'a CubeTensor) -> few::Norm<'a> {
        few::Norm { weight, epsilon: self.epsilon as f32 }
    }
}

/// Whether parts are nodes of their own here: on GPUs, where the base is frozen and nothing is dropped.
/// `within` is what else runs in it.
fn is_node(x: &Tensor<2>, norm: Norm, within: Family, context: &Context) -> bool {
    let has = |family| context.has_gpu_kernel_of(family, x);
    let runs = has(Family::Block) && has(within);
    runs && !context.drops() && !norm.weight.is_require_grad()
}
