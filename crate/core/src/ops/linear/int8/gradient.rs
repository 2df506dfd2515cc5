//! The map's place in automatic differentiation.

use burn::backend::{
    Autodiff, AutodiffBackend, Backend, TensorMetadata,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::{FloatTensor, IntTensor},
};

use super::Int8Map;
use crate::ops::gradient::register;

#[derive(Debug)]
struct Linear;

#[derive(Clone, Debug)]
struct State<B: Backend> {
    words: IntTensor<B>,
    scales: FloatTensor<B>,
    columns: usize,
}

impl<B: Backend + Int8Map> Backward<B, 1> for Linear {
    type State = State<B>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let State { words, scales, columns } = ops.state;
        let dx = B::int8_backward(gradient, words, scales, columns);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 1>(gradients, parents, [Some(dx)]);
    }
}

impl<B: Backend + Int8Map, C: CheckpointStrategy> Int8Map for Autodiff<B, C> {
    fn int8_dense(
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        Self::from_inner(B::int8_dense(words, scales.into_primitive(), columns))
    }

    fn int8_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let node = x.node();
        let (x, scales) = (x.into_primitive(), scales.into_primitive());
        let columns = x.shape()[1];
        let y = B::int8_map(x, words.clone(), scales.clone());
        match Linear.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(State { words, scales, columns }, y),
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }

    fn int8_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: FloatTensor<Self>,
        columns: usize,
    ) -> FloatTensor<Self> {
        let (gradient, scales) = (gradient.into_primitive(), scales.into_primitive());
        Self::from_inner(B::int8_backward(gradient, words, scales, columns))
    }
}
