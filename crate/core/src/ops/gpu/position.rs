//! The bias by position on GPUs.

use burn::{
    backend::Cube,
    tensor::{Int, Tensor},
};
use flantune_shaders::POSITION_BIAS;

use super::{Launch, buffer, count, dims, empty, groups};

/// The bias of each head, `[1, heads, queries, keys]`, from the table `[buckets, heads]` and a bucket for each
/// query and key; `masked` where that is none.
///
/// # Panics
/// Where the tensors are not on a GPU.
pub fn bias(
    table: &Tensor<2>,
    ids: Tensor<1, Int>,
    masked: f32,
    [queries, keys]: [usize; 2],
) -> Tensor<4> {
    let table = buffer(table.clone());
    let ids = ids.try_into_primitive::<Cube>().expect("a tensor on a GPU");
    let [buckets, heads] = dims(&table);
    let y = empty(&table, [1, heads, queries, keys]);
    let launch = Launch::new(&POSITION_BIAS).read(&table).read(&ids).write(&y);
    let launch = launch.size(buckets).size(heads).size(queries * keys).number(masked);
    launch.run(groups(count(&y), 64));
    Tensor::from_primitive::<Cube>(y)
}
