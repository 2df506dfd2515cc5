//! Rows of the embedding on GPUs.

use burn::{
    backend::Cube,
    tensor::{Int, Tensor},
};
use flantune_shaders::EMBED;

use super::{Launch, buffer, count, empty, groups};
use crate::ops::Weight;

/// These rows of the weight, `[ids, width]`; none where there is no shader for it.
///
/// # Panics
/// Where the tensors are not on a GPU.
pub fn rows(weight: &Weight, ids: Tensor<1, Int>) -> Option<Tensor<2>> {
    let ids = ids.try_into_primitive::<Cube>().expect("a tensor on a GPU");
    let width = weight.dims()[1];
    let fours = width.is_multiple_of(4);
    let launch = Launch::new(&EMBED);
    let launch = launch.constant("INT8", matches!(weight, Weight::Int8(_))).constant("VEC", fours);
    let (weight, scales) = match weight {
        Weight::Dense(tensor) => (buffer(tensor.clone()), None),
        Weight::Int8(_) if !fours => return None,
        Weight::Int8(int8) => {
            let words = int8.words.clone().try_into_primitive::<Cube>().ok()?;
            (words, Some(buffer(int8.scales.clone())))
        }
    };
    let y = empty(&ids, [count(&ids), width]);
    let launch = scales.iter().fold(launch.read(&weight), Launch::read).read(&ids).write(&y);
    let width = if fours { width / 4 } else { width };
    launch.size(count(&ids)).size(width).run(groups(count(&ids) * width, 64));
    Some(Tensor::from_primitive::<Cube>(y))
}
