//! The gate's place in automatic differentiation.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::GatedGelu;
use crate::ops::gradient::register;

#[derive(Debug)]
struct Gate;

impl<B: Backend + GatedGelu> Backward<B, 2> for Gate {
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let (gate, value) = ops.state;
        let (gate, value) = B::gated_gelu_backward(gate, value, gradient);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 2>(gradients, parents, [Some(gate), Some(value)]);
    }
}

impl<B: Backend + GatedGelu, C: CheckpointStrategy> GatedGelu for Autodiff<B, C> {
    fn gated_gelu(gate: FloatTensor<Self>, value: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [gate.node(), value.node()];
        let (gate, value) = (gate.into_primitive(), value.into_primitive());
        match Gate.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let result = B::gated_gelu(gate.clone(), value.clone());
                prepared.finish((gate, value), result)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::gated_gelu(gate, value)),
        }
    }

    fn gated_gelu_backward(
        gate: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (gate, value) = B::gated_gelu_backward(
            gate.into_primitive(),
            value.into_primitive(),
            gradient.into_primitive(),
        );
        (Self::from_inner(gate), Self::from_inner(value))
    }
}
