//! Many rows of numbers as one, each in a slot of its own, and parts of such a row without a copy. A GPU
//! takes as long to be told of a small piece of work as of a large one.

use burn::{backend::Cube, tensor::Tensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::GATHER;

use super::gpu::{self, Launch, contiguous, count, groups};

/// A slot is a multiple of so many numbers: a shader can bind a view that begins at one.
const SLOT: usize = 64;
/// Rows that are joined in one dispatch.
const SOURCES: usize = 7;

/// The length of the slot for a row of this length.
pub fn slot(length: usize) -> usize {
    length.next_multiple_of(SLOT)
}

/// The rows one after the other, each in its slot, with zeros in what is left of it.
///
/// # Panics
/// Where they are not all on one GPU.
pub fn join(rows: Vec<Tensor<1>>) -> Tensor<1> {
    let rows: Vec<CubeTensor> = rows.into_iter().map(|row| contiguous(on_gpu(row))).collect();
    let first = rows.first().expect("rows to join");
    let whole = gpu::empty(first, [rows.iter().map(|row| slot(count(row))).sum::<usize>()]);
    let none: [CubeTensor; SOURCES] = std::array::from_fn(|_| gpu::empty(first, [0]));
    let mut to = 0;
    for part in rows.chunks(SOURCES) {
        let mut launch = Launch::new(&GATHER);
        for source in part.iter().chain(&none[part.len()..]) {
            launch = launch.read(source);
        }
        let lengths = part.iter().map(count);
        let all: usize = lengths.clone().map(slot).sum();
        launch = launch.write(&whole).size(to);
        let lengths = lengths.chain(std::iter::repeat(0)).take(SOURCES);
        lengths.fold(launch, Launch::size).run(groups(all, 64));
        to += all;
    }
    Tensor::from_primitive::<Cube>(whole)
}

/// `length` numbers from number `first` on, which is a slot's beginning, in the row's own memory.
pub fn part(whole: &Tensor<1>, first: usize, length: usize) -> Tensor<1> {
    Tensor::from_primitive::<Cube>(gpu::part(&on_gpu(whole.clone()), first, [length]))
}

/// Whether this is the [`part`] of the row that begins at number `first`.
pub fn is_part(part: &Tensor<1>, whole: &Tensor<1>, first: usize) -> bool {
    if !gpu::is_gpu(part) {
        return false;
    }
    let (part, whole) = (on_gpu(part.clone()), on_gpu(whole.clone()));
    gpu::part(&whole, first, part.meta.shape().clone()).handle.binding().claim_key()
        == part.handle.binding().claim_key()
}

fn on_gpu(row: Tensor<1>) -> CubeTensor {
    row.try_into_primitive::<Cube>().expect("a tensor on a GPU")
}
