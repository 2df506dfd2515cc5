//! The head and the loss as one on GPUs, a chunk of tokens at a time, so that the scores of the vocabulary are
//! never there for all tokens (as Liger Kernel has it, arXiv:2410.10989). The gradient of what goes into a frozen
//! head is made in the same pass, and only multiplied by what comes back.

use burn::{backend::Cube, tensor::Tensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::SUM;

use super::{
    Labels, Smoothing,
    gpu::{backward, forward},
};
use crate::ops::{
    Weight,
    gpu::{
        Launch, Right, buffer, contiguous, count, dims, empty,
        node::{Parent, record},
        part,
        product::{With, by_rows, by_transposed},
    },
};

/// The most bytes of scores that are there at once.
const SCORES: usize = 8 << 20;
/// Chunks are of so many tokens, or of several times as many: views of them begin where a device wants it.
const TOKENS: usize = 64;

/// Of how many tokens the scores of so many words are there at once, where the head is frozen.
pub fn tokens_at_once(words: usize) -> usize {
    (SCORES / (4 * words) / TOKENS * TOKENS).max(TOKENS)
}

/// A frozen head, and the tokens of which it makes scores.
struct Chunks {
    hidden: CubeTensor,
    head: Right,
    words: usize,
    labels: CubeTensor,
    factors: [f32; 2],
}

impl Chunks {
    /// None where the head is trained, or its rows are no fours.
    fn of(
        hidden: CubeTensor,
        head: &Weight,
        labels: &Labels,
        smoothing: Smoothing,
    ) -> Option<Self> {
        let [words, width] = head.dims();
        let is_trained = matches!(head, Weight::Dense(tensor) if tensor.is_require_grad());
        if is_trained || !width.is_multiple_of(4) {
            return None;
        }
        Some(Chunks {
            hidden,
            head: head.on_gpu()?,
            words,
            labels: buffer(labels.marked.clone()),
            factors: [smoothing.label_smoothing as f32, smoothing.z_loss as f32],
        })
    }

    /// The loss of each token; and where `each` is called, of a chunk's first token, its scores, its labels and the
    /// logs of its partition functions.
    fn losses(&self, mut each: impl FnMut(usize, CubeTensor, [&CubeTensor; 2])) -> CubeTensor {
        let [tokens, width] = dims(&self.hidden);
        let chunk = tokens_at_once(self.words);
        let losses = empty(&self.hidden, [tokens]);
        let partition = empty(&self.hidden, [tokens]);
        for first in (0..tokens).step_by(chunk) {
            let count = chunk.min(tokens - first);
            let row = |of: &CubeTensor| part(of, first, [count]);
            let x = part(&self.hidden, first * width, [count, width]);
            // Not by the kernel of few rows, however few are left: no length compiles anything.
            let scores = by_transposed(&x, &self.head, self.words, With::default());
            let (labels, partition) = (row(&self.labels), row(&partition));
            forward(&scores, &labels, self.factors, [&row(&losses), &partition]);
            each(first, scores, [&labels, &partition]);
        }
        losses
    }
}

/// Each token's loss, `[tokens]`, where nothing comes back: `hidden` is `[tokens, width]`, the head
/// `[vocabulary, width]`. None where it is not made so.
pub(super) fn losses(
    hidden: &Tensor<2>,
    head: &Weight,
    labels: &Labels,
    smoothing: Smoothing,
) -> Option<Tensor<1>> {
    let hidden = buffer(hidden.clone().without_autodiff());
    let chunks = Chunks::of(hidden, head, labels, smoothing)?;
    Some(Tensor::from_primitive::<Cube>(chunks.losses(|_, _, _| ())))
}

/// The sum of the losses over `targets`, `[1]`, as one node of the graph.
pub(super) fn mean(
    hidden: &Tensor<2>,
    head: &Weight,
    labels: &Labels,
    smoothing: Smoothing,
    targets: usize,
) -> Option<Tensor<1>> {
    let parent = Parent::of(hidden)?;
    let chunks = Chunks::of(contiguous(parent.numbers()), head, labels, smoothing)?;
    let (scale, [_, width]) = (1.0 / targets as f32, dims(&chunks.hidden));
    let dx = parent.is_tracked().then(|| empty(&chunks.hidden, dims(&chunks.hidden)));
    let one = buffer(Tensor::<1>::ones([1], &hidden.device().without_autodiff()));
    let losses = chunks.losses(|first, scores, [labels, partition]| {
        let Some(dx) = &dx else { return };
        let [count, _] = dims(&scores);
        backward(&scores, [labels, partition, &one], chunks.factors, Some(scale));
        let into = part(dx, first * width, [count, width]);
        let with = With { into: Some(&into), ..With::default() };
        by_rows(&scores, &chunks.head, [count, width, chunks.words], 1.0, with);
    });
    let mean = empty(&losses, [1]);
    let launch = Launch::new(&SUM).read(&losses).write(&mean).size(count(&losses));
    launch.number(scale).run([1, 1, 1]);
    Some(record([parent], mean, move |dy, _| {
        let dy = Tensor::<1>::from_primitive::<Cube>(dy).unsqueeze::<2>();
        [dx.clone().map(|dx| buffer(Tensor::<2>::from_primitive::<Cube>(dx) * dy))]
    }))
}
