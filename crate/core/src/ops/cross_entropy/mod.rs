//! The loss of each target token: cross-entropy, with label smoothing and z-loss.
//!
//! With `lse = log Σ exp(logits)` and smoothing `s`, the loss of label `t` among `n` is
//! `lse − (1 − s) · logits[t] − s · mean(logits) + z · lse²`, and 0 where the label is masked.
//! Its gradient is `(1 + 2 · z · lse) · softmax(logits) − (1 − s) · onehot(t) − s / n`.

mod cpu;
mod gpu;
mod gradient;
mod head;

use burn::{
    backend::{Backend, Dispatch, backend_extension, tensor::FloatTensor},
    tensor::{Int, Tensor, TensorData},
};

pub use self::head::tokens_at_once;
use super::{Context, Weight, gpu::family::Family, linear::linear};

/// The kernels. Labels are whole numbers in a float tensor, −1 where masked; 32-bit floats hold
/// whole numbers exactly up to 2^24.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait CrossEntropy: Backend {
    /// Each token's loss, and its log of the partition function: both `[tokens]`.
    fn cross_entropy(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// The gradient of the logits.
    fn cross_entropy_backward(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        partition: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> FloatTensor<Self>;
}

/// The labels of a batch, on the device.
#[derive(Clone, Debug)]
pub struct Labels {
    /// A token for each position, 0 where masked: `[tokens]`.
    pub ids: Tensor<1, Int>,
    /// 1 where a label counts, 0 where it is masked: `[tokens]`.
    pub keep: Tensor<1>,
    /// Both in one: a token for each position, −1 where masked: `[tokens]`.
    pub marked: Tensor<1>,
    /// How many count.
    pub count: usize,
}

impl Labels {
    /// From labels as batches have them: a token, or −100 where masked.
    pub fn new(labels: &[i32], device: &burn::tensor::Device) -> Self {
        let keep: Vec<f32> = labels.iter().map(|&l| if l < 0 { 0.0 } else { 1.0 }).collect();
        let marked: Vec<f32> = labels.iter().map(|&label| label.max(-1) as f32).collect();
        let ids: Vec<i32> = labels.iter().map(|&label| label.max(0)).collect();
        Labels {
            count: labels.iter().filter(|&&label| label >= 0).count(),
            marked: Tensor::from_data(TensorData::new(marked, [labels.len()]), device),
            ids: Tensor::from_data(TensorData::new(ids, [labels.len()]), device),
            keep: Tensor::from_data(TensorData::new(keep, [labels.len()]), device),
        }
    }
}

/// What is added to plain cross-entropy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Smoothing {
    /// The share of the label that is spread over all tokens, in 0..1.
    pub label_smoothing: f64,
    /// The weight of the squared log of the partition function.
    pub z_loss: f64,
}

/// `logits`: `[tokens, vocabulary]`. Returns each token's loss, `[tokens]`.
pub fn cross_entropy(
    logits: Tensor<2>,
    labels: &Labels,
    smoothing: Smoothing,
    context: &Context,
) -> Tensor<1> {
    if !context.has_kernel(Family::CrossEntropy, &logits) {
        return definition(logits, labels, smoothing);
    }
    let (loss, _) = <Dispatch as CrossEntropy>::cross_entropy(
        logits.into_dispatch(),
        labels.marked.clone().into_dispatch(),
        smoothing.label_smoothing as f32,
        smoothing.z_loss as f32,
    );
    Tensor::from_dispatch(loss)
}

/// The sum of the losses of all tokens over `targets`, `[1]`: the mean, where that is how many tokens count.
pub fn mean_cross_entropy(
    logits: Tensor<2>,
    labels: &Labels,
    smoothing: Smoothing,
    targets: usize,
    context: &Context,
) -> Tensor<1> {
    if context.has_gpu_kernel_of(Family::CrossEntropy, &logits) {
        return gpu::mean(&logits, &labels.marked, smoothing, targets);
    }
    cross_entropy(logits, labels, smoothing, context).sum() / targets as f64
}

/// Whether head and loss are made as one.
fn is_at_once(hidden: &Tensor<2>, head: &Weight, context: &Context) -> bool {
    let has = |family| context.has_gpu_kernel_of(family, hidden);
    let packed = matches!(head, Weight::Packed(_));
    has(Family::CrossEntropy) && has(if packed { Family::Packed } else { Family::Product })
}

/// [`mean_cross_entropy`] of the scores that a head, `[vocabulary, width]`, makes of `hidden`,
/// `[tokens, width]`.
pub fn mean_cross_entropy_of(
    hidden: Tensor<2>,
    head: &Weight,
    labels: &Labels,
    smoothing: Smoothing,
    targets: usize,
    context: &Context,
) -> Tensor<1> {
    if is_at_once(&hidden, head, context)
        && let Some(mean) = head::mean(&hidden, head, labels, smoothing, targets)
    {
        return mean;
    }
    mean_cross_entropy(linear(hidden, head, context), labels, smoothing, targets, context)
}

/// [`cross_entropy`] of the same, where nothing is trained.
pub fn cross_entropy_of(
    hidden: Tensor<2>,
    head: &Weight,
    labels: &Labels,
    smoothing: Smoothing,
    context: &Context,
) -> Tensor<1> {
    if is_at_once(&hidden, head, context)
        && let Some(losses) = head::losses(&hidden, head, labels, smoothing)
    {
        return losses;
    }
    cross_entropy(linear(hidden, head, context), labels, smoothing, context)
}

/// The operation in plain tensors.
pub fn definition(logits: Tensor<2>, labels: &Labels, smoothing: Smoothing) -> Tensor<1> {
    let Smoothing { label_smoothing, z_loss } = smoothing;
    let highest = logits.clone().detach().max_dim(1);
    let lse = (logits.clone() - highest.clone()).exp().sum_dim(1).log() + highest;
    let label = logits.clone().gather(1, labels.ids.clone().unsqueeze_dim(1));
    let mut loss = lse.clone() - label * (1.0 - label_smoothing);
    if label_smoothing > 0.0 {
        loss = loss - logits.mean_dim(1) * label_smoothing;
    }
    if z_loss > 0.0 {
        loss = loss + lse.square() * z_loss;
    }
    loss.squeeze_dim::<1>(1) * labels.keep.clone()
}
