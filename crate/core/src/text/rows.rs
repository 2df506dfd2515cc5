//! Rows: the records of a data set, as they come from a file.

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
}

impl Rows {
    /// Reads a file of any supported kind, told by the ending of its name: JSONL so far.
    ///
    /// # Errors
    /// [`Error::Format`] for a kind that is not supported, otherwise as [`Rows::from_jsonl`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let name = name.into();
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
        match ending.as_str() {
            "csv" | "tsv" | "parquet" | "xlsx" => {
                let message = format!("rows are read from JSONL, not from a .{ending} file");
                Err(Error::format(name, message))
            }
            _ => Self::from_jsonl(name, bytes),
        }
    }

    /// Reads JSONL: one JSON object a line, in UTF-8 with or without a byte order mark, lines ended
    /// by `\n` or `\r\n`, blank lines skipped.
    ///
    /// # Errors
    /// [`Error::Row`] with the line that is not UTF-8, not JSON, nested deeper than 127 levels, or
    /// not an object.
    pub fn from_jsonl(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let name = name.into();
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut rows = Vec::new();
        for (index, bytes) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let line = index + 1;
            let fields = object(bytes).map_err(|message| Error::Row {
                path: name.clone(),
                line,
                message,
            })?;
            rows.push(Row { line, fields });
        }
        Ok(Self { name, rows })
    }
}

fn object(line: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(line)
        .map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to() + 1))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(value) => Err(format!("expected a JSON object, found {}", kind(&value))),
        Err(error) => {
            let message = error.to_string();
            // serde_json counts lines within the text, which has only one.
            let reason = message.rsplit_once(" at line").map_or(message.as_str(), |(head, _)| head);
            Err(format!("not valid JSON: {reason}, column {}", error.column()))
        }
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
    fn other_kinds_of_files_are_refused() {
        let error = Rows::from_bytes("rows.CSV", b"a,b\n1,2\n").unwrap_err();
        assert_eq!(error.to_string(), "rows.CSV: rows are read from JSONL, not from a .csv file");
        assert_eq!(Rows::from_bytes("rows", b"{}").unwrap().rows.len(), 1);
    }
}
