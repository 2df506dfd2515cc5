//! TER (Snover et al., "A study of translation edit rate with targeted human annotation", 2006): the
//! words to insert, remove or replace, and the runs of words to move, for each word of the reference.
//! Equal to Python's sacrebleu 2.6, which follows Tercom.

mod edits;
mod normalize;
mod tally;

use std::{collections::HashMap, ops::AddAssign};

use self::edits::{edits, parts};
pub(super) use self::tally::TerTally;
use super::{bleu::SACREBLEU, ngram::words};

/// Scores predictions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ter {
    /// Whether signs of punctuation become words of their own, and XML's names the signs they stand
    /// for.
    pub normalized: bool,
    /// Whether signs of punctuation are left out.
    pub no_punct: bool,
    /// Whether the two above act on Chinese and Japanese signs, too, and on characters as words.
    pub asian_support: bool,
    /// Whether case matters.
    pub case_sensitive: bool,
}

/// What is counted of a row, or of all rows together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TerCounts {
    /// Edits against the reference that takes the fewest.
    pub edits: usize,
    /// Words of the references; of several, their mean.
    pub length: f64,
    /// Whether texts were compared part by part, because they are long.
    pub in_parts: bool,
}

impl AddAssign for TerCounts {
    fn add_assign(&mut self, row: TerCounts) {
        self.edits += row.edits;
        self.length += row.length;
        self.in_parts |= row.in_parts;
    }
}

impl TerCounts {
    /// The score, in 0..100 and beyond; less is better.
    pub fn score(&self) -> f64 {
        match self.length > 0.0 {
            true => 100.0 * (self.edits as f64 / self.length),
            // Nothing was to be written.
            false => 100.0 * f64::from(u8::from(self.edits > 0)),
        }
    }
}

impl Ter {
    /// What is counted of a row; nothing where there is no reference.
    pub fn count<S: AsRef<str>>(&self, prediction: &str, references: &[S]) -> TerCounts {
        let prediction = self.normalize(prediction);
        let (mut least, mut length, mut in_parts) = (None, 0, false);
        for reference in references {
            let reference = self.normalize(reference.as_ref());
            let mut numbers = HashMap::new();
            let mut number = |text| -> Vec<u32> {
                let next = |word| {
                    let next = numbers.len() as u32;
                    *numbers.entry(word).or_insert(next)
                };
                words(text).map(next).collect()
            };
            let (prediction, reference) = (number(&prediction), number(&reference));
            let edits = edits(&prediction, &reference);
            least = Some(least.map_or(edits, |least: usize| least.min(edits)));
            length += reference.len();
            in_parts |= parts(&prediction, &reference) > 1;
        }
        let length = length as f64 / references.len().max(1) as f64;
        TerCounts { edits: least.unwrap_or(0), length, in_parts }
    }

    /// Sacrebleu's signature, which says how a score was made. `references` is how many each row
    /// has, or `None` where that varies.
    pub fn signature(&self, references: Option<usize>) -> String {
        let word = |is: bool| if is { "yes" } else { "no" };
        format!(
            "nrefs:{}|case:{}|tok:tercom|norm:{}|punct:{}|asian:{}|version:{SACREBLEU}",
            references.map_or_else(|| "var".to_owned(), |number| number.to_string()),
            if self.case_sensitive { "mixed" } else { "lc" },
            word(self.normalized),
            word(!self.no_punct),
            word(self.asian_support),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{columns, number, oracle};

    #[test]
    fn scores_are_sacrebleu_s() {
        let oracle = oracle("ter");
        let rows: Vec<Vec<&str>> = columns(&oracle["rows"]);
        let cases = oracle["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 16);
        for case in cases {
            let flag = |name: &str| case[name].as_bool().unwrap();
            let ter = Ter {
                normalized: flag("normalized"),
                no_punct: flag("no_punct"),
                asian_support: flag("asian_support"),
                case_sensitive: flag("case_sensitive"),
            };
            assert_eq!(ter.signature(Some(1)), case["signature"].as_str().unwrap());
            for (number_of, scores) in [(1, &case["scores_1"]), (2, &case["scores_2"])] {
                let mut sum = TerCounts::default();
                let scores = scores.as_array().unwrap();
                assert!(scores.len() > 100);
                for (texts, expected) in rows.iter().zip(scores) {
                    let (prediction, references) = (texts[0], &texts[1..=number_of]);
                    let counts = ter.count(prediction, references);
                    sum += counts;
                    let (found, expected) = (counts.score(), number(expected));
                    assert!((found - expected).abs() < 1e-9, "{found} {expected}: {texts:?}");
                }
                let expected = number(&case[format!("score_{number_of}")]);
                assert!((sum.score() - expected).abs() < 1e-9, "{} {expected}", sum.score());
            }
        }
    }

    #[test]
    fn long_texts_are_compared_in_parts() {
        let words: Vec<String> =
            (0..50_000).map(|number| (number * 7919 % 5003).to_string()).collect();
        let text = words.join(" ");
        let counts = Ter::default().count(&text, &[&text]);
        assert_eq!(counts, TerCounts { edits: 0, length: 50_000.0, in_parts: true });
        let turned = [&words[1..], &words[..1]].concat().join(" ");
        let counts = Ter::default().count(&turned, &[&text]);
        assert!(counts.in_parts && counts.edits <= 8, "{counts:?}");
    }

    #[test]
    fn without_words() {
        let score = |prediction: &str, references: &[&str]| {
            Ter::default().count(prediction, references).score()
        };
        assert_eq!(score("", &[""]), 0.0);
        assert_eq!(score("a", &[""]), 100.0);
        assert_eq!(score("", &["a b"]), 100.0);
        assert_eq!(score("a b c", &["d"]), 300.0);
        assert_eq!(score("a", &[]), 0.0);
    }
}
