//! CSV and TSV with a header row (RFC 4180).

use std::{collections::HashSet, ops::Range};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::record::{Each, Record};
use crate::{
    config::Separator,
    encoding,
    error::{Error, Result},
};

/// The characters that separate fields in one program or another.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// The most columns of a table; a sheet of Excel has no more.
const MAX_COLUMNS: usize = 16_384;
/// The longest name of a column, in bytes: each row's fields have all names.
const MAX_NAME: usize = 1_000;
/// The most columns without a name, which costs a byte in the file, and far more where it is given one:
/// tables have one, or some behind their last, and not one for each comma of a text.
const MAX_UNNAMED: usize = 1_000;
/// What a column without a name is called, with its number from 0, as pandas does.
const UNNAMED: &str = "Unnamed: ";

/// Whether a column had no name, here or where pandas once read it: it holds row numbers, or nothing.
pub(crate) fn is_unnamed(name: &str) -> bool {
    let number = name.strip_prefix(UNNAMED).unwrap_or_default();
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// What is known of a table so far: nothing, or its columns.
#[derive(Debug)]
pub(super) struct Table {
    delimiter: u8,
    /// Whether somebody has said that it is this one.
    is_expected: bool,
    /// That of the file's kind.
    usual: u8,
    /// Whether the header may still show another delimiter.
    is_open: bool,
    columns: Option<Columns>,
}

/// The columns of a table. One whose every value is a whole number holds numbers, so that a template
/// can count with them (`answer_choices[label]`), and null where a cell is blank; all else is text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns {
    delimiter: u8,
    /// Whether that is what the file's name or its user says.
    is_expected: bool,
    /// The header, as it is written.
    header: Vec<String>,
    names: Vec<String>,
    kinds: Vec<Column>,
}

/// What a column has held so far.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Column {
    /// Nothing but whole numbers, blank cells aside.
    whole: bool,
    /// Anything at all.
    filled: bool,
}

impl Table {
    /// With the separator that is given, or else with the delimiter of the file's kind, unless its
    /// header shows another one.
    pub(super) fn new(usual: u8, separator: Option<Separator>) -> Self {
        let given = separator.map(|separator| match separator {
            Separator::Comma => b',',
            Separator::Semicolon => b';',
            Separator::Tab => b'\t',
            Separator::Bar => b'|',
        });
        Self {
            delimiter: given.unwrap_or(usual),
            is_expected: given.is_some(),
            usual,
            is_open: given.is_none(),
            columns: None,
        }
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
        let mut begin = 0;
        let columns = loop {
            match &mut self.columns {
                Some(columns) => break columns,
                None => match self.header(name, line, &piece[begin..], at_end)? {
                    Some(taken) => begin += taken,
                    None => return Ok(if at_end { piece.len() } else { begin }),
                },
            }
        };
        let rest = &piece[begin..];
        let mut records = Records::new(rest, columns.delimiter);
        let mut taken = 0;
        while let Some(found) = records.next(name)? {
            // One that ends with the piece may go on in the next.
            if found.end == rest.len() && !at_end {
                break;
            }
            *line += lines(&rest[taken..found.bytes.start]);
            let blank = |texts: &Vec<String>| texts.iter().all(|text| text.trim().is_empty());
            if !found.texts.as_ref().is_ok_and(blank) {
                let fields = found.texts.and_then(|texts| columns.note(texts));
                let bytes = begin + found.bytes.start..begin + found.bytes.end;
                each(Record { line: *line, bytes, fields })?;
            }
            *line += lines(&rest[found.bytes.start..found.end]);
            taken = found.end;
        }
        Ok(if at_end { piece.len() } else { begin + taken })
    }

    /// Takes the header, or what stands before it; none where more of the file is needed.
    fn header(
        &mut self,
        name: &str,
        line: &mut usize,
        piece: &[u8],
        at_end: bool,
    ) -> Result<Option<usize>> {
        let mut records = Records::new(piece, self.delimiter);
        let Some(found) = records.next(name)?.filter(|found| at_end || found.end < piece.len())
        else {
            return Ok(None);
        };
        // Excel's own way to say what separates.
        if let [b's', b'e', b'p', b'=', delimiter] = &piece[found.bytes.clone()]
            && DELIMITERS.contains(delimiter)
        {
            if std::mem::take(&mut self.is_open) {
                (self.delimiter, self.is_expected) = (*delimiter, true);
            }
            *line += lines(&piece[..found.end]);
            return Ok(Some(found.end));
        }
        let failure = |line: usize, message| Error::Row { path: name.to_owned(), line, message };
        let first = *line + lines(&piece[..found.bytes.start]);
        let header = found.texts.map_err(|message| failure(first, message))?;
        if let (true, [single]) = (std::mem::take(&mut self.is_open), &header[..]) {
            let mut others = DELIMITERS.iter().filter(|other| single.as_bytes().contains(other));
            if let Some(other) = others.next() {
                self.delimiter = *other;
                return Ok(Some(0));
            }
        }
        let is_expected = self.is_expected || self.delimiter == self.usual;
        let names = names(&header).map_err(|message| failure(first, message))?;
        let kinds = vec![Column { whole: true, filled: false }; names.len()];
        let delimiter = self.delimiter;
        self.columns = Some(Columns { delimiter, is_expected, header, names, kinds });
        *line += lines(&piece[..found.end]);
        Ok(Some(found.end))
    }

    /// Its columns; none of a file without a header.
    pub(super) fn columns(self) -> Columns {
        self.columns.unwrap_or(Columns {
            delimiter: self.delimiter,
            is_expected: true,
            header: Vec::new(),
            names: Vec::new(),
            kinds: Vec::new(),
        })
    }
}

impl Columns {
    /// A record as fields, all texts, once it is noted which are no numbers.
    fn note(&mut self, texts: Vec<String>) -> Result<Map<String, Value>, String> {
        let texts = self.fitted(texts)?;
        for (kind, text) in self.kinds.iter_mut().zip(&texts) {
            if !text.trim().is_empty() {
                *kind = Column { whole: kind.whole && number(text).is_some(), filled: true };
            }
        }
        Ok(self.names.iter().cloned().zip(texts.into_iter().map(Value::String)).collect())
    }

    /// As many texts as there are columns. Those beyond the last one may be there if they are empty,
    /// and cells of columns without a name may be missing at the end: programs write both.
    fn fitted(&self, mut texts: Vec<String>) -> Result<Vec<String>, String> {
        let (found, expected) = (texts.len(), self.names.len());
        let is_blank = |text: &String| text.trim().is_empty();
        let named = self.header.iter().rposition(|name| !is_blank(name)).map_or(0, |last| last + 1);
        if found < named || texts.iter().skip(expected).any(|text| !is_blank(text)) {
            let expected = fields(expected);
            return Err(format!("expected {expected} as in the header, found {found}"));
        }
        texts.resize(expected, String::new());
        Ok(texts)
    }

    /// What separates the fields, in words, where the file's name says something else.
    pub(crate) fn other_separator(&self) -> Option<&'static str> {
        (!self.is_expected).then_some(match self.delimiter {
            b',' => "commas",
            b'\t' => "tabs",
            b';' => "semicolons",
            _ => "vertical bars",
        })
    }

    /// The header, without the end of its line.
    ///
    /// # Errors
    /// None that can happen to names that were read.
    pub(crate) fn header(&self) -> Result<Vec<u8>> {
        let mut builder = csv::WriterBuilder::new();
        let mut writer = builder.delimiter(self.delimiter).from_writer(Vec::new());
        let failure = |message: String| Error::format("header", message);
        writer.write_record(&self.header).map_err(|error| failure(error.to_string()))?;
        let mut line = writer.into_inner().map_err(|error| failure(error.to_string()))?;
        line.truncate(line.len() - line.iter().rev().take_while(|byte| **byte == b'\n').count());
        Ok(line)
    }

    /// The fields of a record.
    pub(super) fn fields(&self, record: &[u8]) -> Result<Map<String, Value>, String> {
        let found = Records::new(record, self.delimiter).next("").map_err(|e| e.to_string())?;
        let texts = self.fitted(found.map_or(Ok(Vec::new()), |found| found.texts)?)?;
        let mut fields =
            self.names.iter().cloned().zip(texts.into_iter().map(Value::String)).collect();
        self.convert(&mut fields);
        Ok(fields)
    }

    /// Turns the texts of number columns into numbers, and blank ones there into null.
    pub(super) fn convert(&self, fields: &mut Map<String, Value>) {
        let numbers =
            self.names.iter().zip(&self.kinds).filter(|(_, kind)| kind.whole && kind.filled);
        for (name, _) in numbers {
            let Some(value) = fields.get_mut(name) else { continue };
            let text = value.as_str().unwrap_or_default();
            *value = match number(text) {
                Some(number) => number.into(),
                None if text.trim().is_empty() => Value::Null,
                None => continue,
            };
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

/// The names of columns: without white space around them, and each one given a name.
fn names(header: &[String]) -> Result<Vec<String>, String> {
    if header.len() > MAX_COLUMNS {
        return Err(format!(
            "found {} columns; more than {MAX_COLUMNS} are too many",
            header.len()
        ));
    }
    let unnamed = header.iter().filter(|name| name.trim().is_empty()).count();
    if unnamed > MAX_UNNAMED {
        return Err(format!(
            "found {unnamed} columns without a name; more than {MAX_UNNAMED} are too many: the first line \
             of a table names its columns"
        ));
    }
    let written: HashSet<&str> = header.iter().map(|name| name.trim()).collect();
    let (mut seen, mut names) = (HashSet::new(), Vec::with_capacity(header.len()));
    for (place, name) in header.iter().enumerate() {
        let name = name.trim();
        if name.len() > MAX_NAME {
            return Err(format!(
                "the name of column {} has {} bytes, more than {MAX_NAME}; the first line of a table \
                 names its columns",
                place + 1,
                name.len()
            ));
        }
        let mut name = name.to_owned();
        if name.is_empty() {
            name = format!("{UNNAMED}{place}");
            // As pandas does where an earlier one has that name.
            while written.contains(name.as_str()) {
                name += ".1";
            }
        }
        if !seen.insert(name.clone()) {
            return Err(format!("the header names `{name}` twice"));
        }
        names.push(name);
    }
    Ok(names)
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
                std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
                    format!("field {}: {}", place + 1, encoding::not_utf8(&error, bytes))
                })
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
            json!({"label": -1, "code": "007", "text": "5", "part": null})
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
            ("a,b,a\n", "line 1: the header names `a` twice"),
            (&",".repeat(1_000), "line 1: found 1001 columns without a name"),
            ("\"a", "line 1: a quote is opened and not closed"),
        ] {
            let message = failure(text.as_bytes());
            assert!(message.starts_with(&format!("rows.csv, {expected}")), "{text}: {message}");
        }
        assert_eq!(failure(b"a,b\n1,\xff\n"), "rows.csv, line 2: field 2: byte 1 is not UTF-8");
        assert!(failure(b"\xff\xfea\0,\0b").starts_with("rows.csv: it is UTF-16"));
    }
}
