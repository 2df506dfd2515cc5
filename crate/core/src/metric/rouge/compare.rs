//! A prediction against each of its references.
//!
//! What is known of the prediction is kept, so that many short references to a long one take no more
//! than their own lengths. A longest common subsequence takes the product of both lengths: what is
//! too much is compared part by part.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use super::{
    RougeKind, Score, Text,
    lcs::{self, Part, Places},
};

/// The work that a row may take for its common subsequences, in rows of 64 columns of the tables: some
/// seconds. Two texts of 370,000 words take as much.
const WORK: usize = 1 << 31;
/// What of it each reference may take at least, however many there are.
const LEAST: usize = 1 << 12;

/// A prediction, and what is kept of it.
pub(super) struct Prediction<'a> {
    text: &'a Text,
    places: Option<Places>,
    /// The runs of one to four words.
    runs: [Option<HashMap<&'a [u32], Run>>; 4],
    /// How many references were compared.
    references: usize,
    /// The work that one reference may take.
    work: usize,
}

#[derive(Default)]
struct Run {
    /// How often the prediction has it.
    count: usize,
    /// How often the reference had it that this number is of.
    matched: usize,
    reference: usize,
}

/// A score, and how the texts were compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Compared {
    pub(super) score: Score,
    /// How many parts were compared: one, unless the texts are too long.
    pub(super) parts: usize,
}

impl<'a> Prediction<'a> {
    /// With so many references.
    pub(super) fn new(text: &'a Text, references: usize) -> Self {
        let work = (WORK / references.max(1)).max(LEAST);
        Self { text, places: None, runs: Default::default(), references: 0, work }
    }

    /// The score against a reference.
    pub(super) fn compare(&mut self, kind: RougeKind, reference: &Text) -> Compared {
        let (predicted, expected) = (self.text.words.len(), reference.words.len());
        let (matches, parts) = match kind {
            RougeKind::RougeL => {
                let parts = self.parts(kind, reference);
                let pieces = self.pieces(reference, parts);
                let matches =
                    pieces.map(|(rows, columns)| lcs::length(&reference.words[rows], &columns));
                (matches.sum(), parts)
            }
            RougeKind::RougeLsum => {
                let (marked, parts) = self.common(kind, reference);
                (self.matches(reference, &marked), parts)
            }
            _ => {
                let length = kind.length();
                let number = |words: usize| (words + 1).saturating_sub(length);
                let matches = self.runs(length, reference);
                let score = Score::new(matches, number(predicted), number(expected));
                return Compared { score, parts: 1 };
            }
        };
        Compared { score: Score::new(matches, predicted, expected), parts }
    }

    /// Which of the reference's words are in common subsequences: that of both texts, or those of a
    /// line of the reference with any of the prediction. And how many parts were compared.
    pub(super) fn common(&mut self, kind: RougeKind, reference: &Text) -> (Vec<bool>, usize) {
        let mut marked = vec![false; reference.words.len()];
        let parts = self.parts(kind, reference);
        let text = self.text;
        for (rows, columns) in self.pieces(reference, parts) {
            if kind == RougeKind::RougeL {
                lcs::mark(&reference.words[rows.clone()], &columns, &mut marked[rows]);
                continue;
            }
            // The same line marks the same again.
            let mut known: HashSet<&[u32]> = HashSet::new();
            let mut others: Vec<Part<'_>> = Vec::new();
            for range in text.lines_within(&columns.range) {
                if known.insert(&text.words[range.clone()]) {
                    others.push(Part { range, ..columns.clone() });
                }
            }
            let mut done: HashMap<&[u32], usize> = HashMap::new();
            for line in reference.lines_within(&rows) {
                match done.get(&reference.words[line.clone()]) {
                    Some(first) => marked.copy_within(*first..*first + line.len(), line.start),
                    None => {
                        let words = &reference.words[line.clone()];
                        let marked = &mut marked[line.clone()];
                        others.iter().for_each(|other| lcs::mark(words, other, marked));
                        done.insert(words, line.start);
                    }
                }
            }
        }
        (marked, parts)
    }

    /// How many of the marked words count: each as often as both texts have it.
    fn matches(&self, reference: &Text, marked: &[bool]) -> usize {
        let mut counts: HashMap<u32, [usize; 3]> = HashMap::new();
        for (word, is_marked) in reference.words.iter().zip(marked) {
            let [expected, marked, _] = counts.entry(*word).or_default();
            *expected += 1;
            *marked += usize::from(*is_marked);
        }
        for word in &self.text.words {
            if let Some([.., predicted]) = counts.get_mut(word) {
                *predicted += 1;
            }
        }
        counts
            .into_values()
            .map(|[expected, marked, predicted]| marked.min(expected).min(predicted))
            .sum()
    }

    /// How many of the reference's runs of so many words the prediction has, each as often as it has
    /// it.
    fn runs(&mut self, length: usize, reference: &Text) -> usize {
        let words = &self.text.words;
        let runs = self.runs[length - 1].get_or_insert_with(|| {
            let mut runs: HashMap<&[u32], Run> = HashMap::new();
            words.windows(length).for_each(|run| runs.entry(run).or_default().count += 1);
            runs
        });
        self.references += 1;
        let mut matches = 0;
        for run in reference.words.windows(length) {
            let Some(run) = runs.get_mut(run) else { continue };
            if run.reference != self.references {
                (run.reference, run.matched) = (self.references, 0);
            }
            if run.matched < run.count {
                run.matched += 1;
                matches += 1;
            }
        }
        matches
    }

    /// How many parts of both texts are compared, the first with the first and so on, so that it does
    /// not take too much work.
    fn parts(&self, kind: RougeKind, reference: &Text) -> usize {
        let (rows, columns) = (reference.words.len(), self.text.words.len().div_ceil(64));
        let work = match kind {
            RougeKind::RougeL => rows.saturating_mul(columns),
            // The way back through a table takes as much again and more, and each line has one.
            _ => rows.saturating_mul(8 * (columns + self.text.line_ends.len())),
        };
        work.div_ceil(self.work).max(1)
    }

    /// The parts that are compared with each other.
    fn pieces(
        &mut self,
        reference: &Text,
        parts: usize,
    ) -> impl Iterator<Item = (Range<usize>, Part<'_>)> {
        let text = self.text;
        let places = &*self.places.get_or_insert_with(|| Places::new(&text.words));
        let cut = move |words: usize, part: usize| {
            (words as u128 * part as u128 / parts as u128) as usize
        };
        let range = move |words: usize, part: usize| cut(words, part)..cut(words, part + 1);
        let rows = reference.words.len();
        (0..parts).map(move |part| {
            let columns = range(text.words.len(), part);
            (range(rows, part), Part { text: &text.words, places, range: columns })
        })
    }
}
