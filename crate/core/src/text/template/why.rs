//! Why a rendering fails, in words of the row.

use minijinja::{ErrorKind, value::Value};
use serde_json::Value as Json;

use super::{Part, ROW, work};
use crate::text::{
    rows::Row,
    shape::{advice, described},
};

impl Part {
    /// What is wrong with a row, where rendering it has failed.
    pub(super) fn why(&self, error: &minijinja::Error, row: &Row, values: &Value) -> String {
        match (error.kind(), error.detail()) {
            (ErrorKind::UndefinedError, _) => self.undefined(error, row, values),
            // `Class-Name` is one undefined less another.
            (ErrorKind::InvalidOperation, Some(detail)) if detail.contains("undefined") => {
                self.undefined(error, row, values)
            }
            (_, Some(work::NULL)) => self.null(error, row),
            (_, Some(work::WHOLE)) => self.whole(error, row),
            _ => describe(error, self.lines_before),
        }
    }

    /// Why something was not defined.
    fn undefined(&self, error: &minijinja::Error, row: &Row, values: &Value) -> String {
        let is_there = |name: &str| {
            values.get_attr(name).is_ok_and(|value| !value.is_undefined())
                || self.environment.globals().any(|(global, _)| global == name)
        };
        let mut missing: Vec<String> = self.program.variables().into_iter().collect();
        missing.retain(|name| !is_there(name));
        missing.sort();
        let what = match missing.len() {
            0 => describe(error, self.lines_before),
            _ => format!("there is no field `{}`", missing.join("`, `")),
        };
        // `Class-Name` is read as `Class` less `Name`, and `Body.text` as the `text` of `Body`.
        let is_meant = |name: &&String| {
            let plain = name.replace(|c: char| !is_in_names(c), "_");
            let mut words = name.split(|c: char| !is_in_names(c)).chain([plain.as_str()]);
            !is_plain(name) && words.any(|word| missing.iter().any(|missing| missing == word))
        };
        let advice = match row.fields.keys().find(is_meant) {
            Some(name) => {
                format!("; a name that is no plain word is written {}", in_brackets(name))
            }
            None => advice(&row.fields).map_or(String::new(), |advice| format!("; {advice}")),
        };
        format!("{what}; the row has {}{advice}", row.field_names())
    }

    /// Which null would be written.
    fn null(&self, error: &minijinja::Error, row: &Row) -> String {
        let mut nulls = Vec::new();
        for (name, value) in self.read(row) {
            nulls_in(value, name.clone(), &mut nulls);
        }
        let what = match nulls.is_empty() {
            true => describe(error, self.lines_before),
            false => format!("`{}` is null, and would be written as `None`", nulls.join("`, `")),
        };
        let name = nulls.first().map_or("x", String::as_str);
        format!(
            "{what}; a template may test for it (`{{% if {name} %}}`) or write something else \
             (`{{{{ {name} or \"\" }}}}`), and `skip_bad_rows` leaves such rows out"
        )
    }

    /// Which list or mapping would be written.
    fn whole(&self, error: &minijinja::Error, row: &Row) -> String {
        let is_whole = |(_, value): &(&String, &Json)| value.is_array() || value.is_object();
        let found: Vec<String> = (self.read(row).filter(is_whole))
            .map(|(name, value)| format!("`{name}` is {}", described(value)))
            .collect();
        let what = match found.is_empty() {
            true => describe(error, self.lines_before),
            false => format!("{}, and would be written whole", found.join(", ")),
        };
        let advice = advice(&row.fields).unwrap_or_else(|| {
            "write a part of it (`x[0]`, `x.name`), its items (`x | join(\", \")`), or all of it on \
             purpose (`x | string`)"
                .to_owned()
        });
        format!("{what}; {advice}")
    }

    /// The fields of the row that it reads.
    fn read<'a>(&self, row: &'a Row) -> impl Iterator<Item = (&'a String, &'a Json)> + use<'a> {
        let variables = self.program.variables();
        let all = variables.contains(ROW);
        row.fields.iter().filter(move |(name, _)| all || variables.contains(*name))
    }
}

/// What the template engine says, with lines counted from the whole template's first.
pub(super) fn describe(error: &minijinja::Error, lines_before: usize) -> String {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "rendering takes too long".to_owned(),
        (_, Some(detail @ (work::NULL | work::WHOLE))) => detail.to_owned(),
        (ErrorKind::SyntaxError, Some(detail)) if detail.contains("unexpected identifier") => {
            let name = in_brackets("Review Text");
            format!("{}: {detail} (a name with a blank in it is written {name})", error.kind())
        }
        (kind, None) => kind.to_string(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
    };
    match error.line() {
        Some(line) => format!("{what}, in line {}", line + lines_before),
        None => what,
    }
}

fn is_in_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether a template can write a name as it is.
fn is_plain(name: &str) -> bool {
    name.chars().all(is_in_names) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// How a template writes a name that is no plain word.
fn in_brackets(name: &str) -> String {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    format!("`{{{{ {ROW}[\"{name}\"] }}}}`")
}

/// Where there are nulls in a value, the first few.
fn nulls_in(value: &Json, path: String, found: &mut Vec<String>) {
    match value {
        _ if found.len() == 3 => {}
        Json::Null => found.push(path),
        Json::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                nulls_in(item, format!("{path}[{place}]"), found);
            }
        }
        Json::Object(fields) => {
            for (name, value) in fields {
                nulls_in(value, format!("{path}.{name}"), found);
            }
        }
        _ => {}
    }
}
