//! What the CPU forms of operations share: flex's tensors as slices, and work on all threads.

use burn::{
    backend::{DispatchDevice, Flex},
    tensor::{Tensor, TensorData},
};
use burn_flex::FlexTensor;

/// Below this many numbers a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 15;

/// Whether the tensor lives on the CPU.
pub fn is_cpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device().without_autodiff();
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// A contiguous CPU tensor whose values can be looked at.
#[derive(Debug)]
pub struct Values(FlexTensor);

impl Values {
    /// The values, in row-major order.
    pub fn as_slice(&self) -> &[f32] {
        self.0.as_slice::<f32>().unwrap_or_default()
    }
}

/// The values of a tensor, if it lives on the CPU. Nothing is copied unless it is not contiguous.
pub fn slice<const D: usize>(tensor: &Tensor<D>) -> Option<Values> {
    if !is_cpu(tensor) {
        return None;
    }
    let tensor = tensor.clone().try_into_primitive::<Flex>().ok()?;
    Some(Values(tensor.to_contiguous()))
}

/// The sum of squares, in double precision.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let sum = |part: &[f32]| part.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    // Parts of a fixed size, so that the sum does not depend on the number of threads.
    values.chunks(WORTH_A_THREAD).map(sum).sum()
}

/// Changes several tensors of one length in place, part by part on all threads, with the matching
/// part of `beside`. All live on the CPU.
pub fn update<const N: usize>(
    tensors: [Tensor<1>; N],
    beside: &Tensor<1>,
    change: impl Fn([&mut [f32]; N], &[f32]) + Sync + Send,
) -> [Tensor<1>; N] {
    let beside = slice(beside);
    let beside = beside.as_ref().map(Values::as_slice).unwrap_or_default();
    let mut tensors = tensors.map(owned);
    let mut parts: Vec<([&mut [f32]; N], &[f32])> = Vec::new();
    let mut rest = tensors.each_mut().map(|tensor| tensor.as_mut_slice());
    for part in beside.chunks(WORTH_A_THREAD) {
        let taken = rest.each_mut().map(|slice| {
            let (head, tail) = std::mem::take(slice).split_at_mut(part.len());
            *slice = tail;
            head
        });
        parts.push((taken, part));
    }
    for_each(parts, |(values, part)| change(values, part));
    tensors.map(|values| {
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), &burn::tensor::Device::flex())
    })
}

/// The values as a vector of their own: the tensor's, where nothing else holds them.
fn owned(tensor: Tensor<1>) -> Vec<f32> {
    let data = tensor.into_data();
    data.try_into_vec::<f32>().unwrap_or_default()
}

/// Does the work of all items, on all threads where there are several.
#[cfg(not(target_family = "wasm"))]
pub fn for_each<T: Send>(items: Vec<T>, work: impl Fn(T) + Sync + Send) {
    use rayon::prelude::*;
    if items.len() == 1 {
        items.into_iter().for_each(work);
    } else {
        items.into_par_iter().for_each(work);
    }
}

/// Does the work of all items.
#[cfg(target_family = "wasm")]
pub fn for_each<T>(items: Vec<T>, work: impl Fn(T)) {
    items.into_iter().for_each(work);
}
