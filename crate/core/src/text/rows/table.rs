//! CSV and TSV with a header row (RFC 4180).

use std::{collections::HashSet, ops::Range};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::scan::{Each, Record};
use crate::error::{Error, Result};

/// The characters that may have been meant to separate fields.
const DELIMITERS: [char; 4] = [',', '\t', ';', '|'];

/// What is known of a table so far: nothing, or its columns.
#[derive(Debug)]
pub(super) struct Table {
    delimiter: u8,
    columns: Option<Columns>,
}

/// The columns of a table. One whose every value is a whole number holds numbers, so that a template
/// can count with them (`answer_choices[label]`); all else is text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns {
    delimiter: u8,
    names: Vec<String>,
    /// Which of them have held nothing but whole numbers.
    whole: Vec<bool>,
}

impl Table {
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter, columns: None }
    }

    /// Takes the records that lie whole in a piece.
    pub(super) fn take(
        &mut self,
        name: &str,
        line: &mut usize,
        piece: &[u8],
        at_end: bool,
        each: Each<'_>,
    ) -> Result<usize> {
        let mut records = Records::new(piece, self.delimiter);
        let mut taken = 0;
        while let Some(found) = records.next(name)? {
            // One that ends with the piece may go on in the next.
            if found.end == piece.len() && !at_end {
                break;
            }
            *line += lines(&piece[taken..found.bytes.start]);
            let texts = found.texts;
            match &mut self.columns {
                None => {
                    let names = texts.and_then(|header| names(header, self.delimiter));
                    let names = names.map_err(|message| Error::Row {
                        path: name.to_owned(),
                        line: *line,
                        message,
                    })?;
                    let (delimiter, whole) = (self.delimiter, vec![true; names.len()]);
                    self.columns = Some(Columns { delimiter, names, whole });
                }
                Some(columns) => {
                    let fields = texts.and_then(|texts| columns.note(texts));
                    each(Record { line: *line, bytes: found.bytes.clone(), fields })?;
                }
            }
            *line += lines(&piece[found.bytes.start..found.end]);
            taken = found.end;
        }
        Ok(if at_end { piece.len() } else { taken })
    }

    /// Its columns; none of a file without a header.
    pub(super) fn columns(self) -> Columns {
        let (delimiter, names, whole) = (self.delimiter, Vec::new(), Vec::new());
        self.columns.unwrap_or(Columns { delimiter, names, whole })
    }
}

impl Columns {
    /// A record as fields, all texts, once it is noted which are no numbers.
    fn note(&mut self, texts: Vec<String>) -> Result<Map<String, Value>, String> {
        self.check(&texts)?;
        for (whole, text) in self.whole.iter_mut().zip(&texts) {
            *whole = *whole && number(text).is_some();
        }
        Ok(self.names.iter().cloned().zip(texts.into_iter().map(Value::String)).collect())
    }

    fn check(&self, texts: &[String]) -> Result<(), String> {
        match texts.len() == self.names.len() {
            true => Ok(()),
            false => Err(format!(
                "expected {} as in the header, found {}",
                fields(self.names.len()),
                texts.len()
            )),
        }
    }

    /// The header, without the end of its line.
    ///
    /// # Errors
    /// None that can happen to names that were read.
    pub(crate) fn header(&self) -> Result<Vec<u8>> {
        let mut builder = csv::WriterBuilder::new();
        let mut writer = builder.delimiter(self.delimiter).from_writer(Vec::new());
        let failure = |message: String| Error::format("header", message);
        writer.write_record(&self.names).map_err(|error| failure(error.to_string()))?;
        let mut line = writer.into_inner().map_err(|error| failure(error.to_string()))?;
        line.truncate(line.len() - line.iter().rev().take_while(|byte| **byte == b'\n').count());
        Ok(line)
    }

    /// The fields of a record.
    pub(super) fn fields(&self, record: &[u8]) -> Result<Map<String, Value>, String> {
        let found = Records::new(record, self.delimiter).next("").map_err(|e| e.to_string())?;
        let texts = found.map_or(Ok(Vec::new()), |found| found.texts)?;
        self.check(&texts)?;
        let mut fields =
            self.names.iter().cloned().zip(texts.into_iter().map(Value::String)).collect();
        self.convert(&mut fields);
        Ok(fields)
    }

    /// Turns the texts of number columns into numbers.
    pub(super) fn convert(&self, fields: &mut Map<String, Value>) {
        for (name, whole) in self.names.iter().zip(&self.whole) {
            let value = fields.get_mut(name).filter(|_| *whole);
            if let Some((value, number)) =
                value.and_then(|value| number(value.as_str()?).map(|number| (value, number)))
            {
                *value = number.into();
            }
        }
    }
}

/// The whole number that is written as this text.
fn number(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn names(header: Vec<String>, delimiter: u8) -> Result<Vec<String>, String> {
    let other = |c: &char| *c != char::from(delimiter) && header[0].contains(*c);
    if let (1, Some(found)) = (header.len(), DELIMITERS.iter().find(|c| other(c))) {
        let (expected, found) = (spoken(delimiter.into()), spoken(*found));
        let message = format!(
            "the header `{}` is one field with {found} in it; fields are parted by {expected}",
            header[0]
        );
        return Err(message);
    }
    let mut seen = HashSet::new();
    for (place, name) in header.iter().enumerate() {
        if name.is_empty() {
            return Err(format!("field {} of the header has no name", place + 1));
        }
        if !seen.insert(name) {
            return Err(format!("the header names `{name}` twice"));
        }
    }
    Ok(header)
}

fn spoken(delimiter: char) -> &'static str {
    match delimiter {
        ',' => "a comma",
        '\t' => "a tab",
        ';' => "a semicolon",
        _ => "a vertical bar",
    }
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}

/// The records of a piece.
struct Records<'a> {
    piece: &'a [u8],
    delimiter: u8,
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
}

/// A record's place, and its texts or what is wrong with it.
struct Found {
    /// Without the end of its line.
    bytes: Range<usize>,
    /// Where the reader has come to, which may be within the end of the line.
    end: usize,
    texts: Result<Vec<String>, String>,
}

impl<'a> Records<'a> {
    fn new(piece: &'a [u8], delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        // The number of fields is compared where the line is known.
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        Self { piece, delimiter, reader: builder.from_reader(piece), record: ByteRecord::new() }
    }

    fn next(&mut self, name: &str) -> Result<Option<Found>> {
        let begin = self.reader.position().byte() as usize;
        let more = self.reader.read_byte_record(&mut self.record);
        if !more.map_err(|error| Error::format(name, error.to_string()))? {
            return Ok(None);
        }
        let end = self.reader.position().byte() as usize;
        // Blank lines, and the rest of the last line's end, come first.
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let begin = begin + self.piece[begin..end].iter().take_while(is_end).count();
        let raw = &self.piece[begin..end];
        let raw = &raw[..raw.len() - raw.iter().rev().take_while(is_end).count()];
        let texts = quotes(raw, self.delimiter).and_then(|()| {
            let text = |(place, bytes): (usize, &[u8])| {
                std::str::from_utf8(bytes)
                    .map(str::to_owned)
                    .map_err(|_| format!("field {} is not UTF-8", place + 1))
            };
            self.record.iter().enumerate().map(text).collect()
        });
        Ok(Some(Found { bytes: begin..begin + raw.len(), end, texts }))
    }
}

/// Whether the quotes of a record are those of RFC 4180. The reader takes any, and one that is left
/// open makes a single field of all that follows.
fn quotes(record: &[u8], delimiter: u8) -> Result<(), String> {
    let mut rest = record;
    loop {
        let Some(quoted) = rest.strip_prefix(b"\"") else {
            // To the next field, or the end.
            match rest.iter().position(|byte| *byte == delimiter) {
                Some(end) => rest = &rest[end + 1..],
                None => return Ok(()),
            }
            continue;
        };
        rest = quoted;
        loop {
            let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
                return Err("a quote is opened and not closed".to_owned());
            };
            rest = &rest[quote + 1..];
            match rest.strip_prefix(b"\"") {
                Some(after) => rest = after,
                None => break,
            }
        }
        match rest.first() {
            None | Some(b'\r' | b'\n') => return Ok(()),
            Some(byte) if *byte == delimiter => rest = &rest[1..],
            Some(_) => {
                return Err("text follows a closing quote; a quote within quotes is doubled, and \
                            one that is not closed reaches into the next lines"
                    .to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::text::rows::Rows;

    fn csv(text: &str) -> Rows {
        Rows::from_bytes("rows.csv", text.as_bytes()).unwrap()
    }

    fn failure(bytes: &[u8]) -> String {
        Rows::from_bytes("rows.csv", bytes).unwrap_err().to_string()
    }

    #[test]
    fn quotes_marks_and_line_ends_are_those_of_the_rfc() {
        let rows =
            csv("\u{feff}text,\"the \"\"sum\"\"\"\r\n\r\n\"a, b\r\nc\",\" x \"\r\n5\" pipe,\n");
        assert_eq!(rows.rows[0].field_names(), "`text`, `the \"sum\"`");
        assert_eq!(json!(rows.rows[0].fields), json!({"text": "a, b\r\nc", "the \"sum\"": " x "}));
        assert_eq!(json!(rows.rows[1].fields), json!({"text": "5\" pipe", "the \"sum\"": ""}));
        assert_eq!((rows.rows[0].line, rows.rows[1].line), (3, 5));
        let rows = Rows::from_bytes("rows.tsv", b"a\tb\n\"x\ty\"\t1,2\n").unwrap();
        assert_eq!(json!(rows.rows[0].fields), json!({"a": "x\ty", "b": "1,2"}));
        assert!(csv("").rows.is_empty() && csv("a,b\n").rows.is_empty());
    }

    #[test]
    fn a_column_of_whole_numbers_holds_numbers() {
        let rows = csv("label,code,text,part\n-1,007,5,\n12,1,x,3\n");
        assert_eq!(
            json!(rows.rows[0].fields),
            json!({"label": -1, "code": "007", "text": "5", "part": ""})
        );
        assert_eq!(rows.rows[1].fields["label"], 12);
    }

    #[test]
    fn trouble_with_delimiters_is_named() {
        let reaching = "text follows a closing quote";
        for (text, expected) in [
            ("a,b\n1,2\n1\n", "line 3: expected 2 fields as in the header, found 1"),
            ("a,b\r\n\r\n1,2,3\r\n", "line 3: expected 2 fields as in the header, found 3"),
            ("a,b\n\"1\n2\",3\n4\n", "line 4: expected 2 fields as in the header, found 1"),
            ("a,b\n1,\"2\n3,4\n", "line 2: a quote is opened and not closed"),
            ("a,b\n1,\"2\n3,\"4\"\n", &format!("line 2: {reaching}")),
            ("a,b\n\"1\" ,2\n", &format!("line 2: {reaching}")),
            ("a;b\n1;2\n", "line 1: the header `a;b` is one field with a semicolon in it"),
            ("a,b,a\n", "line 1: the header names `a` twice"),
            ("a,,b\n", "line 1: field 2 of the header has no name"),
            ("\"a", "line 1: a quote is opened and not closed"),
        ] {
            let message = failure(text.as_bytes());
            assert!(message.starts_with(&format!("rows.csv, {expected}")), "{text}: {message}");
        }
        assert_eq!(failure(b"a,b\n1,\xff\n"), "rows.csv, line 2: field 2 is not UTF-8");
        assert_eq!(failure(b"\xff\xfea\0,\0b"), "rows.csv, line 1: field 1 is not UTF-8");
    }
}
