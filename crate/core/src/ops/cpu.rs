//! What the CPU forms of operations share: flex's tensors as slices, work on all threads, products,
//! and loops compiled for the processor's widest vectors.

mod matrix;
mod product;
#[cfg(any(test, target_family = "wasm"))]
mod tiled;

use std::{mem::MaybeUninit, ops::Range};

use burn::{
    backend::{DispatchDevice, Flex},
    tensor::{Shape, Tensor, TensorData, kind::Basic},
};
use burn_flex::FlexTensor;

pub use matrix::{Matrix, Target};
pub use product::product;

/// Below this many numbers a second thread costs more than it saves.
const WORTH_A_THREAD: usize = 1 << 15;
/// Sums are kept in this many lanes, whatever the processor's vectors are, so that a result does not
/// depend on them.
pub const LANES: usize = 16;

/// Whether the tensor lives on the CPU.
pub fn is_cpu<const D: usize>(tensor: &Tensor<D, impl Basic>) -> bool {
    let device = tensor.device().without_autodiff();
    matches!(device.as_dispatch(), DispatchDevice::Flex(_))
}

/// A contiguous CPU tensor whose values can be looked at.
#[derive(Debug)]
pub struct Values(FlexTensor);

impl Values {
    /// Makes it contiguous if it is not.
    pub fn of(tensor: &FlexTensor) -> Self {
        Values(tensor.to_contiguous())
    }

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
    Some(Values::of(&tensor))
}

/// A CPU tensor of these values.
pub fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The tensor's values as a vector, without a copy where nothing else holds them.
pub fn into_values(tensor: FlexTensor) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().unwrap_or_default()
}

/// A vector whose every element is about to be written by `fill`, so that it is not cleared first.
///
/// # Safety
/// `fill` must write every element.
pub unsafe fn filled(length: usize, fill: impl FnOnce(Blank)) -> Vec<f32> {
    let mut values = Vec::<f32>::with_capacity(length);
    fill(Blank { first: values.as_mut_ptr(), length });
    // SAFETY: the memory is there, and the caller promises that it is written.
    unsafe { values.set_len(length) };
    values
}

/// Runs a loop compiled for the widest vectors that this processor has. The closure must be
/// `#[inline(always)]` all the way down for that to pay.
#[inline(always)]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    struct Work<F>(F);
    impl<R, F: FnOnce() -> R> pulp::WithSimd for Work<F> {
        type Output = R;
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> R {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Work(work))
}

/// `e^x` to two units in the last place, in plain arithmetic that compiles to vectors (Cephes'
/// polynomial); about 1e-38 below −87.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.3, 88.3);
    // Rounds to the nearest integer: adding 1.5 · 2^23 leaves no bits for a fraction.
    const ROUND: f32 = 12_582_912.0;
    let n = x * std::f32::consts::LOG2_E + ROUND - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4f32;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    // The biased exponent is at most 254 here, so a power of two is written into it directly.
    y * f32::from_bits(((n as i32 + 127) << 23) as u32)
}

/// `tanh x`, in plain arithmetic that compiles to vectors.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * x) + 1.0)
}

/// The sum of the products of two rows.
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_parts, a_rest) = a.as_chunks::<LANES>();
    let (b_parts, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_parts.iter().zip(b_parts) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += a * b;
    }
    sums.iter().sum()
}

/// The sum of a row.
#[inline(always)]
pub fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (parts, rest) = values.as_chunks::<LANES>();
    for part in parts {
        for lane in 0..LANES {
            sums[lane] += part[lane];
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        sums[lane] += value;
    }
    sums.iter().sum()
}

/// The greatest of a row; −∞ for none.
#[inline(always)]
pub fn greatest(values: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; LANES];
    let (parts, rest) = values.as_chunks::<LANES>();
    for part in parts {
        for lane in 0..LANES {
            most[lane] = if part[lane] > most[lane] { part[lane] } else { most[lane] };
        }
    }
    rest.iter().chain(&most).copied().fold(f32::NEG_INFINITY, f32::max)
}

/// The sum of squares, in double precision.
pub fn sum_of_squares(values: &[f32]) -> f64 {
    widest(
        #[inline(always)]
        || {
            let mut sums = [0.0f64; LANES];
            let (parts, rest) = values.as_chunks::<LANES>();
            for part in parts {
                for lane in 0..LANES {
                    sums[lane] += f64::from(part[lane]) * f64::from(part[lane]);
                }
            }
            for (lane, value) in rest.iter().enumerate() {
                sums[lane] += f64::from(*value) * f64::from(*value);
            }
            sums.iter().sum()
        },
    )
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
    let device = burn::tensor::Device::flex();
    let mut tensors =
        tensors.map(|tensor| tensor.into_data().try_into_vec::<f32>().unwrap_or_default());
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
    for_each(parts, |(values, part)| {
        widest(
            #[inline(always)]
            || change(values, part),
        );
    });
    tensors.map(|values| {
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), &device)
    })
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

/// Divides `rows` of `width` numbers into parts that are worth a thread each. The parts do not
/// depend on how many threads there are.
pub fn parts(rows: usize, width: usize) -> Vec<Range<usize>> {
    let step = (WORTH_A_THREAD / width.max(1)).max(1);
    (0..rows).step_by(step).map(|first| first..rows.min(first + step)).collect()
}

/// A slice that threads share; each must stay within its own part.
#[derive(Clone, Copy, Debug)]
pub struct Shared {
    first: *mut f32,
    length: usize,
}

// SAFETY: whoever takes a part promises that no other thread has it.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// Of a slice that is about to be divided.
    pub fn of(values: &mut [f32]) -> Self {
        Shared { first: values.as_mut_ptr(), length: values.len() }
    }

    /// A part of it.
    ///
    /// # Safety
    /// The slice still lives, and nobody else has a part of the range.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [f32] {
        assert!(range.start <= range.end && range.end <= self.length, "a part within the slice");
        // SAFETY: it lies within the slice; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(range.start), range.len()) }
    }

    /// A matrix that begins at `offset`, with this distance between rows.
    ///
    /// # Safety
    /// As [`Shared::part`], for all elements of the matrix, which lie within the slice.
    pub unsafe fn matrix(&self, offset: usize, stride: usize) -> Target {
        assert!(offset <= self.length, "a matrix within the slice");
        // SAFETY: the offset lies within the slice.
        Target { first: unsafe { self.first.add(offset) }, stride }
    }
}

/// Memory that threads share and that nobody has written yet. It is written before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Blank {
    first: *mut f32,
    length: usize,
}

// SAFETY: whoever takes a part promises that no other thread has it.
unsafe impl Send for Blank {}
// SAFETY: as above.
unsafe impl Sync for Blank {}

impl Blank {
    /// How many numbers it has room for.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has room for none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// A part of it, to be written.
    ///
    /// # Safety
    /// The memory still lives, and nobody else has a part of the range.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [MaybeUninit<f32>] {
        assert!(range.start <= range.end && range.end <= self.length, "a part within the memory");
        // SAFETY: it lies within the memory, and may hold anything; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(range.start).cast(), range.len()) }
    }

    /// A part of it that has been written.
    ///
    /// # Safety
    /// As [`Blank::part`], and every element of the range has been written.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn written(&self, range: Range<usize>) -> &mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { written(self.part(range)) }
    }

    /// A matrix that begins at `offset`, with this distance between rows, to be written.
    ///
    /// # Safety
    /// As [`Blank::part`], for all elements of the matrix, which lie within the memory.
    pub unsafe fn matrix(&self, offset: usize, stride: usize) -> Target {
        assert!(offset <= self.length, "a matrix within the memory");
        // SAFETY: the offset lies within the memory.
        Target { first: unsafe { self.first.add(offset) }, stride }
    }
}

/// Numbers that have been written.
///
/// # Safety
/// Every element has been written.
pub unsafe fn written(values: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    let length = values.len();
    // SAFETY: the same memory, which holds floats as the caller promises.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), length) }
}

/// Numbers that are zero from now on.
pub fn cleared(values: &mut [MaybeUninit<f32>]) -> &mut [f32] {
    values.fill(MaybeUninit::new(0.0));
    // SAFETY: each has just been written.
    unsafe { written(values) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_exact_to_two_units() {
        for step in -8_700..8_800 {
            let x = step as f32 / 100.0;
            let (found, exact) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((found / exact - 1.0).abs() < 2.4e-7, "e^{x} is {exact}, not {found}");
        }
        assert!(exp(-1e9) < 1e-37);
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn hyperbolic_tangents_saturate() {
        for step in -2_000..2_000 {
            let x = step as f32 / 100.0;
            let (found, exact) = (f64::from(tanh(x)), f64::from(x).tanh());
            assert!((found - exact).abs() < 3e-7, "tanh {x} is {exact}, not {found}");
        }
    }
}
