//! The loss on the CPU: forwards each row of logits is read twice, backwards once, and the gradient
//! takes the logits' own memory where nothing else holds them.

use burn::{
    backend::{Flex, TensorMetadata, tensor::FloatTensor},
    tensor::Shape,
};

use super::CrossEntropy;
use crate::ops::cpu::{
    LANES, Shared, Values, exp, for_each, greatest, into_values, parts, sum, tensor, widest,
};

impl CrossEntropy for Flex {
    fn cross_entropy(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (logits, labels) = (Values::of(&logits), Values::of(&labels));
        let (logits, labels) = (logits.as_slice(), labels.as_slice());
        let rows = labels.len();
        let width = logits.len() / rows.max(1);
        let (mut losses, mut partitions) = (vec![0.0; rows], vec![0.0; rows]);
        let (all_losses, all_partitions) = (Shared::of(&mut losses), Shared::of(&mut partitions));
        for_each(parts(rows, width), |part| {
            // SAFETY: the parts do not overlap.
            let (losses, partitions) =
                unsafe { (all_losses.part(part.clone()), all_partitions.part(part.clone())) };
            let out = losses.iter_mut().zip(partitions);
            for (row, (loss, partition)) in part.zip(out) {
                let label = labels[row];
                if label < 0.0 {
                    continue;
                }
                let logits = &logits[row * width..(row + 1) * width];
                *partition = widest(
                    #[inline(always)]
                    || log_sum_exp(logits),
                );
                let right = logits.get(label as usize).copied().unwrap_or(f32::NAN);
                *loss = *partition - (1.0 - label_smoothing) * right;
                if label_smoothing > 0.0 {
                    *loss -= label_smoothing * sum(logits) / width as f32;
                }
                *loss += z_loss * *partition * *partition;
            }
        });
        let shape = Shape::new([rows]);
        (tensor(losses, shape.clone()), tensor(partitions, shape))
    }

    fn cross_entropy_backward(
        logits: FloatTensor<Self>,
        labels: FloatTensor<Self>,
        partition: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        label_smoothing: f32,
        z_loss: f32,
    ) -> FloatTensor<Self> {
        let shape = logits.shape();
        let (labels, partition) = (Values::of(&labels), Values::of(&partition));
        let gradient = Values::of(&gradient);
        let (labels, partition) = (labels.as_slice(), partition.as_slice());
        let gradient = gradient.as_slice();
        let rows = labels.len();
        let mut values = into_values(logits);
        let width = values.len() / rows.max(1);
        let all = Shared::of(&mut values);
        for_each(parts(rows, width), |part| {
            for row in part {
                // SAFETY: each row belongs to one part.
                let values = unsafe { all.part(row * width..(row + 1) * width) };
                let (label, partition, gradient) = (labels[row], partition[row], gradient[row]);
                if label < 0.0 {
                    values.fill(0.0);
                    continue;
                }
                let scale = gradient * (1.0 + 2.0 * z_loss * partition);
                let spread = gradient * label_smoothing / width as f32;
                widest(
                    #[inline(always)]
                    || {
                        for value in values.iter_mut() {
                            *value = scale * exp(*value - partition) - spread;
                        }
                    },
                );
                if let Some(value) = values.get_mut(label as usize) {
                    *value -= gradient * (1.0 - label_smoothing);
                }
            }
        });
        tensor(values, shape)
    }
}

/// `log Σ exp` of a row.
#[inline(always)]
fn log_sum_exp(values: &[f32]) -> f32 {
    let most = greatest(values);
    let mut sums = [0.0f32; LANES];
    let (parts, rest) = values.as_chunks::<LANES>();
    for part in parts {
        for lane in 0..LANES {
            sums[lane] += exp(part[lane] - most);
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        sums[lane] += exp(value - most);
    }
    most + sums.iter().sum::<f32>().ln()
}
