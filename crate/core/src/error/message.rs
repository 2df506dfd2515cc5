//! Messages and help that mention keys of the configuration.

use std::fmt;

/// What is said of settings. The keys in it are parts of their own, because front ends write them in
/// different ways: `learning_rate` in a file is `learningRate` in JavaScript.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Key(String),
}

impl Message {
    /// A text of ours, whose keys stand between backticks.
    pub(crate) fn marked(text: &str, is_key: impl Fn(&str) -> bool) -> Self {
        let parts = text.split('`').enumerate();
        let parts =
            parts.filter(|(_, part)| !part.is_empty()).map(|(place, part)| match place % 2 {
                0 => Part::Text(part.to_owned()),
                _ if is_key(part) => Part::Key(part.to_owned()),
                _ => Part::Text(format!("`{part}`")),
            });
        Self(parts.collect())
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, and then a key.
    pub fn key(mut self, name: impl Into<String>) -> Self {
        self.0.push(Part::Key(name.into()));
        self
    }

    /// The same, and then this text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Text(text.into()));
        self
    }

    /// The same, and then another.
    pub fn then(mut self, other: impl Into<Self>) -> Self {
        self.0.extend(other.into().0);
        self
    }

    /// The same with its keys written in another way.
    pub fn with_keys(mut self, write: &dyn Fn(&str) -> String) -> Self {
        for part in &mut self.0 {
            if let Part::Key(key) = part {
                *key = write(key);
            }
        }
        self
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self(vec![Part::Text(text)])
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Key(key) => write!(f, "`{key}`"),
        })
    }
}

#[test]
fn keys_of_a_text_are_marked() {
    let text = "`a` takes `b`, and no `c`";
    let message = Message::marked(text, |word| word != "b");
    assert_eq!(message.to_string(), text);
    assert_eq!(
        message.with_keys(&|key| format!("--{key}")).to_string(),
        "`--a` takes `b`, and no `--c`"
    );
    assert!(Message::marked("", |_| true).is_empty());
}
