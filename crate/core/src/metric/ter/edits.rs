//! How many edits make one sequence of words of another, where a run of words may move for the price
//! of one edit.
//!
//! Which moves are the best nobody finds in good time: Tercom looks for them greedily, by rules that
//! its scores depend on, and sacrebleu does as Tercom. So does this.

use std::ops::Range;

/// The longest run of words that moves.
const LONGEST_RUN: usize = 10;
/// How far apart its places in the two sequences are at most.
const FARTHEST: usize = 50;
/// Moves that are tried for a row.
const MOST_MOVES: usize = 1000;
/// Words to either side of the diagonal that are looked at.
const BEAM: usize = 25;
/// Words that are compared at once. Longer texts are compared part by part: their memory would grow by
/// fifty numbers a word, and a thousand moves take seconds.
const WORDS: usize = 20_000;

const INFINITE: u32 = u32::MAX / 2;

/// What is done to come to a cell of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Keep,
    Replace,
    /// The reference's word is missing.
    Insert,
    /// The prediction's word is too many.
    Delete,
}

/// In how many parts texts are compared.
pub(super) fn parts(prediction: &[u32], reference: &[u32]) -> usize {
    prediction.len().max(reference.len()).div_ceil(WORDS).max(1)
}

/// The fewest edits that are found.
pub(super) fn edits(prediction: &[u32], reference: &[u32]) -> usize {
    let parts = parts(prediction, reference);
    let part = |words: usize, part: usize| words * part / parts..words * (part + 1) / parts;
    let mut moves = 0;
    (0..parts)
        .map(|index| {
            let prediction = &prediction[part(prediction.len(), index)];
            edits_of_part(prediction, &reference[part(reference.len(), index)], &mut moves)
        })
        .sum()
}

fn edits_of_part(prediction: &[u32], reference: &[u32], moves: &mut usize) -> usize {
    if reference.is_empty() {
        return prediction.len();
    }
    let (mut matrix, mut moved) = (Matrix::new(prediction.to_vec(), reference), 0);
    // The move that is found as the tries run out is not made any more.
    while let Some(words) = best_move(&matrix, moves)
        && *moves < MOST_MOVES
    {
        matrix.replace(words);
        moved += 1;
    }
    moved + matrix.distance() as usize
}

/// The words after the move that saves the most edits, if one does.
fn best_move(matrix: &Matrix, moves: &mut usize) -> Option<Vec<u32>> {
    let words = &matrix.words;
    let Alignment { places, reference_errs, prediction_errs } = matrix.alignment();
    let before = i64::from(matrix.distance());
    let mut best: Option<(Rank, Vec<u32>)> = None;
    for (start, place, length) in runs(words, matrix.reference) {
        // Only what is wrong moves, to where something is wrong, and not within itself.
        let is_wrong = |errs: &[bool], from: usize| errs[from..from + length].contains(&true);
        let own = start as isize..(start + length) as isize;
        if !is_wrong(&prediction_errs, start)
            || !is_wrong(&reference_errs, place)
            || own.contains(&places[place])
        {
            continue;
        }
        let mut last = None;
        // Before the place of each word of the run, and after the last one.
        for at in place..=place + length {
            let target = if at == 0 { 0 } else { (places[at - 1] + 1) as usize };
            if last.replace(target) == Some(target) {
                continue;
            }
            let changed = after_move(words, start, length, target);
            let saved = before - i64::from(matrix.distance_of(&changed));
            let rank = (saved, length, -(start as isize), -(target as isize));
            *moves += 1;
            if best.as_ref().is_none_or(|(best, _)| rank > *best) {
                best = Some((rank, changed));
            }
        }
        if *moves >= MOST_MOVES {
            break;
        }
    }
    best.filter(|((saved, ..), _)| *saved > 0).map(|(_, words)| words)
}

/// Tercom's order of moves: what saves more, then the longer run, then the earlier one, then the
/// earlier target.
type Rank = (i64, usize, isize, isize);

/// Where runs of words stand in both, and how long they are: first those of the first word.
fn runs<'a>(
    prediction: &'a [u32],
    reference: &'a [u32],
) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
    let places = move |start: usize| {
        start.saturating_sub(FARTHEST)..(start + FARTHEST + 1).min(reference.len())
    };
    let pairs =
        (0..prediction.len()).flat_map(move |start| places(start).map(move |place| (start, place)));
    pairs.flat_map(move |(start, place)| {
        let both = prediction[start..].iter().zip(&reference[place..]);
        let equal = both.take(LONGEST_RUN).take_while(|(left, right)| left == right);
        (1..=equal.count()).map(move |length| (start, place, length))
    })
}

/// The words with a run of them moved before the word at `target`.
fn after_move(words: &[u32], start: usize, length: usize, target: usize) -> Vec<u32> {
    let end = start + length;
    let part =
        |range: Range<usize>| &words[range.start.min(words.len())..range.end.min(words.len())];
    if target < start {
        [part(0..target), part(start..end), part(target..start), part(end..words.len())].concat()
    } else if target > end {
        [part(0..start), part(end..target), part(start..end), part(target..words.len())].concat()
    } else {
        // Into itself: as far on as it is into itself.
        let target = target + length;
        [part(0..start), part(end..target), part(start..end), part(target..words.len())].concat()
    }
}

/// Levenshtein's matrix between words and a reference, near its diagonal.
struct Matrix<'a> {
    words: Vec<u32>,
    reference: &'a [u32],
    /// A row before all words and one after each.
    rows: Vec<Row>,
}

/// The cells of a row that are looked at.
#[derive(Clone, Debug)]
struct Row {
    first: usize,
    cells: Vec<(u32, Edit)>,
}

/// What belongs to what.
struct Alignment {
    /// For each word of the reference the word of the prediction that stands there, or the last
    /// before it; −1 before all.
    places: Vec<isize>,
    reference_errs: Vec<bool>,
    prediction_errs: Vec<bool>,
}

impl Row {
    fn cost(&self, column: usize) -> u32 {
        let cell = column.checked_sub(self.first).and_then(|index| self.cells.get(index));
        cell.map_or(INFINITE, |cell| cell.0)
    }
}

impl<'a> Matrix<'a> {
    fn new(words: Vec<u32>, reference: &'a [u32]) -> Self {
        let cells = (0..=reference.len()).map(|column| (column as u32, Edit::Insert)).collect();
        let mut matrix = Matrix { words, reference, rows: vec![Row { first: 0, cells }] };
        for row in 1..=matrix.words.len() {
            let next = matrix.row(row, &matrix.words, &matrix.rows[row - 1]);
            matrix.rows.push(next);
        }
        matrix
    }

    /// The row after the first `row` of these words, which are as many as those of the matrix.
    fn row(&self, row: usize, words: &[u32], before: &Row) -> Row {
        let ratio = self.reference.len() as f64 / words.len() as f64;
        // Where the lengths differ so much that neighbouring rows would have nothing in common.
        let beam = match (BEAM as f64) < ratio / 2.0 {
            true => (ratio / 2.0 + BEAM as f64).ceil() as usize,
            false => BEAM,
        };
        let diagonal = (row as f64 * ratio).floor() as usize;
        let end = self.reference.len() + 1;
        let last = if row == words.len() { end } else { end.min(diagonal + beam) };
        let first = diagonal.saturating_sub(beam);
        let mut cells = Vec::with_capacity(last.saturating_sub(first));
        let mut left = INFINITE;
        for column in first..last {
            let delete = before.cost(column) + 1;
            let (mut cost, mut edit) = (INFINITE, Edit::Delete);
            let mut offer = |other: u32, by| {
                if other < cost {
                    (cost, edit) = (other, by);
                }
            };
            if column > 0 {
                let keeps = words[row - 1] == self.reference[column - 1];
                let by = if keeps { Edit::Keep } else { Edit::Replace };
                offer(before.cost(column - 1) + u32::from(!keeps), by);
            }
            offer(delete, Edit::Delete);
            offer(left + 1, Edit::Insert);
            left = cost;
            cells.push((cost, edit));
        }
        Row { first, cells }
    }

    fn distance(&self) -> u32 {
        self.rows.last().map_or(0, |row| row.cost(self.reference.len()))
    }

    /// The distance of other words, as many as those of the matrix.
    fn distance_of(&self, words: &[u32]) -> u32 {
        let same = words.iter().zip(&self.words).take_while(|(left, right)| left == right).count();
        let mut row = None;
        for index in same + 1..=words.len() {
            row = Some(self.row(index, words, row.as_ref().unwrap_or(&self.rows[same])));
        }
        row.as_ref().unwrap_or(&self.rows[same]).cost(self.reference.len())
    }

    /// Puts other words, as many, in the place of these.
    fn replace(&mut self, words: Vec<u32>) {
        let same = words.iter().zip(&self.words).take_while(|(left, right)| left == right).count();
        self.rows.truncate(same + 1);
        self.words = words;
        for row in same + 1..=self.words.len() {
            let next = self.row(row, &self.words, &self.rows[row - 1]);
            self.rows.push(next);
        }
    }

    fn alignment(&self) -> Alignment {
        let (mut row, mut column) = (self.words.len(), self.reference.len());
        let mut places = vec![0; column];
        let (mut reference_errs, mut prediction_errs) = (vec![true; column], vec![true; row]);
        while row > 0 || column > 0 {
            let Row { first, cells } = &self.rows[row];
            match cells[column - first].1 {
                edit @ (Edit::Keep | Edit::Replace) => {
                    (row, column) = (row - 1, column - 1);
                    places[column] = row as isize;
                    reference_errs[column] = edit == Edit::Replace;
                    prediction_errs[row] = edit == Edit::Replace;
                }
                Edit::Insert => {
                    column -= 1;
                    places[column] = row as isize - 1;
                }
                Edit::Delete => row -= 1,
            }
        }
        Alignment { places, reference_errs, prediction_errs }
    }
}
