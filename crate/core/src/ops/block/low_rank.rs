//! The low-rank products beside the maps of a part of a block: what they make on their way, forwards and back,
//! and the gradients of their matrices, all of a part in one dispatch.

use burn_cubecl::tensor::CubeTensor;
use flantune_shaders::{LOW_RANK, LOW_RANK_BACKWARD, LOW_RANK_GRADIENTS};

use crate::ops::gpu::{
    Launch, count, dims, empty, groups, part,
    product::{Up, stride},
    slot,
};

/// A low-rank product.
#[derive(Clone, Debug)]
pub(super) struct LowRank {
    pub(super) a: CubeTensor,
    pub(super) b: CubeTensor,
    pub(super) scale: f32,
    /// The first of its inner numbers among those of all maps of one input.
    pub(super) first: usize,
    pub(super) rank: usize,
}

/// Those beside maps of one input, each with as many outputs as the others.
#[derive(Clone, Debug)]
pub(super) struct LowRanks {
    pub(super) of_maps: Vec<Option<LowRank>>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

impl LowRanks {
    /// Inner numbers of a row.
    pub(super) fn ranks(&self) -> usize {
        self.of_maps.iter().flatten().map(|low| low.rank).sum()
    }

    /// As many as there are up to the last one beside a map.
    pub(super) fn list(&self) -> &[Option<LowRank>] {
        let count = self.of_maps.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        &self.of_maps[..count]
    }

    /// What a product adds of each.
    pub(super) fn ups<'a>(
        &'a self,
        up: impl Fn(&'a LowRank) -> (&'a CubeTensor, f32),
    ) -> Vec<Up<'a>> {
        let ups = self.list().iter().map(|low| match low {
            Some(low) => {
                let (matrix, scale) = up(low);
                Up { up: Some(matrix), first: low.first, rank: low.rank, scale }
            }
            None => Up { up: None, first: 0, rank: 0, scale: 0.0 },
        });
        ups.collect()
    }

    /// `x · Aᵀ` of all maps.
    pub(super) fn forward(&self, x: &CubeTensor, inner: &CubeTensor) {
        let (list, [rows, ranks]) = (self.list(), dims(inner));
        let mut launch = Launch::new(&LOW_RANK).constant("LOW", list.len() as u32).read(x);
        for of in list {
            launch = launch.maybe(of.as_ref().map(|low| &low.a));
        }
        launch = launch.write(inner).size(rows).size(self.inputs).size(ranks);
        for of in list {
            let (first, rank) = of.as_ref().map_or((0, 0), |low| (low.first, low.rank));
            launch = launch.size(first).size(rank);
        }
        launch.run(groups(rows * ranks, 64));
    }

    /// `scale · dy · B` of all maps.
    pub(super) fn backward(&self, dy: &CubeTensor, dinner: &CubeTensor) {
        let (list, [rows, ranks]) = (self.list(), dims(dinner));
        let constant = list.len() as u32;
        let mut launch = Launch::new(&LOW_RANK_BACKWARD).constant("LOW", constant).read(dy);
        for of in list {
            launch = launch.maybe(of.as_ref().map(|low| &low.b));
        }
        launch = launch.write(dinner).size(rows).size(self.outputs).size(ranks);
        launch = launch.size(stride(rows, self.outputs));
        for of in list {
            let (first, rank, scale) =
                of.as_ref().map_or((0, 0, 0.0), |low| (low.first, low.rank, low.scale));
            launch = launch.size(first).size(rank).number(scale);
        }
        launch.run(groups(rows * ranks, 64));
    }
}

/// What the low-rank products of a part make on their way, forwards and back, and the scales of its norm: in one
/// buffer, so that a dispatch can read all of it. A norm's scales are first.
#[derive(Clone, Debug)]
pub(super) struct Room {
    whole: CubeTensor,
    /// Of the norm, `[rows]`.
    pub(super) scales: CubeTensor,
}

/// The part of it of maps of one input.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    /// `[rows, ranks]`.
    pub(super) numbers: CubeTensor,
    /// Their gradients.
    pub(super) gradients: CubeTensor,
    places: [usize; 2],
}

impl Room {
    /// For a norm of so many rows, and for what is beside the maps of each input, which has so many rows: no place
    /// where nothing is.
    pub(super) fn new<const N: usize>(
        like: &CubeTensor,
        rows: usize,
        maps: [(&LowRanks, usize); N],
    ) -> (Self, [Option<Inner>; N]) {
        let mut end = slot(rows);
        let places = maps.map(|(low, rows)| {
            let (ranks, first) = (low.ranks(), end);
            let size = slot(rows * ranks);
            end += 2 * size;
            (ranks > 0).then_some(([first, first + size], [rows, ranks]))
        });
        let whole = empty(like, [end]);
        let inner = places.map(|place| {
            let (places, shape) = place?;
            let [numbers, gradients] = places.map(|first| part(&whole, first, shape));
            Some(Inner { numbers, gradients, places })
        });
        (Room { scales: part(&whole, 0, [rows]), whole }, inner)
    }
}

/// What goes into the maps of a part, and the gradients of what they make.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    /// What goes into the norm, and the norm's weight.
    pub(super) norm: [&'a CubeTensor; 2],
    /// Another sequence.
    pub(super) other: Option<&'a CubeTensor>,
    /// The gradients of what the maps of these two make.
    pub(super) within: Option<&'a CubeTensor>,
    /// What goes into the map back, and the gradient of what that makes.
    pub(super) back: [&'a CubeTensor; 2],
}

/// The input of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// The norm.
    Norm,
    /// Another sequence.
    Other,
    /// What goes into the map back.
    Back,
}

/// The low-rank product beside a map, and what was made on its way.
#[derive(Debug)]
pub(super) struct Beside<'a> {
    low: &'a LowRank,
    all: &'a LowRanks,
    inner: &'a Inner,
    input: Input,
    /// Where the gradient of what the map makes begins.
    at: usize,
}

impl<'a> Beside<'a> {
    /// Beside map number `index` of an input. The gradients of what all those maps make begin at number `first`.
    pub(super) fn of(
        (all, inner): (&'a LowRanks, &'a Option<Inner>),
        index: usize,
        input: Input,
        first: usize,
    ) -> Option<Self> {
        let (low, inner) = (all.of_maps[index].as_ref()?, inner.as_ref()?);
        let at = first + index * stride(dims(&inner.numbers)[0], all.outputs);
        Some(Beside { low, all, inner, input, at })
    }
}

/// The gradients of A and B beside each map, in one buffer in this order: in that of their names they are joined with
/// those of other parts without a copy of each.
pub(super) fn gradients<const N: usize>(
    room: &Room,
    sources: &Sources<'_>,
    maps: [Option<Beside<'_>>; N],
) -> [[Option<CubeTensor>; 2]; N] {
    let mut end = 0;
    let mut place = |of: &CubeTensor| {
        end += slot(count(of));
        end - slot(count(of))
    };
    let places = maps.each_ref().map(|map| {
        let map = map.as_ref()?;
        Some([place(&map.low.a), place(&map.low.b)])
    });
    let list: Vec<_> = maps.iter().flatten().zip(places.iter().flatten()).collect();
    if list.is_empty() {
        return std::array::from_fn(|_| [None, None]);
    }
    let all = empty(&room.whole, [end]);
    let has = |input: Input| list.iter().any(|(map, _)| map.input == input);
    let [norm, other, back] = [Input::Norm, Input::Other, Input::Back].map(has);
    let mut launch = Launch::new(&LOW_RANK_GRADIENTS).constant("LOW", list.len() as u32);
    launch = launch.constant("NORM", norm).constant("OTHER", other).constant("BACK", back);
    launch = launch.read(&room.whole);
    if norm {
        launch = sources.norm.into_iter().fold(launch, Launch::read);
    }
    if other {
        launch = sources.other.into_iter().fold(launch, Launch::read);
    }
    if norm || other {
        launch = sources.within.into_iter().fold(launch, Launch::read);
    }
    if back {
        launch = sources.back.into_iter().fold(launch, Launch::read);
    }
    launch = launch.write(&all);
    let mut numbers = 0;
    for (Beside { low, all, inner, input, at }, [to_a, to_b]) in list {
        let ([rows, ranks], [low_at, dlow_at]) = (dims(&inner.numbers), inner.places);
        launch = launch.size(*input as usize).size(rows).size(all.outputs).size(all.inputs);
        launch = launch.size(ranks).size(low_at).size(dlow_at).size(*at);
        launch = launch.size(low.first).size(low.rank).number(low.scale).size(*to_a).size(*to_b);
        numbers += low.rank * (all.inputs + all.outputs);
    }
    launch.run(groups(numbers / 4, 64));
    let mut places = places.into_iter();
    maps.map(|map| match (map, places.next().flatten()) {
        (Some(Beside { low, .. }), Some([a, b])) => {
            [Some(part(&all, a, dims(&low.a))), Some(part(&all, b, dims(&low.b)))]
        }
        _ => [None, None],
    })
}
