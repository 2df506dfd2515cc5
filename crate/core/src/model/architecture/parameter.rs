//! A walk over named tensors: how weights are loaded, trained, saved and counted.

use burn::tensor::Tensor;

use crate::ops::Weight;

/// A named tensor of a model or an adapter.
#[derive(Debug)]
pub enum Parameter<'a> {
    /// One dimension: norms and magnitudes.
    Vector(&'a mut Tensor<1>),
    /// Two dimensions: position biases, and what an adapter has.
    Matrix(&'a mut Tensor<2>),
    /// Two dimensions, floats or 8-bit integers: linear maps, the embedding and the head. Integers
    /// become floats where the values are changed or tracked.
    Weight(&'a mut Weight),
}

impl Parameter<'_> {
    /// The tensor's shape.
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Parameter::Vector(tensor) => tensor.dims().to_vec(),
            Parameter::Matrix(tensor) => tensor.dims().to_vec(),
            Parameter::Weight(weight) => weight.dims().to_vec(),
        }
    }

    /// The tensor's values as one row, without history.
    pub fn flat(&self) -> Tensor<1> {
        match self {
            Parameter::Vector(tensor) => (*tensor).clone().without_autodiff(),
            Parameter::Matrix(tensor) => (*tensor).clone().without_autodiff().flatten(0, 1),
            Parameter::Weight(weight) => weight.dense().without_autodiff().flatten(0, 1),
        }
    }

    /// Changes the values, which go in and come out as one row without history. Nothing else holds
    /// them meanwhile, so that they can be changed in place.
    pub fn replace(&mut self, change: impl FnOnce(Tensor<1>) -> Tensor<1>) {
        match self {
            Parameter::Vector(tensor) => {
                let empty = Tensor::zeros([0], &tensor.device());
                **tensor = change(std::mem::replace(*tensor, empty).without_autodiff());
            }
            Parameter::Matrix(tensor) => {
                let shape = tensor.dims();
                let empty = Tensor::zeros([0, 0], &tensor.device());
                let values = std::mem::replace(*tensor, empty).without_autodiff().flatten(0, 1);
                **tensor = change(values).reshape(shape);
            }
            Parameter::Weight(weight) => {
                let shape = weight.dims();
                let values = weight.take().without_autodiff().flatten(0, 1);
                **weight = change(values).reshape(shape).into();
            }
        }
    }

    /// Makes it a leaf whose gradient is kept, or an ordinary tensor again.
    pub fn track(&mut self, on: bool) {
        match self {
            Parameter::Vector(tensor) => **tensor = tracked(tensor, on),
            Parameter::Matrix(tensor) => **tensor = tracked(tensor, on),
            Parameter::Weight(weight) => **weight = tracked(&mut weight.take(), on).into(),
        }
    }

    /// Takes its gradient out, as one row; zeros where the loss did not depend on it.
    pub fn take_gradient(&self, gradients: &mut burn::tensor::Gradients) -> Tensor<1> {
        match self {
            Parameter::Vector(tensor) => (tensor.grad_remove(gradients))
                .unwrap_or_else(|| (*tensor).clone().without_autodiff().zeros_like()),
            Parameter::Matrix(tensor) => (tensor.grad_remove(gradients))
                .unwrap_or_else(|| (*tensor).clone().without_autodiff().zeros_like())
                .flatten(0, 1),
            Parameter::Weight(weight) => {
                Parameter::Matrix(&mut weight.dense()).take_gradient(gradients)
            }
        }
    }
}

/// Has all of them keep gradients, until [`gradients`] takes these.
pub fn track(parameters: &mut dyn Parameters) {
    parameters.visit(&mut |_, mut parameter| parameter.track(true));
}

/// The gradients of a loss, each as one row, in the order of the walk. What they were kept for are ordinary
/// tensors again.
pub fn gradients(parameters: &mut dyn Parameters, loss: &Tensor<1>) -> Vec<Tensor<1>> {
    let (mut computed, mut gradients) = (loss.backward(), Vec::new());
    parameters.visit(&mut |_, mut parameter| {
        gradients.push(parameter.take_gradient(&mut computed));
        parameter.track(false);
    });
    gradients
}

fn tracked<const D: usize>(tensor: &mut Tensor<D>, on: bool) -> Tensor<D> {
    let plain = tensor.clone().without_autodiff();
    if on { plain.autodiff().require_grad() } else { plain }
}

/// Something with named tensors.
pub trait Parameters {
    /// Calls `visit` once for each tensor, always in the same order.
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter));

    /// How many numbers there are in all.
    fn count(&mut self) -> usize {
        let mut count = 0;
        self.visit(&mut |_, parameter| count += parameter.shape().iter().product::<usize>());
        count
    }
}
