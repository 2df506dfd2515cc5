//! Linear maps of one input as one product, with their low-rank products.

use burn_cubecl::tensor::CubeTensor;

use super::{
    Map,
    low_rank::{Inner, LowRank, LowRanks, Room},
};
use crate::ops::{
    Weight, gated_gelu,
    gpu::{
        Right, dims,
        family::{Family, is_left_out},
        few::{self, Norm},
        part,
        product::{Low, With, by_rows, fits_planes, stride},
    },
    rms_norm,
};

/// Maps of one input, each with as many outputs as the others.
#[derive(Clone, Debug)]
pub(super) struct Maps {
    weight: Right,
    planes: usize,
    /// What is beside them.
    pub(super) low: LowRanks,
}

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
        let low = LowRanks { of_maps: low.collect(), inputs, outputs };
        Some(Maps { weight, planes: maps.len(), low })
    }

    /// How many numbers what they make of so many rows has.
    pub(super) fn size(&self, rows: usize) -> usize {
        self.planes * stride(rows, self.low.outputs)
    }

    /// A map's plane of what all make, `[rows, outputs]`.
    pub(super) fn plane(&self, made: &CubeTensor, rows: usize, plane: usize) -> CubeTensor {
        part(made, plane * stride(rows, self.low.outputs), [rows, self.low.outputs])
    }

    /// What they make of `x`, `[rows, inputs]`: planes, or `[rows, outputs]` of one map, to which `residual` is
    /// added.
    pub(super) fn forward(
        &self,
        x: &CubeTensor,
        inner: &Option<Inner>,
        residual: Option<&CubeTensor>,
    ) -> CubeTensor {
        if let Some(inner) = inner {
            self.low.forward(x, &inner.numbers);
        }
        self.product(x, inner, residual)
    }

    /// The same of `norm(x)`, whose scales are written to the room.
    pub(super) fn forward_normed(
        &self,
        x: &CubeTensor,
        norm: Norm<'_>,
        room: &Room,
        inner: &Option<Inner>,
    ) -> CubeTensor {
        self.product(&self.normed(x, norm, room, inner), inner, None)
    }

    /// What they make of `x` where nothing comes back.
    pub(super) fn once(&self, x: &CubeTensor, residual: Option<&CubeTensor>) -> CubeTensor {
        if self.low.ranks() == 0 {
            return self.product(x, &None, residual);
        }
        let (_, [inner]) = Room::new(x, 0, [(&self.low, dims(x)[0])]);
        self.forward(x, &inner, residual)
    }

    /// What they make of the norm of `x` where nothing comes back.
    pub(super) fn step(&self, x: &CubeTensor, norm: Norm<'_>) -> CubeTensor {
        let rows = dims(x)[0];
        if self.low.ranks() > 0 || !few::fits(rows, self.low.inputs) {
            let (room, [inner]) = Room::new(x, rows, [(&self.low, rows)]);
            return self.forward_normed(x, norm, &room, &inner);
        }
        few::normed(x, norm, &self.weight, self.planes * self.low.outputs, self.planes - 1)
    }

    /// The gated GELU of what the two of them, gate and value, make of the norm of `x`, where nothing comes back.
    pub(super) fn gated_step(&self, x: &CubeTensor, norm: Norm<'_>) -> CubeTensor {
        let (rows, outputs) = (dims(x)[0], self.low.outputs);
        let fits = few::fits(rows, self.low.inputs);
        if fits && self.low.ranks() == 0 {
            return few::gated(x, Some(norm), &self.weight, outputs, None);
        }
        let (room, [inner]) = Room::new(x, rows, [(&self.low, rows)]);
        if fits {
            let n = self.normed(x, norm, &room, &inner);
            return few::gated(&n, None, &self.weight, outputs, self.beside(&inner));
        }
        let both = self.forward_normed(x, norm, &room, &inner);
        gated_gelu::gpu::forward(&self.plane(&both, rows, 0), &self.plane(&both, rows, 1))
    }

    /// `norm(x)`; its scales, and what low-rank products make of it on their way, are written to their places.
    fn normed(
        &self,
        x: &CubeTensor,
        Norm { weight, epsilon }: Norm<'_>,
        room: &Room,
        inner: &Option<Inner>,
    ) -> CubeTensor {
        match inner {
            // As many as a workgroup of the norm has threads for.
            Some(inner) if self.low.ranks() <= rms_norm::gpu::THREADS => {
                let low = self.low.list().iter().map(|low| {
                    low.as_ref().map_or((None, 0, 0), |low| (Some(&low.a), low.first, low.rank))
                });
                let low = Some((low.collect(), &inner.numbers));
                rms_norm::gpu::forward_low(x, weight, epsilon, &room.scales, low)
            }
            _ => {
                let n = rms_norm::gpu::forward_low(x, weight, epsilon, &room.scales, None);
                if let Some(inner) = inner {
                    self.low.forward(&n, &inner.numbers);
                }
                n
            }
        }
    }

    fn product(
        &self,
        x: &CubeTensor,
        inner: &Option<Inner>,
        residual: Option<&CubeTensor>,
    ) -> CubeTensor {
        let low = self.beside(inner);
        let with = With { more_planes: self.planes - 1, low, residual, ..With::default() };
        few::by_transposed(x, &self.weight, self.planes * self.low.outputs, with)
    }

    /// The low-rank products beside what they make.
    fn beside<'a>(&'a self, inner: &'a Option<Inner>) -> Option<Low<'a>> {
        let low = &inner.as_ref()?.numbers;
        Some(Low { low, ups: self.low.ups(|low| (&low.b, low.scale)) })
    }

    /// The gradient of the input, `[rows, inputs]`, where it is wanted, with `residual` added; those of the inner
    /// numbers are written to their place. `dy` lies as what was made. Where the input is what a gated GELU made of
    /// `gated`, its gradient is passed through that.
    pub(super) fn backward(
        &self,
        dy: &CubeTensor,
        rows: usize,
        inner: &Option<Inner>,
        wants_x: bool,
        past: Past<'_>,
    ) -> Option<CubeTensor> {
        if let Some(inner) = inner {
            self.low.backward(dy, &inner.gradients);
        }
        wants_x.then(|| {
            let low = inner
                .as_ref()
                .map(|inner| Low { low: &inner.gradients, ups: self.low.ups(|low| (&low.a, 1.0)) });
            let Past { residual, gated } = past;
            let with =
                With { more_planes: self.planes - 1, low, residual, gated, ..With::default() };
            let sizes = [rows, self.low.inputs, self.planes * self.low.outputs];
            by_rows(dy, &self.weight, sizes, 1.0, with)
        })
    }
}

/// What is done with the gradient of maps' input before it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past<'a> {
    /// It is added.
    pub(super) residual: Option<&'a CubeTensor>,
    /// The gradient is passed through the gated GELU of this gate and value.
    pub(super) gated: Option<&'a CubeTensor>,
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
