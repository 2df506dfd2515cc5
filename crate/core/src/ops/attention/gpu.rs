//! Attention on GPUs: the probabilities are never in memory; the backward pass makes them again.

use burn::backend::{Cube, TensorMetadata, tensor::FloatTensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{
    ATTENTION, ATTENTION_KEYS, ATTENTION_POSITION, ATTENTION_QUERIES, DEPTHS, Shader,
};

use super::FusedAttention;
use crate::ops::{
    gpu::{Launch, both, contiguous, count, dims, empty, part, slot, spanning},
    rows::join_words,
};

/// Threads of a workgroup.
const THREADS: usize = 64;

/// Whether there are shaders for heads of this width.
pub(in crate::ops) fn fits(width: usize) -> bool {
    width.is_multiple_of(4) && DEPTHS.contains(&(width as u32 / 4))
}

/// How operands divide.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Sizes {
    queries: usize,
    keys: usize,
    heads: usize,
    batch: usize,
    /// A head's width over four.
    depth4: u32,
}

impl Sizes {
    pub(in crate::ops) fn of(q: &CubeTensor, k: &CubeTensor, batch: usize, heads: usize) -> Self {
        let ([rows, width], [others, _]) = (dims(q), dims(k));
        let depth4 = (width / heads / 4) as u32;
        Sizes { queries: rows / batch, keys: others / batch, heads, batch, depth4 }
    }

    /// Workgroups for so many threads for each head of each row.
    fn grid(&self, threads: usize) -> [u32; 3] {
        [threads.div_ceil(THREADS) as u32, self.heads as u32, self.batch as u32]
    }
}

/// The bias: by position, and the mask after it.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Biases {
    /// The numbers of both, or of the one that there is.
    numbers: CubeTensor,
    has_position: usize,
    has_mask: usize,
    /// The first number of the mask.
    mask_at: usize,
    /// Numbers of the bias by position.
    positions: usize,
}

impl Biases {
    /// Of parts that have no numbers where there are none. Both lie in one buffer, because a shader has no more
    /// than eight: where they do not already, they are put there.
    pub(in crate::ops) fn of(position: CubeTensor, mask: CubeTensor) -> Self {
        let has = |part: &CubeTensor| usize::from(count(part) > 0);
        let (has_position, has_mask) = (has(&position), has(&mask));
        let positions = count(&position);
        let (numbers, mask_at) = match (has_position, has_mask) {
            (1, 1) => {
                let (position, mask) = (contiguous(position), contiguous(mask));
                let mask_at = slot(count(&position));
                match spanning(&position, &mask, mask_at) {
                    Some(both) => (both, mask_at),
                    None => (join_words(vec![position, mask]), mask_at),
                }
            }
            (1, 0) => (contiguous(position), 0),
            (0, 1) => (contiguous(mask), 0),
            _ => (empty(&position, [0]), 0),
        };
        Biases { numbers, has_position, has_mask, mask_at, positions }
    }

    /// Binds the numbers.
    pub(in crate::ops) fn read<'a>(&'a self, launch: Launch<'a>) -> Launch<'a> {
        launch.read(&self.numbers)
    }

    /// Says what there is, and where.
    pub(in crate::ops) fn sizes<'a>(&self, launch: Launch<'a>) -> Launch<'a> {
        launch.size(self.has_position).size(self.has_mask).size(self.mask_at)
    }

    /// Of how many places each head has a bias.
    pub(in crate::ops) fn places(&self, heads: usize) -> usize {
        self.positions / heads
    }
}

/// What attention goes by.
#[derive(Clone, Debug)]
pub(in crate::ops) struct Operands {
    pub(in crate::ops) q: CubeTensor,
    pub(in crate::ops) k: CubeTensor,
    pub(in crate::ops) v: CubeTensor,
    pub(in crate::ops) bias: Biases,
    pub(in crate::ops) sizes: Sizes,
}

impl Operands {
    fn launch(&self, shader: &'static Shader) -> Launch<'_> {
        let launch = Launch::new(shader).constant("DEPTH4", self.sizes.depth4);
        self.bias.read(launch.read(&self.q).read(&self.k).read(&self.v))
    }

    /// The result, and what makes the probabilities again.
    pub(in crate::ops) fn forward(&self) -> (CubeTensor, CubeTensor) {
        let Sizes { queries, keys, heads, batch, .. } = self.sizes;
        let y = empty(&self.q, self.q.shape());
        let stats = empty(&self.q, [batch * heads * queries, 4]);
        let launch = self.launch(&ATTENTION).write(&y).write(&stats);
        let launch = launch.size(queries).size(keys).size(heads);
        self.bias.sizes(launch).run(self.sizes.grid(queries));
        (y, stats)
    }

    /// Writes the gradients of q, and of k and v, which are in one buffer: v's from number `values` on.
    pub(in crate::ops) fn backward(
        &self,
        [y, stats, dy]: [&CubeTensor; 3],
        dq: &CubeTensor,
        (dkv, values): (&CubeTensor, usize),
    ) {
        let Sizes { queries, keys, heads, batch, .. } = self.sizes;
        let of_q = self.launch(&ATTENTION_QUERIES).write(stats).read(y).read(dy).write(dq);
        let of_q = of_q.size(queries).size(keys).size(heads);
        self.bias.sizes(of_q).run(self.sizes.grid(queries));

        let of_kv = self.launch(&ATTENTION_KEYS).read(stats).read(dy).write(dkv);
        let of_kv = of_kv.size(queries).size(keys).size(heads).size(batch);
        let [x, y, z] = self.sizes.grid(keys);
        self.bias.sizes(of_kv).size(values / 4).run([x, y, 2 * z]);
    }

    /// The gradient of the bias by position.
    fn position_backward(&self, stats: &CubeTensor, dy: &CubeTensor) -> CubeTensor {
        let Sizes { queries, keys, heads, batch, .. } = self.sizes;
        let dposition = empty(&self.q, [1, heads, queries, keys]);
        let launch = self.launch(&ATTENTION_POSITION).read(stats).read(dy).write(&dposition);
        let launch = launch.size(queries).size(keys).size(heads).size(batch);
        let launch = launch.size(self.bias.has_mask).size(self.bias.mask_at);
        launch.run([keys.div_ceil(THREADS) as u32, queries as u32, heads as u32]);
        dposition
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
        let bias = Biases::of(position, mask);
        let sizes = Sizes::of(&q, &k, batch, heads);
        Operands { q, k, v, bias, sizes }.forward()
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
        let bias = Biases::of(position, mask);
        let sizes = Sizes::of(&q, &k, batch, heads);
        let operands = Operands { q, k, v, bias, sizes };
        let dq = empty(&operands.q, operands.q.shape());
        // Both in one buffer, because a shader has no more than eight.
        let (numbers, shape) = (count(&operands.k), operands.k.shape());
        let values = slot(numbers);
        let dkv = empty(&operands.k, [values + numbers]);
        operands.backward([&result, &stats, &dy], &dq, (&dkv, values));
        let dposition = match wants_position {
            true => operands.position_backward(&stats, &dy),
            false => empty(&dq, [1]),
        };
        (dq, part(&dkv, 0, shape.clone()), part(&dkv, values, shape), dposition)
    }
}
