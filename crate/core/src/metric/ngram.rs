//! Runs of words or characters, counted without hashing: sorted once, equal runs of every length
//! stand together, since a run's shorter runs are its beginning.

use std::collections::HashMap;

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

    /// How many runs of `length` symbols, 1 to 6, are also in one of the others, each as often as
    /// the other that has it most often has it.
    pub(super) fn matches(&self, others: &[Self], length: usize) -> usize {
        let mut others: Vec<_> =
            others.iter().map(|other| other.counts(length).peekable()).collect();
        let mut matches = 0;
        for (run, count) in self.counts(length) {
            let mut most = 0;
            for other in &mut others {
                while other.next_if(|(other, _)| *other < run).is_some() {}
                if let Some((_, count)) = other.next_if(|(other, _)| *other == run) {
                    most = most.max(count);
                }
            }
            matches += count.min(most);
        }
        matches
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
        assert_eq!(found.matches(&[runs("a a c"), runs("b b a")], 1), 4);
        assert_eq!(found.matches(&[runs("a b"), runs("b a b a")], 2), 3);
        assert_eq!(found.matches(&[runs("")], 1) + found.matches(&[], 1), 0);
        assert_eq!(runs("").matches(&[found], 1), 0);
    }

    #[test]
    fn the_last_character_of_unicode_fits() {
        let runs = |text: &str| Runs::new(text.chars().map(u32::from));
        let last = runs("\u{10ffff}\u{10ffff}\0\0\u{10ffff}\u{10ffff}");
        let matches: Vec<usize> =
            (1..=6).map(|length| last.matches(std::slice::from_ref(&last), length)).collect();
        assert_eq!(matches, [6, 5, 4, 3, 2, 1]);
        assert_eq!(last.matches(&[runs("\0\u{10ffff}")], 2), 1);
    }

    #[test]
    fn words_are_python_s() {
        let found: Vec<&str> = words(" a\u{a0}b\u{1c}c\u{85}\u{3000}d\u{200b}e\t\n").collect();
        assert_eq!(found, ["a", "b", "c", "d\u{200b}e"]);
    }
}
