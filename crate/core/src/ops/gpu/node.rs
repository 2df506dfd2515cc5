//! A whole piece of a model as one node of the graph of automatic differentiation: what it makes, and how
//! gradients come back through it.

use std::{fmt, sync::Arc};

use burn::{
    backend::{
        Autodiff, AutodiffBackend, Cube,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        tensor::FloatTensor,
    },
    tensor::Tensor,
};
use burn_cubecl::tensor::CubeTensor;

use super::empty;
use crate::ops::gradient::register;

/// From the gradient of what was made, and whether each parent wants one, the parents' gradients.
type Back<const N: usize> = dyn Fn(CubeTensor, [bool; N]) -> [Option<CubeTensor>; N] + Send + Sync;

/// What goes into a node: numbers on a GPU, and the place in the graph that they come from.
#[derive(Debug)]
pub struct Parent(FloatTensor<Autodiff<Cube>>);

impl Parent {
    /// Of a tensor, tracked or not; none where it is not on a GPU.
    pub fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if let Ok(tracked) = tensor.clone().try_into_primitive::<Autodiff<Cube>>() {
            return Some(Parent(tracked));
        }
        let plain = tensor.clone().try_into_primitive::<Cube>().ok()?;
        Some(Parent::constant(plain))
    }

    /// Numbers that want no gradient.
    pub fn constant(tensor: CubeTensor) -> Self {
        Parent(Autodiff::<Cube>::from_inner(tensor))
    }

    /// No numbers, where there is nothing to go in.
    pub fn nothing<const D: usize>(like: &Tensor<D>) -> Option<Self> {
        let like = like.clone().without_autodiff().try_into_primitive::<Cube>().ok()?;
        Some(Parent::constant(empty(&like, [0, 0])))
    }

    /// The numbers.
    pub fn numbers(&self) -> CubeTensor {
        self.0.primitive().clone()
    }

    /// Whether a gradient is wanted.
    pub fn is_tracked(&self) -> bool {
        self.0.is_tracked()
    }
}

/// What was made of the parents, with its place in the graph.
pub fn record<const N: usize, const D: usize>(
    parents: [Parent; N],
    made: CubeTensor,
    back: impl Fn(CubeTensor, [bool; N]) -> [Option<CubeTensor>; N] + Send + Sync + 'static,
) -> Tensor<D> {
    if !parents.iter().any(Parent::is_tracked) {
        return Tensor::from_primitive::<Cube>(made);
    }
    let guards = parents.each_ref().map(|parent| parent.0.node());
    let made = match Node.prepare::<NoCheckpointing>(guards).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(State(Arc::new(back)), made),
        OpsKind::UnTracked(prepared) => prepared.finish(made),
    };
    Tensor::from_primitive::<Autodiff<Cube>>(made)
}

#[derive(Debug)]
struct Node;

struct State<const N: usize>(Arc<Back<N>>);

impl<const N: usize> Clone for State<N> {
    fn clone(&self) -> Self {
        State(self.0.clone())
    }
}

impl<const N: usize> fmt::Debug for State<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

impl<const N: usize> Backward<Cube, N> for Node {
    type State = State<N>;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Cube>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|node| node.id));
        let found = (ops.state.0)(gradient, parents.each_ref().map(Option::is_some));
        register::<Cube, N>(gradients, parents, found);
    }
}
