//! Linear maps of one input as one product, with their low-rank products.

use burn::backend::Cube;
use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{LOW_RANK, LOW_RANK_BACKWARD, LOW_RANK_GRADIENTS};

use super::Map;
use crate::ops::{
    Weight,
    gpu::{
        Launch, adjacent, count, dims, empty,
        family::{Family, is_left_out},
        groups, part,
        product::{Low, Right, Up, With, by_rows, by_transposed, fits_planes, stride},
        slot,
    },
    rms_norm,
};

/// Maps of one input, each with as many outputs as the others.
#[derive(Clone, Debug)]
pub(super) struct Maps {
    weight: Right,
    planes: usize,
    inputs: usize,
    /// Of each map.
    outputs: usize,
    low: Vec<Option<LowRank>>,
}

/// A low-rank product, on a GPU.
#[derive(Clone, Debug)]
struct LowRank {
    a: CubeTensor,
    b: CubeTensor,
    scale: f32,
    /// The first of its inner numbers among those of all maps.
    first: usize,
    rank: usize,
}

/// What the low-rank products make on their way, `[rows, ranks]`; none where there are none.
pub(super) type Inner = Option<CubeTensor>;

impl Maps {
    /// None where they cannot be one product: weights that do not lie together, sizes that are no fours.
    /// `matrices` are A and B of each, of no numbers where nothing is beside it.
    pub(super) fn new<const N: usize>(
        maps: &[Map<'_>; N],
        matrices: &[[CubeTensor; 2]; N],
    ) -> Option<Self> {
        let [outputs, inputs] = maps.first()?.weight.dims();
        if maps.iter().any(|map| map.weight.dims() != [outputs, inputs] || is_tracked(map.weight)) {
            return None;
        }
        let weight = together(maps)?;
        if !fits_planes(maps.len(), outputs, inputs) {
            return None;
        }
        let mut first = 0;
        let low = maps.iter().zip(matrices).map(|(map, [a, b])| {
            let scale = map.low_rank?.scale as f32;
            let rank = dims(a)[0];
            first += rank;
            Some(LowRank { a: a.clone(), b: b.clone(), scale, first: first - rank, rank })
        });
        let low = low.collect();
        Some(Maps { weight, planes: maps.len(), inputs, outputs, low })
    }

    /// How many numbers what they make of so many rows has.
    pub(super) fn size(&self, rows: usize) -> usize {
        self.planes * stride(rows, self.outputs)
    }

    /// A map's plane of what all make, `[rows, outputs]`.
    pub(super) fn plane(&self, made: &CubeTensor, rows: usize, plane: usize) -> CubeTensor {
        part(made, plane * stride(rows, self.outputs), [rows, self.outputs])
    }

    /// What they make of `x`, `[rows, inputs]`: planes, or `[rows, outputs]` of one map, to which `residual` is
    /// added.
    pub(super) fn forward(
        &self,
        x: &CubeTensor,
        residual: Option<&CubeTensor>,
    ) -> (CubeTensor, Inner) {
        let inner = self.inner(x);
        (self.product(x, &inner, residual), inner)
    }

    /// The same of `n = norm(x)`, and n and the norm's scales.
    pub(super) fn forward_normed(
        &self,
        x: &CubeTensor,
        norm: &CubeTensor,
        epsilon: f32,
    ) -> (CubeTensor, Inner, [CubeTensor; 2]) {
        let (n, scales, inner) = match self.ranks() {
            // As many as a workgroup of the norm has threads for.
            1..=rms_norm::gpu::THREADS => {
                let low = self.beside().iter().map(|low| {
                    low.as_ref().map_or((None, 0, 0), |low| (Some(&low.a), low.first, low.rank))
                });
                let (n, scales, inner) =
                    rms_norm::gpu::forward_low(x, norm, epsilon, low.collect(), self.ranks());
                (n, scales, Some(inner))
            }
            _ => {
                let (n, scales) = rms_norm::gpu::forward(x, norm, epsilon);
                let inner = self.inner(&n);
                (n, scales, inner)
            }
        };
        (self.product(&n, &inner, None), inner, [n, scales])
    }

    fn product(&self, x: &CubeTensor, inner: &Inner, residual: Option<&CubeTensor>) -> CubeTensor {
        let with = With {
            more_planes: self.planes - 1,
            low: inner.as_ref().map(|low| Low { low, ups: self.ups(|low| (&low.b, low.scale)) }),
            residual,
            gated: None,
        };
        by_transposed(x, &self.weight, self.planes * self.outputs, with)
    }

    /// The gradients of the input, where it is wanted, and of A and B of each map. `dy` lies as what was made.
    /// Where the input is what a gated GELU made of `gated`, its gradient is passed through that.
    ///
    /// # Panics
    /// Where there are not `N` maps.
    pub(super) fn backward<const N: usize>(
        &self,
        x: &CubeTensor,
        inner: &Inner,
        dy: &CubeTensor,
        wants_x: bool,
        gated: Option<&CubeTensor>,
    ) -> (Option<CubeTensor>, [[Option<CubeTensor>; 2]; N]) {
        assert_eq!(self.planes, N, "maps");
        let rows = dims(x)[0];
        let dinner = inner.as_ref().map(|_| self.inner_backward(dy, rows));
        let dx = wants_x.then(|| {
            let low = dinner.as_ref().map(|low| Low { low, ups: self.ups(|low| (&low.a, 1.0)) });
            let with = With { more_planes: self.planes - 1, low, residual: None, gated };
            let sizes = [rows, self.inputs, self.planes * self.outputs];
            by_rows(dy, &self.weight, sizes, 1.0, with)
        });
        let gradients = match (inner, &dinner) {
            (Some(inner), Some(dinner)) => self.gradients(x, inner, dinner, dy),
            _ => Vec::new(),
        };
        let mut gradients = gradients.into_iter();
        (dx, std::array::from_fn(|_| gradients.next().unwrap_or_default()))
    }

    /// As many as there are up to the last one beside a map.
    fn beside(&self) -> &[Option<LowRank>] {
        let count = self.low.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        &self.low[..count]
    }

    fn ranks(&self) -> usize {
        self.low.iter().flatten().map(|low| low.rank).sum()
    }

    fn ups<'a>(&'a self, up: impl Fn(&'a LowRank) -> (&'a CubeTensor, f32)) -> Vec<Up<'a>> {
        let beside = self.beside().iter().map(|low| match low {
            Some(low) => {
                let (matrix, scale) = up(low);
                Up { up: Some(matrix), first: low.first, rank: low.rank, scale }
            }
            None => Up { up: None, first: 0, rank: 0, scale: 0.0 },
        });
        beside.collect()
    }

    /// `x · Aᵀ` of all maps.
    fn inner(&self, x: &CubeTensor) -> Inner {
        let (beside, ranks) = (self.beside(), self.ranks());
        if ranks == 0 {
            return None;
        }
        let rows = dims(x)[0];
        let low = empty(x, [rows, ranks]);
        let mut launch = Launch::new(&LOW_RANK).constant("LOW", beside.len() as u32).read(x);
        for of in beside {
            launch = launch.maybe(of.as_ref().map(|low| &low.a));
        }
        launch = launch.write(&low).size(rows).size(self.inputs).size(ranks);
        for of in beside {
            let (first, rank) = of.as_ref().map_or((0, 0), |low| (low.first, low.rank));
            launch = launch.size(first).size(rank);
        }
        launch.run(groups(rows * ranks, 64));
        Some(low)
    }

    /// `scale · dy · B` of all maps.
    fn inner_backward(&self, dy: &CubeTensor, rows: usize) -> CubeTensor {
        let (beside, ranks) = (self.beside(), self.ranks());
        let dlow = empty(dy, [rows, ranks]);
        let constant = beside.len() as u32;
        let mut launch = Launch::new(&LOW_RANK_BACKWARD).constant("LOW", constant).read(dy);
        for of in beside {
            launch = launch.maybe(of.as_ref().map(|low| &low.b));
        }
        launch = launch.write(&dlow).size(rows).size(self.outputs).size(ranks);
        launch = launch.size(stride(rows, self.outputs));
        for of in beside {
            let (first, rank, scale) =
                of.as_ref().map_or((0, 0, 0.0), |low| (low.first, low.rank, low.scale));
            launch = launch.size(first).size(rank).number(scale);
        }
        launch.run(groups(rows * ranks, 64));
        dlow
    }

    /// The gradients of A and B of each map, all in one buffer.
    fn gradients(
        &self,
        x: &CubeTensor,
        inner: &CubeTensor,
        dinner: &CubeTensor,
        dy: &CubeTensor,
    ) -> Vec<[Option<CubeTensor>; 2]> {
        let (rows, beside, ranks) = (dims(x)[0], self.beside(), self.ranks());
        let mut end = 0;
        let mut place = |of: &CubeTensor| {
            end += slot(count(of));
            end - slot(count(of))
        };
        let places: Vec<Option<[usize; 2]>> = self
            .low
            .iter()
            .map(|low| low.as_ref().map(|low| [place(&low.a), place(&low.b)]))
            .collect();
        let all = empty(x, [end]);
        let mut launch = Launch::new(&LOW_RANK_GRADIENTS).constant("LOW", beside.len() as u32);
        launch = launch.read(x).read(inner).read(dinner).read(dy).write(&all);
        launch = launch.size(rows).size(self.outputs).size(self.inputs).size(ranks);
        launch = launch.size(stride(rows, self.outputs));
        for (of, place) in beside.iter().zip(&places) {
            let [a, b] = place.unwrap_or_default();
            let (first, rank, scale) =
                of.as_ref().map_or((0, 0, 0.0), |low| (low.first, low.rank, low.scale));
            launch = launch.size(first).size(rank).number(scale).size(a).size(b);
        }
        launch.run(groups(ranks * (self.inputs + self.outputs) / 4, 64));
        let views = self.low.iter().zip(places).map(|(low, place)| match (low, place) {
            (Some(low), Some([a, b])) => {
                [Some(part(&all, a, dims(&low.a))), Some(part(&all, b, dims(&low.b)))]
            }
            _ => [None, None],
        });
        views.collect()
    }
}

fn is_tracked(weight: &Weight) -> bool {
    match weight {
        Weight::Dense(tensor) => tensor.is_require_grad(),
        Weight::Int8(_) => false,
    }
}

/// The weights as one, if they lie one after the other.
fn together(maps: &[Map<'_>]) -> Option<Right> {
    let all = |parts: Vec<CubeTensor>| adjacent(&parts);
    match maps.first()?.weight {
        Weight::Dense(_) => {
            let parts = maps.iter().map(|map| match map.weight {
                Weight::Dense(tensor) => tensor.clone().try_into_primitive::<Cube>().ok(),
                Weight::Int8(_) => None,
            });
            Some(Right::Floats(all(parts.collect::<Option<_>>()?)?))
        }
        Weight::Int8(_) if is_left_out(Family::Int8) => None,
        Weight::Int8(_) => {
            let (mut words, mut scales) = (Vec::new(), Vec::new());
            for map in maps {
                let Weight::Int8(int8) = map.weight else { return None };
                words.push(int8.words.clone().try_into_primitive::<Cube>().ok()?);
                scales.push(int8.scales.clone().try_into_primitive::<Cube>().ok()?);
            }
            Some(Right::Int8 { words: all(words)?, scales: all(scales)? })
        }
    }
}
