//! What TER takes for words, as sacrebleu's `TercomTokenizer` has it.

use super::Ter;
use crate::metric::ngram::{is_space, words};

impl Ter {
    /// The text, with a space between its words.
    pub(super) fn normalize(&self, text: &str) -> String {
        let text = text.trim_end_matches(is_space);
        let mut text = if self.case_sensitive { text.to_owned() } else { text.to_lowercase() };
        if self.normalized && !text.is_empty() {
            text = western(&text);
            if self.asian_support {
                text = apart(&text, |c| is_ideograph(c) || is_asian_punctuation(c));
            }
        }
        if self.no_punct {
            text.retain(|c| !".,?:;!\"()".contains(c));
            if self.asian_support {
                text.retain(|c| !is_asian_punctuation(c));
            }
        }
        words(&text).collect::<Vec<_>>().join(" ")
    }
}

/// Words as languages of the West have them.
fn western(text: &str) -> String {
    let mut text = text.replace("\n-", "").replace('\n', " ");
    for (name, sign) in [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")] {
        text = text.replace(name, sign);
    }
    // All signs of ASCII but the apostrophe, the comma, the dash and the point.
    let text = apart(&format!(" {text} "), |c| {
        c.is_ascii_punctuation() && !matches!(c, '\'' | ',' | '-' | '.')
    });
    let text = text.replace("'s ", " 's ");
    let is_digit = |c: char| c.is_ascii_digit();
    let is_point = |c: char| matches!(c, '.' | ',');
    // A point or a comma stays in a number.
    let text = pairs(&text, |first, second| {
        (!is_digit(first) && is_point(second)).then_some([false, true, true])
    });
    let text = pairs(&text, |first, second| {
        (is_point(first) && !is_digit(second)).then_some([true, true, false])
    });
    pairs(&text, |first, second| (is_digit(first) && second == '-').then_some([false, true, true]))
}

/// Puts a space to either side of some characters.
fn apart(text: &str, is: impl Fn(char) -> bool) -> String {
    let mut apart = String::with_capacity(text.len());
    for c in text.chars() {
        if is(c) {
            apart.extend([' ', c, ' ']);
        } else {
            apart.push(c);
        }
    }
    apart
}

/// Puts spaces before, between and after two neighbours, where the rule says so. Who has been the
/// second of two is not the first of the next two.
fn pairs(text: &str, rule: impl Fn(char, char) -> Option<[bool; 3]>) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let Some((second, spaces)) =
            chars.peek().and_then(|&second| Some((second, rule(first, second)?)))
        else {
            spaced.push(first);
            continue;
        };
        chars.next();
        for (space, c) in spaces.into_iter().zip([Some(first), Some(second), None]) {
            if space {
                spaced.push(' ');
            }
            spaced.extend(c);
        }
    }
    spaced
}

/// Chinese characters and what looks like them, each a word: Unicode's blocks of ideographs,
/// strokes, radicals and compatibility forms, and from the enclosed letters up to U+3F22, as it
/// stands in sacrebleu. (Kana stay together: its rule for them fits only texts that do not begin with
/// a space, and there all do.)
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{31c0}'..='\u{31ef}'
        | '\u{2e80}'..='\u{2eff}' | '\u{3300}'..='\u{33ff}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}' | '\u{3200}'..='\u{3f22}')
}

/// Signs of Chinese and Japanese, and Western ones of a character's width.
fn is_asian_punctuation(c: char) -> bool {
    matches!(c,
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
        | '\u{ff61}'..='\u{ff65}' | '\u{30fb}' | '\u{ff0e}' | '\u{ff0c}' | '\u{ff1f}'
        | '\u{ff1a}' | '\u{ff1b}' | '\u{ff01}' | '\u{ff02}' | '\u{ff08}' | '\u{ff09}')
}
