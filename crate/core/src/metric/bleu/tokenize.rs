//! Where words end for BLEU: sacrebleu's tokenisers.

use std::{borrow::Cow, fmt, str::FromStr, sync::LazyLock};

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::metric::ngram::is_space;

/// How a text is taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tokenizer {
    /// As the WMT's script mteval-v13a: for western languages.
    #[default]
    #[serde(rename = "13a")]
    V13a,
    /// Between white space, as the text stands.
    None,
    /// At all punctuation and symbols of Unicode (mteval-v14, international).
    Intl,
    /// Into characters.
    Char,
    /// Chinese characters one by one, all else as [`Tokenizer::V13a`].
    Zh,
}

impl Tokenizer {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::V13a, Self::None, Self::Intl, Self::Char, Self::Zh];

    /// Its name, as sacrebleu has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V13a => "13a",
            Self::None => "none",
            Self::Intl => "intl",
            Self::Char => "char",
            Self::Zh => "zh",
        }
    }

    /// The text with white space between its tokens.
    pub fn separate(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::None => Cow::Borrowed(text),
            Self::V13a => Cow::Owned(western(&format!(" {} ", plain(text)))),
            Self::Intl => Cow::Owned(international(text)),
            Self::Char => Cow::Owned(text.chars().flat_map(|c| [c, ' ']).collect()),
            Self::Zh => Cow::Owned(western(&apart(text.trim_matches(is_space), is_chinese))),
        }
    }
}

impl fmt::Display for Tokenizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Tokenizer {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        (Self::ALL.into_iter().find(|tokenizer| tokenizer.name() == name))
            .ok_or_else(|| format!("expected 13a, none, intl, char or zh, found `{name}`"))
    }
}

/// Without line breaks and the escapes of SGML, which test sets once came in.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&', '\n']) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
    // In this order: `&amp;lt;` becomes `<`.
    let escapes = [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")];
    let plain = escapes.iter().fold(text, |text, (escape, plain)| text.replace(escape, plain));
    Cow::Owned(plain)
}

/// Symbols apart, and full stops, commas and dashes where digits do not hold them.
fn western(text: &str) -> String {
    let text = apart(text, |c| c.is_ascii_punctuation() && !matches!(c, '\'' | ',' | '-' | '.'));
    let text = cut(&text, b".,", Side::Before, |neighbour| !neighbour.is_ascii_digit());
    let text = cut(&text, b".,", Side::After, |neighbour| !neighbour.is_ascii_digit());
    cut(&text, b"-", Side::Before, |neighbour| neighbour.is_ascii_digit())
}

/// On which side of a sign its neighbour stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// Sets a sign and its neighbour apart where the neighbour is such: a regular expression's
/// replacement of two characters, from the left and without overlap, so that a sign that was the
/// neighbour of the last one is not looked at again. Signs are ASCII. Of a neighbour only the first
/// or last byte is looked at, which tells digits from all else.
fn cut(text: &str, signs: &[u8], side: Side, is_such: impl Fn(u8) -> bool) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() + text.len() / 4 + 8);
    // What is before is in `out`.
    let mut done = 0;
    for (place, byte) in bytes.iter().enumerate() {
        if !signs.contains(byte) || place < done {
            continue;
        }
        match side {
            Side::Before if place > done && is_such(bytes[place - 1]) => {
                out.extend([&text[done..place], " ", &text[place..=place], " "]);
                done = place + 1;
            }
            Side::After if bytes.get(place + 1).is_some_and(|next| is_such(*next)) => {
                let next = text[place + 1..].chars().next().map_or(0, char::len_utf8);
                let after = place + 1 + next;
                let parts = [&text[done..place], " ", &text[place..=place], " "];
                out.extend(parts.into_iter().chain([&text[place + 1..after]]));
                done = after;
            }
            _ => {}
        }
    }
    out.push_str(&text[done..]);
    out
}

fn international(text: &str) -> String {
    static RULES: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
        let rules =
            [(r"(\P{N})(\p{P})", "$1 $2 "), (r"(\p{P})(\P{N})", " $1 $2"), (r"(\p{S})", " $1 ")];
        rules.map(|(rule, with)| (Regex::new(rule).expect("the rules are valid"), with))
    });
    RULES.iter().fold(text.to_owned(), |text, (rule, with)| rule.replace_all(&text, *with).into())
}

/// Puts spaces around characters.
fn apart(text: &str, is_apart: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4 + 8);
    let mut done = 0;
    for (place, c) in text.char_indices() {
        if is_apart(c) {
            let after = place + c.len_utf8();
            out.extend([&text[done..place], " ", &text[place..after], " "]);
            done = after;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// Whether sacrebleu takes it for Chinese. Its ranges beyond 16 bits are misspelt there, so that they
/// begin at U+2001.
fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{2001}'..='\u{2a6d}' | '\u{2e80}'..='\u{2fdf}' | '\u{2ff0}'..='\u{303f}'
        | '\u{3100}'..='\u{312f}' | '\u{31a0}'..='\u{31ef}' | '\u{3200}'..='\u{4db5}'
        | '\u{4e00}'..='\u{9fbb}' | '\u{f900}'..='\u{fa2d}' | '\u{fa30}'..='\u{fa6a}'
        | '\u{fa70}'..='\u{fad9}' | '\u{fe10}'..='\u{fe1f}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ffef}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{ngram::words, oracle};

    #[test]
    fn tokens_are_sacrebleu_s() {
        let oracle = oracle("bleu");
        let sets = oracle["tokenized"].as_array().unwrap();
        assert_eq!(sets.len(), 2);
        for set in sets {
            let tokenizer: Tokenizer = set["tokenize"].as_str().unwrap().parse().unwrap();
            for line in set["lines"].as_array().unwrap() {
                let (text, expected) = (line[0].as_str().unwrap(), line[1].as_str().unwrap());
                let separated = tokenizer.separate(text);
                let found: Vec<&str> = words(&separated).collect();
                assert_eq!(found.join(" "), expected, "{tokenizer}: {text}");
            }
        }
    }

    #[test]
    fn names_are_read_and_written() {
        for tokenizer in Tokenizer::ALL {
            assert_eq!(tokenizer.to_string().parse(), Ok(tokenizer));
            assert_eq!(serde_json::to_value(tokenizer).unwrap(), tokenizer.name());
        }
        assert!("spm".parse::<Tokenizer>().unwrap_err().contains("`spm`"));
    }
}
