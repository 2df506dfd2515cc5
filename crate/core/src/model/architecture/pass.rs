//! What one forward pass carries besides its batch: the adapter, and how operations are carried out.

use std::{cell::RefCell, ops::Deref};

use burn::tensor::Tensor;

use crate::model::beside::{Beside, BesideMap};
use crate::ops::{Arithmetic, Context, Dropout};

/// One forward pass.
#[derive(Debug, Default)]
pub struct Pass<'a> {
    adapter: Option<&'a dyn Beside>,
    context: Context,
    observed: Option<RefCell<Vec<Tensor<2>>>>,
}

/// A pass is all that an operation goes by, and more.
impl Deref for Pass<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl<'a> Pass<'a> {
    /// A pass without dropout: evaluation and generation.
    pub fn evaluate(adapter: Option<&'a dyn Beside>, arithmetic: impl Into<Arithmetic>) -> Self {
        let Arithmetic { kernels, products } = arithmetic.into();
        let context = Context { kernels, products, ..Context::default() };
        Pass { adapter, context, observed: None }
    }

    /// A pass of training.
    pub fn train(
        adapter: Option<&'a dyn Beside>,
        arithmetic: impl Into<Arithmetic>,
        dropout: Dropout,
    ) -> Self {
        let mut pass = Pass::evaluate(adapter, arithmetic);
        pass.context.dropout = Some(dropout);
        pass
    }

    /// The same, with activations made again in the backward pass or kept for it.
    pub fn recomputing(mut self, recompute: bool) -> Self {
        self.context.recompute = recompute;
        self
    }

    /// Keeps the hidden states that go into each block, and those after the final norm.
    pub fn observing(mut self) -> Self {
        self.observed = Some(RefCell::default());
        self
    }

    /// The hidden states kept since the last call, each `[batch · length, d_model]`.
    pub fn observed(&self) -> Vec<Tensor<2>> {
        self.observed.as_ref().map(RefCell::take).unwrap_or_default()
    }

    pub(in crate::model) fn observe(&self, hidden: &Tensor<2>) {
        if let Some(observed) = &self.observed {
            observed.borrow_mut().push(hidden.clone());
        }
    }

    /// What stands beside the linear map of this name.
    pub fn beside(&self, name: &str) -> Option<&'a dyn BesideMap> {
        self.adapter?.map(name)
    }

    /// What goes before the source, `[virtual tokens, d_model]`.
    pub fn prompt(&self) -> Option<&'a Tensor<2>> {
        self.adapter?.prompt()
    }
}
