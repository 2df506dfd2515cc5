//! What a user should know of the texts of a file, counted as they are read: texts that are empty, or all
//! the same, or hold what the model never sees.

use std::collections::{BTreeMap, BTreeSet};

use super::{example::Example, tokenizer::Tokenizer, warning::Warning};

/// How many characters a message lists.
const LISTED: usize = 12;

/// Something about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NoticeKind {
    EmptySource,
    EmptyTarget,
    UnknownInSource,
    UnknownInTarget,
    LineBreakInTarget,
    ClosingToken,
    Sentinel,
    Mixed,
}

/// How often something was found, and what.
#[derive(Clone, Debug, Default)]
struct Found {
    count: usize,
    /// The line of the first.
    line: usize,
    /// What it was about: names or characters.
    what: BTreeSet<String>,
}

/// What was found in the texts of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices {
    /// The file's name.
    path: String,
    examples: usize,
    has_targets: bool,
    found: BTreeMap<NoticeKind, Found>,
    /// The first source and target, as long as all others are the same.
    same: [Option<String>; 2],
    /// Characters that were looked up in the vocabulary.
    known: BTreeMap<char, bool>,
    /// Whether line breaks are read as blanks.
    drops_line_breaks: Option<bool>,
    /// About the file as a whole.
    of_file: Vec<Warning>,
}

impl Notices {
    pub(crate) fn new(path: &str, has_targets: bool, of_file: Vec<Warning>) -> Self {
        Self { path: path.to_owned(), has_targets, of_file, ..Self::default() }
    }

    /// Looks at an example, which stands on this line of its file.
    pub(crate) fn note(&mut self, example: &Example, line: usize, tokenizer: Option<&Tokenizer>) {
        let texts = [&example.source_text, &example.target_text];
        for (same, text) in self.same.iter_mut().zip(texts) {
            if self.examples == 0 {
                *same = Some(text.clone());
            } else if same.as_ref() != Some(text) {
                *same = None;
            }
        }
        self.examples += 1;
        if example.source_text.is_empty() {
            self.add(NoticeKind::EmptySource, line, []);
        }
        if self.has_targets && example.target_text.is_empty() {
            self.add(NoticeKind::EmptyTarget, line, []);
        }
        if let Some(name) = &example.mixed {
            self.add(NoticeKind::Mixed, line, [name.clone()]);
        }
        if let Some(tokenizer) = tokenizer {
            self.note_tokens(example, line, tokenizer);
        }
    }

    fn note_tokens(&mut self, example: &Example, line: usize, tokenizer: &Tokenizer) {
        for (kind, text, ids) in [
            (NoticeKind::UnknownInSource, &example.source_text, &example.source),
            (NoticeKind::UnknownInTarget, &example.target_text, &example.target),
        ] {
            if ids.contains(&tokenizer.unknown()) {
                let unknown = self.unknown(text, tokenizer);
                self.add(kind, line, unknown);
            }
        }
        let breaks = example.target_text.contains('\n');
        if breaks && *self.drops_line_breaks.get_or_insert_with(|| tokenizer.drops_line_breaks()) {
            self.add(NoticeKind::LineBreakInTarget, line, []);
        }
        let is_closed_twice = |ids: &Vec<u32>| {
            let before = ids.len().saturating_sub(1);
            ids[..before].contains(&tokenizer.eos())
        };
        if is_closed_twice(&example.source) || is_closed_twice(&example.target) {
            self.add(NoticeKind::ClosingToken, line, []);
        }
        // The closing token has its own notice.
        let is_open = |token: &&str| tokenizer.token_to_id(token) != Some(tokenizer.eos());
        let special = |text: &String| tokenizer.specials(text).find(is_open).map(str::to_owned);
        if let Some(token) = example.references.iter().find_map(special) {
            self.add(NoticeKind::Sentinel, line, [token]);
        }
    }

    /// The characters of a text that the tokenizer does not know.
    fn unknown(&mut self, text: &str, tokenizer: &Tokenizer) -> Vec<String> {
        let characters: BTreeSet<char> = text.chars().filter(|c| *c != ' ').collect();
        let mut is_known = |c: &char| {
            *self.known.entry(*c).or_insert_with(|| {
                let ids = tokenizer.encode(&c.to_string()).unwrap_or_default();
                !ids.contains(&tokenizer.unknown())
            })
        };
        let unknown = characters.iter().filter(|c| !is_known(c));
        unknown.map(|c| format!("`{}`", c.escape_debug())).collect()
    }

    fn add(&mut self, kind: NoticeKind, line: usize, what: impl IntoIterator<Item = String>) {
        let found = self.found.entry(kind).or_default();
        if found.count == 0 {
            found.line = line;
        }
        found.count += 1;
        let room = LISTED.saturating_sub(found.what.len());
        found.what.extend(what.into_iter().take(room));
    }

    /// What was found, each thing once.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = self.of_file.clone();
        warnings.extend(self.found.iter().map(|(kind, found)| self.warning(*kind, found)));
        let sides =
            [("same_sources", "sources", true), ("same_targets", "targets", self.has_targets)];
        for ((code, side, counts), same) in sides.into_iter().zip(&self.same) {
            if same.is_some() && counts && self.examples > 1 {
                let count = self.examples;
                let message = format!(
                    "{}: all {count} {side} are the same text; a template writes a field as \
                     `{{{{ name }}}}`",
                    self.path
                );
                warnings.push(Warning { code, message, count });
            }
        }
        warnings
    }

    fn warning(&self, kind: NoticeKind, found: &Found) -> Warning {
        let Found { count, line, what } = found;
        let what = what.iter().cloned().collect::<Vec<_>>().join(" ");
        const ADD: &str = "they can be added to the tokenizer and the model by transformers' \
                           `add_tokens` and `resize_token_embeddings`, or written otherwise";
        let (code, side, text) = match kind {
            NoticeKind::EmptySource => ("empty_sources", "sources", "are empty".to_owned()),
            NoticeKind::EmptyTarget => ("empty_targets", "targets", "are empty".to_owned()),
            NoticeKind::UnknownInSource => (
                "unknown_in_sources",
                "sources",
                format!(
                    "hold characters that the tokenizer does not know, and that the model sees as \
                     `<unk>`: {what}"
                ),
            ),
            NoticeKind::UnknownInTarget => (
                "unknown_in_targets",
                "targets",
                format!(
                    "hold characters that the tokenizer does not know, and that cannot be learnt: \
                     {what}; {ADD}"
                ),
            ),
            NoticeKind::LineBreakInTarget => (
                "line_breaks_in_targets",
                "targets",
                format!(
                    "hold line breaks, which the tokenizer reads as blanks: they cannot be \
                         learnt; {ADD}"
                ),
            ),
            NoticeKind::ClosingToken => (
                "closing_tokens",
                "rows",
                "hold `</s>`, which closes every text anyway: the model sees it there too"
                    .to_owned(),
            ),
            NoticeKind::Sentinel => (
                "special_in_references",
                "rows",
                format!(
                    "have references with tokens such as {what}, which answers are shown without: \
                     both are scored without them"
                ),
            ),
            NoticeKind::Mixed => (
                "mixed_comparisons",
                "rows",
                format!(
                    "have a text where the template compares {what} with a number, which is never \
                     equal to it: compare with a text (`x == \"1\"`), or a number of it (`x | int`)"
                ),
            ),
        };
        let message =
            format!("{}: {count} of {} {side} {text} (line {line})", self.path, self.examples);
        Warning { code, message, count: *count }
    }
}
