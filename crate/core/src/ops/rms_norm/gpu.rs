//! RMS norm on GPUs: a workgroup a row, or a thread a row on software that makes products without tiles.

use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{RMS_BACKWARD, RMS_NORM, RMS_WEIGHT};

use super::RmsNorm;
use crate::{
    device::gpu_is_imitated,
    ops::gpu::{
        Launch, both, count, dims, empty, groups,
        product::{is_tiled, sum_parts},
    },
};

/// Rows whose part of the weight's gradient is summed by one thread.
const PART: usize = 64;
/// Threads of a row's workgroup.
pub(in crate::ops) const THREADS: usize = 64;

impl RmsNorm for Cube {
    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (x, weight) = both(x, weight);
        forward(&x, &weight, epsilon)
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scales: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        wants_weight: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let ((x, weight), (scales, gradient)) = (both(x, weight), both(scales, gradient));
        let dx = backward(&x, &weight, &scales, &gradient, None);
        if !wants_weight {
            return (dx, empty(&x, [0]));
        }
        let (rows, width) = sizes(&x, &weight);
        let parts = rows.div_ceil(PART);
        let partial = empty(&x, [parts, width]);
        let launch = Launch::new(&RMS_WEIGHT).read(&x).read(&scales).read(&gradient);
        let launch = launch.write(&partial).size(rows).size(width).size(PART);
        launch.run([width.div_ceil(64) as u32, parts as u32, 1]);
        (dx, sum_parts(&partial, parts, [width]))
    }
}

fn sizes(x: &CubeTensor, weight: &CubeTensor) -> (usize, usize) {
    let width = count(weight);
    (count(x) / width.max(1), width)
}

/// The result, and r of each row.
fn forward(x: &CubeTensor, weight: &CubeTensor, epsilon: f32) -> (CubeTensor, CubeTensor) {
    let scales = empty(x, [sizes(x, weight).0]);
    (forward_low(x, weight, epsilon, &scales, None), scales)
}

/// Of each map A of its low-rank product, if there is one, the first of its inner numbers and how many there are.
pub(in crate::ops) type Downs<'a> = Vec<(Option<&'a CubeTensor>, usize, usize)>;

/// The result; r of each row is written to `scales`, and the inner numbers of the low-rank products beside maps of
/// the result to the matrix there is for them: `[rows, ranks]`, [`THREADS`] ranks at most.
pub(in crate::ops) fn forward_low(
    x: &CubeTensor,
    weight: &CubeTensor,
    epsilon: f32,
    scales: &CubeTensor,
    low: Option<(Downs<'_>, &CubeTensor)>,
) -> CubeTensor {
    let (rows, width) = sizes(x, weight);
    let y = empty(x, x.shape());
    let launch = Launch::new(&RMS_NORM).constant("ALONE", is_alone());
    let Some((low, inner)) = low else {
        let launch = launch.constant("LOW", 0u32).read(x).read(weight).write(&y).write(scales);
        launch.size(rows).size(width).number(epsilon).run(row_groups(rows));
        return y;
    };
    let [_, ranks] = dims(inner);
    let mut launch = launch.constant("LOW", low.len() as u32);
    launch = launch.read(x).read(weight).write(&y).write(scales);
    launch = low.iter().map(|(a, ..)| *a).fold(launch, Launch::maybe);
    launch = launch.write(inner).size(rows).size(width).number(epsilon).size(ranks);
    launch = launch.size(THREADS / ranks.next_power_of_two());
    for (_, first, rank) in low {
        launch = launch.size(first).size(rank);
    }
    launch.run(row_groups(rows));
    y
}

/// Whether a thread does a row by itself. A GPU has rows done by workgroups, whichever way its products go.
fn is_alone() -> bool {
    gpu_is_imitated() && !is_tiled()
}

/// Workgroups for so many rows.
fn row_groups(rows: usize) -> [u32; 3] {
    groups(rows, if is_alone() { THREADS } else { 1 })
}

/// The gradient of x, and what came back past the norm.
pub(in crate::ops) fn backward(
    x: &CubeTensor,
    weight: &CubeTensor,
    scales: &CubeTensor,
    dy: &CubeTensor,
    past: Option<&CubeTensor>,
) -> CubeTensor {
    let (rows, width) = sizes(x, weight);
    let dx = empty(x, x.shape());
    let launch = Launch::new(&RMS_BACKWARD).constant("ALONE", is_alone());
    let launch = launch.constant("RESIDUAL", past.is_some());
    let launch = launch.read(x).read(weight).read(scales).read(dy);
    let launch = past.into_iter().fold(launch, Launch::read).write(&dx);
    launch.size(rows).size(width).run(row_groups(rows));
    dx
}
