//! Longest common subsequences, 64 columns at a time (Hyyrö, "Bit-parallel LCS-length computation
//! revisited", 2004).
//!
//! A row of the table of lengths is held as bits: bit j is 0 where the length grows by one from
//! column j to column j + 1.

use std::collections::HashMap;

/// Where each word of a line is.
pub(super) struct Places<'a> {
    words: &'a [u32],
    of: HashMap<u32, Vec<usize>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(words: &'a [u32]) -> Self {
        let mut of: HashMap<u32, Vec<usize>> = HashMap::new();
        for (place, word) in words.iter().enumerate() {
            of.entry(*word).or_default().push(place);
        }
        Self { words, of }
    }
}

/// The length of the longest common subsequence.
pub(super) fn length(rows: &[u32], columns: &[u32]) -> usize {
    let columns = Places::new(columns);
    let mut table = Table::new(&columns);
    rows.iter().for_each(|word| table.advance(*word));
    lengths_before(&table.row, columns.words.len())
}

/// Marks the words of `rows` that are in the common subsequence with `columns` which rouge-score
/// takes, of those that are longest.
pub(super) fn mark(rows: &Places<'_>, columns: &Places<'_>, marked: &mut [bool]) {
    // A word that `columns` does not have changes nothing, there or back.
    let fewer = if rows.of.len() < columns.of.len() { rows } else { columns };
    let shared = fewer.of.keys().filter(|word| columns.of.contains_key(word));
    let shared = shared.filter_map(|word| rows.of.get(word));
    let mut places: Vec<usize> = shared.flatten().copied().collect();
    places.sort_unstable();
    let mut table = Table::new(columns);
    // Every n-th row is kept, and the rows between are made again on the way back, so that long
    // lines take little memory.
    let step = places.len().isqrt().max(1);
    let mut kept = Vec::new();
    for block in places.chunks(step) {
        kept.push((block, table.row.clone()));
        block.iter().for_each(|place| table.advance(rows.words[*place]));
    }
    let mut column = columns.words.len();
    for (block, first_row) in kept.into_iter().rev() {
        table.row.clone_from(&first_row);
        let mut above = vec![first_row];
        for place in block {
            table.advance(rows.words[*place]);
            above.push(table.row.clone());
        }
        let mut row = block.len();
        while row > 0 && column > 0 {
            let place = block[row - 1];
            // The length here, and the one in the row above.
            let mut here = lengths_before(&above[row], column);
            let mut up = lengths_before(&above[row - 1], column);
            while column > 0 {
                if rows.words[place] == columns.words[column - 1] {
                    marked[place] = true;
                    column -= 1;
                    break;
                }
                let left = here - growth(&above[row], column - 1);
                if left <= up {
                    break;
                }
                up -= growth(&above[row - 1], column - 1);
                (here, column) = (left, column - 1);
            }
            row -= 1;
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
    columns: &'a Places<'a>,
    /// The latest row.
    row: Vec<u64>,
}

impl<'a> Table<'a> {
    fn new(columns: &'a Places<'a>) -> Self {
        Self { columns, row: vec![u64::MAX; columns.words.len().div_ceil(64)] }
    }

    /// Goes on to the row of `word`: `row = (row + (row & match)) | (row & !match)`.
    fn advance(&mut self, word: u32) {
        let Some(places) = self.columns.of.get(&word) else { return };
        let mut places = places.iter().peekable();
        let mut carry = false;
        // Before the first match a row stays as it is.
        let first = places.peek().map_or(0, |column| **column / 64);
        for (index, bits) in self.row.iter_mut().enumerate().skip(first) {
            let mut matches = 0_u64;
            while let Some(column) = places.next_if(|column| **column / 64 == index) {
                matches |= 1 << (column % 64);
            }
            let (sum, over) = bits.overflowing_add(*bits & matches);
            let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
            carry = over || over_by_carry;
            *bits = sum | (*bits & !matches);
        }
    }
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
            let mut marked = vec![false; rows.len()];
            mark(&Places::new(&rows), &Places::new(&columns), &mut marked);
            assert_eq!((length(&rows, &columns), marked), plain(&rows, &columns));
        }
        assert_eq!((length(&[], &[]), length(&[1], &[]), length(&[], &[1])), (0, 0, 0));
    }
}
