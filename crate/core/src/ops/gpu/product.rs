//! Products of matrices on GPUs.

use std::sync::atomic::{AtomicU8, Ordering};

use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{PRODUCT, PRODUCT_TILED, SUM_PARTS};
use serde::{Deserialize, Serialize};

use super::{Launch, Right, count, dims, empty, groups, slot};
use crate::device::gpu_is_imitated;

/// Rows and columns of y that a workgroup makes.
const TILE: usize = 32;
/// A sum over many rows is made in parts, until there are so many threads.
const THREADS: usize = 4096;
/// The fewest rows that are worth a part of their own.
const PART: usize = 64;

/// How products are made. Their sums have one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
/// The way that is wrong on this GPU; none where it is [`Tiles::Fitting`].
static WRONG: AtomicU8 = AtomicU8::new(Tiles::Fitting as u8);

/// Chooses how all products of this program are made, as far as that is right.
pub fn set_tiles(tiles: Tiles) {
    TILES.store(tiles as u8, Ordering::Relaxed);
}

/// Never makes products in this way from now on, if any.
pub fn leave_out_tiles(wrong: Option<Tiles>) {
    WRONG.store(wrong.unwrap_or(Tiles::Fitting) as u8, Ordering::Relaxed);
}

/// How products are made now.
pub fn tiles() -> Tiles {
    if is_tiled() { Tiles::Shared } else { Tiles::None }
}

/// Whether threads of a workgroup share what they do.
pub fn is_tiled() -> bool {
    let is = |way: &AtomicU8, tiles: Tiles| way.load(Ordering::Relaxed) == tiles as u8;
    match (is(&WRONG, Tiles::Shared), is(&WRONG, Tiles::None)) {
        (true, _) => false,
        (_, true) => true,
        _ if is(&TILES, Tiles::Fitting) => !gpu_is_imitated(),
        _ => is(&TILES, Tiles::Shared),
    }
}

/// What goes into a product beside its operands.
#[derive(Debug, Default)]
pub struct With<'a> {
    /// How many maps lie one below the other in the weight, less one: what they make, or what comes back, is
    /// in planes then.
    pub more_planes: usize,
    /// Low-rank products.
    pub low: Option<Low<'a>>,
    /// What is added, of the result's shape.
    pub residual: Option<&'a CubeTensor>,
    /// The gate and the value, in planes, that the result is the gradient of the gated GELU of: then their
    /// gradients are what comes out, in planes likewise.
    pub gated: Option<&'a CubeTensor>,
    /// Where the result is written, if it has a place; there are no planes then.
    pub into: Option<&'a CubeTensor>,
}

/// Low-rank products beside a product's planes.
#[derive(Debug)]
pub struct Low<'a> {
    /// The inner numbers of all, `[m, ranks]`.
    pub low: &'a CubeTensor,
    /// What they are multiplied by, for each plane.
    pub ups: Vec<Up<'a>>,
}

/// A plane's part of a low-rank product.
#[derive(Clone, Copy, Debug)]
pub struct Up<'a> {
    /// It lies as the right side does. None where nothing is beside the plane.
    pub up: Option<&'a CubeTensor>,
    /// The first of its inner numbers.
    pub first: usize,
    /// How many there are.
    pub rank: usize,
    /// What the result is multiplied by.
    pub scale: f32,
}

impl<'a> Low<'a> {
    /// Of one map.
    pub fn one(low: &'a CubeTensor, up: &'a CubeTensor, scale: f32) -> Self {
        Low { low, ups: vec![Up { up: Some(up), first: 0, rank: dims(low)[1], scale }] }
    }
}

/// `x · Wᵀ`: `x` is `[m, k]`, the weight `[n, k]`, `up` `[its rows, rank]`. Returns `[m, n]`, or planes of it.
pub fn by_transposed(x: &CubeTensor, weight: &Right, n: usize, with: With<'_>) -> CubeTensor {
    let [m, k] = dims(x);
    launch("NT", x, weight, 1.0, with, [m, n, k])
}

/// `scale · dy · W`: `dy` is `[m, k]`, or planes of it, the weight `[k, n]`, `up` `[rank, n]`.
pub fn by_rows(
    dy: &CubeTensor,
    weight: &Right,
    [m, n, k]: [usize; 3],
    scale: f32,
    with: With<'_>,
) -> CubeTensor {
    launch("NN", dy, weight, scale, with, [m, n, k])
}

/// `aᵀ · b`: `a` is `[k, m]`, `b` `[k, n]`.
pub fn of_transposed(a: &CubeTensor, b: &CubeTensor, scale: f32) -> CubeTensor {
    let ([k, m], [_, n]) = (dims(a), dims(b));
    launch("TN", a, &Right::Floats(b.clone()), scale, With::default(), [m, n, k])
}

/// How many numbers on the next plane of so many rows and columns begins.
pub fn stride(rows: usize, columns: usize) -> usize {
    slot(rows * columns)
}

/// Whether products of these sizes may have so many planes of this width.
pub fn fits_planes(planes: usize, plane: usize, inputs: usize) -> bool {
    // A tile is within one plane.
    let step = if planes > 1 && is_tiled() { TILE } else { 4 };
    plane.is_multiple_of(step) && inputs.is_multiple_of(4)
}

fn launch(
    layout: &'static str,
    a: &CubeTensor,
    b: &Right,
    alpha: f32,
    with: With<'_>,
    [m, n, k]: [usize; 3],
) -> CubeTensor {
    let fours = |sizes: [usize; 2]| sizes.iter().all(|size| size.is_multiple_of(4));
    let transposed = layout == "TN";
    let vectors = fours(if transposed { [m, n] } else { [k, n] });
    let tiled = vectors && is_tiled();
    let packed = matches!(b, Right::Packed { .. });
    // By single floats only strides tell layouts apart.
    let named = if vectors || packed { layout } else { "NT" };
    let threads = m.div_ceil(4) * n.div_ceil(4);
    let parts = match transposed && vectors {
        true => (THREADS / threads.max(1)).min(k / PART).max(1),
        false => 1,
    };
    let planes = 1 + with.more_planes;
    let plane = if named == "NN" { k / planes } else { n / planes };
    let stride = stride(m, if with.gated.is_some() { n } else { plane });

    let ups = with.low.as_ref().map_or(&[][..], |low| &low.ups);
    let mut launch = Launch::new(if tiled { &PRODUCT_TILED } else { &PRODUCT });
    for other in ["NT", "NN", "TN"] {
        launch = launch.constant(other, other == named);
    }
    launch = b.constants(launch.constant("VEC", vectors)).constant("LOW", ups.len() as u32);
    launch = launch.constant("RESIDUAL", with.residual.is_some());
    launch = b.read(launch.constant("GATE", with.gated.is_some()).read(a));
    let y = match (with.into, with.more_planes) {
        (Some(into), _) => into.clone(),
        (None, 1..) if layout == "NT" => empty(a, [planes * stride]),
        _ if with.gated.is_some() => empty(a, [2 * stride]),
        _ => empty(a, [parts * m, n]),
    };
    let mut ranks = 0;
    if let Some(Low { low, .. }) = &with.low {
        launch = launch.read(low);
        ranks = dims(low)[1];
    }
    launch = ups.iter().map(|up| up.up).fold(launch, Launch::maybe);
    launch = with.residual.into_iter().chain(with.gated).fold(launch, Launch::read);
    launch = launch.write(&y).size(m).size(n).size(k).size(plane).size(stride).number(alpha);
    for Up { first, rank, scale, .. } in ups {
        launch = launch.size(*first).size(*rank).number(*scale);
    }
    if !ups.is_empty() {
        launch = launch.size(ranks);
    }
    if !vectors {
        let [a_m, a_k] = if transposed { [1, m] } else { [k, 1] };
        let right = if layout == "NT" { [1, k, 1, ranks] } else { [n, 1, n, 1] };
        launch = [a_m, a_k].into_iter().chain(right).fold(launch, Launch::size);
    } else if transposed {
        launch = launch.size(k.div_ceil(parts));
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
