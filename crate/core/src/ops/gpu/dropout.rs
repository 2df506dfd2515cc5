//! Masks of dropout, drawn where they are used: the same as on the CPU, to the bit.

use burn::{backend::Cube, tensor::Tensor};
use flantune_shaders::DROPOUT;

use super::{Launch, count, empty, groups};
use crate::rng::Random;

/// What a uniform number is a multiple of, as a power of two.
const BITS: f64 = (1u32 << 24) as f64;

/// 0 where the stream's number is below `rate`, else `keep`.
///
/// # Panics
/// Where `like` is not on a GPU.
pub fn mask<const D: usize>(random: &Random, rate: f64, keep: f32, like: Tensor<D>) -> Tensor<D> {
    let like = like.try_into_primitive::<Cube>().expect("a tensor on a GPU");
    let mask = empty(&like, like.meta.shape().clone());
    let launch = Launch::new(&DROPOUT).write(&mask).size(count(&mask));
    let launch =
        random.stream().into_iter().fold(launch, |launch, word| launch.size(word as usize));
    let launch = launch.size((rate * BITS).ceil() as usize).number(keep);
    launch.run(groups(count(&mask).div_ceil(4), 64));
    Tensor::from_primitive::<Cube>(mask)
}
