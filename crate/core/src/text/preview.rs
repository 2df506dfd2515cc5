//! What a model would see of rows: their texts, and tokens with what is cut of them.

use serde::Serialize;

use super::{
    dataset::File,
    example::{Example, Outcome},
    mixture::is_mixture,
    reader::{Reader, Sides, read_mixture},
    tokenizer::Tokenizer,
};
use crate::{
    config::{DataConfig, OnTooLong},
    error::{Error, Result},
};

/// How many bytes of a text are looked at: far more than any model reads, and than anybody does.
/// Tokenising a text of megabytes takes seconds.
const MOST: usize = 1 << 16;

/// A row as a model would see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// The set of a mixture that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<String>,
    /// Which of its file's rows it is, from 0.
    pub row: usize,
    /// Its line in the file, from 1.
    pub line: usize,
    /// How many bytes of its texts are not looked at here, because they are very long. What stands
    /// below is of their beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortened: Option<usize>,
    /// Why it would be left out, where it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// What the model reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Side>,
    /// What it is to write; none where the template has only a source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Side>,
    /// What a prediction is scored against, where that is not the target.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
}

/// A source or a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The text, whole.
    pub text: String,
    /// Its tokens, as many as the model sees; none without a tokenizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<Token>>,
    /// What is cut off its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its number in the vocabulary.
    pub id: u32,
    /// How the vocabulary writes it.
    pub token: String,
}

/// The end of a text that the model does not see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// How many tokens it has.
    pub tokens: usize,
    /// Its text.
    pub text: String,
}

impl Side {
    fn new(text: String, ids: &[u32], tokenizer: Option<&Tokenizer>) -> Result<Self> {
        let Some(tokenizer) = tokenizer else { return Ok(Self { text, tokens: None, cut: None }) };
        let token =
            |id: &u32| Token { id: *id, token: tokenizer.id_to_token(*id).unwrap_or_default() };
        let tokens = Some(ids.iter().map(token).collect());
        let all = tokenizer.encode(&text)?;
        // Both end with `</s>`, which stays.
        let lost = all.get(ids.len().saturating_sub(1)..all.len().saturating_sub(1));
        let cut = match lost.filter(|lost| !lost.is_empty()) {
            Some(lost) => Some(Cut { tokens: lost.len(), text: tokenizer.decode(lost)? }),
            None => None,
        };
        Ok(Self { text, tokens, cut })
    }
}

impl Reader {
    /// `count` rows of a file, or of each set of a mixture, from the row `first` on, counted from 0.
    ///
    /// # Errors
    /// As [`Reader::dataset`]; [`Error::Setting`] where the file has no row `first`.
    pub async fn preview(
        &self,
        path: &str,
        config: &DataConfig,
        seed: u64,
        first: usize,
        count: usize,
    ) -> Result<Vec<Preview>> {
        if !is_mixture(path) {
            let file = self.file(path, config, seed, Sides::OfTemplate).await?;
            return self.previews(&file, None, first, count).await;
        }
        let mut previews = Vec::new();
        for set in read_mixture(&*self.storage, path, config).await?.sets {
            let path = set.data.train.as_deref().unwrap_or_default();
            let file = self.file(path, &set.data, seed, Sides::Both).await?;
            previews.extend(self.previews(&file, Some(&set.name), first, count).await?);
        }
        Ok(previews)
    }

    async fn previews(
        &self,
        file: &File,
        set: Option<&str>,
        first: usize,
        count: usize,
    ) -> Result<Vec<Preview>> {
        if first >= file.len() && set.is_none() {
            let message = format!("found {first}, but {} has {} rows", file.name(), file.len());
            return Err(Error::setting("row", message));
        }
        let mut previews = Vec::new();
        for row in first..file.len().min(first.saturating_add(count)) {
            let (set, line) = (set.map(str::to_owned), file.line(row));
            let (outcome, left_away) = match file.glance(row, MOST).await {
                // Counted and passed over, where that is asked for.
                Err(error @ (Error::Template { .. } | Error::Row { .. }))
                    if file.settings().reading.skip_bad_rows =>
                {
                    (Err(error), 0)
                }
                glance => glance.map(|(outcome, left_away)| (Ok(outcome), left_away))?,
            };
            let mut preview = Preview {
                set,
                row,
                line,
                shortened: Some(left_away).filter(|bytes| *bytes > 0),
                left_out: None,
                source: None,
                target: None,
                references: Vec::new(),
            };
            match outcome {
                Err(error) => preview.left_out = Some(error.to_string()),
                Ok(Outcome::Dropped) => {
                    preview.left_out = Some("a text has too many tokens".to_owned())
                }
                Ok(Outcome::WithoutText) => {
                    preview.left_out = Some("no template has a text for it".to_owned())
                }
                Ok(Outcome::Example(example)) => {
                    let tokenizer = self.tokenizer.as_deref();
                    let Example { source_text, source, target_text, target, .. } = *example;
                    let has_target = !file.has_only_sources();
                    if has_target && example.references != [target_text.as_str()] {
                        preview.references = example.references;
                    }
                    preview.source = Some(Side::new(source_text, &source, tokenizer)?);
                    if has_target {
                        preview.target = Some(Side::new(target_text, &target, tokenizer)?);
                    }
                }
            }
            previews.push(preview);
        }
        Ok(previews)
    }

    /// How long the sources and targets of a file are, or of each set of a mixture and of all
    /// together, whatever `on_too_long` would do to them.
    ///
    /// # Errors
    /// As [`Reader::dataset`], and [`Error::Setting`] without a tokenizer.
    pub async fn lengths(
        &self,
        path: &str,
        config: &DataConfig,
        seed: u64,
    ) -> Result<(super::Dataset, Vec<super::Lengths>)> {
        if self.tokenizer.is_none() {
            let message = "found nothing, expected the model whose tokens are to be counted";
            return Err(Error::setting("model", message));
        }
        let config = DataConfig { on_too_long: OnTooLong::Keep, ..config.clone() };
        let limits = (config.max_source_tokens, config.max_target_tokens);
        let rows = match is_mixture(path) {
            false => self.dataset(path, &config, seed).await?,
            true => {
                let mut sets = Vec::new();
                for set in read_mixture(&*self.storage, path, &config).await?.sets {
                    sets.push(self.rows_of(&set, seed).await?);
                }
                super::Dataset::join(path, sets)
            }
        };
        let mut lengths = Vec::new();
        if rows.sets().count() > 1 {
            for (name, places) in rows.sets() {
                lengths.push(super::Lengths::of(name, &rows, places, limits));
            }
        }
        lengths.push(super::Lengths::of(&rows.name, &rows, 0..rows.len(), limits));
        Ok((rows, lengths))
    }
}

#[cfg(test)]
mod tests {
    use std::{rc::Rc, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::{storage::MemoryStorage, text::tokenizer::tests::FLAN};

    fn preview(row: serde_json::Value, with_tokens: bool) -> Preview {
        let storage = MemoryStorage::new();
        storage.insert("a.jsonl", format!("{row}\n"));
        let tokenizer = with_tokens.then(|| Arc::new(FLAN.clone()));
        let reader = Reader { storage: Rc::new(storage), tokenizer };
        let config = DataConfig::default();
        let previews = reader.preview("a.jsonl", &config, 0, 0, 1);
        pollster::block_on(previews).unwrap().remove(0)
    }

    #[test]
    fn of_very_long_texts_only_the_beginning_is_looked_at() {
        let words = "a cat sat ".repeat(500_000);
        let runs_on = "é".repeat(2_500_000);
        for text in [&words, &runs_on] {
            let found = preview(json!({"source": text, "target": "a cat"}), true);
            let source = found.source.unwrap();
            assert!(source.text.len() <= MOST && source.text.len() > MOST - 10);
            assert!(text.starts_with(&source.text));
            assert_eq!(found.shortened, Some(text.len() - source.text.len()));
            // What the model sees of it is what it sees of all of it.
            let ids: Vec<u32> = source.tokens.unwrap().iter().map(|token| token.id).collect();
            let (whole, cut) = FLAN.encode_within(&text[..200_000], 512).unwrap();
            assert!(cut);
            assert_eq!(ids, whole);
            assert!(source.cut.is_some());
            assert_eq!(found.target.unwrap().text, "a cat");
        }
        let without_tokens = preview(json!({"source": words, "target": "a cat"}), false);
        assert!(without_tokens.source.unwrap().text.len() <= MOST);
        let short = preview(json!({"source": "a cat", "target": "a"}), true);
        assert_eq!(short.shortened, None);
    }

    #[test]
    fn texts_within_lists_are_shortened_too() {
        let text = "a cat ".repeat(20_000);
        let row = json!({"source": "x", "target": "y", "more": [{"text": &text}, &text]});
        let found = preview(row, false);
        // The last white space within 65,536 bytes.
        assert_eq!(found.shortened, Some(2 * (text.len() - 65_533)));
    }
}
