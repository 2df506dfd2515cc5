//! Runs of words or characters, counted without hashing: sorted once, equal runs of every length
//! stand together, since a run's shorter runs are its beginning.

use std::{cmp::Reverse, collections::HashMap};

use foldhash::fast::FixedState;

/// The bits of a symbol in a run: enough for a character of Unicode plus one.
const BITS: usize = 21;

/// The most symbols of a run.
const LONGEST: usize = 6;

/// The runs of a sequence of symbols.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    /// For each place the run that starts there, as one number with its first symbol on top; 0
    /// stands where the sequence has ended. Sorted.
    runs: Vec<u128>,
}

impl Runs {
    /// The runs of symbols.
    pub(super) fn new(symbols: impl Iterator<Item = u32>) -> Self {
        let mut runs: Vec<u128> = symbols.map(|symbol| u128::from(symbol) + 1).collect();
        let mut run = 0;
        for symbol in runs.iter_mut().rev() {
            run = run >> BITS | *symbol << (BITS * (LONGEST - 1));
            *symbol = run;
        }
        runs.sort_unstable();
        Self { runs }
    }

    /// How many symbols there are.
    pub(super) fn len(&self) -> usize {
        self.runs.len()
    }

    /// How many runs of `length` symbols there are.
    pub(super) fn total(&self, length: usize) -> usize {
        (self.runs.len() + 1).saturating_sub(length)
    }

    /// How many runs of `length` symbols, 1 to 6, are also in another, each as often as both have it.
    /// Many short ones beside a long one take little more than their own lengths.
    pub(super) fn matches(&self, other: &Self, length: usize) -> usize {
        let (few, many) = if self.len() < other.len() { (self, other) } else { (other, self) };
        if few.len().saturating_mul(32) < many.len() {
            return few.counts(length).map(|(run, count)| count.min(many.count(run, length))).sum();
        }
        clipped(self.counts(length), other.counts(length))
    }

    /// As [`Runs::matches`] for several others, of which the one counts that has a run most often.
    pub(super) fn matches_any(&self, others: &[Self], length: usize) -> usize {
        match others {
            [] => 0,
            [other] => self.matches(other, length),
            others => {
                let mut all: Vec<(u128, usize)> =
                    others.iter().flat_map(|other| other.counts(length)).collect();
                // Of equal runs the most frequent one comes first, and stays.
                all.sort_unstable_by_key(|(run, count)| (*run, Reverse(*count)));
                all.dedup_by_key(|(run, _)| *run);
                clipped(self.counts(length), all.into_iter())
            }
        }
    }

    /// How often there is a run of `length` symbols.
    fn count(&self, run: u128, length: usize) -> usize {
        let cut = BITS * (LONGEST - length.min(LONGEST));
        let before = |of: u128| self.runs.partition_point(|found| found >> cut < of);
        before(run + 1) - before(run)
    }

    /// Each different run of `length` symbols and how often it is there, in order.
    fn counts(&self, length: usize) -> impl Iterator<Item = (u128, usize)> {
        let cut = BITS * (LONGEST - length.min(LONGEST));
        let whole = |run: &u128| run & ((1 << BITS) - 1) != 0;
        let mut runs = self.runs.iter().map(move |run| run >> cut).filter(whole).peekable();
        std::iter::from_fn(move || {
            let run = runs.next()?;
            let mut count = 1;
            while runs.next_if_eq(&run).is_some() {
                count += 1;
            }
            Some((run, count))
        })
    }
}

/// How much of two sequences of runs with their numbers, in order, is the same.
fn clipped(
    runs: impl Iterator<Item = (u128, usize)>,
    others: impl Iterator<Item = (u128, usize)>,
) -> usize {
    let mut others = others.peekable();
    let mut matches = 0;
    for (run, count) in runs {
        while others.next_if(|(other, _)| *other < run).is_some() {}
        if let Some((_, other)) = others.next_if(|(other, _)| *other == run) {
            matches += count.min(other);
        }
    }
    matches
}

/// Numbers words, the same number for the same word.
#[derive(Debug, Default)]
pub(super) struct Numbers<'a>(HashMap<&'a str, u32, FixedState>);

impl<'a> Numbers<'a> {
    /// The runs of words. Words beyond the first two million different ones are taken for one.
    pub(super) fn runs(&mut self, words: impl Iterator<Item = &'a str>) -> Runs {
        Runs::new(words.map(|word| {
            let next = self.0.len().min((1 << BITS) - 2) as u32;
            *self.0.entry(word).or_insert(next)
        }))
    }
}

/// The words of a text, between what Python's `str.split` takes for white space.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Whether Python takes it for white space: Unicode's, and ASCII's separators of records.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_clipped() {
        let mut numbers = Numbers::default();
        let mut runs = |text: &'static str| numbers.runs(words(text));
        let found = runs("a b a b a");
        assert_eq!((found.len(), found.total(2), found.total(6)), (5, 4, 0));
        // a twice in the first, b twice in the second.
        assert_eq!(found.matches_any(&[runs("a a c"), runs("b b a")], 1), 4);
        assert_eq!(found.matches_any(&[runs("a b"), runs("b a b a")], 2), 3);
        assert_eq!(found.matches(&runs(""), 1) + found.matches_any(&[], 1), 0);
        assert_eq!(runs("").matches_any(&[found], 1), 0);
    }

    #[test]
    fn a_short_sequence_is_looked_up_in_a_long_one() {
        let symbols = |count: u32| (0..count).map(|n| n * n % 7);
        let (short, long) = (Runs::new(symbols(20)), Runs::new(symbols(5_000)));
        for length in 1..=6 {
            let merged = clipped(short.counts(length), long.counts(length));
            assert_eq!(short.matches(&long, length), merged);
            assert_eq!(long.matches(&short, length), merged);
            assert!(merged > 0);
        }
        // Only those that are whole: a sequence's last symbols begin no run of six.
        let end = Runs::new([7, 7].into_iter());
        assert_eq!(Runs::new([7; 1_000].into_iter()).matches(&end, 3), 0);
    }

    #[test]
    fn the_last_character_of_unicode_fits() {
        let runs = |text: &str| Runs::new(text.chars().map(u32::from));
        let last = runs("\u{10ffff}\u{10ffff}\0\0\u{10ffff}\u{10ffff}");
        let matches: Vec<usize> = (1..=6).map(|length| last.matches(&last, length)).collect();
        assert_eq!(matches, [6, 5, 4, 3, 2, 1]);
        assert_eq!(last.matches(&runs("\0\u{10ffff}"), 2), 1);
    }

    #[test]
    fn words_are_python_s() {
        let found: Vec<&str> = words(" a\u{a0}b\u{1c}c\u{85}\u{3000}d\u{200b}e\t\n").collect();
        assert_eq!(found, ["a", "b", "c", "d\u{200b}e"]);
    }
}
