//! The gate on GPUs: one pass over memory each way.

use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::GATED_GELU;

use super::GatedGelu;
use crate::ops::gpu::{Launch, both, contiguous, count, empty, groups};

impl GatedGelu for Cube {
    fn gated_gelu(gate: FloatTensor<Self>, value: FloatTensor<Self>) -> FloatTensor<Self> {
        let (gate, value) = both(gate, value);
        forward(&gate, &value)
    }

    fn gated_gelu_backward(
        gate: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let ((gate, value), gradient) = (both(gate, value), contiguous(gradient));
        let (dgate, dvalue) = (empty(&gate, gate.shape()), empty(&gate, gate.shape()));
        let (vectors, threads) = threads(count(&gate));
        let launch = Launch::new(&GATED_GELU).constant("BACKWARD", true).constant("VEC", vectors);
        let launch = launch.read(&gate).read(&value).read(&gradient).write(&dgate).write(&dvalue);
        launch.size(threads).run(groups(threads, 64));
        (dgate, dvalue)
    }
}

/// The result.
pub(in crate::ops) fn forward(gate: &CubeTensor, value: &CubeTensor) -> CubeTensor {
    let y = empty(gate, gate.shape());
    let (vectors, threads) = threads(count(&y));
    let launch = Launch::new(&GATED_GELU).constant("BACKWARD", false).constant("VEC", vectors);
    launch.read(gate).read(value).write(&y).size(threads).run(groups(threads, 64));
    y
}

/// Whether four numbers go at a time, and how many threads that makes.
fn threads(count: usize) -> (bool, usize) {
    match count.is_multiple_of(4) {
        true => (true, count / 4),
        false => (false, count),
    }
}
