//! Many rows of numbers as one, each in a slot of its own, and parts of such a row without a copy. A GPU
//! takes as long to be told of a small piece of work as of a large one.

use burn::{backend::Cube, tensor::Tensor};
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::GATHER;

use super::gpu::{
    self, Launch, adjacent, contiguous, count,
    family::{Family, is_left_out},
    groups, slot,
};

/// Rows that are joined in one dispatch.
const SOURCES: usize = 7;

/// The rows one after the other, each in its slot, with zeros in what is left of it.
///
/// # Panics
/// Where they are not all on one GPU.
pub fn join(rows: Vec<Tensor<1>>) -> Tensor<1> {
    Tensor::from_primitive::<Cube>(join_words(rows.into_iter().map(on_gpu).collect()))
}

/// [`join`] of words of 32 bits, whatever they are and however they are shaped.
///
/// # Panics
/// Where there are none.
pub fn join_words(rows: Vec<CubeTensor>) -> CubeTensor {
    let rows = runs(rows.into_iter().map(contiguous).collect());
    let first = rows.first().expect("rows to join");
    let all: usize = rows.iter().map(|row| slot(count(row))).sum();
    let whole = CubeTensor { dtype: first.dtype, ..gpu::empty(first, [all]) };
    let mut to = 0;
    for part in rows.chunks(SOURCES) {
        let mut launch = Launch::new(&GATHER);
        for source in 0..SOURCES {
            launch = launch.maybe(part.get(source));
        }
        let lengths = part.iter().map(count);
        let all: usize = lengths.clone().map(slot).sum();
        launch = launch.write(&whole).size(to);
        let lengths = lengths.chain(std::iter::repeat(0)).take(SOURCES);
        lengths.fold(launch, Launch::size).run(groups(all, 64));
        to += all;
    }
    whole
}

/// What lies one after the other already, each in slots that it fills, as one.
fn runs(rows: Vec<CubeTensor>) -> Vec<CubeTensor> {
    let mut runs: Vec<CubeTensor> = Vec::new();
    for row in rows {
        let row = gpu::part(&row, 0, [count(&row)]);
        match runs.last_mut() {
            Some(last) if count(last) == slot(count(last)) => {
                match adjacent(&[last.clone(), row.clone()]) {
                    Some(both) => *last = both,
                    None => runs.push(row),
                }
            }
            _ => runs.push(row),
        }
    }
    runs
}

/// Matrices of one device in one piece of memory, one after the other: each the same numbers as before. Where
/// the kernel for it is wrong they stay where they are.
pub fn lay_together(matrices: Vec<CubeTensor>) -> Vec<CubeTensor> {
    if is_left_out(Family::Rows) {
        return matrices;
    }
    let shapes: Vec<_> = matrices.iter().map(|matrix| matrix.meta.shape().clone()).collect();
    let whole = join_words(matrices);
    let mut first = 0;
    let parts = shapes.into_iter().map(|shape| {
        let part = gpu::part(&whole, first, shape);
        first += slot(count(&part));
        part
    });
    parts.collect()
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
    gpu::place(&gpu::part(&whole, first, part.meta.shape().clone())) == gpu::place(&part)
}

fn on_gpu(row: Tensor<1>) -> CubeTensor {
    row.try_into_primitive::<Cube>().expect("a tensor on a GPU")
}
