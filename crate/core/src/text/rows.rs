//! Rows: the records of a data set, as they come from a file.

mod index;
mod json;
mod record;
mod scan;
mod table;

use serde_json::{Map, Value};

use self::scan::Scan;
pub(crate) use self::{
    index::{Index, Place},
    scan::Layout,
    table::is_unnamed,
};
use crate::{
    config::Separator,
    error::{Error, Result},
};

/// How a file of rows is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether bad rows are counted and passed over.
    pub skip_bad_rows: bool,
    /// What parts the fields of a table, where its name and header do not tell.
    pub separator: Option<Separator>,
}

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
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
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

    /// Counts those of another file.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        let room = Self::TOLD - self.first.len().min(Self::TOLD);
        self.first.extend(other.first.iter().take(room).cloned());
    }

    /// The fields of the next record; none where it is bad, and may be.
    fn pass(
        &mut self,
        path: &str,
        line: usize,
        fields: Result<Map<String, Value>, String>,
        skip_bad_rows: bool,
    ) -> Result<Option<Map<String, Value>>> {
        match fields {
            Ok(fields) => Ok(Some(fields)),
            Err(message) => {
                let error = Error::Row { path: path.to_owned(), line, message };
                if !skip_bad_rows {
                    return Err(error);
                }
                self.add(&error);
                Ok(None)
            }
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
        let mut rows = Self { name: name.into(), ..Self::default() };
        rows.read_from(Scan::new(&rows.name, None)?, bytes, skip_bad_rows)?;
        Ok(rows)
    }

    /// Goes through the rows of a file, one at a time, fields of tables all texts.
    ///
    /// # Errors
    /// As [`Rows::from_bytes`], and those of `each`.
    pub(crate) fn each(
        name: &str,
        bytes: &[u8],
        mut each: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        let mut skipped = Skipped::default();
        let taken = Scan::new(name, None)?.take(bytes, true, |record| {
            let line = record.line;
            match skipped.pass(name, line, record.fields, false)? {
                Some(fields) => each(Row { line, fields }),
                None => Ok(()),
            }
        });
        taken.map(drop)
    }

    /// Reads JSONL: one JSON object a line, in UTF-8 with or without a byte order mark, lines ended
    /// by `\n` or `\r\n`, blank lines skipped.
    ///
    /// # Errors
    /// [`Error::Row`] with the line that is not UTF-8, not JSON, nested deeper than 127 levels, or
    /// not an object.
    pub fn from_jsonl(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let mut rows = Self { name: name.into(), ..Self::default() };
        rows.read_from(Scan::lines(&rows.name), bytes, false)?;
        Ok(rows)
    }

    fn read_from(&mut self, mut scan: Scan, bytes: &[u8], skip_bad_rows: bool) -> Result<()> {
        let (rows, skipped) = (&mut self.rows, &mut self.skipped);
        let name = &self.name;
        scan.take(bytes, true, |record| {
            let line = record.line;
            if let Some(fields) = skipped.pass(name, line, record.fields, skip_bad_rows)? {
                rows.push(Row { line, fields });
            }
            Ok(())
        })?;
        let layout = scan.layout();
        rows.iter_mut().for_each(|row| layout.convert(&mut row.fields));
        Ok(())
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
            "rows.parquet: rows are read from JSONL, CSV and TSV, not from .parquet; write it as JSONL: \
             pandas' `to_json(path, orient=\"records\", lines=True)`"
        );
    }

    #[test]
    fn bad_rows_are_skipped_and_counted_where_that_is_asked_for() {
        let lines = "{\"a\": 1}\n".repeat(3) + &"[]\n".repeat(12) + "{\"a\": 2}";
        let rows = Rows::read("rows.jsonl", lines.as_bytes(), true).unwrap();
        assert_eq!((rows.rows.len(), rows.skipped.count, rows.skipped.first.len()), (4, 12, 10));
        let expected = "rows.jsonl, line 4: expected a JSON object, found an empty list; a list of rows is \
                        read from a file whose name ends with .json";
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
