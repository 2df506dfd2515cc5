//! The loss on GPUs: a workgroup a token forwards; backwards the gradient takes the logits' own memory where
//! nothing else holds them.

use std::sync::{Mutex, PoisonError};

use burn::{
    backend::{Cube, tensor::FloatTensor},
    tensor::Tensor,
};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD, SUM};

use super::{CrossEntropy, Smoothing};
use crate::ops::gpu::{
    Launch, both, buffer, contiguous, count, dims, empty, groups,
    node::{Parent, record},
    own,
};

/// The most workgroups of the grid's second dimension.
const ROWS: usize = 65_535;

impl CrossEntropy for Cube {
    fn cross_entropy(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (logits, labels) = both(logits, labels);
        losses(&logits, &labels, [label_smoothing, z_loss])
    }

    fn cross_entropy_backward(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        partition: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> FloatTensor<Self> {
        let logits = own(contiguous(logits));
        let ((labels, partition), gradient) = (both(labels, partition), contiguous(gradient));
        backward(&logits, [&labels, &partition, &gradient], [label_smoothing, z_loss], None);
        logits
    }
}

/// Each token's loss, and its log of the partition function.
fn losses(logits: &CubeTensor, labels: &CubeTensor, factors: [f32; 2]) -> (CubeTensor, CubeTensor) {
    let [tokens, _] = dims(logits);
    let (losses, partition) = (empty(logits, [tokens]), empty(logits, [tokens]));
    forward(logits, labels, factors, [&losses, &partition]);
    (losses, partition)
}

/// Writes each token's loss, and its log of the partition function.
pub(super) fn forward(
    logits: &CubeTensor,
    labels: &CubeTensor,
    [label_smoothing, z_loss]: [f32; 2],
    [losses, partition]: [&CubeTensor; 2],
) {
    let [tokens, words] = dims(logits);
    let launch = Launch::new(&CROSS_ENTROPY).read(logits).read(labels);
    let launch = launch.write(losses).write(partition).size(tokens).size(words);
    launch.number(label_smoothing).number(z_loss).run(groups(tokens, 1));
}

/// Puts the gradient in the place of the logits. With `shared` all tokens have one, times it.
pub(super) fn backward(
    logits: &CubeTensor,
    [labels, partition, gradient]: [&CubeTensor; 3],
    [label_smoothing, z_loss]: [f32; 2],
    shared: Option<f32>,
) {
    let [tokens, words] = dims(logits);
    let launch = Launch::new(&CROSS_ENTROPY_BACKWARD).constant("SHARED", shared.is_some());
    let launch = launch.write(logits).read(labels).read(partition).read(gradient);
    let launch = launch.size(tokens).size(words).number(label_smoothing).number(z_loss);
    let launch = shared.into_iter().fold(launch, Launch::number);
    launch.run([words.div_ceil(64) as u32, tokens.min(ROWS) as u32, 1]);
}

/// The sum of the losses over `targets`, as one node of the graph.
pub(super) fn mean(
    logits: &Tensor<2>,
    labels: &Tensor<1>,
    smoothing: Smoothing,
    targets: usize,
) -> Tensor<1> {
    let factors = [smoothing.label_smoothing as f32, smoothing.z_loss as f32];
    let parent = Parent::of(logits).expect("a tensor on a GPU");
    let (logits, labels) = (contiguous(parent.numbers()), buffer(labels.clone()));
    let (losses, partition) = losses(&logits, &labels, factors);
    let (mean, scale) = (empty(&losses, [1]), 1.0 / targets as f32);
    let launch = Launch::new(&SUM).read(&losses).write(&mean).size(count(&losses));
    launch.number(scale).run([1, 1, 1]);
    // Taken out by the backward pass, which puts the gradient in their place.
    let logits = Mutex::new(Some(logits));
    record([parent], mean, move |dy, _| {
        let logits = logits.lock().unwrap_or_else(PoisonError::into_inner).take().map(own);
        if let Some(logits) = &logits {
            backward(logits, [&labels, &partition, &contiguous(dy)], factors, Some(scale));
        }
        [logits]
    })
}
