//! What the GPU forms of operations share: burn's tensors as buffers, and launches of our own shaders.

pub mod adamw;
pub mod count;
pub mod dropout;
mod launch;
pub mod product;

use burn::{
    backend::{DispatchDevice, TensorMetadata},
    tensor::{DType, Shape, Tensor},
};
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};

pub use launch::{Launch, groups};

/// Whether the tensor lives on a GPU.
pub fn is_gpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device().without_autodiff();
    matches!(device.as_dispatch(), DispatchDevice::Cube(_))
}

/// The tensor in row-major order, so that a shader can read it: itself, or a copy.
pub fn contiguous(tensor: CubeTensor) -> CubeTensor {
    into_contiguous(tensor)
}

/// A tensor of floats on the device of another whose values are not there yet.
pub fn empty(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    let shape = shape.into();
    let bytes = shape.num_elements().max(1) * size_of::<f32>();
    let handle = like.client.empty(bytes);
    CubeTensor::new_contiguous(like.client.clone(), like.device.clone(), shape, handle, DType::F32)
}

/// Some numbers of a tensor, from the one at `first` on, as a tensor of their own that shares its memory.
pub fn part(whole: &CubeTensor, first: usize, shape: impl Into<Shape>) -> CubeTensor {
    let shape = shape.into();
    let size = size_of::<f32>() as u64;
    let (start, length) = (first as u64 * size, shape.num_elements() as u64 * size);
    let rest = whole.handle.size_in_used() - start - length;
    let handle = whole.handle.clone().offset_start(start).offset_end(rest);
    CubeTensor::new_contiguous(
        whole.client.clone(),
        whole.device.clone(),
        shape,
        handle,
        whole.dtype,
    )
}

/// The tensor, to be changed in place: itself where nothing else holds its memory, else a copy.
pub fn own(tensor: CubeTensor) -> CubeTensor {
    match tensor.can_mut() {
        true => tensor,
        false => tensor.copy(),
    }
}

/// How many numbers there are.
pub fn count(tensor: &CubeTensor) -> usize {
    tensor.shape().num_elements()
}

/// Rows and columns of a matrix.
pub fn dims(tensor: &CubeTensor) -> [usize; 2] {
    let shape = tensor.shape();
    [shape[0], shape[1]]
}
