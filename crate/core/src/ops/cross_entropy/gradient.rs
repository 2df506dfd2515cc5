//! The loss's place in automatic differentiation.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

use super::CrossEntropy;
use crate::ops::gradient::register;

#[derive(Debug)]
struct Loss;

#[derive(Clone, Debug)]
struct State<B: Backend> {
    logits: FloatTensor<B>,
    labels: FloatTensor<B>,
    partition: FloatTensor<B>,
    label_smoothing: f32,
    z_loss: f32,
}

impl<B: Backend + CrossEntropy> Backward<B, 1> for Loss {
    type State = State<B>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let State { logits, labels, partition, label_smoothing, z_loss } = ops.state;
        let logits =
            B::cross_entropy_backward(logits, labels, partition, gradient, label_smoothing, z_loss);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 1>(gradients, parents, [Some(logits)]);
    }
}

impl<B: Backend + CrossEntropy, C: CheckpointStrategy> CrossEntropy for Autodiff<B, C> {
    fn cross_entropy(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [logits.node()];
        let (logits, labels) = (logits.into_primitive(), labels.into_primitive());
        let (loss, partition) =
            B::cross_entropy(logits.clone(), labels.clone(), label_smoothing, z_loss);
        let loss = match Loss.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let partition = partition.clone();
                let state = State { logits, labels, partition, label_smoothing, z_loss };
                prepared.finish(state, loss)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(loss),
        };
        (loss, Self::from_inner(partition))
    }

    fn cross_entropy_backward(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        partition: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> FloatTensor<Self> {
        Self::from_inner(B::cross_entropy_backward(
            logits.into_primitive(),
            labels.into_primitive(),
            partition.into_primitive(),
            gradient.into_primitive(),
            label_smoothing,
            z_loss,
        ))
    }
}
