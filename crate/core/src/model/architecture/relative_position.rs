//! T5's relative positions: a learnt bias per head for each bucket of distances
//! (Raffel et al. 2020, section 2.1; the buckets as in transformers' `_relative_position_bucket`).

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::{
    model::config::T5Config,
    ops::{Context, gpu},
};

/// The bucket of a distance `key - query`.
///
/// `bidirectional` for the encoder, where half of the buckets are for keys after the query; in the
/// decoder all keys after the query share bucket 0 (they are masked anyway).
pub fn bucket(distance: i64, bidirectional: bool, buckets: usize, max_distance: usize) -> usize {
    let (mut offset, mut buckets) = (0, buckets);
    let distance = if bidirectional {
        buckets /= 2;
        if distance > 0 {
            offset = buckets;
        }
        distance.unsigned_abs() as usize
    } else {
        (-distance).max(0) as usize
    };
    let exact = buckets / 2;
    if distance < exact {
        return offset + distance;
    }
    // In float32, step by step, as torch computes it: a float64 logarithm lands in other buckets
    // at the borders.
    let ratio = (distance as f32 / exact as f32).ln()
        / ((max_distance as f64 / exact as f64).ln() as f32)
        * (buckets - exact) as f32;
    offset + (exact + ratio as usize).min(buckets - 1)
}

/// What is added to a score that must not count.
pub const MASKED: f32 = -1e9;

/// Which bias is meant.
#[derive(Clone, Copy, Debug)]
pub struct Positions {
    /// Whether keys after a query count: in the encoder. In the decoder they are masked.
    pub bidirectional: bool,
    /// Where the first query stands; the first key stands at 0.
    pub first_query: usize,
    /// How many there are.
    pub queries: usize,
    /// How many there are.
    pub keys: usize,
}

/// The bucket of each query and key, on a device; one beyond the last bucket for a key that is masked.
#[derive(Clone, Debug)]
pub struct Buckets {
    ids: Tensor<1, Int>,
    queries: usize,
    keys: usize,
}

impl Buckets {
    /// Those of a model's buckets.
    pub fn new(positions: Positions, config: &T5Config, device: &Device) -> Self {
        let Positions { bidirectional, first_query, queries, keys } = positions;
        let (buckets, max_distance) =
            (config.relative_attention_num_buckets, config.relative_attention_max_distance);
        let mut ids = Vec::with_capacity(queries * keys);
        for query in first_query..first_query + queries {
            for key in 0..keys {
                let distance = key as i64 - query as i64;
                ids.push(match !bidirectional && distance > 0 {
                    true => buckets as i32,
                    false => bucket(distance, bidirectional, buckets, max_distance) as i32,
                });
            }
        }
        let ids = Tensor::from_data(TensorData::new(ids, [queries * keys]), device);
        Buckets { ids, queries, keys }
    }
}

/// The bias of each head: `[1, heads, queries, keys]`, from the table `[buckets, heads]`.
pub fn bias(table: &Tensor<2>, buckets: Buckets, context: &Context) -> Tensor<4> {
    let Buckets { ids, queries, keys } = buckets;
    let device = table.device().without_autodiff();
    if context.has_gpu_kernel(table) && !table.is_require_grad() {
        return gpu::position::bias(table, ids, MASKED, [queries, keys]);
    }
    let heads = table.dims()[1];
    // One bucket more, for what is masked; and heads first, so that nothing is turned over for each length.
    let masked = Tensor::full([heads, 1], MASKED, &device);
    Tensor::cat(vec![table.clone().transpose(), masked], 1)
        .select(1, ids)
        .reshape([1, heads, queries, keys])
}

#[cfg(test)]
mod tests {
    use super::bucket;

    #[test]
    fn near_distances_have_their_own_bucket_and_far_ones_share() {
        assert_eq!(bucket(0, true, 32, 128), 0);
        assert_eq!(bucket(-7, true, 32, 128), 7);
        assert_eq!(bucket(7, true, 32, 128), 16 + 7);
        assert_eq!(bucket(-8, true, 32, 128), 8);
        assert_eq!(bucket(-10_000, true, 32, 128), 15);
        assert_eq!(bucket(10_000, true, 32, 128), 31);
    }

    #[test]
    fn the_decoder_looks_back_only() {
        assert_eq!(bucket(5, false, 32, 128), 0);
        assert_eq!(bucket(-15, false, 32, 128), 15);
        assert_eq!(bucket(-16, false, 32, 128), 16);
        assert_eq!(bucket(-128, false, 32, 128), 31);
    }
}
