//! Declares a section of the configuration: fields, defaults and help in one place.

use serde_json::Value;

use super::{row::Row, setting::ValueKind};
use crate::error::{Message, Result};

/// A key of the configuration, as front ends offer it.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The section it stands in: `model`, `data`, `method`, `train`, `eval`.
    pub section: &'static str,
    /// Its name, such as `learning_rate`.
    pub name: &'static str,
    /// The values it takes.
    pub kind: ValueKind,
    /// Its default as text; words where it depends on other keys, empty where it has none.
    pub default: String,
    /// Whether it may be left to a default that depends on other keys.
    pub optional: bool,
    /// What it is, in one line without a full stop.
    pub summary: Message,
    /// More about it, in sentences; empty where the summary says all.
    pub details: Message,
    /// Whether its default is told in words.
    pub words: bool,
    /// The optimizers that it is for; none where it is for all.
    pub optimizers: Vec<&'static str>,
    /// Its range, its tasks and the rest of what is known of it.
    pub row: Row,
}

impl Key {
    pub(super) fn described(mut self, help: &str) -> Self {
        let mut paragraphs = help.split("\n\n").map(flow);
        let summary = paragraphs.next().unwrap_or_default();
        self.summary = match self.optimizers.join(", ").as_str() {
            "" => summary.into(),
            names => format!("{names}: {summary}").into(),
        };
        self.details = paragraphs.collect::<Vec<_>>().join("\n\n").into();
        self
    }

    /// With the keys in its help marked as such.
    pub(super) fn marked(mut self, names: &[&str]) -> Self {
        for help in [&mut self.summary, &mut self.details] {
            *help = Message::marked(&help.to_string(), |word| names.contains(&word));
        }
        self
    }
}

/// A paragraph of a doc comment in one line.
fn flow(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What [`super::RunConfig`] asks of its sections.
pub(super) trait Section {
    fn keys(&self) -> Vec<Key>;
    /// The key's value; `None` if it is another section's.
    fn get(&self, key: &str) -> Option<Value>;
    /// Sets the key; `None` if it is another section's.
    fn set(&mut self, key: &str, value: &Value) -> Option<Result<()>>;
}

/// `Name "section" { /// help \n key: Type = default, "default in words" => row; … }` becomes the
/// struct, its serde form (unset keys left out, unknown keys refused), [`Default`] and [`Section`].
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident $section:literal {
            $(
                $(#[doc = $help:literal])+
                $key:ident: $type:ty = $default:expr $(, $words:literal)? => $row:expr;
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $help])+
                #[serde(skip_serializing_if = "Setting::is_unset")]
                pub $key: $type,
            )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default),+ }
            }
        }

        impl Section for $name {
            fn keys(&self) -> Vec<Key> {
                vec![$({
                    let words: &[&str] = &[$($words)?];
                    let default = words.first().map(|words| (*words).to_owned());
                    Key {
                        section: $section,
                        name: stringify!($key),
                        kind: <$type as Setting>::KIND,
                        default: default.unwrap_or_else(|| self.$key.to_text()),
                        optional: <$type as Setting>::OPTIONAL,
                        summary: crate::error::Message::default(),
                        details: crate::error::Message::default(),
                        words: !words.is_empty(),
                        optimizers: OptimizerKind::who_read(stringify!($key)),
                        row: $row,
                    }
                    .described(concat!($($help, "\n"),+))
                }),+]
            }

            fn get(&self, key: &str) -> Option<serde_json::Value> {
                match key {
                    $(stringify!($key) => serde_json::to_value(&self.$key).ok(),)+
                    _ => None,
                }
            }

            fn set(&mut self, key: &str, value: &serde_json::Value) -> Option<Result<()>> {
                match key {
                    $(stringify!($key) => Some(
                        <$type as Setting>::from_json(value)
                            .map(|value| self.$key = value)
                            .map_err(|message| Error::setting(key, message)),
                    ),)+
                    _ => None,
                }
            }
        }
    };
}

pub(super) use section;
