//! Examples: rows rendered and tokenised.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    config::OnTooLong,
    error::{Error, Message, Result},
    text::{
        rows::{Reading, Row},
        shape::described,
        template::Rendered,
        templates::Templates,
        tokenizer::Tokenizer,
    },
};

/// How rows become examples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSettings {
    /// The most tokens of a source, the closing `</s>` counted.
    pub max_source_tokens: usize,
    /// The most tokens of a target, the closing `</s>` counted.
    pub max_target_tokens: usize,
    /// What happens to a text that has more.
    pub on_too_long: OnTooLong,
    /// How the file is read; a row that does not render counts as a bad one.
    #[serde(skip)]
    pub reading: Reading,
    /// The fields that hold references to score against, each a text or a list of texts. None: the
    /// target is the reference.
    pub reference_fields: Vec<String>,
    /// Only the first rows.
    pub limit: Option<usize>,
}

impl Default for DataSettings {
    fn default() -> Self {
        Self {
            max_source_tokens: 512,
            max_target_tokens: 128,
            on_too_long: OnTooLong::Truncate,
            reading: Reading::default(),
            reference_fields: Vec::new(),
            limit: None,
        }
    }
}

/// A row, tokenised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Which of the file's rows, from 0.
    pub row: usize,
    /// The source's token ids, `</s>` last.
    pub source: Vec<u32>,
    /// The target's token ids, `</s>` last; none where there is only a source.
    pub target: Vec<u32>,
    /// The source, whole.
    pub source_text: String,
    /// The target, whole.
    pub target_text: String,
    /// What a prediction is scored against: at least one, except where there is only a source.
    pub references: Vec<String>,
    /// Whether the source was cut.
    pub source_cut: bool,
    /// Whether the target was cut.
    pub target_cut: bool,
    /// A text that the template compares with a number, by its name.
    pub mixed: Option<String>,
}

impl DataSettings {
    /// That the limits leave room for text.
    fn check(&self) -> Result<()> {
        for (key, tokens) in [
            ("max_source_tokens", self.max_source_tokens),
            ("max_target_tokens", self.max_target_tokens),
        ] {
            if tokens < 2 {
                let message = format!("expected at least 2 (one, and `</s>`), found {tokens}");
                return Err(Error::setting(key, message));
            }
        }
        Ok(())
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An example.
    Example(Box<Example>),
    /// Nothing, since a text is too long.
    Dropped,
    /// Nothing, since no template has a text for it.
    WithoutText,
}

/// The fields of a row, or what is wrong with it.
pub(crate) type Fields = Result<Map<String, Value>, String>;

/// Makes examples of the rows of one file.
#[derive(Debug)]
pub(crate) struct Maker {
    /// The file's name, for messages.
    pub(crate) name: String,
    /// How they become texts.
    pub(crate) templates: Templates,
    /// How texts become tokens; without it there are none.
    pub(crate) tokenizer: Option<Arc<Tokenizer>>,
    /// What may be.
    pub(crate) settings: DataSettings,
    /// Whether only the source is wanted, for generation: rows may lack what the target needs.
    pub(crate) sources_only: bool,
}

impl Maker {
    /// That examples can be made at all.
    pub(crate) fn check(&self) -> Result<()> {
        self.settings.check()?;
        if !self.sources_only && !self.templates.has_target() {
            let message = "the template has no `|||` between source and target".to_owned();
            return Err(Error::Template { message });
        }
        Ok(())
    }

    /// The example of the row at this place of its file, from 0, on this line, from 1.
    ///
    /// # Errors
    /// [`Error::Template`] for a row that does not render, which is named; [`Error::Row`] where
    /// references are missing; [`Error::Setting`] for a text that is too long where that is an error.
    pub(crate) fn make(&self, index: usize, line: usize, fields: Fields) -> Result<Outcome> {
        let of_row = |message| Error::Row { path: self.name.clone(), line, message };
        let row = Row { line, fields: fields.map_err(of_row)? };
        let place = format!("{}, line {line}", self.name);
        self.example(index, &row, &place).map_err(|error| match error {
            Error::Template { message } => {
                Error::Template { message: format!("{place}: {message}") }
            }
            other => other,
        })
    }

    fn example(&self, index: usize, row: &Row, place: &str) -> Result<Outcome> {
        let settings = &self.settings;
        let rendered = match self.sources_only {
            true => self.templates.render_source(index, row)?.map(|source| (source, None, None)),
            false => (self.templates.render(index, row)?)
                .map(|Rendered { source, target, mixed }| (source, Some(target), mixed)),
        };
        let Some((source, target, mixed)) = rendered else { return Ok(Outcome::WithoutText) };
        let tokenizer = self.tokenizer.as_deref();
        let Some(prompt) = prompt(index, place, source, tokenizer, settings)? else {
            return Ok(Outcome::Dropped);
        };
        let Some(target) = target else { return Ok(Outcome::Example(Box::new(prompt))) };
        let references = references(row, &settings.reference_fields)
            .map_err(|message| {
                let (path, line) = (self.name.clone(), row.line);
                Error::Row { path, line, message }
            })?
            .unwrap_or_else(|| vec![target.clone()]);
        let limit = ("max_target_tokens", settings.max_target_tokens);
        let fit = within(tokenizer, &target, limit, settings.on_too_long, place)?;
        let Some((ids, target_cut)) = fit else { return Ok(Outcome::Dropped) };
        let target_text = target;
        let example = Example { target: ids, target_text, references, target_cut, mixed, ..prompt };
        Ok(Outcome::Example(Box::new(example)))
    }
}

/// Examples of texts as they are, without references. One that is too long is left out where that
/// is asked for.
///
/// # Errors
/// As [`Tokenizer::encode`], and [`Error::Setting`] for a text that is too long where that is an
/// error.
pub fn of_texts(
    texts: impl IntoIterator<Item = String>,
    tokenizer: &Tokenizer,
    settings: &DataSettings,
) -> Result<Vec<Example>> {
    settings.check()?;
    let mut examples = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        let place = format!("prompt {}", index + 1);
        examples.extend(prompt(index, &place, text, Some(tokenizer), settings)?);
    }
    Ok(examples)
}

/// The example of a source alone; none where it is too long and left out.
fn prompt(
    row: usize,
    place: &str,
    source_text: String,
    tokenizer: Option<&Tokenizer>,
    settings: &DataSettings,
) -> Result<Option<Example>> {
    let limit = ("max_source_tokens", settings.max_source_tokens);
    let fit = within(tokenizer, &source_text, limit, settings.on_too_long, place)?;
    Ok(fit.map(|(source, source_cut)| Example {
        row,
        source,
        target: Vec::new(),
        source_text,
        target_text: String::new(),
        references: Vec::new(),
        source_cut,
        target_cut: false,
        mixed: None,
    }))
}

/// The tokens of a text, no more than the limit (a key, and its value) allows, and whether it was
/// cut; none where it is to be left out.
fn within(
    tokenizer: Option<&Tokenizer>,
    text: &str,
    (key, limit): (&str, usize),
    on_too_long: OnTooLong,
    place: &str,
) -> Result<Option<(Vec<u32>, bool)>> {
    let Some(tokenizer) = tokenizer else { return Ok(Some((Vec::new(), false))) };
    if on_too_long == OnTooLong::Truncate {
        return tokenizer.encode_within(text, limit).map(Some);
    }
    let ids = tokenizer.encode(text)?;
    match on_too_long {
        OnTooLong::Drop if ids.len() > limit => Ok(None),
        OnTooLong::Error if ids.len() > limit => {
            let message = Message::from(format!("{place}: a text has {} tokens, ", ids.len()));
            Err(Error::setting("on_too_long", message.key(key).text(format!(" is {limit}"))))
        }
        _ => Ok(Some((ids, false))),
    }
}

/// The texts of a row's reference fields; none where no field is asked for.
fn references(row: &Row, fields: &[String]) -> Result<Option<Vec<String>>, String> {
    let mut texts = Vec::new();
    for name in fields {
        let value = row.fields.get(name).ok_or_else(|| {
            format!("there is no reference field `{name}`; the row has {}", row.field_names())
        })?;
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values {
            match value {
                Value::String(text) => texts.push(text.trim().to_owned()),
                Value::Number(number) => texts.push(number.to_string()),
                other => {
                    let found = described(other);
                    return Err(format!(
                        "reference field `{name}`: expected a text, found {found}"
                    ));
                }
            }
        }
    }
    match (fields.is_empty(), texts.is_empty()) {
        (true, _) => Ok(None),
        (false, false) => Ok(Some(texts)),
        (false, true) => Err("the reference fields are empty lists".to_owned()),
    }
}
