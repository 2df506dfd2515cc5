//! Attention's place in automatic differentiation.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend, TensorMetadata,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::FusedAttention;
use crate::ops::gradient::register;

#[derive(Debug)]
struct Attention;

#[derive(Clone, Debug)]
struct State<B: Backend> {
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    kept: FloatTensor<B>,
    /// Where the probabilities are made again, what else that takes: the bias by position, the mask and the
    /// result.
    again: Option<[FloatTensor<B>; 3]>,
    batch: usize,
    heads: usize,
}

impl<B: Backend + FusedAttention> Backward<B, 4> for Attention {
    type State = State<B>;

    fn backward(self, ops: Ops<Self::State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let State { q, k, v, kept, again, batch, heads } = ops.state;
        let [position, mask, y] = again.unwrap_or_else(|| std::array::from_fn(|_| q.clone()));
        let wants_position = parents[3].is_some();
        let (q, k, v, position) = B::attention_backward(
            q,
            k,
            v,
            position,
            mask,
            y,
            kept,
            gradient,
            batch,
            heads,
            wants_position,
        );
        register::<B, 4>(gradients, parents, [Some(q), Some(k), Some(v), Some(position)]);
    }
}

impl<B: Backend + FusedAttention, C: CheckpointStrategy> FusedAttention for Autodiff<B, C> {
    fn fused_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        position: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        batch: usize,
        heads: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [q.node(), k.node(), v.node(), position.node()];
        let (q, k, v) = (q.into_primitive(), k.into_primitive(), v.into_primitive());
        let (position, mask) = (position.into_primitive(), mask.into_primitive());
        let (mixed, kept) = B::fused_attention(
            q.clone(),
            k.clone(),
            v.clone(),
            position.clone(),
            mask.clone(),
            batch,
            heads,
        );
        let mixed = match Attention.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let kept = kept.clone();
                let again = (kept.rank() == 2).then(|| [position, mask, mixed.clone()]);
                let state = State { q, k, v, kept, again, batch, heads };
                prepared.finish(state, mixed)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(mixed),
        };
        (mixed, Self::from_inner(kept))
    }

    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        position: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        y: FloatTensor<Self>,
        kept: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        batch: usize,
        heads: usize,
        wants_position: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (q, k, v, position) = B::attention_backward(
            q.into_primitive(),
            k.into_primitive(),
            v.into_primitive(),
            position.into_primitive(),
            mask.into_primitive(),
            y.into_primitive(),
            kept.into_primitive(),
            gradient.into_primitive(),
            batch,
            heads,
            wants_position,
        );
        (Self::from_inner(q), Self::from_inner(k), Self::from_inner(v), Self::from_inner(position))
    }
}
