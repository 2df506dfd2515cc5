//! ROUGE (Lin, "ROUGE: a package for automatic evaluation of summaries", 2004), equal to Python's
//! rouge-score 0.1.2.

mod common;
mod compare;
mod lcs;
mod tally;

use std::{
    cell::{RefCell, RefMut},
    collections::HashMap,
    fmt,
    ops::{AddAssign, Range},
    str::FromStr,
};

use nltk_porter::{Mode, PorterStemmer};
use serde::{Deserialize, Serialize};

pub use self::common::Common;
use self::compare::Prediction;
pub(super) use self::tally::RougeTally;

/// What of two texts is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RougeKind {
    /// Words.
    #[serde(rename = "rouge1")]
    Rouge1,
    /// Pairs of words.
    #[serde(rename = "rouge2")]
    Rouge2,
    /// Runs of three words.
    #[serde(rename = "rouge3")]
    Rouge3,
    /// Runs of four words.
    #[serde(rename = "rouge4")]
    Rouge4,
    /// The longest common subsequence of the texts.
    #[serde(rename = "rougeL")]
    RougeL,
    /// The longest common subsequences of each line of the reference with all lines of the
    /// prediction, united.
    #[serde(rename = "rougeLsum")]
    RougeLsum,
}

impl RougeKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Rouge1, Self::Rouge2, Self::Rouge3, Self::Rouge4, Self::RougeL, Self::RougeLsum];

    /// Its name, such as `rougeL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rouge1 => "rouge1",
            Self::Rouge2 => "rouge2",
            Self::Rouge3 => "rouge3",
            Self::Rouge4 => "rouge4",
            Self::RougeL => "rougeL",
            Self::RougeLsum => "rougeLsum",
        }
    }
}

impl fmt::Display for RougeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for RougeKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        (Self::ALL.into_iter().find(|kind| kind.name() == name)).ok_or_else(|| {
            format!("expected rouge1 to rouge4, rougeL or rougeLsum, found `{name}`")
        })
    }
}

/// How well a prediction matches, each in 0..1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The part of the prediction that the reference has.
    pub precision: f64,
    /// The part of the reference that the prediction has.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl Score {
    fn new(matches: usize, predicted: usize, expected: usize) -> Self {
        let precision = matches as f64 / predicted.max(1) as f64;
        let recall = matches as f64 / expected.max(1) as f64;
        let sum = precision + recall;
        let f1 = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
        Self { precision, recall, f1 }
    }
}

/// Scores predictions.
pub struct Rouge {
    kinds: Vec<RougeKind>,
    stemmer: Option<PorterStemmer>,
    /// The words met so far, so that each is stemmed once and not once a row.
    ids: RefCell<HashMap<String, u32>>,
}

/// How many words are remembered from row to row.
const REMEMBERED: usize = 1 << 17;

impl Rouge {
    /// Scores by these kinds, with or without Porter's stemmer for words of more than three letters.
    pub fn new(kinds: impl Into<Vec<RougeKind>>, stemmer: bool) -> Self {
        let stemmer = stemmer.then(|| PorterStemmer::new(Mode::Nltk));
        Self { kinds: kinds.into(), stemmer, ids: RefCell::default() }
    }

    /// The kinds, in the order of the scores.
    pub fn kinds(&self) -> &[RougeKind] {
        &self.kinds
    }

    /// A prediction's scores, for each kind against the reference that gives the highest F1 (the
    /// first of several). All 0 where there is no reference.
    pub fn score<S: AsRef<str>>(
        &self,
        prediction: &str,
        references: &[S],
    ) -> Vec<(RougeKind, Score)> {
        self.score_in_parts(prediction, references).0
    }

    /// As [`Rouge::score`], and whether texts were compared part by part, because they are long.
    pub(super) fn score_in_parts<S: AsRef<str>>(
        &self,
        prediction: &str,
        references: &[S],
    ) -> (Vec<(RougeKind, Score)>, bool) {
        let mut words = self.words();
        let text = words.text(prediction);
        let mut prediction = Prediction::new(&text, references.len());
        let mut best: Vec<(RougeKind, Option<Score>)> =
            self.kinds.iter().map(|kind| (*kind, None)).collect();
        let mut in_parts = false;
        for reference in references {
            let reference = words.text(reference.as_ref());
            for (kind, best) in &mut best {
                let compared = prediction.compare(*kind, &reference);
                in_parts |= compared.parts > 1;
                if best.is_none_or(|best: Score| compared.score.f1 > best.f1) {
                    *best = Some(compared.score);
                }
            }
        }
        let best = best.into_iter().map(|(kind, best)| (kind, best.unwrap_or_default()));
        (best.collect(), in_parts)
    }

    /// What numbers a row's words.
    fn words(&self) -> Words<'_> {
        let mut ids = self.ids.borrow_mut();
        if ids.len() > REMEMBERED {
            ids.clear();
        }
        Words { stemmer: self.stemmer.as_ref(), ids }
    }
}

impl fmt::Debug for Rouge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stemmer = self.stemmer.is_some();
        formatter
            .debug_struct("Rouge")
            .field("kinds", &self.kinds)
            .field("stemmer", &stemmer)
            .finish()
    }
}

/// The mean of scores over rows.
#[derive(Clone, Debug, Default)]
pub struct Mean {
    rows: usize,
    sums: Vec<(RougeKind, Score)>,
}

impl Mean {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row's scores, of the same kinds as the rows before.
    pub fn add(&mut self, scores: &[(RougeKind, Score)]) {
        *self += Mean { rows: 1, sums: scores.to_vec() };
    }

    /// How many rows were added.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The mean of each kind, in the order of the first row; none where there was no row.
    pub fn scores(&self) -> Vec<(RougeKind, Score)> {
        let rows = self.rows as f64;
        let mean = |sum: &Score| Score {
            precision: sum.precision / rows,
            recall: sum.recall / rows,
            f1: sum.f1 / rows,
        };
        self.sums.iter().map(|(kind, sum)| (*kind, mean(sum))).collect()
    }
}

impl AddAssign for Mean {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        for (kind, score) in other.sums {
            let index = self.sums.iter().position(|(known, _)| *known == kind);
            let index = index.unwrap_or_else(|| {
                self.sums.push((kind, Score::default()));
                self.sums.len() - 1
            });
            let sum = &mut self.sums[index].1;
            sum.precision += score.precision;
            sum.recall += score.recall;
            sum.f1 += score.f1;
        }
    }
}

/// A text's words, numbered.
struct Text {
    words: Vec<u32>,
    /// Where each line's words end; lines without any text are left out.
    line_ends: Vec<usize>,
}

impl Text {
    /// The words of each line, as far as they are in a range. Lines without words are left out.
    fn lines_within(&self, range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let starts = std::iter::once(0).chain(self.line_ends.iter().copied());
        let cut = |at: usize| at.clamp(range.start, range.end);
        starts
            .zip(&self.line_ends)
            .map(move |(start, end)| cut(start)..cut(*end))
            .filter(|line| !line.is_empty())
    }
}

/// Numbers words, the same number for the same stem.
struct Words<'a> {
    stemmer: Option<&'a PorterStemmer>,
    ids: RefMut<'a, HashMap<String, u32>>,
}

impl Words<'_> {
    fn text(&mut self, text: &str) -> Text {
        let (mut words, mut line_ends) = (Vec::new(), Vec::new());
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            let line = line.to_lowercase();
            let found = line.split(|c: char| !c.is_ascii_alphanumeric());
            words.extend(found.filter(|word| !word.is_empty()).map(|word| self.id(word)));
            line_ends.push(words.len());
        }
        Text { words, line_ends }
    }

    fn id(&mut self, word: &str) -> u32 {
        if let Some(id) = self.ids.get(word) {
            return *id;
        }
        let next = self.ids.len() as u32;
        let id = match self.stemmer {
            // Stems are told from words by a sign that is in no word.
            Some(stemmer) if word.len() > 3 && !has_endless_y(word) => {
                let stem = format!("={}", stemmer.stem(word));
                *self.ids.entry(stem).or_insert(next)
            }
            Some(_) => *self.ids.entry(format!("={word}")).or_insert(next),
            None => next,
        };
        // Stems tell words apart, which many words need not be remembered for.
        if self.stemmer.is_none() || self.ids.len() < REMEMBERED {
            self.ids.insert(word.to_owned(), id);
        }
        id
    }
}

/// Whether a `y` is a consonant depends on the one before it, so that stemming takes the square of
/// the length of such a run.
fn has_endless_y(word: &str) -> bool {
    word.split(|c| c != 'y').any(|run| run.len() > 1_000)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn oracle() -> Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/text/rouge.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    fn text(value: &Value) -> &str {
        value.as_str().unwrap()
    }

    fn check(found: &[(RougeKind, Score)], expected: &Value, context: &Value) {
        assert_eq!(found.len(), 6);
        for (kind, score) in found {
            let expected = &expected[kind.name()];
            let found = [score.precision, score.recall, score.f1];
            for (found, expected) in found.iter().zip(expected.as_array().unwrap()) {
                let expected = expected.as_f64().unwrap();
                assert!((found - expected).abs() < 1e-9, "{kind}: {found} {expected}: {context}");
            }
        }
    }

    #[test]
    fn pairs_score_as_in_python() {
        let oracle = oracle();
        let pairs = oracle["pairs"].as_array().unwrap();
        assert!(pairs.len() > 200);
        for (stemmer, key) in [(false, "plain"), (true, "stemmed")] {
            let rouge = Rouge::new(RougeKind::ALL, stemmer);
            for pair in pairs {
                let found = rouge.score(text(&pair["prediction"]), &[text(&pair["target"])]);
                check(&found, &pair[key], pair);
            }
        }
    }

    #[test]
    fn the_best_reference_counts() {
        let oracle = oracle();
        let cases = oracle["best_of_references"].as_array().unwrap();
        assert_eq!(cases.len(), 40);
        let rouge = Rouge::new(RougeKind::ALL, true);
        for case in cases {
            let targets: Vec<&str> = case["targets"].as_array().unwrap().iter().map(text).collect();
            check(&rouge.score(text(&case["prediction"]), &targets), &case["stemmed"], case);
        }
        let none = rouge.score::<&str>("a text", &[]);
        assert!(none.iter().all(|(_, score)| *score == Score::default()));
    }

    #[test]
    fn stems_are_nltk_s() {
        let oracle = oracle();
        let stems = oracle["porter"].as_object().unwrap();
        assert!(stems.len() > 1_000);
        let stemmer = PorterStemmer::new(Mode::Nltk);
        for (word, stem) in stems {
            assert_eq!(stemmer.stem(word), text(stem), "{word}");
        }
    }

    #[test]
    fn names_are_read_and_written() {
        for kind in RougeKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert!("rouge5".parse::<RougeKind>().unwrap_err().contains("`rouge5`"));
    }

    #[test]
    fn a_mean_is_over_rows() {
        let rouge = Rouge::new([RougeKind::RougeL, RougeKind::Rouge1], false);
        let mut mean = Mean::new();
        assert_eq!((mean.rows(), mean.scores()), (0, vec![]));
        mean.add(&rouge.score("a b", &["a b"]));
        mean.add(&rouge.score("", &["a b"]));
        mean.add(&rouge.score("a c", &["a b", "c"]));
        let scores = mean.scores();
        assert_eq!(
            (mean.rows(), scores[0].0, scores[1].0),
            (3, RougeKind::RougeL, RougeKind::Rouge1)
        );
        assert!((scores[0].1.f1 - (1.0 + 0.0 + 2.0 / 3.0) / 3.0).abs() < 1e-15);
        assert!((scores[0].1.recall - (1.0 + 0.0 + 1.0) / 3.0).abs() < 1e-15);
    }

    /// The work is bounded; how little time that is, `tests/fuzz` looks at.
    #[test]
    fn long_texts_are_compared_part_by_part() {
        let rouge = Rouge::new(RougeKind::ALL, false);
        let text = |count: usize, step: usize| -> String {
            (0..count).map(|n| format!("{} ", n * step % 1_000_003)).collect()
        };
        let (long, other) = (text(400_000, 7), text(400_000, 5));
        let (same, in_parts) = rouge.score_in_parts(&long, &[&long]);
        assert!(in_parts && same.iter().all(|(_, score)| score.f1 == 1.0), "{same:?}");
        let (_, in_parts) = rouge.score_in_parts(&text(20_000, 7), &[&text(20_000, 5)]);
        assert!(!in_parts);
        let found = rouge.common(RougeKind::RougeL, &long, &[&other]);
        let score = rouge.score(&long, &[&other])[4];
        assert_eq!((score.0, score.1, found.parts), (RougeKind::RougeL, found.score, 2));
        assert_eq!(Score::new(found.words.len(), 400_000, 400_000), found.score);
        let run = "y".repeat(1_000_000);
        assert_eq!(Rouge::new([RougeKind::RougeL], true).score(&run, &[&run])[0].1.f1, 1.0);
    }

    #[test]
    fn lines_that_come_again_count_again() {
        let rouge = Rouge::new([RougeKind::RougeLsum], false);
        let f1 = |prediction: &str, reference: &str| rouge.score(prediction, &[reference])[0].1;
        assert_eq!(f1("a b\na b\nc", "a b\nx\na b\na b"), Score::new(4, 5, 7));
        assert_eq!(f1("\n\n", "a"), Score::default());
    }
}
