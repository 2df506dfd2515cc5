//! Attention on GPUs: the probabilities are never in memory; the backward pass makes them again.

use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{
    ATTENTION, ATTENTION_DELTA, ATTENTION_KEYS, ATTENTION_POSITION, ATTENTION_QUERIES, DEPTHS,
};

use super::FusedAttention;
use crate::ops::gpu::{Launch, contiguous, count, dims, empty, part, product::both};

/// Threads of a workgroup.
const THREADS: usize = 64;
/// Numbers that a view begins at a multiple of.
const ALIGNED: usize = 64;

/// Whether there are shaders for heads of this width.
pub(super) fn fits(width: usize) -> bool {
    width.is_multiple_of(4) && DEPTHS.contains(&(width as u32 / 4))
}

/// How operands divide.
struct Sizes {
    queries: usize,
    keys: usize,
    heads: usize,
    batch: usize,
    /// A head's width over four.
    depth4: u32,
}

impl Sizes {
    fn of(q: &CubeTensor, k: &CubeTensor, batch: usize, heads: usize) -> Self {
        let ([rows, width], [others, _]) = (dims(q), dims(k));
        let depth4 = (width / heads / 4) as u32;
        Sizes { queries: rows / batch, keys: others / batch, heads, batch, depth4 }
    }

    /// Workgroups for so many threads for each head of each row.
    fn grid(&self, threads: usize) -> [u32; 3] {
        [threads.div_ceil(THREADS) as u32, self.heads as u32, self.batch as u32]
    }
}

/// A part of the bias: a buffer, and whether there is something in it.
fn bias(part: FloatTensor<Cube>) -> (CubeTensor, usize) {
    match count(&part) {
        0 => (empty(&part, [1]), 0),
        _ => (contiguous(part), 1),
    }
}

impl FusedAttention for Cube {
    fn fused_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        position: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        batch: usize,
        heads: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let ((q, k), v) = (both(q, k), contiguous(v));
        let ((position, has_position), (mask, has_mask)) = (bias(position), bias(mask));
        let sizes = Sizes::of(&q, &k, batch, heads);
        let (y, stats) = (empty(&q, q.shape()), empty(&q, [batch * heads * sizes.queries, 4]));
        let launch = Launch::new(&ATTENTION).constant("DEPTH4", sizes.depth4);
        let launch = launch.read(&q).read(&k).read(&v).read(&position).read(&mask);
        let launch = launch.write(&y).write(&stats).size(sizes.queries).size(sizes.keys);
        let launch = launch.size(heads).size(has_position).size(has_mask);
        launch.run(sizes.grid(sizes.queries));
        (y, stats)
    }

    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        position: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        result: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        batch: usize,
        heads: usize,
        wants_position: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let ((q, k), (v, dy)) = (both(q, k), both(v, gradient));
        let ((position, has_position), (mask, has_mask)) = (bias(position), bias(mask));
        let sizes = Sizes::of(&q, &k, batch, heads);
        let launch = |shader| Launch::new(shader).constant("DEPTH4", sizes.depth4);
        let all = |shader| {
            let launch = launch(shader).read(&q).read(&k).read(&v).read(&position).read(&mask);
            launch.read(&stats).read(&dy)
        };

        let delta = launch(&ATTENTION_DELTA).read(&result).read(&dy).write(&stats);
        delta.size(sizes.queries).size(heads).run(sizes.grid(sizes.queries));

        let dq = empty(&q, q.shape());
        let queries = all(&ATTENTION_QUERIES).write(&dq).size(sizes.queries).size(sizes.keys);
        let queries = queries.size(heads).size(has_position).size(has_mask);
        queries.run(sizes.grid(sizes.queries));

        // Both in one buffer, because a shader has no more than eight.
        let values = count(&k).next_multiple_of(ALIGNED);
        let out = empty(&k, [values + count(&k)]);
        let keys = all(&ATTENTION_KEYS).write(&out).size(sizes.queries).size(sizes.keys);
        let keys = keys.size(heads).size(batch).size(has_position).size(has_mask).size(values / 4);
        let [x, y, z] = sizes.grid(sizes.keys);
        keys.run([x, y, 2 * z]);

        let dposition = match wants_position {
            true => {
                let dposition = empty(&position, position.shape());
                let launch = all(&ATTENTION_POSITION).write(&dposition).size(sizes.queries);
                let launch = launch.size(sizes.keys).size(heads).size(batch).size(has_mask);
                let across = sizes.keys.div_ceil(THREADS) as u32;
                launch.run([across, sizes.queries as u32, heads as u32]);
                dposition
            }
            false => empty(&q, [1]),
        };
        (dq, part(&out, 0, k.shape()), part(&out, values, k.shape()), dposition)
    }
}
