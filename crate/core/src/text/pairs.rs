//! Predictions and references as they come from files: lines of text, or fields of rows.

use serde_json::Value;

use crate::{
    encoding,
    error::{Error, Result},
    metric::{number_of, score::Pair},
    text::rows::{Row, Rows},
};

/// A file's name and bytes.
pub type Source<'a> = (&'a str, &'a [u8]);

/// What is to be scored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// In the files' order.
    pub pairs: Vec<Pair>,
    /// The file that the first references are from.
    references: String,
}

impl Pairs {
    /// The field of predictions where none is named, as `eval` writes it.
    pub const PREDICTION: &str = "prediction";
    /// The field of references where none is named, as `eval` writes it.
    pub const REFERENCES: &str = "references";

    /// Reads predictions, and references from files of as many lines. A file is one of rows where its
    /// ending says so, or where the fields are named; otherwise each of its lines is a text. Without a
    /// file of references the rows of predictions hold them.
    ///
    /// # Errors
    /// [`Error::Row`] names the line that is not UTF-8, not a row, lacks a field or has no reference;
    /// [`Error::Format`] a file whose number of lines is not that of the predictions.
    pub fn read(
        predictions: Source<'_>,
        references: &[Source<'_>],
        prediction_field: Option<&str>,
        reference_fields: &[String],
    ) -> Result<Self> {
        let (name, _) = predictions;
        let field = prediction_field.unwrap_or(Self::PREDICTION);
        let with_references = references.is_empty();
        let is_rows = prediction_field.is_some() || with_references || has_rows(name);
        let mut pairs = Vec::new();
        match is_rows {
            true => each_row(predictions, |row| {
                let prediction =
                    one(value(row, field)?).map_err(|error| in_field(field, &error))?;
                let references = match with_references {
                    true => all(row, reference_fields)?,
                    false => Vec::new(),
                };
                pairs.push(Pair { prediction, references, line: row.line });
                Ok(())
            })?,
            false => {
                pairs
                    .reserve_exact(predictions.1.iter().filter(|byte| **byte == b'\n').count() + 1);
                each_line(predictions, |line, text| {
                    let (prediction, references) = (text.to_owned(), Vec::new());
                    pairs.push(Pair { prediction, references, line });
                })?;
            }
        };
        for &(other, bytes) in references {
            let (source, mut found) = ((other, bytes), 0);
            let mut add = |line: usize, references: Vec<String>| {
                if let Some(pair) = pairs.get_mut(found) {
                    if pair.references.is_empty() {
                        pair.line = line;
                        pair.references.reserve_exact(references.len());
                    }
                    pair.references.extend(references);
                }
                found += 1;
            };
            match has_rows(other) || !reference_fields.is_empty() {
                true => each_row(source, |row| {
                    add(row.line, all(row, reference_fields)?);
                    Ok(())
                })?,
                false => each_line(source, |line, text| add(line, vec![text.to_owned()]))?,
            }
            if found != pairs.len() {
                let message = format!(
                    "found {found} lines of references, expected {}, as many as {name} has \
                     predictions",
                    pairs.len()
                );
                return Err(Error::format(other, message));
            }
        }
        let references = references.first().map_or(name, |(name, _)| name).to_owned();
        if pairs.is_empty() {
            return Err(Error::format(name, "there are no predictions"));
        }
        if let Some(pair) = pairs.iter().find(|pair| pair.references.is_empty()) {
            let message = "expected at least one reference, found none".to_owned();
            return Err(Error::Row { path: references, line: pair.line, message });
        }
        Ok(Self { pairs, references })
    }

    /// Checks that references are numbers, as correlations need them.
    ///
    /// # Errors
    /// [`Error::Row`] names the first line whose reference is none.
    pub fn check_numbers(&self) -> Result<()> {
        for Pair { references, line, .. } in &self.pairs {
            let found = references.first().map_or("", String::as_str);
            if number_of(found).is_none() {
                let message = format!("expected a number as reference, found `{found}`");
                return Err(Error::Row { path: self.references.clone(), line: *line, message });
            }
        }
        Ok(())
    }

    /// How many references each row has, where that is the same for all.
    pub fn references(&self) -> Option<usize> {
        let number = self.pairs.first()?.references.len();
        self.pairs.iter().all(|pair| pair.references.len() == number).then_some(number)
    }
}

/// Whether a file's ending says that it holds rows.
fn has_rows(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    matches!(ending.as_str(), "jsonl" | "json" | "ndjson" | "csv" | "tsv")
}

/// The rows of a file, one after the other: a file in memory is enough.
fn each_row(
    (name, bytes): Source<'_>,
    mut each: impl FnMut(&Row) -> Result<(), String>,
) -> Result<()> {
    Rows::each(name, bytes, |row| {
        let line = row.line;
        each(&row).map_err(|message| Error::Row { path: name.to_owned(), line, message })
    })
}

/// Lines end with `\n` or `\r\n`; after the last end there is no further line.
fn each_line((name, bytes): Source<'_>, mut each: impl FnMut(usize, &str)) -> Result<()> {
    if let Some(problem) = encoding::problem(bytes) {
        return Err(Error::format(name, problem));
    }
    let bytes = bytes.strip_prefix(encoding::MARK).unwrap_or(bytes);
    if bytes.is_empty() {
        return Ok(());
    }
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let text = encoding::line(line, false).map_err(|message| Error::Row {
            path: name.to_owned(),
            line: index + 1,
            message,
        })?;
        each(index + 1, text);
    }
    Ok(())
}

fn value<'a>(row: &'a Row, field: &str) -> Result<&'a Value, String> {
    let missing = || format!("there is no field `{field}`; the row has {}", row.field_names());
    row.fields.get(field).ok_or_else(missing)
}

/// The references of a row. A field may hold a list of them, which may have any length, or null.
fn all(row: &Row, fields: &[String]) -> Result<Vec<String>, String> {
    let default = [Pairs::REFERENCES.to_owned()];
    let fields = if fields.is_empty() { &default } else { fields };
    let mut references = Vec::new();
    for field in fields {
        let several = match value(row, field)? {
            Value::Null => &[],
            Value::Array(several) => several.as_slice(),
            single => std::slice::from_ref(single),
        };
        for reference in several {
            references.push(one(reference).map_err(|error| in_field(field, &error))?);
        }
    }
    Ok(references)
}

fn in_field(field: &str, error: &str) -> String {
    format!("field `{field}`: {error}")
}

/// A text, or a number or truth value as the text that it is in JSON.
fn one(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null => Err("expected a text, found null".to_owned()),
        Value::Array(_) => Err("expected a text, found a list".to_owned()),
        Value::Object(_) => Err("expected a text, found an object".to_owned()),
    }
}
