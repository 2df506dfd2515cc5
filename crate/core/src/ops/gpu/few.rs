//! Products of few rows with a frozen weight, as generation makes them: they are bound by reading the weight.

use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::PRODUCT_FEW;

use super::{
    Launch, Right, dims, empty,
    family::{Family, is_left_out},
    product::{self, Low, Up, With, stride},
};

/// Rows that a product of few takes at once. More are worth the tiles of others.
pub const ROWS: usize = 8;
/// Columns that a workgroup makes.
const COLUMNS: usize = 4;

/// The norm that x goes through first.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a> {
    /// `[k]`.
    pub weight: &'a CubeTensor,
    /// What is added to the mean square.
    pub epsilon: f32,
}

/// `x · Wᵀ`: `x` is `[m, k]`, the weight `[n, k]`. Returns `[m, n]`, or planes of it. Few rows go by themselves.
pub fn by_transposed(x: &CubeTensor, weight: &Right, n: usize, with: With<'_>) -> CubeTensor {
    let [m, k] = dims(x);
    match fits(m, k) && with.into.is_none() {
        true => launch(x, weight, n, with, None, false),
        false => product::by_transposed(x, weight, n, with),
    }
}

/// Whether products of so many rows of this width go by themselves.
pub fn fits(rows: usize, inputs: usize) -> bool {
    rows <= ROWS && inputs.is_multiple_of(4) && !is_left_out(Family::Generation)
}

/// `norm(x) · Wᵀ`. There are no low-rank products and no residual.
pub fn normed(
    x: &CubeTensor,
    norm: Norm<'_>,
    weight: &Right,
    n: usize,
    more_planes: usize,
) -> CubeTensor {
    launch(x, weight, n, With { more_planes, ..With::default() }, Some(norm), false)
}

/// `gelu(x · W₀ᵀ) ∘ (x · W₁ᵀ)` of two weights `[n, k]`, one below the other; x goes through a norm first where
/// there is one, and there are no low-rank products then.
pub fn gated(
    x: &CubeTensor,
    norm: Option<Norm<'_>>,
    weight: &Right,
    n: usize,
    low: Option<Low<'_>>,
) -> CubeTensor {
    let nothing = Up { up: None, first: 0, rank: 0, scale: 0.0 };
    let low = low.map(|Low { low, mut ups }| {
        ups.resize(2, nothing);
        Low { low, ups }
    });
    launch(x, weight, n, With { low, ..With::default() }, norm, true)
}

fn launch(
    x: &CubeTensor,
    b: &Right,
    n: usize,
    with: With<'_>,
    norm: Option<Norm<'_>>,
    gate: bool,
) -> CubeTensor {
    let [m, k] = dims(x);
    let planes = 1 + with.more_planes;
    let plane = n / planes;
    let stride = stride(m, plane);
    let ups = with.low.as_ref().map_or(&[][..], |low| &low.ups);
    let y = match with.more_planes {
        0 => empty(x, [m, n]),
        _ => empty(x, [planes * stride]),
    };
    let mut launch = Launch::new(&PRODUCT_FEW);
    launch = b.constants(launch.constant("VEC", true));
    launch = launch.constant("NORM", norm.is_some()).constant("GATE", gate);
    launch = launch.constant("LOW", ups.len() as u32);
    launch = b.read(launch.constant("RESIDUAL", with.residual.is_some()).read(x));
    launch = norm.iter().map(|norm| norm.weight).fold(launch, Launch::read);
    launch = with.low.iter().map(|low| low.low).fold(launch, Launch::read);
    launch = ups.iter().map(|up| up.up).fold(launch, Launch::maybe);
    launch = with.residual.into_iter().fold(launch, Launch::read).write(&y);
    launch = launch.size(m).size(n).size(k).size(plane).size(stride);
    launch = norm.iter().map(|norm| norm.epsilon).fold(launch, Launch::number);
    for Up { first, rank, scale, .. } in ups {
        launch = launch.size(*first).size(*rank).number(*scale);
    }
    if let Some(low) = &with.low {
        launch = launch.size(dims(low.low)[1]);
    }
    launch.run([n.div_ceil(COLUMNS) as u32, m.div_ceil(ROWS) as u32, 1]);
    y
}
