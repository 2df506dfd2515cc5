//! Longest common subsequences, 64 columns at a time (Hyyrö, "Bit-parallel LCS-length computation
//! revisited", 2004).
//!
//! A row of the table of lengths is held as bits: bit j is 0 where the length grows by one from
//! column j to column j + 1.

use std::{collections::HashMap, ops::Range};

/// Where each word of a text is: pairs of a word and a place, in order.
pub(super) struct Places(Vec<u64>);

impl Places {
    pub(super) fn new(words: &[u32]) -> Self {
        let mut pairs: Vec<u64> =
            words.iter().enumerate().map(|(place, word)| pair(*word, place)).collect();
        pairs.sort_unstable();
        Self(pairs)
    }

    /// The pairs of a word whose places are in a range.
    fn of(&self, word: u32, range: &Range<usize>) -> &[u64] {
        let before = |place: usize| self.0.partition_point(|found| *found < pair(word, place));
        let start = before(range.start);
        let rest = &self.0[start..];
        &rest[..rest.partition_point(|found| *found < pair(word, range.end))]
    }
}

fn pair(word: u32, place: usize) -> u64 {
    u64::from(word) << 32 | place as u64
}

fn place(pair: u64) -> usize {
    pair as u32 as usize
}

/// A part of a text.
#[derive(Clone)]
pub(super) struct Part<'a> {
    /// The words of the whole text.
    pub(super) text: &'a [u32],
    /// Where they are.
    pub(super) places: &'a Places,
    /// Which of them are in the part.
    pub(super) range: Range<usize>,
}

impl<'a> Part<'a> {
    pub(super) fn words(&self) -> &'a [u32] {
        &self.text[self.range.clone()]
    }

    fn places(&self, word: u32) -> &'a [u64] {
        self.places.of(word, &self.range)
    }
}

/// The length of the longest common subsequence.
pub(super) fn length(rows: &[u32], columns: &Part<'_>) -> usize {
    // What both begin and end with is in it.
    let same = |pair: &(&u32, &u32)| pair.0 == pair.1;
    let begin = rows.iter().zip(columns.words()).take_while(same).count();
    let (rows, rest) = (&rows[begin..], &columns.words()[begin..]);
    let end = rows.iter().rev().zip(rest.iter().rev()).take_while(same).count();
    let range = columns.range.start + begin..columns.range.end - end;
    let mut table = Table::new(Part { range, ..columns.clone() });
    rows[..rows.len() - end].iter().for_each(|word| table.advance(*word));
    begin + lengths_before(&table.row, table.columns.range.len()) + end
}

/// Marks the words of `rows` that are in the common subsequence with `columns` which rouge-score
/// takes, of those that are longest.
pub(super) fn mark(rows: &[u32], columns: &Part<'_>, marked: &mut [bool]) {
    // A word that `columns` does not have changes nothing, there or back.
    let places: Vec<usize> =
        (0..rows.len()).filter(|place| !columns.places(rows[*place]).is_empty()).collect();
    let mut table = Table::new(columns.clone());
    // Every n-th row is kept, and the rows between are made again on the way back, so that long
    // lines take little memory.
    let step = places.len().isqrt().max(1);
    let mut kept = Vec::new();
    for block in places.chunks(step) {
        kept.push((block, table.row.clone()));
        block.iter().for_each(|place| table.advance(rows[*place]));
    }
    let columns = columns.words();
    let mut column = columns.len();
    // The length here.
    let mut here = lengths_before(&table.row, column);
    for (block, first_row) in kept.into_iter().rev() {
        table.row.clone_from(&first_row);
        let mut above = vec![first_row];
        for place in block {
            table.advance(rows[*place]);
            above.push(table.row.clone());
        }
        let mut row = block.len();
        while row > 0 && column > 0 {
            let place = block[row - 1];
            // The length in the row above.
            let mut up = lengths_before(&above[row - 1], column);
            while column > 0 {
                let left = here - growth(&above[row], column - 1);
                let is_same = rows[place] == columns[column - 1];
                if !is_same && left <= up {
                    break;
                }
                up -= growth(&above[row - 1], column - 1);
                (here, column) = (left, column - 1);
                if is_same {
                    marked[place] = true;
                    break;
                }
            }
            (here, row) = (up, row - 1);
        }
    }
}

/// The table's value in a row at a column.
fn lengths_before(row: &[u64], column: usize) -> usize {
    let (whole, rest) = (column / 64, column % 64);
    let zeros: u32 = row[..whole].iter().map(|bits| bits.count_zeros()).sum();
    let last = match rest {
        0 => 0,
        rest => (!row[whole] & ((1 << rest) - 1)).count_ones(),
    };
    (zeros + last) as usize
}

/// By how much the length grows from `column` to the next.
fn growth(row: &[u64], column: usize) -> usize {
    usize::from(row[column / 64] >> (column % 64) & 1 == 0)
}

struct Table<'a> {
    columns: Part<'a>,
    /// The latest row.
    row: Vec<u64>,
    /// Beyond so many of its numbers it is as it was in the beginning.
    reached: usize,
    /// Where the words are that are often there, a bit each.
    masks: HashMap<u32, Vec<u64>>,
}

impl<'a> Table<'a> {
    fn new(columns: Part<'a>) -> Self {
        let row = vec![u64::MAX; columns.range.len().div_ceil(64)];
        Self { columns, row, reached: 0, masks: HashMap::new() }
    }

    /// Goes on to the row of `word`: `row = (row + (row & match)) | (row & !match)`.
    fn advance(&mut self, word: u32) {
        let start = self.columns.range.start;
        let column = |pair: &u64| place(*pair) - start;
        let found = self.columns.places(word);
        let Some(last) = found.last() else { return };
        self.reached = self.reached.max(column(last) / 64 + 1);
        // A sum that carries beyond meets ones only, and leaves them.
        let row = &mut self.row[..self.reached];
        if found.len() >= 2 * row.len() && row.len() > 1 {
            let mask = self.masks.entry(word).or_insert_with(|| {
                let mut mask = vec![0; self.columns.range.len().div_ceil(64)];
                found.iter().map(column).for_each(|at| mask[at / 64] |= 1 << (at % 64));
                mask
            });
            let mut carry = false;
            for (bits, matches) in row.iter_mut().zip(mask) {
                (*bits, carry) = added(*bits, *matches, carry);
            }
            return;
        }
        let mut pairs = found.iter().map(column).peekable();
        let (mut index, mut carry) = (0, false);
        while let Some(next) = pairs.peek().map(|at| at / 64) {
            // Between matches only a carry changes anything.
            while carry && index < next {
                (row[index], carry) = added(row[index], 0, carry);
                index += 1;
            }
            index = next;
            let mut matches = 0_u64;
            while let Some(at) = pairs.next_if(|at| at / 64 == index) {
                matches |= 1 << (at % 64);
            }
            (row[index], carry) = added(row[index], matches, carry);
            index += 1;
        }
        while carry && index < row.len() {
            (row[index], carry) = added(row[index], 0, carry);
            index += 1;
        }
    }
}

/// 64 columns of the next row, and whether the sum goes on.
fn added(bits: u64, matches: u64, carry: bool) -> (u64, bool) {
    let (sum, over) = bits.overflowing_add(bits & matches);
    let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
    (sum | (bits & !matches), over || over_by_carry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Random};

    /// The textbook's table and rouge-score's way back through it.
    fn plain(rows: &[u32], columns: &[u32]) -> (usize, Vec<bool>) {
        let mut table = vec![vec![0; columns.len() + 1]; rows.len() + 1];
        for (i, a) in rows.iter().enumerate() {
            for (j, b) in columns.iter().enumerate() {
                table[i + 1][j + 1] =
                    if a == b { table[i][j] + 1 } else { table[i][j + 1].max(table[i + 1][j]) };
            }
        }
        let (mut i, mut j) = (rows.len(), columns.len());
        let mut marked = vec![false; rows.len()];
        while i > 0 && j > 0 {
            if rows[i - 1] == columns[j - 1] {
                marked[i - 1] = true;
                (i, j) = (i - 1, j - 1);
            } else if table[i][j - 1] > table[i - 1][j] {
                j -= 1;
            } else {
                i -= 1;
            }
        }
        (table[rows.len()][columns.len()], marked)
    }

    #[test]
    fn bits_give_what_the_table_does() {
        let mut random = Random::new(1, Purpose::Synthetic, 0, 0);
        for _ in 0..500 {
            let words = 1 + random.below(30);
            let mut draw = |longest| -> Vec<u32> {
                (0..random.below(longest)).map(|_| random.below(words) as u32).collect()
            };
            let (rows, columns) = (draw(90), draw(300));
            let begin = columns.len() / 5;
            let places = Places::new(&columns);
            for range in [0..columns.len(), begin..columns.len(), begin..2 * begin] {
                let part = Part { text: &columns, places: &places, range };
                let mut marked = vec![false; rows.len()];
                mark(&rows, &part, &mut marked);
                assert_eq!((length(&rows, &part), marked), plain(&rows, part.words()));
            }
        }
    }

    #[test]
    fn a_table_of_many_numbers_carries_over_them() {
        let mut random = Random::new(2, Purpose::Synthetic, 0, 0);
        // Few words stand in each 64 columns several times, many in some of them only.
        for words in [2, 5, 40, 700] {
            let mut draw =
                |length| -> Vec<u32> { (0..length).map(|_| random.below(words) as u32).collect() };
            let (rows, columns) = (draw(400), draw(1_000));
            let places = Places::new(&columns);
            let part = Part { text: &columns, places: &places, range: 0..columns.len() };
            let mut marked = vec![false; rows.len()];
            mark(&rows, &part, &mut marked);
            assert_eq!((length(&rows, &part), marked), plain(&rows, &columns));
        }
    }
}
