//! The rows of one file, each made an example when it is asked for.

use std::{fmt, rc::Rc};

use serde_json::Value;

use crate::{
    error::{Error, Result},
    storage::{Storage, said},
    text::{
        example::{DataSettings, Maker, Outcome},
        notice::Notices,
        rows::{Index, Layout, Place, Row, Skipped},
        tokenizer::Tokenizer,
        warning::Warning,
    },
};

/// Bytes of rows that are gone through at a time.
const PIECE: u64 = 1 << 20;
/// Rows that are gone through at a time.
const ROWS: usize = 4096;

/// A file of rows, and how they become examples.
pub(crate) struct File {
    storage: Rc<dyn Storage>,
    path: String,
    index: Index,
    maker: Maker,
    /// A field that the template names as another tool would.
    placeholder: Option<String>,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({})", self.name())
    }
}

impl File {
    /// The rows of the file that `maker` is for, no more than its settings allow.
    ///
    /// # Errors
    /// As [`Index::read`] and [`Maker::check`].
    pub(crate) async fn open(storage: Rc<dyn Storage>, path: &str, maker: Maker) -> Result<Self> {
        maker.check()?;
        let mut index = Index::read(&*storage, path, maker.settings.reading).await?;
        index.places.truncate(maker.settings.limit.unwrap_or(usize::MAX));
        let path = path.to_owned();
        let mut file = Self { storage, path, index, maker, placeholder: None };
        if let Some(first) = file.index.places.first().copied() {
            let bytes = file.bytes(first).await?;
            let fields = file.index.layout.fields(&bytes).unwrap_or_default();
            let row = Row { line: first.line as usize, fields };
            file.placeholder = file.maker.templates.placeholder(&row);
        }
        Ok(file)
    }

    async fn bytes(&self, place: Place) -> Result<Vec<u8>> {
        self.storage.read(&self.path, place.at..place.at + u64::from(place.length)).await
    }

    /// What there is to say of the file, before its texts are looked at.
    pub(crate) fn notices(&self) -> Notices {
        let (name, count) = (self.name(), self.len());
        let mut warnings = Vec::new();
        if let Layout::Table(columns) = &self.index.layout
            && let Some(separator) = columns.other_separator()
        {
            let message = format!("{name}: its fields are separated by {separator}");
            warnings.push(Warning { code: "separator", message, count });
        }
        if let Some(found) = &self.placeholder {
            let message = format!(
                "{name}: the template's `{found}` stays as it is; a field is written as \
                 `{{{{ name }}}}`"
            );
            warnings.push(Warning { code: "placeholders", message, count });
        }
        Notices::new(name, !self.has_only_sources(), warnings)
    }

    pub(crate) fn tokenizer(&self) -> Option<&Tokenizer> {
        self.maker.tokenizer.as_deref()
    }

    /// What its user calls it.
    pub(crate) fn name(&self) -> &str {
        &self.maker.name
    }

    /// An error of the storage, with the paths that its user knows.
    pub(crate) fn said(&self, error: Error) -> Error {
        said(&*self.storage, error)
    }

    /// How many rows there are, those that could not be read not counted.
    pub(crate) fn len(&self) -> usize {
        self.index.places.len()
    }

    /// The line of a row, from 1.
    pub(crate) fn line(&self, row: usize) -> usize {
        self.index.places.get(row).map_or(0, |place| place.line as usize)
    }

    /// Whether its rows are prompts, without targets.
    pub(crate) fn has_only_sources(&self) -> bool {
        self.maker.sources_only
    }

    /// Rows that could not be read, where that was allowed.
    pub(crate) fn skipped(&self) -> &Skipped {
        &self.index.skipped
    }

    pub(crate) fn settings(&self) -> &DataSettings {
        &self.maker.settings
    }

    /// What becomes of a row.
    ///
    /// # Errors
    /// As [`Maker::make`].
    pub(crate) async fn example(&self, row: usize) -> Result<Outcome> {
        let Some(place) = self.index.places.get(row).copied() else {
            return Ok(Outcome::WithoutText);
        };
        let bytes = self.bytes(place).await?;
        self.maker.make(row, place.line as usize, self.index.layout.fields(&bytes))
    }

    /// What becomes of a row where only the beginning of its texts is looked at: no more than so many
    /// bytes of each, to the end of a word. Also how many bytes that leaves away.
    ///
    /// # Errors
    /// As [`Maker::make`].
    pub(crate) async fn glance(&self, row: usize, most: usize) -> Result<(Outcome, usize)> {
        let Some(Place { at, length, line }) = self.index.places.get(row).copied() else {
            return Ok((Outcome::WithoutText, 0));
        };
        let bytes = self.storage.read(&self.path, at..at + u64::from(length)).await?;
        let mut fields = self.index.layout.fields(&bytes);
        let texts = fields.iter_mut().flat_map(|fields| fields.values_mut());
        let left_away = texts.map(|value| shorten(value, most)).sum();
        Ok((self.maker.make(row, line as usize, fields)?, left_away))
    }

    /// What becomes of each row, in their order, with no more than a piece of the file in memory.
    ///
    /// # Errors
    /// Those of the file, and of `each`.
    pub(crate) async fn each(
        &self,
        each: &mut dyn FnMut(Result<Outcome>) -> Result<()>,
    ) -> Result<()> {
        let end = |place: &Place| place.at + u64::from(place.length);
        let mut row = 0;
        while let Some(first) = self.index.places.get(row) {
            let rest = &self.index.places[row..];
            let near = |place: &&Place| end(place) <= first.at + PIECE;
            let count = rest.iter().take(ROWS).take_while(near).count().max(1);
            let (start, last) = (first.at, rest[..count].iter().map(end).max().unwrap_or(0));
            let piece = self.storage.read(&self.path, start..last).await?;
            let (maker, layout) = (&self.maker, &self.index.layout);
            let make = |(index, place): (usize, &Place)| {
                let at = (place.at - start) as usize;
                let bytes = &piece[at..at + place.length as usize];
                maker.make(row + index, place.line as usize, layout.fields(bytes))
            };
            for outcome in all(&rest[..count], make) {
                each(outcome)?;
            }
            row += count;
        }
        Ok(())
    }
}

/// Cuts the texts of a value to so many bytes, at the end of a word where there is one, and returns how
/// many bytes that leaves away.
fn shorten(value: &mut Value, most: usize) -> usize {
    match value {
        Value::String(text) if text.len() > most => {
            let head = &text[..text.floor_char_boundary(most)];
            let end = head.rfind(char::is_whitespace).filter(|end| *end > 0).unwrap_or(head.len());
            let left_away = text.len() - end;
            text.truncate(end);
            left_away
        }
        Value::Array(values) => values.iter_mut().map(|value| shorten(value, most)).sum(),
        Value::Object(values) => values.values_mut().map(|value| shorten(value, most)).sum(),
        _ => 0,
    }
}

/// Rendering and tokenising is most of the work of a first pass, and no row needs another.
#[cfg(not(target_family = "wasm"))]
fn all(
    places: &[Place],
    make: impl Fn((usize, &Place)) -> Result<Outcome> + Send + Sync,
) -> Vec<Result<Outcome>> {
    use rayon::prelude::*;
    places.par_iter().enumerate().map(make).collect()
}

#[cfg(target_family = "wasm")]
fn all(
    places: &[Place],
    make: impl Fn((usize, &Place)) -> Result<Outcome>,
) -> Vec<Result<Outcome>> {
    places.iter().enumerate().map(make).collect()
}
