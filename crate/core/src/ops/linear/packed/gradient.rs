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

use super::PackedMap;
use crate::ops::{gradient::register, integers::Products, packed::Format};

#[derive(Debug)]
struct Linear;

#[derive(Clone, Debug)]
struct State<B: Backend> {
    words: IntTensor<B>,
    scales: IntTensor<B>,
    format: Format,
    columns: usize,
    products: Products,
}

impl<B: Backend + PackedMap> Backward<B, 1> for Linear {
    type State = State<B>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let State { words, scales, format, columns, products } = ops.state;
        let dx = B::packed_backward(gradient, words, scales, format, columns, products);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        register::<B, 1>(gradients, parents, [Some(dx)]);
    }
}

impl<B: Backend + PackedMap, C: CheckpointStrategy> PackedMap for Autodiff<B, C> {
    fn packed_dense(
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
    ) -> FloatTensor<Self> {
        Self::from_inner(B::packed_dense(words, scales, format, columns))
    }

    fn packed_map(
        x: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        products: Products,
    ) -> FloatTensor<Self> {
        let node = x.node();
        let x = x.into_primitive();
        let columns = x.shape()[1];
        let y = B::packed_map(x, words.clone(), scales.clone(), format, products);
        match Linear.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                prepared.finish(State { words, scales, format, columns, products }, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(y),
        }
    }

    fn packed_backward(
        gradient: FloatTensor<Self>,
        words: IntTensor<Self>,
        scales: IntTensor<Self>,
        format: Format,
        columns: usize,
        products: Products,
    ) -> FloatTensor<Self> {
        let gradient = gradient.into_primitive();
        Self::from_inner(B::packed_backward(gradient, words, scales, format, columns, products))
    }
}
