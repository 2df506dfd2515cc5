//! What a value of a row is where a text is wanted, and what it may have been meant for: files hold
//! columns, or rows within rows, and look like rows of one line.

use serde_json::{Map, Value};

/// How many names a message lists.
const NAMED: usize = 6;

/// A value in words: `a list of 3 texts`, `an object with `a`, `b``.
pub(crate) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a string".to_owned(),
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => format!("an object with {}", names(fields)),
        Value::Array(items) => match (items.len(), items.first()) {
            (_, None) => "an empty list".to_owned(),
            (1, Some(item)) => format!("a list of {}", described(item)),
            (count, Some(Value::Object(fields))) => {
                format!("a list of {count} objects with {}", names(fields))
            }
            (count, Some(item)) => {
                let kind = match item {
                    Value::Null => "nulls",
                    Value::Bool(_) => "booleans",
                    Value::Number(_) => "numbers",
                    Value::String(_) => "texts",
                    _ => "lists",
                };
                format!("a list of {count} {kind}")
            }
        },
    }
}

fn names(fields: &Map<String, Value>) -> String {
    let mut names: Vec<String> =
        fields.keys().take(NAMED).map(|name| format!("`{name:.60}`")).collect();
    if fields.len() > NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// What a row that holds no texts may be, and how rows are written.
pub(crate) fn advice(fields: &Map<String, Value>) -> Option<String> {
    const RECORDS: &str = "pandas writes rows with `to_json(path, orient=\"records\", lines=True)`";
    let keys = |value: &Value| -> Option<Vec<String>> {
        value.as_object().map(|object| object.keys().cloned().collect())
    };
    let first = fields.values().next()?;
    let alike = fields.len() > 1;
    if let Some(names) = keys(first).filter(|names| !names.is_empty() && alike)
        && fields.values().all(|value| keys(value).as_ref() == Some(&names))
    {
        return Some(format!(
            "the file holds columns, not rows, as pandas' `to_json()` writes them; {RECORDS}"
        ));
    }
    if let Some(count) = first.as_array().map(Vec::len).filter(|count| *count > 1 && alike)
        && fields.values().all(|value| value.as_array().is_some_and(|list| list.len() == count))
    {
        return Some(format!("the file holds whole columns as lists, not rows; {RECORDS}"));
    }
    let is_rows = |value: &Value| {
        value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_object))
    };
    let within: Vec<&String> =
        fields.iter().filter(|(_, value)| is_rows(value)).map(|(name, _)| name).collect();
    match within[..] {
        [name] => Some(format!(
            "the rows may be what lies within `{name:.60}`: the file should be that list alone"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_are_told() {
        for (value, expected) in [
            (json!({"a": 1, "b": 2}), "an object with `a`, `b`"),
            (json!({}), "an empty object"),
            (json!([]), "an empty list"),
            (json!(["x"]), "a list of a string"),
            (json!(["x", "y"]), "a list of 2 texts"),
            (json!([{"a": 1}, {}]), "a list of 2 objects with `a`"),
            (json!([[1], [2]]), "a list of 2 lists"),
        ] {
            assert_eq!(described(&value), expected);
        }
    }

    #[test]
    fn what_was_meant_is_told() {
        let advice = |value: Value| advice(value.as_object().unwrap());
        for (value, expected) in [
            (
                json!({"a": {"0": "x", "1": "y"}, "b": {"0": "z", "1": ""}}),
                "holds columns, not rows",
            ),
            (json!({"a": ["x", "y"], "b": [1, 2]}), "whole columns as lists"),
            (json!({"version": "1", "data": [{"a": 1}]}), "within `data`"),
        ] {
            let found = advice(value).unwrap();
            assert!(found.contains(expected), "{found}");
        }
        for value in [
            json!({}),
            json!({"a": "x"}),
            json!({"a": {"0": "x"}}),
            json!({"a": ["x", "y"], "b": [1]}),
            json!({"turns": [{"a": 1}], "facts": [{"b": 1}]}),
        ] {
            assert_eq!(advice(value), None);
        }
    }
}
