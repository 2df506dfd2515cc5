//! The right matrix as tiles read it: of each pair of steps, the two numbers of every column.

use std::ops::Range;

use super::{Direction, Integers};

/// Packs some columns of the right matrix, in a panel of `width`, with these of the steps that are summed over.
/// What there is not is zero.
#[inline(always)]
pub(super) fn pack(
    direction: Direction,
    weight: &Integers,
    columns: Range<usize>,
    width: usize,
    steps: Range<usize>,
    panel: &mut [i8],
) {
    let [all, _] = direction.sizes(weight);
    let have = steps.start..steps.end.min(all);
    if columns.len() < width || have.len() < steps.len() {
        panel.fill(0);
    }
    let pairs = panel.as_chunks_mut::<2>().0;
    match direction {
        Direction::Forward => transposed(weight, columns, width, have, pairs),
        Direction::Backward => standing(weight, columns, width, have, pairs),
    }
}

/// Rows of the weight are the columns, and their numbers the steps.
#[inline(always)]
fn transposed(
    weight: &Integers,
    columns: Range<usize>,
    width: usize,
    steps: Range<usize>,
    pairs: &mut [[i8; 2]],
) {
    for (column, row) in columns.enumerate() {
        let (row, rest) = weight.row(row)[steps.clone()].as_chunks::<2>();
        let mut places = pairs[column..].iter_mut().step_by(width);
        for (pair, place) in row.iter().zip(&mut places) {
            *place = *pair;
        }
        if let ([last], Some(place)) = (rest, places.next()) {
            place[0] = *last;
        }
    }
}

/// Columns of the weight are the columns, and its rows the steps.
#[inline(always)]
fn standing(
    weight: &Integers,
    columns: Range<usize>,
    width: usize,
    steps: Range<usize>,
    pairs: &mut [[i8; 2]],
) {
    let numbers = |row: usize| &weight.row(row)[columns.clone()];
    for (row, places) in steps.clone().step_by(2).zip(pairs.chunks_exact_mut(width)) {
        places.iter_mut().zip(numbers(row)).for_each(|(place, number)| place[0] = *number);
        if row + 1 < steps.end {
            places.iter_mut().zip(numbers(row + 1)).for_each(|(place, number)| place[1] = *number);
        }
    }
}
