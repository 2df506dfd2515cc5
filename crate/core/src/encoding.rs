//! Whether a file's bytes are text in UTF-8, and what they are where they are not: files come from
//! Excel, from Notepad, packed, or as a page that says why there is no file.

use crate::error::{Error, Result};

/// Marks a text as UTF-8; some programs write it, none needs it.
pub(crate) const MARK: &[u8] = b"\xef\xbb\xbf";

/// How much of a file tells what it is.
pub(crate) const START: usize = 512;

/// The text of a file, without a byte order mark.
///
/// # Errors
/// [`Error::Format`] for what is not UTF-8, with what it seems to be.
pub fn text<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str> {
    read(bytes).map_err(|message| Error::format(path, message))
}

/// As [`text`], with the error in words.
pub(crate) fn read(bytes: &[u8]) -> Result<&str, String> {
    if let Some(problem) = problem(bytes) {
        return Err(problem);
    }
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| not_utf8(&error, bytes))
}

/// What is wrong with a file of text, as far as its beginning tells.
pub fn problem(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(START)];
    let (what, todo) = match start {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => ("it is UTF-32", SAVE),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => ("it is UTF-16", SAVE),
        [0x1f, 0x8b, ..] => ("it is packed with gzip", "unpack it: `gunzip`"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("it is packed with zstd", "unpack it: `unzstd`"),
        [b'P', b'K', 3, 4, ..] => (
            "it is a zip archive, or a workbook of Excel",
            "unpack it, or save the sheet as \"CSV UTF-8\"",
        ),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => ("it is a workbook of Excel", SAVE),
        [b'P', b'A', b'R', b'1', ..] => (
            "it is Parquet",
            "write it as JSONL: pandas' `to_json(path, orient=\"records\", lines=True)`",
        ),
        [b'%', b'P', b'D', b'F', ..] => ("it is a PDF", "rows are JSONL or CSV"),
        _ => return stand_in(bytes).or_else(|| looks_wide(start)),
    };
    Some(format!("{what}; {todo}"))
}

const SAVE: &str = "save it as UTF-8 (Excel: \"CSV UTF-8\", Notepad: \"UTF-8\")";

/// What lies in a file's place: a pointer of git-lfs, a page, or a server's answer.
pub(crate) fn stand_in(bytes: &[u8]) -> Option<String> {
    let start = bytes[..bytes.len().min(START)].trim_ascii_start();
    let lower = start.to_ascii_lowercase();
    if lower.starts_with(b"version https://git-lfs") {
        let todo = "fetch the file itself: `git lfs pull`";
        return Some(format!("it is a pointer of git-lfs, not the file; {todo}"));
    }
    if ["<!doctype", "<html", "<?xml"].iter().any(|tag| lower.starts_with(tag.as_bytes())) {
        let what = "it is a page of a site, which answers so in place of a file";
        return Some(format!("{what}; {DOWNLOAD}"));
    }
    // What is longer is not parsed: it may be anything.
    if bytes.len() > START || !start.starts_with(b"{") {
        return None;
    }
    let answer: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let error = answer.get("error")?.as_str()?;
    Some(format!("it is a server's answer, \"{error:.100}\", and not the file; {DOWNLOAD}"))
}

const DOWNLOAD: &str = "download it again";

/// What a text in UTF-16 without a mark looks like: every other byte is 0.
fn looks_wide(start: &[u8]) -> Option<String> {
    let zeros =
        |first: usize| start.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let is_wide = start.len() >= 4 && (even + odd) * 3 >= start.len() && even.min(odd) == 0;
    is_wide.then(|| format!("it looks like UTF-16 without a mark; {SAVE}"))
}

/// A line of a text, of which the first may begin with a byte order mark.
///
/// # Errors
/// What is wrong with it, in words.
pub fn line(bytes: &[u8], is_first: bool) -> Result<&str, String> {
    let mut line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    line = line.strip_suffix(b"\r").unwrap_or(line);
    if is_first {
        if let Some(problem) = problem(bytes) {
            return Err(problem);
        }
        line = line.strip_prefix(MARK).unwrap_or(line);
    }
    std::str::from_utf8(line).map_err(|error| not_utf8(&error, line))
}

/// Where a text is not UTF-8, and what it may be.
pub(crate) fn not_utf8(error: &std::str::Utf8Error, bytes: &[u8]) -> String {
    let at = error.valid_up_to();
    // A letter with an accent stands alone in the encodings of Windows, and a few bytes are none.
    let is_letter = |byte: &u8| !matches!(byte, 0..=0x7f | 0x81 | 0x8d | 0x8f | 0x90 | 0x9d | 0xff);
    let is_single = bytes.get(at).is_some_and(is_letter);
    let may_be =
        if is_single { format!("; it may be Windows-1252: {SAVE}") } else { String::new() };
    format!("byte {} is not UTF-8{may_be}", at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_named() {
        let wide =
            |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
        for (bytes, expected) in [
            (wide("\u{feff}a,b"), "it is UTF-16; save it as UTF-8"),
            (wide("a,b\r\nCafé,x"), "it looks like UTF-16 without a mark"),
            (b"\x1f\x8b\x08\0".to_vec(), "packed with gzip; unpack it"),
            (b"PK\x03\x04abc".to_vec(), "a workbook of Excel"),
            (b"PAR1\x15".to_vec(), "it is Parquet; write it as JSONL"),
            (
                lfs.as_bytes().to_vec(),
                "a pointer of git-lfs, not the file; fetch the file itself: `git lfs pull`",
            ),
            (b" <!DOCTYPE html><html>".to_vec(), "a page of a site"),
            (b"{\"error\":\"Entry not found\"}".to_vec(), "a server's answer, \"Entry not found\""),
            (b"Caf\xe9".to_vec(), "byte 4 is not UTF-8; it may be Windows-1252"),
        ] {
            let error = text("f", &bytes).unwrap_err().to_string();
            assert!(error.starts_with("f: ") && error.contains(expected), "{error}");
        }
        for good in ["", "a", "\u{feff}a", "a\0b", "北京", "{\"error\": 1}", "{\"a\": \"b\"}"] {
            assert_eq!(text("f", good.as_bytes()).unwrap(), good.trim_start_matches('\u{feff}'));
        }
    }

    #[test]
    fn lines_lose_their_ends_and_the_first_its_mark() {
        assert_eq!(line("\u{feff}a\r\n".as_bytes(), true).unwrap(), "a");
        assert_eq!(line("\u{feff}a".as_bytes(), false).unwrap(), "\u{feff}a");
        assert!(line(b"\xff\xfea\0\n", true).unwrap_err().contains("UTF-16"));
    }
}
