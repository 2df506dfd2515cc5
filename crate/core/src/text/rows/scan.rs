//! Where the records of a file lie, found piece by piece: a file of any length is never in memory
//! whole.

use serde_json::{Map, Value};

use super::{
    json::{self, List},
    record::{Each, Record},
    table::{Columns, Table},
};
use crate::{
    config::Separator,
    encoding,
    error::{Error, Result},
};

/// Goes through a file.
pub(super) struct Scan {
    name: String,
    /// The line that the next piece begins in, from 1.
    line: usize,
    begun: bool,
    form: Form,
}

enum Form {
    Lines,
    /// A `.json`, which holds either a list or lines.
    Json,
    List(List),
    Table(Table),
}

impl Scan {
    /// For a file of this name, whose ending tells what it holds.
    ///
    /// # Errors
    /// [`Error::Format`] for a kind that is not supported.
    pub(super) fn new(name: &str, separator: Option<Separator>) -> Result<Self> {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let form = match ending.to_ascii_lowercase().as_str() {
            "csv" => Form::Table(Table::new(b',', separator)),
            "tsv" => Form::Table(Table::new(b'\t', separator)),
            ending @ ("parquet" | "arrow" | "xlsx" | "xls" | "gz" | "zip" | "zst") => {
                let todo = match ending {
                    "gz" => "unpack it: `gunzip`",
                    "zst" => "unpack it: `unzstd`",
                    "zip" => "unpack it",
                    "xlsx" | "xls" => "save the sheet as \"CSV UTF-8\"",
                    _ => {
                        "write it as JSONL: pandas' `to_json(path, orient=\"records\", lines=True)`"
                    }
                };
                let message =
                    format!("rows are read from JSONL, CSV and TSV, not from .{ending}; {todo}");
                return Err(Error::format(name, message));
            }
            "json" => Form::Json,
            _ => Form::Lines,
        };
        Ok(Self { form, ..Self::lines(name) })
    }

    /// For JSONL, whatever the name.
    pub(super) fn lines(name: &str) -> Self {
        Self { name: name.to_owned(), line: 1, begun: false, form: Form::Lines }
    }

    /// Takes the records that lie whole in a piece of the file, which begins where the piece before
    /// was taken to, and returns how many bytes it has taken. `at_end`: nothing follows the piece.
    ///
    /// # Errors
    /// Those of `each`, and [`Error::Row`] for what makes the rest unreadable.
    pub(super) fn take(
        &mut self,
        piece: &[u8],
        at_end: bool,
        mut each: impl FnMut(Record) -> Result<()>,
    ) -> Result<usize> {
        let mut begin = 0;
        if !self.begun {
            if piece.len() < encoding::START && !at_end {
                return Ok(0);
            }
            if let Some(problem) = encoding::problem(piece) {
                return Err(Error::format(&self.name, problem));
            }
            begin = if piece.starts_with(encoding::MARK) { encoding::MARK.len() } else { 0 };
            self.begun = true;
        }
        let rest = &piece[begin..];
        if let Form::Json = self.form {
            match rest.trim_ascii_start().first() {
                None if !at_end => return Ok(begin),
                Some(b'[') => self.form = Form::List(List::default()),
                _ => self.form = Form::Lines,
            }
        }
        let each: Each<'_> = &mut |record: Record| {
            let bytes = record.bytes.start + begin..record.bytes.end + begin;
            each(Record { bytes, ..record })
        };
        let line = &mut self.line;
        let taken = match &mut self.form {
            Form::Lines | Form::Json => json::take_lines(line, rest, at_end, each),
            Form::List(list) => list.take(&self.name, line, rest, at_end, each),
            Form::Table(table) => table.take(&self.name, line, rest, at_end, each),
        };
        taken.map(|taken| begin + taken)
    }

    /// The line that it has come to, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// What all records of the file have in common, once it has gone through it.
    pub(super) fn layout(self) -> Layout {
        match self.form {
            Form::Lines | Form::Json => Layout::Lines,
            Form::List(_) => Layout::List,
            Form::Table(table) => Layout::Table(table.columns()),
        }
    }
}

/// How a record of a file is to be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layout {
    /// A JSON object on a line.
    Lines,
    /// A JSON object in a list.
    List,
    /// A record of CSV or TSV.
    Table(Columns),
}

impl Layout {
    /// The fields of a record, from its bytes alone.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn fields(&self, record: &[u8]) -> Result<Map<String, Value>, String> {
        match self {
            Layout::Lines | Layout::List => json::object(record),
            Layout::Table(columns) => columns.fields(record),
        }
    }

    /// Turns the texts of a table's number columns into numbers.
    pub(super) fn convert(&self, fields: &mut Map<String, Value>) {
        if let Layout::Table(columns) = self {
            columns.convert(fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a file that comes in pieces, each as long as it must be.
    fn in_pieces(name: &str, bytes: &[u8], length: usize) -> (Vec<(usize, String)>, Layout) {
        let mut scan = Scan::new(name, None).unwrap();
        let (mut found, mut start, mut longer) = (Vec::new(), 0, 0);
        loop {
            let end = bytes.len().min(start + length + longer);
            let piece = &bytes[start..end];
            let at_end = end == bytes.len();
            let taken = scan.take(piece, at_end, |record| {
                let text = String::from_utf8_lossy(&piece[record.bytes]).into_owned();
                found.push((record.line, text));
                Ok(())
            });
            let taken = taken.unwrap();
            if at_end {
                return (found, scan.layout());
            }
            longer = if taken == 0 { longer + 1 } else { 0 };
            start += taken;
        }
    }

    #[test]
    fn pieces_of_any_length_give_the_same_records() {
        for (name, text, count) in [
            ("a.jsonl", "\u{feff}{\"a\": 1}\r\n\n{\"a\": \"é\"}\n  \n[]\nx", 4),
            ("a.json", "  \n{\"a\": 1}\n{}", 2),
            ("a.json", " [ {\"a\": -1.5e3},\n true ,\n{\"b\": [\"]\"]}, 12]\n ", 4),
            ("a.csv", "\u{feff}a,b\r\n1,\"x\r\n\"\"y\"\"\"\r\n\r\n2,\"\"\n3\n4,z", 4),
            ("a.tsv", "a\tb\n1\t2\n\"3\"\t4\n", 2),
            ("a.csv", "", 0),
        ] {
            let whole = in_pieces(name, text.as_bytes(), usize::MAX / 2);
            assert_eq!(whole.0.len(), count, "{name}: {whole:?}");
            for length in 1..text.len() + 1 {
                assert_eq!(in_pieces(name, text.as_bytes(), length), whole, "{name} by {length}");
            }
        }
    }

    #[test]
    fn a_record_reads_as_it_does_in_its_file() {
        for (name, text) in [
            ("a.csv", "a,b\n\"1\",\" x, \"\"y\"\"\"\r\n2,\n"),
            ("a.tsv", "a\tb\n007\t5\n3\t4"),
            ("a.json", "[{\"a\": 1},\n {\"b\": [2]}]"),
            ("a.jsonl", "{\"a\": 1} \r\n{}"),
        ] {
            let rows = super::super::Rows::from_bytes(name, text.as_bytes()).unwrap().rows;
            let (records, layout) = in_pieces(name, text.as_bytes(), 3);
            assert_eq!(records.len(), rows.len());
            for ((_, record), row) in records.iter().zip(&rows) {
                assert_eq!(layout.fields(record.as_bytes()).unwrap(), row.fields, "{name}");
            }
        }
    }
}
