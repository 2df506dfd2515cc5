//! What a key's value may be, and how it is read from text.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Number, Value};

/// The kind of value that a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `true` or `false`.
    Bool,
    /// A whole number from 0.
    Integer,
    /// A finite number.
    Number,
    /// Any text.
    Text,
    /// Texts; any where no names are given, else some of the names.
    List(&'static [&'static str]),
    /// One of these names.
    Choice(&'static [&'static str]),
}

impl ValueKind {
    /// The JSON value that `text` stands for. Text that is not of this kind stays text, and is
    /// refused where it is set.
    pub(super) fn read(self, text: &str) -> Value {
        let number = match self {
            ValueKind::Bool => return text.parse().map_or_else(|_| text.into(), Value::Bool),
            ValueKind::List(_) => return text.split(',').map(str::trim).collect(),
            ValueKind::Text | ValueKind::Choice(_) => None,
            ValueKind::Integer => text.parse::<u64>().ok().map(Number::from),
            ValueKind::Number => text.parse().ok().and_then(Number::from_f64),
        };
        number.map_or_else(|| text.into(), Value::Number)
    }
}

/// What is expected, as the end of "expected …".
impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueKind::Bool => f.write_str("true or false"),
            ValueKind::Integer => f.write_str("a whole number from 0"),
            ValueKind::Number => f.write_str("a finite number"),
            ValueKind::Text => f.write_str("text"),
            ValueKind::List([]) => f.write_str("a list of names"),
            ValueKind::List(names) => write!(f, "a list of some of {}", names.join(", ")),
            ValueKind::Choice(names) => write!(f, "one of {}", names.join(", ")),
        }
    }
}

/// A type that a key can have. Serde reads and writes it; this adds how to speak about it.
pub(super) trait Setting: Serialize + DeserializeOwned {
    const KIND: ValueKind;
    /// Whether `null` stands for a default that depends on other keys.
    const OPTIONAL: bool = false;

    fn is_unset(&self) -> bool {
        false
    }

    fn expected() -> String {
        Self::KIND.to_string()
    }

    /// The value of `json`, or what was found and expected.
    fn from_json(json: &Value) -> Result<Self, String> {
        serde_json::from_value(json.clone())
            .map_err(|_| format!("found {}, expected {}", show(json), Self::expected()))
    }

    fn to_text(&self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(text)) => text,
            Ok(Value::Array(parts)) => {
                parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
            }
            // 1.0 is written 1, and 0.00000001 is 1e-8: these are numbers for people.
            Ok(Value::Number(number)) => {
                let text = number.to_string();
                text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
            }
            Ok(Value::Null) | Err(_) => String::new(),
            Ok(other) => other.to_string(),
        }
    }
}

/// A value as it was given, short enough for an error message.
pub(crate) fn show(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    };
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

macro_rules! settings {
    ($($type:ty: $kind:expr;)+) => {
        $(impl Setting for $type {
            const KIND: ValueKind = $kind;
        })+
    };
}

settings! {
    bool: ValueKind::Bool;
    u64: ValueKind::Integer;
    usize: ValueKind::Integer;
    f64: ValueKind::Number;
    String: ValueKind::Text;
    Vec<String>: ValueKind::List(&[]);
}

impl<T: Setting> Setting for Option<T> {
    const KIND: ValueKind = T::KIND;
    const OPTIONAL: bool = true;

    fn is_unset(&self) -> bool {
        self.is_none()
    }

    fn expected() -> String {
        T::expected()
    }
}
