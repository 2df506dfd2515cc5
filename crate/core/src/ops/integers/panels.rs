//! The right matrix as tiles read it: of each pair of steps, the two numbers of every column.

use std::ops::Range;

use super::Integers;

/// A panel of the transposed weight: its rows from `first` on are the columns, `count` of `width`, and `steps`
/// those of their numbers that are summed over. What there is not is zero.
#[inline(always)]
pub(super) fn transposed(
    weight: &Integers,
    first: usize,
    count: usize,
    width: usize,
    steps: Range<usize>,
    panel: &mut [i8],
) {
    let have = steps.end.min(weight.columns).saturating_sub(steps.start);
    if count < width || have < steps.len() {
        panel.fill(0);
    }
    let pairs = panel.as_chunks_mut::<2>().0;
    for column in 0..count {
        let (row, rest) = weight.row(first + column)[steps.start..][..have].as_chunks::<2>();
        let mut places = pairs[column..].iter_mut().step_by(width);
        for (pair, place) in row.iter().zip(&mut places) {
            *place = *pair;
        }
        if let ([last], Some(place)) = (rest, places.next()) {
            place[0] = *last;
        }
    }
}

/// The same of the weight as it stands: its columns are the columns, its rows what is summed over.
#[inline(always)]
pub(super) fn standing(
    weight: &Integers,
    first: usize,
    count: usize,
    width: usize,
    steps: Range<usize>,
    panel: &mut [i8],
) {
    let have = steps.end.min(weight.rows()).saturating_sub(steps.start);
    if count < width || have < steps.len() {
        panel.fill(0);
    }
    for (pair, places) in panel.chunks_exact_mut(2 * width).take(have.div_ceil(2)).enumerate() {
        let places = places.as_chunks_mut::<2>().0;
        let step = steps.start + 2 * pair;
        let numbers = |step: usize| &weight.row(step)[first..][..count];
        places.iter_mut().zip(numbers(step)).for_each(|(place, number)| place[0] = *number);
        if 2 * pair + 1 < have {
            let numbers = numbers(step + 1);
            places.iter_mut().zip(numbers).for_each(|(place, number)| place[1] = *number);
        }
    }
}
