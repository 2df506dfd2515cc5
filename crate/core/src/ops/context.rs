//! What operations go by: whether their kernels run, and where dropout draws from.

use std::cell::Cell;

use burn::tensor::{Tensor, TensorData, kind::Basic};

use super::{
    Products,
    cpu::is_cpu,
    gpu::{
        self,
        family::{Family, is_left_out},
        is_gpu,
    },
};
use crate::rng::{Purpose, Random};

/// How numbers are made, in training, evaluation and generation alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    /// Whether operations run their kernels (else their definitions).
    pub kernels: bool,
    /// What frozen weights of 8-bit integers are multiplied as, by the processor's kernels.
    pub products: Products,
}

impl Default for Arithmetic {
    fn default() -> Self {
        Arithmetic { kernels: true, products: Products::F32 }
    }
}

impl From<bool> for Arithmetic {
    /// With kernels or without.
    fn from(kernels: bool) -> Self {
        Arithmetic { kernels, ..Arithmetic::default() }
    }
}

/// How operations are carried out in one forward pass.
#[derive(Debug, Default)]
pub struct Context {
    /// Whether operations run their kernels (else their definitions).
    pub kernels: bool,
    /// What frozen weights of 8-bit integers are multiplied as, by the processor's kernels.
    pub products: Products,
    /// Dropout, in training.
    pub dropout: Option<Dropout>,
    /// Whether what a part of a block makes on its way is made again for the backward pass instead of kept,
    /// where parts are nodes.
    pub recompute: bool,
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

impl Context {
    /// Whether an operation on this tensor runs as a kernel of ours: the one place that says which devices
    /// have them, and which of them compute right.
    pub fn has_kernel<const D: usize>(
        &self,
        family: Family,
        tensor: &Tensor<D, impl Basic>,
    ) -> bool {
        self.kernels && (is_cpu(tensor) || is_gpu(tensor) && !is_left_out(family))
    }

    /// The same of a GPU's own: of operations that are more than one elsewhere.
    pub fn has_gpu_kernel_of<const D: usize>(
        &self,
        family: Family,
        tensor: &Tensor<D, impl Basic>,
    ) -> bool {
        self.has_kernel(family, tensor) && is_gpu(tensor)
    }

    /// The same of what only moves numbers.
    pub fn has_gpu_kernel<const D: usize>(&self, tensor: &Tensor<D, impl Basic>) -> bool {
        self.has_gpu_kernel_of(Family::Rows, tensor)
    }

    /// Whether dropout acts before LoRA products.
    pub fn drops_lora(&self) -> bool {
        self.dropout.as_ref().is_some_and(|dropout| dropout.lora > 0.0)
    }

    /// Whether dropout acts inside the model.
    pub fn drops(&self) -> bool {
        self.dropout.as_ref().is_some_and(|dropout| dropout.model > 0.0)
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
        if self.has_gpu_kernel_of(Family::Dropout, &x) {
            let mask = gpu::dropout::mask(&random, rate, keep, x.clone().without_autodiff());
            return x * mask;
        }
        let shape = x.shape();
        let mask: Vec<f32> = (0..shape.num_elements())
            .map(|_| if f64::from(random.uniform()) < rate { 0.0 } else { keep })
            .collect();
        let device = x.device().without_autodiff();
        x * Tensor::from_data(TensorData::new(mask, shape), &device)
    }
}
