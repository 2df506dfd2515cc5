//! What one forward pass carries besides its batch: the adapter, dropout, and which kernels run.

use std::cell::{Cell, RefCell};

use burn::tensor::{Tensor, TensorData};

use crate::{
    adapter::{Adapter, LoraLayer},
    rng::{Purpose, Random},
};

/// One forward pass.
#[derive(Debug, Default)]
pub struct Pass<'a> {
    adapter: Option<&'a Adapter>,
    dropout: Option<Dropout>,
    /// Whether fused operations run their kernels (else their definitions).
    pub kernels: bool,
    observed: Option<RefCell<Vec<Tensor<2>>>>,
}

/// Where dropout draws its numbers from. The draws depend on seed, step and place alone, so that a
/// resumed run drops the same.
#[derive(Debug)]
pub struct Dropout {
    /// The rate inside the model.
    pub model: f64,
    /// The rate before a LoRA product.
    pub lora: f64,
    /// The run's seed.
    pub seed: u64,
    /// The number of the forward pass within the run.
    pub step: u64,
    place: Cell<u64>,
}

impl Dropout {
    /// Draws for one forward pass of a run.
    pub fn new(model: f64, lora: f64, seed: u64, step: u64) -> Self {
        Dropout { model, lora, seed, step, place: Cell::new(0) }
    }
}

impl<'a> Pass<'a> {
    /// A pass without dropout: evaluation and generation.
    pub fn evaluate(adapter: Option<&'a Adapter>, kernels: bool) -> Self {
        Pass { adapter, dropout: None, kernels, observed: None }
    }

    /// A pass of training.
    pub fn train(adapter: Option<&'a Adapter>, kernels: bool, dropout: Dropout) -> Self {
        Pass { adapter, dropout: Some(dropout), kernels, observed: None }
    }

    /// Whether dropout acts before LoRA products.
    pub fn drops_lora(&self) -> bool {
        self.dropout.as_ref().is_some_and(|dropout| dropout.lora > 0.0)
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

    pub(super) fn observe(&self, hidden: &Tensor<2>) {
        if let Some(observed) = &self.observed {
            observed.borrow_mut().push(hidden.clone());
        }
    }

    /// Whether dropout acts inside the model.
    pub fn drops(&self) -> bool {
        self.dropout.as_ref().is_some_and(|dropout| dropout.model > 0.0)
    }

    /// The LoRA matrices beside the linear map of this name.
    pub fn lora(&self, name: &str) -> Option<&'a LoraLayer> {
        match self.adapter? {
            Adapter::Lora(lora) => lora.layers.get(name),
            Adapter::Prompt(_) => None,
        }
    }

    /// The soft prompt, `[virtual tokens, d_model]`.
    pub fn prompt(&self) -> Option<&'a Tensor<2>> {
        match self.adapter? {
            Adapter::Prompt(prompt) => Some(&prompt.embeddings),
            Adapter::Lora(_) => None,
        }
    }

    /// Dropout as the model has it, at its next place.
    pub fn dropout<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.drop(x, |dropout| dropout.model)
    }

    /// Dropout before a LoRA product, at its next place.
    pub fn lora_dropout<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.drop(x, |dropout| dropout.lora)
    }

    fn drop<const D: usize>(&self, x: Tensor<D>, rate: impl Fn(&Dropout) -> f64) -> Tensor<D> {
        let Some(dropout) = self.dropout.as_ref().filter(|dropout| rate(dropout) > 0.0) else {
            return x;
        };
        let rate = rate(dropout);
        let place = dropout.place.replace(dropout.place.get() + 1);
        let mut random = Random::new(dropout.seed, Purpose::Dropout, dropout.step, place);
        let keep = (1.0 / (1.0 - rate)) as f32;
        let shape = x.shape();
        let mask: Vec<f32> = (0..shape.num_elements())
            .map(|_| if f64::from(random.uniform()) < rate { 0.0 } else { keep })
            .collect();
        let device = x.device().without_autodiff();
        x * Tensor::from_data(TensorData::new(mask, shape), &device)
    }
}
