//! What the operations' places in automatic differentiation share.

use burn::backend::{
    Backend,
    autodiff::{NodeId, grads::Gradients},
    tensor::FloatTensor,
};

/// Hands gradients to the parents that want one.
pub fn register<B: Backend, const N: usize>(
    gradients: &mut Gradients,
    parents: [Option<NodeId>; N],
    values: [Option<FloatTensor<B>>; N],
) {
    for (parent, value) in parents.into_iter().zip(values) {
        if let (Some(parent), Some(value)) = (parent, value) {
            gradients.register::<B>(parent, value);
        }
    }
}
