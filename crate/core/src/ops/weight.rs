//! A matrix of the model's own: floats, or packed into smaller numbers.

use burn::{
    backend::Cube,
    tensor::{Int, Tensor},
};

use super::{
    Context,
    gpu::{Right, contiguous, embed, family::Family},
    linear::packed,
    packed::Packed,
};

/// The weight of a linear map, the embedding, or the head.
// Most of a model is of these, and a tensor is large only because its kind is inside it.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Weight {
    /// As 32-bit floats.
    Dense(Tensor<2>),
    /// As smaller numbers, multiplied out where they are used.
    Packed(Packed),
}

impl Weight {
    /// `[rows, columns]`: of a linear map `[outputs, inputs]`, of the embedding `[tokens, width]`.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Weight::Dense(tensor) => tensor.dims(),
            Weight::Packed(packed) => packed.dims(),
        }
    }

    /// As floats: the tensor itself, or one made for the occasion.
    pub fn dense(&self) -> Tensor<2> {
        match self {
            Weight::Dense(tensor) => tensor.clone(),
            Weight::Packed(packed) => packed::multiplied_out(packed),
        }
    }

    /// Takes the floats out and leaves nothing, so that they can be changed in place.
    pub fn take(&mut self) -> Tensor<2> {
        let device = match self {
            Weight::Dense(tensor) => tensor.device(),
            Weight::Packed(packed) => packed.words.device(),
        };
        let empty = Weight::Dense(Tensor::zeros([0, 0], &device));
        match std::mem::replace(self, empty) {
            Weight::Dense(tensor) => tensor,
            Weight::Packed(packed) => packed::multiplied_out(&packed),
        }
    }

    /// What a shader reads; none where it is not on a GPU.
    pub fn on_gpu(&self) -> Option<Right> {
        Some(match self {
            Weight::Dense(tensor) => {
                Right::Floats(contiguous(tensor.clone().try_into_primitive::<Cube>().ok()?))
            }
            Weight::Packed(Packed { format, words, scales, .. }) => {
                let words = contiguous(words.clone().try_into_primitive::<Cube>().ok()?);
                let scales = scales.clone().map(Tensor::try_into_primitive::<Cube>);
                let scales = scales.transpose().ok()?.map(contiguous);
                Right::Packed { format: *format, words, scales }
            }
        })
    }

    /// Some rows as floats; only these are multiplied out.
    pub fn rows(&self, rows: Tensor<1, Int>, context: &Context) -> Tensor<2> {
        let columns = self.dims()[1];
        let has_kernel = match self {
            Weight::Dense(tensor) => context.has_gpu_kernel(tensor) && !tensor.is_require_grad(),
            Weight::Packed(packed) => {
                context.has_gpu_kernel_of(Family::Packed, &packed.words)
                    && embed::fits(packed.format, columns)
            }
        };
        if let (true, Some(matrix)) = (has_kernel, self.on_gpu())
            && let Ok(ids) = rows.clone().try_into_primitive::<Cube>()
        {
            return Tensor::from_primitive::<Cube>(embed::rows(&matrix, &contiguous(ids), columns));
        }
        match self {
            Weight::Dense(tensor) => tensor.clone().select(0, rows),
            Weight::Packed(packed) => packed::multiplied_out(&packed.select(rows)),
        }
    }
}

impl From<Tensor<2>> for Weight {
    fn from(tensor: Tensor<2>) -> Self {
        Weight::Dense(tensor)
    }
}
