//! What the GPU forms of operations share: burn's tensors as buffers, and launches of our own shaders.

pub mod adamw;
pub mod argmax;
pub mod count;
pub mod dropout;
pub mod embed;
pub mod family;
pub mod fault;
pub mod few;
mod launch;
pub mod node;
pub mod position;
pub mod product;
mod right;
pub mod settle;

use std::sync::atomic::{AtomicBool, Ordering};

use burn::{
    backend::{Cube, TensorMetadata},
    tensor::{DType, Shape, Tensor, kind::Basic},
};
use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};

pub use launch::{Launch, groups};
pub use right::Right;

/// Whether kernels meet what a kind device hides.
static HOSTILE: AtomicBool = AtomicBool::new(false);
/// Whether what kernels are to write is full of what is not a number.
static FILLED: AtomicBool = AtomicBool::new(false);

/// Has kernels meet what a rasteriser on the processor hides, in tests: what they are to write is full of what
/// is not a number, and the invocations of a workgroup stand in another order.
pub fn set_hostile(hostile: bool) {
    HOSTILE.store(hostile, Ordering::Relaxed);
    set_filled(hostile);
}

/// Has what kernels are to write be full of what is not a number: a kernel that writes nothing, because a
/// driver did not take it, leaves no right numbers of an earlier one behind.
pub fn set_filled(filled: bool) {
    FILLED.store(filled, Ordering::Relaxed);
}

fn is_hostile() -> bool {
    HOSTILE.load(Ordering::Relaxed)
}

/// Whether the tensor lives on a GPU.
pub fn is_gpu<const D: usize>(tensor: &Tensor<D, impl Basic>) -> bool {
    crate::device::is_gpu(&tensor.device())
}

/// A view is bound alone where it begins at a multiple of so many numbers: 256 bytes, as browsers want it.
const SLOT: usize = 64;

/// The length of the slot for so many numbers, after which the next view may begin.
pub fn slot(length: usize) -> usize {
    length.next_multiple_of(SLOT)
}

/// The tensor in row-major order, so that a shader can read it: itself, or a copy.
pub fn contiguous(tensor: CubeTensor) -> CubeTensor {
    into_contiguous(tensor)
}

/// The numbers of a tensor, in row-major order.
///
/// # Panics
/// Where it is not on a GPU.
pub fn buffer<const D: usize>(tensor: Tensor<D>) -> CubeTensor {
    contiguous(tensor.try_into_primitive::<Cube>().expect("a tensor on a GPU"))
}

/// Both as shaders read them.
pub fn both(a: CubeTensor, b: CubeTensor) -> (CubeTensor, CubeTensor) {
    (contiguous(a), contiguous(b))
}

/// A tensor of floats on the device of another whose values are not there yet.
pub fn empty(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    let shape = shape.into();
    // As many at least as a shader reads at once.
    let bytes = shape.num_elements().max(4) * size_of::<f32>();
    let handle = match FILLED.load(Ordering::Relaxed) {
        true => like.client.create_from_slice(&vec![0xff; bytes]),
        false => like.client.empty(bytes),
    };
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

/// Matrices that lie one after the other in one buffer, as one; none where they do not.
pub fn adjacent(parts: &[CubeTensor]) -> Option<CubeTensor> {
    let (first, last) = (parts.first()?, parts.last()?);
    let follow = |pair: &[CubeTensor]| {
        let (a, b) = (place(&pair[0]), place(&pair[1]));
        a.0 == b.0 && a.2 == b.1
    };
    if !parts.iter().all(CubeTensor::is_contiguous) || !parts.windows(2).all(follow) {
        return None;
    }
    let mut shape = first.meta.shape().clone();
    shape[0] = parts.iter().map(|part| part.meta.shape()[0]).sum();
    Some(from_to(first, last, shape))
}

/// Two tensors of one buffer as one row, if the second begins at number `at` of the first.
pub fn spanning(first: &CubeTensor, second: &CubeTensor, at: usize) -> Option<CubeTensor> {
    let ((a, start, _), (b, second_start, _)) = (place(first), place(second));
    let follows = a == b && start + (at * size_of::<f32>()) as u64 == second_start;
    follows.then(|| from_to(first, second, [at + count(second)].into()))
}

/// A tensor's memory, and where in it it begins and ends.
pub fn place(tensor: &CubeTensor) -> (impl PartialEq + use<>, u64, u64) {
    tensor.handle.clone().binding().claim_key()
}

/// From the beginning of one view of a buffer to the end of another.
fn from_to(first: &CubeTensor, last: &CubeTensor, shape: Shape) -> CubeTensor {
    let mut handle = first.handle.clone();
    handle.offset_end = last.handle.offset_end;
    let (client, device) = (first.client.clone(), first.device.clone());
    CubeTensor::new_contiguous(client, device, shape, handle, first.dtype)
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
