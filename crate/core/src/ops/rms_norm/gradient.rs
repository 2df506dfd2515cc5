//! RMS norm's place in automatic differentiation.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::RmsNorm;
use crate::ops::gradient::register;

#[derive(Debug)]
struct Norm;

impl<B: Backend + RmsNorm> Backward<B, 2> for Norm {
    type State = (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (x, weight, scales) = ops.state;
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let wants_weight = parents[1].is_some();
        let (x, weight) = B::rms_norm_backward(x, weight, scales, gradient, wants_weight);
        register::<B, 2>(gradients, parents, [Some(x), Some(weight)]);
    }
}

impl<B: Backend + RmsNorm, C: CheckpointStrategy> RmsNorm for Autodiff<B, C> {
    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let (y, scales) = B::rms_norm(x.clone(), weight.clone(), epsilon);
        let y = match Norm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((x, weight, scales.clone()), y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        };
        (y, Self::from_inner(scales))
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scales: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        wants_weight: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, weight) = B::rms_norm_backward(
            x.into_primitive(),
            weight.into_primitive(),
            scales.into_primitive(),
            gradient.into_primitive(),
            wants_weight,
        );
        (Self::from_inner(x), Self::from_inner(weight))
    }
}
