//! Rows: the records of a data set, as they come from a file.

mod json;
mod table;

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its fields, in the file's order.
    pub fields: Map<String, Value>,
}

impl Row {
    /// The names of its fields, for messages: `` `a`, `b` ``.
    pub(crate) fn field_names(&self) -> String {
        let names: Vec<String> = self.fields.keys().map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "no fields".to_owned() } else { names.join(", ") }
    }
}

/// The records of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// The file's name, for messages.
    pub name: String,
    /// The records, in the file's order.
    pub rows: Vec<Row>,
    /// Those that could not be used, where that was allowed.
    pub skipped: Skipped,
}

/// Rows that were passed over because they are bad.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: usize,
    /// What was wrong with the first of them, file and line named.
    pub first: Vec<String>,
}

impl Skipped {
    /// How many are told of in full.
    const TOLD: usize = 10;

    /// Counts one more.
    pub(crate) fn add(&mut self, error: &Error) {
        self.count += 1;
        if self.first.len() < Self::TOLD {
            self.first.push(error.to_string());
        }
    }
}

impl Rows {
    /// Reads a file of any supported kind, told by the ending of its name: `.csv`, `.tsv`, `.json`
    /// (a list of objects), else JSONL.
    ///
    /// # Errors
    /// [`Error::Row`] with the first row that is bad; [`Error::Format`] for a kind that is not
    /// supported.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        Self::read(name, bytes, false)
    }

    /// As [`Rows::from_bytes`], but with `skip_bad_rows` a bad row is counted and passed over. What
    /// makes the rest of a file unreadable, such as a header without names, is an error still.
    ///
    /// # Errors
    /// As [`Rows::from_bytes`].
    pub fn read(name: impl Into<String>, bytes: &[u8], skip_bad_rows: bool) -> Result<Self> {
        let rows = Self { name: name.into(), ..Self::default() };
        let mut reading = Reading { rows, skip_bad_rows };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let ending = reading.rows.name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending.to_ascii_lowercase().as_str() {
            "csv" => table::read(&mut reading, bytes, b',')?,
            "tsv" => table::read(&mut reading, bytes, b'\t')?,
            ending @ ("parquet" | "arrow" | "xlsx" | "xls" | "gz" | "zip" | "zst") => {
                let message = format!("rows are read from JSONL, CSV and TSV, not from .{ending}");
                return Err(Error::format(reading.rows.name, message));
            }
            "json" if bytes.trim_ascii_start().starts_with(b"[") => {
                json::read_list(&mut reading, bytes)?;
            }
            _ => json::read_lines(&mut reading, bytes)?,
        }
        Ok(reading.rows)
    }

    /// Reads JSONL: one JSON object a line, in UTF-8 with or without a byte order mark, lines ended
    /// by `\n` or `\r\n`, blank lines skipped.
    ///
    /// # Errors
    /// [`Error::Row`] with the line that is not UTF-8, not JSON, nested deeper than 127 levels, or
    /// not an object.
    pub fn from_jsonl(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let rows = Self { name: name.into(), ..Self::default() };
        let mut reading = Reading { rows, skip_bad_rows: false };
        json::read_lines(&mut reading, bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))?;
        Ok(reading.rows)
    }
}

/// A file that is being read.
struct Reading {
    rows: Rows,
    skip_bad_rows: bool,
}

impl Reading {
    /// Takes the next record, or passes over it where that is allowed.
    fn push(&mut self, line: usize, fields: Result<Map<String, Value>, String>) -> Result<()> {
        match fields {
            Ok(fields) => self.rows.rows.push(Row { line, fields }),
            Err(message) if self.skip_bad_rows => {
                let error = self.failure(line, message);
                self.rows.skipped.add(&error);
            }
            Err(message) => return Err(self.failure(line, message)),
        }
        Ok(())
    }

    fn failure(&self, line: usize, message: impl Into<String>) -> Error {
        Error::Row { path: self.rows.name.clone(), line, message: message.into() }
    }
}

/// What a value is, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_kind() {
        for (name, bytes) in [
            ("rows.CSV", "a,b\n1,x\n"),
            ("rows.tsv", "a\tb\n1\tx\n"),
            ("rows.json", " [{\"a\": 1, \"b\": \"x\"}]"),
            ("rows.json", "{\"a\": 1, \"b\": \"x\"}\n"),
            ("rows", "\u{feff}{\"a\": 1, \"b\": \"x\"}"),
        ] {
            let rows = Rows::from_bytes(name, bytes.as_bytes()).unwrap();
            assert_eq!(rows.rows.len(), 1, "{name}");
            assert_eq!(
                serde_json::json!(rows.rows[0].fields),
                serde_json::json!({"a": 1, "b": "x"})
            );
        }
        let error = Rows::from_bytes("rows.parquet", b"PAR1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "rows.parquet: rows are read from JSONL, CSV and TSV, not from .parquet"
        );
    }

    #[test]
    fn bad_rows_are_skipped_and_counted_where_that_is_asked_for() {
        let lines = "{\"a\": 1}\n".repeat(3) + &"[]\n".repeat(12) + "{\"a\": 2}";
        let rows = Rows::read("rows.jsonl", lines.as_bytes(), true).unwrap();
        assert_eq!((rows.rows.len(), rows.skipped.count, rows.skipped.first.len()), (4, 12, 10));
        let expected = "rows.jsonl, line 4: expected a JSON object, found a list";
        assert_eq!(rows.skipped.first[0], expected);
        assert_eq!(rows.rows[3].line, 16);
        assert_eq!(
            Rows::from_bytes("rows.jsonl", lines.as_bytes()).unwrap_err().to_string(),
            expected
        );

        let rows = Rows::read("rows.csv", b"a,b\n1,2\n3\n\"4\"x,5\n6,7\n", true).unwrap();
        assert_eq!((rows.rows.len(), rows.skipped.count), (2, 2));
    }
}
