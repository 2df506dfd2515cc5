//! RMS norm on the CPU: each row is read once forwards and twice backwards, while it is in the cache.

use burn::{
    backend::{Flex, TensorMetadata, tensor::FloatTensor},
    tensor::Shape,
};

use super::RmsNorm;
use crate::ops::cpu::{Blank, LANES, Shared, Values, dot, filled, for_each, parts, tensor, widest};

impl RmsNorm for Flex {
    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let shape = x.shape();
        let (x, weight) = (Values::of(&x), Values::of(&weight));
        let (x, weight) = (x.as_slice(), weight.as_slice());
        let width = weight.len();
        let rows = x.len() / width.max(1);
        let mut scales = vec![0.0; rows];
        let all_scales = Shared::of(&mut scales);
        let work = |y: Blank| {
            for_each(parts(rows, width), |part| {
                // SAFETY: the parts do not overlap.
                let (y, scales) = unsafe {
                    (y.part(part.start * width..part.end * width), all_scales.part(part.clone()))
                };
                let x = &x[part.start * width..part.end * width];
                widest(
                    #[inline(always)]
                    || {
                        let rows = x.chunks_exact(width).zip(y.chunks_exact_mut(width));
                        for ((x, y), scale) in rows.zip(scales) {
                            *scale = 1.0 / (dot(x, x) / width as f32 + epsilon).sqrt();
                            for ((y, x), w) in y.iter_mut().zip(x).zip(weight) {
                                y.write(x * *scale * w);
                            }
                        }
                    },
                );
            });
        };
        // SAFETY: every element is written.
        let y = tensor(unsafe { filled(x.len(), work) }, shape);
        (y, tensor(scales, Shape::new([rows])))
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scales: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        // Its sums cost next to nothing beside what is read anyway.
        _wants_weight: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (shape, weight_shape) = (x.shape(), weight.shape());
        let (x, weight) = (Values::of(&x), Values::of(&weight));
        let (scales, gradient) = (Values::of(&scales), Values::of(&gradient));
        let (x, weight) = (x.as_slice(), weight.as_slice());
        let (scales, gradient) = (scales.as_slice(), gradient.as_slice());
        let width = weight.len();
        let rows = x.len() / width.max(1);
        let parts = parts(rows, width);
        // The weight's gradient is summed in each part, then over the parts in their order.
        let mut sums = vec![0.0; parts.len() * width];
        let all_sums = Shared::of(&mut sums);
        let work = |dx: Blank| {
            let numbered = parts.into_iter().enumerate().collect();
            for_each(numbered, |(number, part): (usize, std::ops::Range<usize>)| {
                // SAFETY: the parts do not overlap.
                let (dx, sums) = unsafe {
                    let sums = all_sums.part(number * width..(number + 1) * width);
                    (dx.part(part.start * width..part.end * width), sums)
                };
                widest(
                    #[inline(always)]
                    || {
                        for (dx, row) in dx.chunks_exact_mut(width).zip(part) {
                            let x = &x[row * width..(row + 1) * width];
                            let dy = &gradient[row * width..(row + 1) * width];
                            let scale = scales[row];
                            let mean = dot_of_three(dy, weight, x) / width as f32;
                            let back = scale * scale * scale * mean;
                            for place in 0..width {
                                dx[place]
                                    .write(scale * dy[place] * weight[place] - back * x[place]);
                                sums[place] += dy[place] * x[place] * scale;
                            }
                        }
                    },
                );
            });
        };
        // SAFETY: every element is written.
        let dx = unsafe { filled(x.len(), work) };
        let mut dw = vec![0.0; width];
        for part in sums.chunks_exact(width) {
            dw.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        (tensor(dx, shape), tensor(dw, weight_shape))
    }
}

/// The sum of the products of three rows.
#[inline(always)]
fn dot_of_three(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (a_parts, a_rest) = a.as_chunks::<LANES>();
    let (b_parts, b_rest) = b.as_chunks::<LANES>();
    let (c_parts, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a_parts.iter().zip(b_parts).zip(c_parts) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane] * c[lane];
        }
    }
    for (lane, ((a, b), c)) in a_rest.iter().zip(b_rest).zip(c_rest).enumerate() {
        sums[lane] += a * b * c;
    }
    sums.iter().sum()
}
