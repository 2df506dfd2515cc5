//! Text as its tokens arrive.

use crate::{error::Result, text::tokenizer::Tokenizer};

/// What a character cut short decodes to, until its other bytes are there.
const REPLACEMENT: char = '\u{fffd}';
/// How many tokens are decoded again at most, in the usual case.
const WINDOW: usize = 64;
/// How many of them are kept as what goes before.
const CONTEXT: usize = 8;

/// Decodes token ids one by one: the increments together are what [`Tokenizer::decode`] gives for
/// all of them. A single token has no text of its own: the first one of a text loses its space, and
/// a character may take several.
#[derive(Clone, Debug)]
pub struct TextStream<'a> {
    tokenizer: &'a Tokenizer,
    /// The latest tokens.
    ids: Vec<u32>,
    /// The part of their text that was given out.
    given: String,
}

impl<'a> TextStream<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, ids: Vec::new(), given: String::new() }
    }

    /// The text that a token adds; empty where it completes nothing yet.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn push(&mut self, id: u32) -> Result<String> {
        self.ids.push(id);
        let text = self.tokenizer.decode(&self.ids)?;
        if text.ends_with(REPLACEMENT) {
            return Ok(String::new());
        }
        let more = text.strip_prefix(&self.given).unwrap_or_default().to_owned();
        self.given = text;
        if self.ids.len() > WINDOW {
            self.forget()?;
        }
        Ok(more)
    }

    /// The text that was held back.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn finish(self) -> Result<String> {
        let text = self.tokenizer.decode(&self.ids)?;
        Ok(text.strip_prefix(&self.given).unwrap_or_default().to_owned())
    }

    /// Drops all but the last tokens. They must have text: the next token would else be taken for
    /// the first one.
    fn forget(&mut self) -> Result<()> {
        let kept = &self.ids[self.ids.len() - CONTEXT..];
        let text = self.tokenizer.decode(kept)?;
        if !text.is_empty() && !text.starts_with(REPLACEMENT) {
            self.ids = kept.to_vec();
            self.given = text;
        }
        Ok(())
    }
}
