//! Regular expressions over the paths of modules, as Python's `re` reads them.

use crate::error::short;

/// The letters of all patterns of a configuration together.
const MOST_LETTERS: usize = 1 << 16;
/// As how many letters a short pattern counts.
const LEAST_LETTERS: usize = 1 << 6;
/// How many patterns may look around themselves, which takes more than a walk over the path.
const MOST_BACKTRACKING: usize = 16;
/// Steps that such a pattern may take back on one path.
const STEPS_BACK: usize = 10_000;
/// The memory of one pattern, in bytes.
const MEMORY: usize = 1 << 20;

/// What the patterns of one configuration may take together.
#[derive(Debug)]
pub(in crate::adapter) struct PatternBudget {
    letters: usize,
    backtracking: usize,
}

impl Default for PatternBudget {
    fn default() -> Self {
        PatternBudget { letters: MOST_LETTERS, backtracking: MOST_BACKTRACKING }
    }
}

/// A pattern.
#[derive(Debug)]
pub(in crate::adapter) enum Pattern {
    Plain(regex::Regex),
    /// With what a walk cannot do: `(?!…)` and its kin.
    Backtracking(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// One that `wrap` has put into its place: between the beginning and the end of a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(
        given: &str,
        wrap: impl Fn(&str) -> String,
        budget: &mut PatternBudget,
    ) -> Result<Self, String> {
        let wrong = |what: &str| format!("the regular expression {} {what}", short(given));
        budget.letters = budget
            .letters
            .checked_sub(given.len().max(LEAST_LETTERS))
            .ok_or_else(|| format!("expected at most {MOST_LETTERS} letters of patterns in all"))?;
        // By itself first: `a)(b` is none, though it is one in brackets.
        let plain = |text: &str| regex::RegexBuilder::new(text).size_limit(MEMORY).build();
        let wrapped = wrap(given);
        if let (Ok(_), Ok(pattern)) = (plain(given), plain(&wrapped)) {
            return Ok(Pattern::Plain(pattern));
        }
        let backtracking = |text: &str| {
            let mut builder = fancy_regex::RegexBuilder::new(text);
            builder.backtrack_limit(STEPS_BACK).delegate_size_limit(MEMORY).build()
        };
        budget.backtracking = budget.backtracking.checked_sub(1).ok_or_else(|| {
            format!("expected at most {MOST_BACKTRACKING} patterns that look around")
        })?;
        match (backtracking(given), backtracking(&wrapped)) {
            (Ok(_), Ok(pattern)) => Ok(Pattern::Backtracking(Box::new(pattern))),
            _ => Err(wrong("cannot be read")),
        }
    }

    /// One that must match a whole path.
    pub(super) fn whole(given: &str, budget: &mut PatternBudget) -> Result<Self, String> {
        Self::new(given, |given| format!("^(?:{given})$"), budget)
    }

    /// Whether it matches.
    ///
    /// # Errors
    /// Where it takes too long to tell.
    pub(super) fn matches(&self, path: &str) -> Result<bool, String> {
        match self {
            Pattern::Plain(pattern) => Ok(pattern.is_match(path)),
            Pattern::Backtracking(pattern) => pattern.is_match(path).map_err(|_| too_long()),
        }
    }

    /// The number in its group `number`.
    pub(super) fn number(&self, path: &str) -> Result<Option<i64>, String> {
        let text = match self {
            Pattern::Plain(pattern) => pattern
                .captures(path)
                .and_then(|found| found.name(NUMBER).map(|m| m.as_str().to_owned())),
            Pattern::Backtracking(pattern) => {
                let found = pattern.captures(path).map_err(|_| too_long())?;
                found.and_then(|found| found.name(NUMBER).map(|m| m.as_str().to_owned()))
            }
        };
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

/// The group of a layer's number.
pub(super) const NUMBER: &str = "flantune_number";

fn too_long() -> String {
    "a regular expression takes too long".to_owned()
}

/// An end of a path.
#[derive(Debug)]
enum End {
    /// A path without anything that a regular expression gives a meaning to but the dot: as an adapter
    /// with a rank for each map has hundreds of.
    Path(String),
    Pattern(Pattern),
}

impl End {
    fn new(given: &str, budget: &mut PatternBudget) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if !given.is_empty() && given.chars().all(plain) {
            return Ok(End::Path(given.to_owned()));
        }
        let wrap = |given: &str| format!(r"^(?:.*\.)?(?:{given})$");
        Ok(End::Pattern(Pattern::new(given, wrap, budget)?))
    }

    fn matches(&self, module: &str) -> Result<bool, String> {
        let end = match self {
            End::Path(end) => end.as_bytes(),
            End::Pattern(pattern) => return pattern.matches(module),
        };
        let Some(at) = module.len().checked_sub(end.len()) else { return Ok(false) };
        let (before, rest) = module.as_bytes().split_at(at);
        let same = |(a, b): (&u8, &u8)| *b == b'.' || a == b;
        let whole = before.last().is_none_or(|last| *last == b'.');
        Ok(whole && rest.iter().zip(end).all(same))
    }
}

/// What each map has by the first pattern that matches its path's end (`rank_pattern`,
/// `alpha_pattern`); none where no pattern does. One pattern is in memory at a time.
///
/// # Errors
/// What is wrong with a pattern, or that it takes too long.
pub(in crate::adapter) fn per_map<T: Copy>(
    given: &[(String, T)],
    maps: &[&str],
    budget: &mut PatternBudget,
) -> Result<Vec<Option<T>>, String> {
    let mut values = vec![None; maps.len()];
    for (end, value) in given {
        let end = End::new(end, budget)?;
        for (map, found) in maps.iter().zip(&mut values) {
            if found.is_none() && end.matches(map)? {
                *found = Some(*value);
            }
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(pattern: &str) -> Result<Pattern, String> {
        Pattern::whole(pattern, &mut PatternBudget::default())
    }

    #[test]
    fn as_python_matches_them() {
        let path = "encoder.block.0.layer.0.SelfAttention.q";
        for (pattern, expected) in [
            (path, true),
            (r".*\.(q|v)", true),
            (r".*\.(q|v)$", true),
            (r"^.*q", true),
            ("q", false),
            (".*SelfAttention", false),
            (r"(?!decoder).*q", true),
            (r"^(?!encoder).*", false),
            (r".*(?<=Attention)\.q", true),
            (r"(?P<stack>encoder|decoder)\..*", true),
            (r"(?i).*selfattention\.Q", true),
            (r".*block\.(\d+)\.layer\.\1\..*", true),
            ("", false),
        ] {
            assert_eq!(whole(pattern).unwrap().matches(path), Ok(expected), "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_takes_too_much() {
        for wrong in ["(", "a)(b", "[", "*", r"\", "(?P<a", "a{2,1}", "(a{1000}){1000}"] {
            whole(wrong).unwrap_err();
        }
        let long = "a".repeat(MOST_LETTERS + 1);
        assert!(whole(&long).unwrap_err().contains("letters"));
        let mut budget = PatternBudget::default();
        let made = (0..5000).take_while(|_| Pattern::whole("a+", &mut budget).is_ok()).count();
        assert_eq!(made, MOST_LETTERS / LEAST_LETTERS);
        let mut budget = PatternBudget::default();
        let made = (0..50).take_while(|_| Pattern::whole("(?!b)a", &mut budget).is_ok()).count();
        assert_eq!(made, MOST_BACKTRACKING);
        // Each letter may be in either group, again and again.
        let slow = whole(r"(?!b)(([a-z.]+)*)*\1!").unwrap();
        slow.matches("encoder.block.layer.attention").unwrap_err();
    }

    #[test]
    fn ends_of_paths_by_whole_parts() {
        let path = "decoder.block.11.layer.1.EncDecAttention.q";
        for (end, expected) in [
            ("q", true),
            ("EncDecAttention.q", true),
            ("EncDecAttention_q", false),
            ("Attention.q", false),
            (path, true),
            ("x.decoder.block.11.layer.1.EncDecAttention.q", false),
            ("decoder.*q", true),
            ("^decoder.*", true),
            ("^encoder.*", false),
            ("block.1.*", true),
            (r"block\.1\d\..*", true),
            ("11.layer.1.EncDecAttention", false),
            ("", false),
        ] {
            let given = [(end.to_owned(), 1)];
            let found = per_map(&given, &[path], &mut PatternBudget::default());
            assert_eq!(found, Ok(vec![expected.then_some(1)]), "{end}");
        }
        let first = [("q", 1), ("decoder.*", 2)].map(|(end, rank)| (end.to_owned(), rank));
        let found = per_map(&first, &[path, "decoder.x", "y"], &mut PatternBudget::default());
        assert_eq!(found, Ok(vec![Some(1), Some(2), None]));
    }
}
