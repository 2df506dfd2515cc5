//! A matrix of the model's own: floats, or 8-bit integers with scales.

use burn::{
    backend::Cube,
    tensor::{Int, Tensor},
};

use super::{Context, gpu, int8::Int8, linear::int8, rows::lay_together};

/// The weight of a linear map, the embedding, or the head.
// Most of a model is of these, and a tensor is large only because its kind is inside it.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Weight {
    /// As 32-bit floats.
    Dense(Tensor<2>),
    /// As 8-bit integers, dequantized where they are used.
    Int8(Int8),
}

impl Weight {
    /// `[rows, columns]`: of a linear map `[outputs, inputs]`, of the embedding `[tokens, width]`.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Weight::Dense(tensor) => tensor.dims(),
            Weight::Int8(int8) => int8.dims(),
        }
    }

    /// As floats: the tensor itself, or one made for the occasion.
    pub fn dense(&self) -> Tensor<2> {
        match self {
            Weight::Dense(tensor) => tensor.clone(),
            Weight::Int8(int8) => int8::multiplied_out(int8),
        }
    }

    /// Takes the floats out and leaves nothing, so that they can be changed in place.
    pub fn take(&mut self) -> Tensor<2> {
        let device = match self {
            Weight::Dense(tensor) => tensor.device(),
            Weight::Int8(int8) => int8.scales.device(),
        };
        let empty = Weight::Dense(Tensor::zeros([0, 0], &device));
        match std::mem::replace(self, empty) {
            Weight::Dense(tensor) => tensor,
            Weight::Int8(int8) => int8::multiplied_out(&int8),
        }
    }

    /// Has weights lie one after the other in memory, so that a GPU takes them as one. Elsewhere nothing
    /// changes.
    pub fn lay_together(mut weights: Vec<&mut Weight>) {
        let mut floats = Vec::new();
        for weight in &weights {
            match weight {
                Weight::Dense(tensor) => floats.extend(tensor.clone().try_into_primitive::<Cube>()),
                Weight::Int8(int8) => {
                    floats.extend(int8.scales.clone().try_into_primitive::<Cube>())
                }
            }
        }
        let words = weights.iter().filter_map(|weight| match weight {
            Weight::Dense(_) => None,
            Weight::Int8(int8) => int8.words.clone().try_into_primitive::<Cube>().ok(),
        });
        let words: Vec<_> = words.collect();
        if floats.len() != weights.len() || !(words.is_empty() || words.len() == weights.len()) {
            return;
        }
        let mut words = if words.is_empty() { words } else { lay_together(words) }.into_iter();
        for (weight, floats) in weights.iter_mut().zip(lay_together(floats)) {
            match weight {
                Weight::Dense(tensor) => *tensor = Tensor::from_primitive::<Cube>(floats),
                Weight::Int8(int8) => {
                    int8.scales = Tensor::from_primitive::<Cube>(floats);
                    if let Some(words) = words.next() {
                        int8.words = Tensor::from_primitive::<Cube>(words);
                    }
                }
            }
        }
    }

    /// Some rows as floats; only these are dequantized.
    pub fn rows(&self, rows: Tensor<1, Int>, context: &Context) -> Tensor<2> {
        let has_kernel = match self {
            Weight::Dense(tensor) => context.has_gpu_kernel(tensor) && !tensor.is_require_grad(),
            Weight::Int8(int8) => context.has_gpu_kernel(&int8.scales),
        };
        if has_kernel && let Some(rows) = gpu::embed::rows(self, rows.clone()) {
            return rows;
        }
        match self {
            Weight::Dense(tensor) => tensor.clone().select(0, rows),
            Weight::Int8(int8) => int8::multiplied_out(&int8.select(rows)),
        }
    }
}

impl From<Tensor<2>> for Weight {
    fn from(tensor: Tensor<2>) -> Self {
        Weight::Dense(tensor)
    }
}
