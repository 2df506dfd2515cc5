//! JSONL, and JSON files that hold a list.

use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use super::record::{Each, Record};
use crate::{
    bounded::Bounded,
    encoding,
    error::{Error, Result},
    exact,
    text::shape::described,
};

/// The most values of a row, those within its lists and objects counted: texts are what rows are for.
const MOST: usize = 100_000;

/// One JSON object a line.
pub(super) fn take_lines(
    line: &mut usize,
    piece: &[u8],
    at_end: bool,
    each: Each<'_>,
) -> Result<usize> {
    let mut begin = 0;
    while begin < piece.len() {
        let length = piece[begin..].iter().position(|byte| *byte == b'\n');
        let end = match length {
            Some(length) => begin + length,
            None if at_end => piece.len(),
            None => break,
        };
        let text = &piece[begin..end];
        if !text.trim_ascii().is_empty() {
            each(Record { line: *line, bytes: begin..end, fields: object(text) })?;
        }
        *line += usize::from(length.is_some());
        begin = end + usize::from(length.is_some());
    }
    Ok(begin)
}

/// A list of objects, read one at a time: a row knows its line, and a bad one does not hide those
/// before it. What is not JSON ends the reading, since nobody knows where the next row begins.
#[derive(Debug, Default)]
pub(super) enum List {
    /// Before the bracket.
    #[default]
    Closed,
    /// After the bracket.
    Opened,
    /// A row must come.
    Row,
    /// A comma or the other bracket must come.
    After,
    /// After the other bracket.
    Ended,
}

impl List {
    pub(super) fn take(
        &mut self,
        name: &str,
        line: &mut usize,
        piece: &[u8],
        at_end: bool,
        each: Each<'_>,
    ) -> Result<usize> {
        let failure =
            |line: usize, message: String| Err(Error::Row { path: name.to_owned(), line, message });
        let mut place = Place { bytes: piece, at: 0, line: *line };
        let taken = loop {
            place.skip_space();
            if place.at == piece.len() && !at_end {
                break place.at;
            }
            match self {
                List::Closed => {
                    place.take(b'[');
                    *self = List::Opened;
                }
                List::Opened => *self = if place.take(b']') { List::Ended } else { List::Row },
                List::Row => {
                    let rest = &piece[place.at..];
                    let (value, length) = match first(rest) {
                        // A number may go on.
                        Ok((_, length)) if length == rest.len() && !at_end => break place.at,
                        Ok(found) => found,
                        Err(error) if !at_end && is_cut(&error, rest) => break place.at,
                        Err(_) if rest.is_empty() => {
                            return failure(place.line, UNCLOSED.to_owned());
                        }
                        Err(error) => {
                            let line = place.line + error.line().saturating_sub(1);
                            return failure(line, not_json(&error));
                        }
                    };
                    let text = std::str::from_utf8(&rest[..length]).unwrap_or_default();
                    let value = exact::corrected(value, text);
                    let (begin, line) = (place.at, place.line);
                    place.advance(length);
                    each(Record { line, bytes: begin..place.at, fields: fields(value) })?;
                    *self = List::After;
                }
                List::After => match (place.take(b']'), place.take(b',')) {
                    (true, _) => *self = List::Ended,
                    (_, true) => *self = List::Row,
                    _ => return failure(place.line, UNCLOSED.to_owned()),
                },
                List::Ended if place.at == piece.len() => break place.at,
                List::Ended => {
                    let more = match piece[place.at] {
                        b'[' => "another list begins here; expected one list of all rows",
                        _ => "not valid JSON: trailing characters",
                    };
                    return failure(place.line, more.to_owned());
                }
            }
        };
        *line = place.line;
        Ok(taken)
    }
}

const UNCLOSED: &str = "not valid JSON: expected `,` or `]` after a row";

/// The value that a text begins with, and its length in bytes.
fn first(text: &[u8]) -> Result<(Value, usize), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = (&Bounded::new(MOST)).deserialize(&mut reader)?;
    let rest = reader.into_iter::<serde::de::IgnoredAny>();
    Ok((value, rest.byte_offset()))
}

/// Whether a value fails only because it goes on beyond the piece.
fn is_cut(error: &serde_json::Error, piece: &[u8]) -> bool {
    // Of a number that ends so, the parser says that it is none.
    error.is_eof() || matches!(piece.last(), Some(b'e' | b'E' | b'+' | b'-' | b'.'))
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
}

/// The fields of an object's text.
pub(super) fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(line).map_err(|error| encoding::not_utf8(&error, line))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = (&Bounded::new(MOST)).deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(|error| match error.is_eof() {
        true => format!("what begins here does not end on its line; {ONE_A_LINE}"),
        // Where only `\r` ends lines, this line is all of them.
        false if text.trim_ascii().contains('\r') => format!("{}; {ONE_A_LINE}", not_json(&error)),
        false => not_json(&error),
    });
    fields(exact::corrected(value?, text))
}

const ONE_A_LINE: &str = "expected a whole object on each line (lines end with `\\n`), or, in a file \
                          whose name ends with .json, a list of objects: `[{…}, {…}]`";

fn fields(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(fields) => Ok(fields),
        value @ Value::Array(_) => Err(format!(
            "expected a JSON object, found {}; a list of rows is read from a file whose name ends \
             with .json",
            described(&value)
        )),
        value => Err(format!("expected a JSON object, found {}", described(&value))),
    }
}

fn not_json(error: &serde_json::Error) -> String {
    let message = error.to_string();
    // serde_json counts lines within the text that it was given.
    let reason = message.rsplit_once(" at line").map_or(message.as_str(), |(head, _)| head);
    match error.is_data() {
        true => reason.to_owned(),
        false => format!("not valid JSON: {reason}, column {}", error.column()),
    }
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
            (
                b"{\"a\": 1",
                "line 2: what begins here does not end on its line; expected a whole object",
            ),
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
