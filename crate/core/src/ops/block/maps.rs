//! Linear maps of one input as one product, with their low-rank products.

use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{LOW_RANK, LOW_RANK_BACKWARD, LOW_RANK_GRADIENTS};

use super::Map;
use crate::ops::{
    Weight, gated_gelu,
    gpu::{
        Launch, Right, count, dims, empty,
        family::{Family, is_left_out},
        few::{self, Norm},
        groups, part,
        product::{Low, Up, With, by_rows, fits_planes, stride},
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
        norm: Norm<'_>,
    ) -> (CubeTensor, Inner, [CubeTensor; 2]) {
        let (n, scales, inner) = self.normed(x, norm);
        (self.product(&n, &inner, None), inner, [n, scales])
    }

    /// What they make of the norm of `x` where nothing comes back.
    pub(super) fn step(&self, x: &CubeTensor, norm: Norm<'_>) -> CubeTensor {
        if self.ranks() > 0 || !few::fits(dims(x)[0], self.inputs) {
            return self.forward_normed(x, norm).0;
        }
        few::normed(x, norm, &self.weight, self.planes * self.outputs, self.planes - 1)
    }

    /// The gated GELU of what the two of them, gate and value, make of the norm of `x`, where nothing comes back.
    pub(super) fn gated_step(&self, x: &CubeTensor, norm: Norm<'_>) -> CubeTensor {
        let rows = dims(x)[0];
        if !few::fits(rows, self.inputs) {
            let both = self.forward_normed(x, norm).0;
            return gated_gelu::gpu::forward(
                &self.plane(&both, rows, 0),
                &self.plane(&both, rows, 1),
            );
        }
        if self.ranks() == 0 {
            return few::gated(x, Some(norm), &self.weight, self.outputs, None);
        }
        let (n, _, inner) = self.normed(x, norm);
        few::gated(&n, None, &self.weight, self.outputs, self.low(&inner))
    }

    /// `n = norm(x)`, the norm's scales, and what low-rank products make of n on their way.
    fn normed(&self, x: &CubeTensor, norm: Norm<'_>) -> (CubeTensor, CubeTensor, Inner) {
        let Norm { weight, epsilon } = norm;
        match self.ranks() {
            // As many as a workgroup of the norm has threads for.
            1..=rms_norm::gpu::THREADS => {
                let low = self.beside().iter().map(|low| {
                    low.as_ref().map_or((None, 0, 0), |low| (Some(&low.a), low.first, low.rank))
                });
                let (n, scales, inner) =
                    rms_norm::gpu::forward_low(x, weight, epsilon, low.collect(), self.ranks());
                (n, scales, Some(inner))
            }
            _ => {
                let (n, scales) = rms_norm::gpu::forward(x, weight, epsilon);
                let inner = self.inner(&n);
                (n, scales, inner)
            }
        }
    }

    fn product(&self, x: &CubeTensor, inner: &Inner, residual: Option<&CubeTensor>) -> CubeTensor {
        let with = With {
            more_planes: self.planes - 1,
            low: self.low(inner),
            residual,
            ..With::default()
        };
        few::by_transposed(x, &self.weight, self.planes * self.outputs, with)
    }

    /// The low-rank products beside what they make.
    fn low<'a>(&'a self, inner: &'a Inner) -> Option<Low<'a>> {
        inner.as_ref().map(|low| Low { low, ups: self.ups(|low| (&low.b, low.scale)) })
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
            let with = With { more_planes: self.planes - 1, low, gated, ..With::default() };
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
        Weight::Packed(_) => false,
    }
}

/// The weights as one, if they lie one after the other.
fn together(maps: &[Map<'_>]) -> Option<Right> {
    let packed = |map: &Map<'_>| matches!(map.weight, Weight::Packed(_));
    if maps.iter().any(packed) && is_left_out(Family::Packed) {
        return None;
    }
    let rights: Vec<Right> = maps.iter().map(|map| map.weight.on_gpu()).collect::<Option<_>>()?;
    Right::together(&rights)
}
