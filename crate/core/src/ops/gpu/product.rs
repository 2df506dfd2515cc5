//! Products of matrices on GPUs.

use std::sync::atomic::{AtomicU8, Ordering};

use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{PRODUCT, PRODUCT_TILED, SUM_PARTS};

use super::{Launch, contiguous, count, dims, empty, groups};
use crate::device::gpu_is_imitated;

/// Rows and columns of y that a workgroup makes.
const TILE: usize = 32;
/// A sum over many rows is made in parts, until there are so many threads.
const THREADS: usize = 4096;
/// The fewest rows that are worth a part of their own.
const PART: usize = 64;

/// How products are made. Their sums have one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tiles {
    /// As is right for the device.
    Fitting,
    /// By tiles in workgroup memory, where sizes allow it: for GPUs.
    Shared,
    /// Straight from memory: for software.
    None,
}

static TILES: AtomicU8 = AtomicU8::new(Tiles::Fitting as u8);

/// Chooses how all products of this program are made.
pub fn set_tiles(tiles: Tiles) {
    TILES.store(tiles as u8, Ordering::Relaxed);
}

fn is_tiled() -> bool {
    let chosen = TILES.load(Ordering::Relaxed);
    match chosen == Tiles::Fitting as u8 {
        true => !gpu_is_imitated(),
        false => chosen == Tiles::Shared as u8,
    }
}

/// The right side of a product.
#[derive(Debug)]
pub enum Right<'a> {
    /// Floats.
    Floats(&'a CubeTensor),
    /// 8-bit integers, four in a word, with a scale for each row.
    Int8 {
        /// `[rows, ⌈columns / 4⌉]`.
        words: &'a CubeTensor,
        /// `[rows]`.
        scales: &'a CubeTensor,
    },
}

/// A low-rank product that is added.
#[derive(Debug)]
pub struct Low<'a> {
    /// `[m, rank]`.
    pub low: &'a CubeTensor,
    /// What it is multiplied by, which lies as the right side does.
    pub up: &'a CubeTensor,
    /// What the result is multiplied by.
    pub scale: f32,
}

/// `x · Wᵀ`: `x` is `[m, k]`, the weight `[n, k]`, `low.up` `[n, rank]`.
pub fn by_transposed(
    x: &CubeTensor,
    weight: &Right<'_>,
    n: usize,
    low: Option<Low<'_>>,
) -> CubeTensor {
    let [m, k] = dims(x);
    launch("NT", x, weight, 1.0, low, [m, n, k])
}

/// `scale · dy · W`: `dy` is `[m, k]`, the weight `[k, n]`, `low.up` `[rank, n]`.
pub fn by_rows(
    dy: &CubeTensor,
    weight: &Right<'_>,
    n: usize,
    scale: f32,
    low: Option<Low<'_>>,
) -> CubeTensor {
    let [m, k] = dims(dy);
    launch("NN", dy, weight, scale, low, [m, n, k])
}

/// `scale · aᵀ · b`: `a` is `[k, m]`, `b` `[k, n]`.
pub fn of_transposed(a: &CubeTensor, b: &CubeTensor, scale: f32) -> CubeTensor {
    let ([k, m], [_, n]) = (dims(a), dims(b));
    launch("TN", a, &Right::Floats(b), scale, None, [m, n, k])
}

fn launch(
    layout: &'static str,
    a: &CubeTensor,
    b: &Right<'_>,
    alpha: f32,
    low: Option<Low<'_>>,
    [m, n, k]: [usize; 3],
) -> CubeTensor {
    let fours = |sizes: [usize; 2]| sizes.iter().all(|size| size.is_multiple_of(4));
    let transposed = layout == "TN";
    let vectors = fours(if transposed { [m, n] } else { [k, n] });
    let tiled = vectors && is_tiled();
    let int8 = matches!(b, Right::Int8 { .. });
    // By single floats only strides tell layouts apart.
    let named = if vectors || int8 { layout } else { "NT" };
    let threads = m.div_ceil(4) * n.div_ceil(4);
    let parts = match transposed && vectors {
        true => (THREADS / threads.max(1)).min(k / PART).max(1),
        false => 1,
    };
    let part = k.div_ceil(parts);

    let mut launch = Launch::new(if tiled { &PRODUCT_TILED } else { &PRODUCT });
    for other in ["NT", "NN", "TN"] {
        launch = launch.constant(other, other == named);
    }
    if !tiled {
        launch = launch.constant("VEC", vectors);
    }
    launch = launch.constant("INT8", int8).constant("LOW", low.is_some()).read(a);
    launch = match b {
        Right::Floats(b) => launch.read(b),
        Right::Int8 { words, scales } => launch.read(words).read(scales),
    };
    let y = empty(a, [parts * m, n]);
    let (rank, beta) = low.as_ref().map_or((0, 0.0), |low| (dims(low.low)[1], low.scale));
    if let Some(Low { low, up, .. }) = &low {
        launch = launch.read(low).read(up);
    }
    launch = launch.write(&y).size(m).size(n).size(k).size(rank).number(alpha).number(beta);
    if !vectors {
        let [a_m, a_k] = if transposed { [1, m] } else { [k, 1] };
        let right = if layout == "NT" { [1, k, 1, rank] } else { [n, 1, n, 1] };
        launch = [a_m, a_k].into_iter().chain(right).fold(launch, Launch::size);
    } else if transposed {
        launch = launch.size(part);
    }
    launch.run([n.div_ceil(TILE) as u32, m.div_ceil(TILE) as u32, parts as u32]);
    if parts == 1 { y } else { sum_parts(&y, parts, [m, n]) }
}

/// Adds up parts that lie one after the other, in their order.
pub fn sum_parts<const D: usize>(
    parts: &CubeTensor,
    number: usize,
    shape: [usize; D],
) -> CubeTensor {
    let y = empty(parts, shape);
    let all = count(&y);
    let launch = Launch::new(&SUM_PARTS).read(parts).write(&y).size(number).size(all);
    launch.run(groups(all, 64));
    y
}

/// Both as shaders read them.
pub fn both(a: CubeTensor, b: CubeTensor) -> (CubeTensor, CubeTensor) {
    (contiguous(a), contiguous(b))
}
