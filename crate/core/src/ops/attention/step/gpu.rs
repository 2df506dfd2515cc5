//! On GPUs: a workgroup for each row and head, which also puts the new key and value where they stay.

use burn::{
    backend::{Cube, TensorMetadata},
    tensor::Tensor,
};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::ATTENTION_STEP;

use super::Kept;
use crate::ops::{
    attention::{Bias, Heads, KeysValues, gpu::Biases},
    gpu::{Launch, buffer, dims, empty},
};

/// The step where all is on a GPU.
pub(super) fn step(
    q: Tensor<2>,
    new: Option<KeysValues>,
    kept: &mut Kept,
    shape: Heads,
    bias: &Bias,
) -> Tensor<2> {
    let new = new.map(|new| [buffer(new.keys), buffer(new.values)]);
    Tensor::from_primitive::<Cube>(launch(&buffer(q), new.as_ref(), kept, shape, bias))
}

/// The same of buffers.
pub(in crate::ops) fn launch(
    q: &CubeTensor,
    new: Option<&[CubeTensor; 2]>,
    kept: &mut Kept,
    Heads { batch, heads }: Heads,
    bias: &Bias,
) -> CubeTensor {
    if new.is_some() {
        kept.grow(batch);
    }
    let part = |part: &Option<Tensor<4>>| {
        let part = part.clone().map(|part| buffer(part.without_autodiff()));
        part.unwrap_or_else(|| empty(q, [0]))
    };
    let bias = Biases::of(part(&bias.position), part(&bias.mask));
    let (keys, values) = (buffer(kept.keys.clone()), buffer(kept.values.clone()));
    let y = empty(q, q.shape());
    let depth4 = (dims(q)[1] / heads / 4) as u32;
    let launch = Launch::new(&ATTENTION_STEP).constant("APPEND", new.is_some());
    let launch = launch.constant("DEPTH4", depth4).read(q).write(&keys).write(&values);
    let launch = new.into_iter().flatten().fold(launch, Launch::read);
    let launch = bias.read(launch).write(&y).size(kept.length).size(kept.room).size(heads);
    bias.sizes(launch).size(bias.places(heads)).run([heads as u32, batch as u32, 1]);
    y
}
