//! The loss on GPUs: a workgroup a token forwards; backwards the gradient takes the logits' own memory where
//! nothing else holds them.

use burn::backend::{Cube, tensor::FloatTensor};
use flantune_shaders::{CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD};

use super::CrossEntropy;
use crate::ops::gpu::{Launch, contiguous, dims, empty, groups, own, product::both};

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
        let [tokens, words] = dims(&logits);
        let (losses, partition) = (empty(&logits, [tokens]), empty(&logits, [tokens]));
        let launch = Launch::new(&CROSS_ENTROPY).read(&logits).read(&labels);
        let launch = launch.write(&losses).write(&partition).size(tokens).size(words);
        launch.number(label_smoothing).number(z_loss).run(groups(tokens, 1));
        (losses, partition)
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
        let [tokens, words] = dims(&logits);
        let launch = Launch::new(&CROSS_ENTROPY_BACKWARD).write(&logits).read(&labels);
        let launch = launch.read(&partition).read(&gradient).size(tokens).size(words);
        let launch = launch.number(label_smoothing).number(z_loss);
        launch.run([words.div_ceil(64) as u32, tokens.min(ROWS) as u32, 1]);
        logits
    }
}
