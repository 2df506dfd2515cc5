//! CSV and TSV with a header row (RFC 4180).

use std::collections::HashSet;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::Reading;
use crate::error::{Error, Result};

/// The characters that may have been meant to separate fields.
const DELIMITERS: [char; 4] = [',', '\t', ';', '|'];

/// Reads records under a header. A column whose every value is a whole number holds numbers, so that
/// a template can count with them (`answer_choices[label]`); all else is text.
pub(super) fn read(reading: &mut Reading, bytes: &[u8], delimiter: u8) -> Result<()> {
    let mut records = Records::new(bytes, delimiter);
    let Some((line, header)) = records.next(reading)? else { return Ok(()) };
    let names = header.and_then(|header| names(header, delimiter));
    let names = names.map_err(|message| reading.failure(line, message))?;
    let first = reading.rows.rows.len();
    while let Some((line, values)) = records.next(reading)? {
        let fields = values.and_then(|values| match values.len() == names.len() {
            true => Ok(names.iter().cloned().zip(values.into_iter().map(Value::String)).collect()),
            false => Err(format!(
                "expected {} as in the header, found {}",
                fields(names.len()),
                values.len()
            )),
        });
        reading.push(line, fields)?;
    }
    for name in &names {
        let mut column = reading.rows.rows[first..].iter_mut().map(|row| &mut row.fields);
        number(name, &mut column);
    }
    Ok(())
}

/// Turns a column into numbers, if each of its values is one as it would be written.
fn number(name: &str, rows: &mut dyn Iterator<Item = &mut Map<String, Value>>) {
    let column: Vec<&mut Value> = rows.filter_map(|row| row.get_mut(name)).collect();
    let whole = |value: &Value| {
        let text = value.as_str()?;
        text.parse::<i64>().ok().filter(|number| number.to_string() == text)
    };
    if let Some(numbers) = column.iter().map(|value| whole(value)).collect::<Option<Vec<_>>>() {
        column.into_iter().zip(numbers).for_each(|(value, number)| *value = number.into());
    }
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

/// The records of a file, each with its line and its texts, or what is wrong with it.
struct Records<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
    /// Where counting lines has come to, and the line there.
    counted: (usize, usize),
}

/// A record's line with its texts, or what is wrong with it.
type Record = (usize, Result<Vec<String>, String>);

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8], delimiter: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        // The number of fields is compared here, where the line is known.
        builder.has_headers(false).flexible(true).delimiter(delimiter);
        let reader = builder.from_reader(bytes);
        Self { bytes, delimiter, reader, record: ByteRecord::new(), counted: (0, 1) }
    }

    fn next(&mut self, reading: &Reading) -> Result<Option<Record>> {
        let begin = self.reader.position().byte() as usize;
        let more = self.reader.read_byte_record(&mut self.record);
        if !more.map_err(|error| Error::format(&reading.rows.name, error.to_string()))? {
            return Ok(None);
        }
        let end = self.reader.position().byte() as usize;
        let raw = &self.bytes[begin..end];
        // Blank lines, and the rest of the last line's end, come first.
        let blank = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (from, line) = self.counted;
        let start = begin + blank;
        let line = line + self.bytes[from..start].iter().filter(|byte| **byte == b'\n').count();
        self.counted = (start, line);
        let texts = quotes(&raw[blank..], self.delimiter).and_then(|()| {
            let text = |(place, bytes): (usize, &[u8])| {
                std::str::from_utf8(bytes)
                    .map(str::to_owned)
                    .map_err(|_| format!("field {} is not UTF-8", place + 1))
            };
            self.record.iter().enumerate().map(text).collect()
        });
        Ok(Some((line, texts)))
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
