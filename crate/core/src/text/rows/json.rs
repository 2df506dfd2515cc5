//! JSONL, and JSON files that hold a list.

use serde_json::{Map, Value};

use super::{Reading, kind};
use crate::error::{Error, Result};

/// One JSON object a line.
pub(super) fn read_lines(reading: &mut Reading, bytes: &[u8]) -> Result<()> {
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if !line.trim_ascii().is_empty() {
            reading.push(index + 1, object(line))?;
        }
    }
    Ok(())
}

/// A list of objects, read one at a time: a row knows its line, and a bad one does not hide those
/// before it. What is not JSON ends the reading, since nobody knows where the next row begins.
pub(super) fn read_list(reading: &mut Reading, bytes: &[u8]) -> Result<()> {
    let mut place = Place { bytes, at: 0, line: 1 };
    place.take(b'[');
    if place.take(b']') {
        return place.end(reading);
    }
    loop {
        place.skip_space();
        let line = place.line;
        let mut values = serde_json::Deserializer::from_slice(&bytes[place.at..]).into_iter();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                let line = line + error.line().saturating_sub(1);
                return Err(reading.failure(line, not_json(&error)));
            }
            None => return Err(place.unclosed(reading)),
        };
        place.advance(values.byte_offset());
        reading.push(line, fields(value))?;
        if place.take(b']') {
            return place.end(reading);
        }
        if !place.take(b',') {
            return Err(place.unclosed(reading));
        }
    }
}

/// A place in a file.
struct Place<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Place<'_> {
    fn advance(&mut self, count: usize) {
        let passed = &self.bytes[self.at..self.at + count];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at += count;
    }

    fn skip_space(&mut self) {
        let rest = &self.bytes[self.at..];
        self.advance(rest.len() - rest.trim_ascii_start().len());
    }

    /// Passes this byte, if it comes next.
    fn take(&mut self, expected: u8) -> bool {
        self.skip_space();
        let found = self.bytes.get(self.at) == Some(&expected);
        self.advance(usize::from(found));
        found
    }

    fn end(&mut self, reading: &Reading) -> Result<()> {
        self.skip_space();
        match self.bytes.len() - self.at {
            0 => Ok(()),
            _ => Err(reading.failure(self.line, "not valid JSON: trailing characters")),
        }
    }

    fn unclosed(&self, reading: &Reading) -> Error {
        reading.failure(self.line, "not valid JSON: expected `,` or `]` after a row")
    }
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to() + 1))?;
    fields(serde_json::from_str(text).map_err(|error| not_json(&error))?)
}

fn fields(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(fields) => Ok(fields),
        value => Err(format!("expected a JSON object, found {}", kind(&value))),
    }
}

fn not_json(error: &serde_json::Error) -> String {
    let message = error.to_string();
    // serde_json counts lines within the text that it was given.
    let reason = message.rsplit_once(" at line").map_or(message.as_str(), |(head, _)| head);
    format!("not valid JSON: {reason}, column {}", error.column())
}

#[cfg(test)]
mod tests {
    use crate::{error::Error, text::rows::Rows};

    fn failure(bytes: &[u8]) -> String {
        let error = Rows::from_jsonl("rows.jsonl", bytes).expect_err("must fail");
        assert!(matches!(error, Error::Row { .. }) && error.is_input());
        error.to_string()
    }

    #[test]
    fn marks_line_ends_and_blank_lines_are_of_no_matter() {
        let text = "\u{feff}{\"b\": 1, \"a\": \"x\\ny\"}\r\n\r\n  \t\n {\"a\": null} \r\n{}";
        let rows = Rows::from_jsonl("rows.jsonl", text.as_bytes()).unwrap();
        let lines: Vec<usize> = rows.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [1, 4, 5]);
        assert_eq!(rows.rows[0].field_names(), "`b`, `a`");
        assert_eq!(rows.rows[0].fields["a"], "x\ny");
        assert_eq!(rows.rows[2].field_names(), "no fields");
        assert_eq!(Rows::from_jsonl("empty", b"").unwrap().rows, []);
    }

    #[test]
    fn a_bad_line_is_named() {
        let good = b"{\"a\": 1}\n";
        for (bad, expected) in [
            (&b"[1, 2]"[..], "rows.jsonl, line 2: expected a JSON object, found a list"),
            (b"\"text\"", "line 2: expected a JSON object, found a string"),
            (b"{\"a\": 1", "line 2: not valid JSON: EOF while parsing an object, column 7"),
            (b"{\"a\": 1} x", "line 2: not valid JSON: trailing characters, column 10"),
            (b"{\"a\": NaN}", "line 2: not valid JSON: expected value, column 7"),
            (b"{\"a\": 1e999}", "line 2: not valid JSON: number out of range"),
            (b"{\"a\": \"\xff\"}", "line 2: byte 8 is not UTF-8"),
            (b"{\"a\": \"\\ud800\"}", "line 2: not valid JSON: unexpected end of hex escape"),
            (b"\xff\xfe{\0", "line 2: byte 1 is not UTF-8"),
            (b"\0", "line 2: not valid JSON"),
        ] {
            let message = failure(&[good, bad].concat());
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
        let message = failure(&[b"{\"a\":", &deep[..], b"}"].concat());
        assert!(message.contains("line 1: not valid JSON: recursion limit exceeded"), "{message}");
        let object = "{\"a\":".repeat(100_000);
        assert!(failure(object.as_bytes()).contains("recursion limit exceeded"));
    }

    #[test]
    fn a_list_is_read_row_by_row() {
        let text = "[\n  {\"a\": 1},\n  {\"a\":\n 2}\n ,{}]\n";
        let rows = Rows::from_bytes("rows.json", text.as_bytes()).unwrap();
        let lines: Vec<usize> = rows.rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [2, 3, 5]);
        assert_eq!(Rows::from_bytes("rows.json", b"[ ]").unwrap().rows, []);
        for (text, expected) in [
            ("[{},\n3]", "rows.json, line 2: expected a JSON object, found a number"),
            ("[{}\n{}]", "rows.json, line 2: not valid JSON: expected `,` or `]` after a row"),
            ("[{},\n", "rows.json, line 2: not valid JSON: expected `,` or `]` after a row"),
            ("[{}", "rows.json, line 1: not valid JSON: expected `,` or `]` after a row"),
            ("[{},\n{\"a\":\n}]", "rows.json, line 3: not valid JSON: expected value, column 1"),
            ("[{}] x", "rows.json, line 1: not valid JSON: trailing characters"),
        ] {
            let error = Rows::from_bytes("rows.json", text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        let rows = Rows::read("rows.json", b"[{}, 1, [], {}]", true).unwrap();
        assert_eq!((rows.rows.len(), rows.skipped.count), (2, 2));
    }
}
