//! The linear maps' places in automatic differentiation.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::LinearMap;
use crate::ops::gradient::register;

#[derive(Debug)]
struct Linear;

impl<B: Backend + LinearMap> Backward<B, 2> for Linear {
    /// The input is kept only for a weight that is trained, the weight only for an input that is
    /// tracked.
    type State = (Option<FloatTensor<B>>, Option<FloatTensor<B>>);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (x, weight) = ops.state;
        let dw = x.map(|x| B::linear_weight(gradient.clone(), x));
        let dx = weight.map(|weight| B::linear_backward(gradient, weight));
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 2>(gradients, parents, [dx, dw]);
    }
}

#[derive(Debug)]
struct Lora;

#[derive(Clone, Debug)]
struct LoraState<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    low: FloatTensor<B>,
    scale: f32,
}

impl<B: Backend + LinearMap> Backward<B, 3> for Lora {
    type State = LoraState<B>;

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let LoraState { x, weight, a, b, low, scale } = ops.state;
        let wants_x = parents[0].is_some();
        let (x, a, b) = B::lora_backward(x, weight, a, b, low, gradient, scale, wants_x);
        register::<B, 3>(gradients, parents, [Some(x), Some(a), Some(b)]);
    }
}

impl<B: Backend + LinearMap, C: CheckpointStrategy> LinearMap for Autodiff<B, C> {
    fn linear_map(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (tracked_x, tracked_weight) = (x.is_tracked(), weight.is_tracked());
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        match Linear.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let y = B::linear_map(x.clone(), weight.clone());
                prepared.finish((tracked_weight.then_some(x), tracked_x.then_some(weight)), y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::linear_map(x, weight)),
        }
    }

    fn lora(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), a.node(), b.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let (a, b) = (a.into_primitive(), b.into_primitive());
        let (y, low) = B::lora(x.clone(), weight.clone(), a.clone(), b.clone(), scale);
        let y = match Lora.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let low = low.clone();
                prepared.finish(LoraState { x, weight, a, b, low, scale }, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        };
        (y, Self::from_inner(low))
    }

    fn linear_backward(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::from_inner(B::linear_backward(gradient.into_primitive(), weight.into_primitive()))
    }

    fn linear_weight(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_inner(B::linear_weight(a.into_primitive(), b.into_primitive()))
    }

    fn lora_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        scale: f32,
        wants_x: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (x, a, b) = B::lora_backward(
            x.into_primitive(),
            weight.into_primitive(),
            a.into_primitive(),
            b.into_primitive(),
            low.into_primitive(),
            gradient.into_primitive(),
            scale,
            wants_x,
        );
        (Self::from_inner(x), Self::from_inner(a), Self::from_inner(b))
    }
}
