//! Attention on the CPU: each row and head is one piece of work, whose scores stay in the cache
//! between the two products. Heads are read where they stand, by strides.

use burn::{
    backend::{Flex, TensorMetadata, tensor::FloatTensor},
    tensor::Shape,
};

use super::FusedAttention;
use crate::ops::cpu::{
    Blank, LANES, Matrix, Shared, Values, dot, exp, filled, for_each, greatest, product, tensor,
    widest,
};

/// The sizes of an attention.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    /// Numbers of a head.
    depth: usize,
    /// Numbers of all heads.
    width: usize,
}

impl Sizes {
    fn new(q: &Shape, k: &Shape, batch: usize, heads: usize) -> Self {
        let (queries, keys) = (q[0] / batch.max(1), k[0] / batch.max(1));
        Sizes { batch, heads, queries, keys, depth: q[1] / heads, width: q[1] }
    }

    /// Where a row's head begins among `length` rows of queries or keys each.
    fn start(&self, row: usize, head: usize, length: usize) -> usize {
        row * length * self.width + head * self.depth
    }

    /// The matrix of a row's head, `[length, depth]`.
    fn head<'a>(&self, values: &'a [f32], row: usize, head: usize, length: usize) -> Matrix<'a> {
        Matrix::new(&values[self.start(row, head, length)..], length, self.depth, self.width)
    }

    /// Where a row's head has its probabilities.
    fn scores(&self, row: usize, head: usize) -> std::ops::Range<usize> {
        let size = self.queries * self.keys;
        let place = row * self.heads + head;
        place * size..(place + 1) * size
    }

    fn pieces(&self) -> Vec<(usize, usize)> {
        (0..self.batch).flat_map(|row| (0..self.heads).map(move |head| (row, head))).collect()
    }
}

impl FusedAttention for Flex {
    fn fused_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        position: FloatTensor<Self>,
        mask: FloatTensor<Self>,
        batch: usize,
        heads: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let shape = q.shape();
        let sizes = Sizes::new(&shape, &k.shape(), batch, heads);
        let Sizes { queries, keys, width, .. } = sizes;
        let (q, k, v) = (Values::of(&q), Values::of(&k), Values::of(&v));
        let (q, k, v) = (q.as_slice(), k.as_slice(), v.as_slice());
        let (position, mask) = (Values::of(&position), Values::of(&mask));
        let (position, mask) = (position.as_slice(), mask.as_slice());
        let size = queries * keys;
        let mut mixed = Vec::new();
        let work = |all: Blank| {
            let work = |mixed: Blank| {
                for_each(sizes.pieces(), |(row, head)| {
                    let place = sizes.scores(row, head);
                    // SAFETY: each piece has its own scores and its own columns of its own rows.
                    unsafe {
                        product(
                            all.matrix(place.start, keys),
                            sizes.head(q, row, head, queries),
                            sizes.head(k, row, head, keys).transposed(),
                            1.0,
                            false,
                            true,
                        );
                    }
                    // SAFETY: as above; the product has written all of them.
                    let scores = unsafe { all.written(place) };
                    // A bias of fewer numbers is the single zero.
                    let position = position.get(head * size..(head + 1) * size);
                    let mask = mask.get(row * keys..(row + 1) * keys).filter(|_| mask.len() > 1);
                    widest(
                        #[inline(always)]
                        || {
                            for (query, scores) in scores.chunks_exact_mut(keys).enumerate() {
                                if let Some(position) = position.filter(|_| size > 0) {
                                    let bias = &position[query * keys..(query + 1) * keys];
                                    scores.iter_mut().zip(bias).for_each(|(s, b)| *s += b);
                                }
                                if let Some(mask) = mask {
                                    scores.iter_mut().zip(mask).for_each(|(s, b)| *s += b);
                                }
                                softmax(scores);
                            }
                        },
                    );
                    let probabilities = Matrix::new(scores, queries, keys, keys);
                    let values = sizes.head(v, row, head, keys);
                    // SAFETY: as above.
                    unsafe {
                        let out = mixed.matrix(sizes.start(row, head, queries), width);
                        product(out, probabilities, values, 1.0, false, true);
                    }
                });
            };
            // SAFETY: the pieces cover all columns of all rows.
            mixed = unsafe { filled(q.len(), work) };
        };
        // SAFETY: the pieces cover all scores.
        let probabilities = unsafe { filled(batch * heads * size, work) };
        let probabilities = tensor(probabilities, Shape::new([batch, heads, queries, keys]));
        (tensor(mixed, shape), probabilities)
    }

    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        probabilities: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        batch: usize,
        heads: usize,
        wants_position: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (q_shape, k_shape) = (q.shape(), k.shape());
        let sizes = Sizes::new(&q_shape, &k_shape, batch, heads);
        let Sizes { queries, keys, width, .. } = sizes;
        let (q, k, v) = (Values::of(&q), Values::of(&k), Values::of(&v));
        let (q, k, v) = (q.as_slice(), k.as_slice(), v.as_slice());
        let (probabilities, gradient) = (Values::of(&probabilities), Values::of(&gradient));
        let (probabilities, gradient) = (probabilities.as_slice(), gradient.as_slice());
        let size = queries * keys;
        // The bias by position is shared by all rows, so a head's rows go one after another where
        // its gradient is wanted.
        let pieces: Vec<Vec<(usize, usize)>> = match wants_position {
            true => (0..heads).map(|head| (0..batch).map(|row| (row, head)).collect()).collect(),
            false => sizes.pieces().into_iter().map(|piece| vec![piece]).collect(),
        };
        let mut by_position = vec![0.0; if wants_position { heads * size } else { 1 }];
        let positions = Shared::of(&mut by_position);
        let (mut dk, mut dv) = (Vec::new(), Vec::new());
        let work = |dq: Blank| {
            let work = |dk: Blank| {
                let work = |dv: Blank| {
                    for_each(pieces, |pieces| {
                        let mut scores = vec![0.0; size];
                        for (row, head) in pieces {
                            let place = sizes.scores(row, head);
                            let probabilities = &probabilities[place];
                            let dy = sizes.head(gradient, row, head, queries);
                            let p = Matrix::new(probabilities, queries, keys, keys);
                            let (to_query, to_key) =
                                (sizes.start(row, head, queries), sizes.start(row, head, keys));
                            // SAFETY: each piece has its own columns of its own rows.
                            unsafe {
                                let out = dv.matrix(to_key, width);
                                product(out, p.transposed(), dy, 1.0, false, true);
                                let v = sizes.head(v, row, head, keys).transposed();
                                let out = Shared::of(&mut scores).matrix(0, keys);
                                product(out, dy, v, 1.0, false, true);
                            }
                            widest(
                                #[inline(always)]
                                || softmax_backward(&mut scores, probabilities, keys),
                            );
                            if wants_position {
                                // SAFETY: a head's rows are all in one piece of work.
                                let sums =
                                    unsafe { positions.part(head * size..(head + 1) * size) };
                                sums.iter_mut().zip(&scores).for_each(|(sum, d)| *sum += d);
                            }
                            let ds = Matrix::new(&scores, queries, keys, keys);
                            let (q, k) =
                                (sizes.head(q, row, head, queries), sizes.head(k, row, head, keys));
                            // SAFETY: as above.
                            unsafe {
                                product(dq.matrix(to_query, width), ds, k, 1.0, false, true);
                                let out = dk.matrix(to_key, width);
                                product(out, ds.transposed(), q, 1.0, false, true);
                            }
                        }
                    });
                };
                // SAFETY: the pieces cover all columns of all rows.
                dv = unsafe { filled(v.len(), work) };
            };
            // SAFETY: as above.
            dk = unsafe { filled(k.len(), work) };
        };
        // SAFETY: as above.
        let dq = unsafe { filled(q.len(), work) };
        let position = match wants_position {
            true => Shape::new([1, heads, queries, keys]),
            false => Shape::new([1, 1, 1, 1]),
        };
        (
            tensor(dq, q_shape),
            tensor(dk, k_shape.clone()),
            tensor(dv, k_shape),
            tensor(by_position, position),
        )
    }
}

/// Softmax of a row, in place.
#[inline(always)]
pub(super) fn softmax(scores: &mut [f32]) {
    let most = greatest(scores);
    let mut sums = [0.0f32; LANES];
    let (parts, rest) = scores.as_chunks_mut::<LANES>();
    for part in parts {
        for lane in 0..LANES {
            part[lane] = exp(part[lane] - most);
            sums[lane] += part[lane];
        }
    }
    for (lane, score) in rest.iter_mut().enumerate() {
        *score = exp(*score - most);
        sums[lane] += *score;
    }
    let scale = 1.0 / sums.iter().sum::<f32>();
    scores.iter_mut().for_each(|score| *score *= scale);
}

/// From gradients of probabilities to gradients of scores, row by row, in place.
#[inline(always)]
fn softmax_backward(gradients: &mut [f32], probabilities: &[f32], keys: usize) {
    for (ds, p) in gradients.chunks_exact_mut(keys).zip(probabilities.chunks_exact(keys)) {
        let mean = dot(ds, p);
        ds.iter_mut().zip(p).for_each(|(ds, p)| *ds = p * (*ds - mean));
    }
}
