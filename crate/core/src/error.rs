//! The one error type: what went wrong, where, and what to do about it.

mod hint;
mod message;

use std::fmt;

pub use hint::Hint;
pub use message::Message;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. A message names the file, line, tensor or field, what was found and what was
/// expected; [`Error::hint`] says what to do where that is known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // Files
    /// A file that must be there is not.
    #[error("{}: there is no such file", shown(.path))]
    NotFound {
        /// The path as it was given.
        path: String,
    },
    /// A file could not be read, listed or removed, or must not be written.
    #[error("{}: {}", shown(.path), shown(.message))]
    Storage {
        /// The path as it was given.
        path: String,
        /// What the storage said.
        message: String,
    },
    /// A file could not be written, although it may: the disk is full or at fault.
    #[error("{}: {}", shown(.path), shown(.message))]
    Write {
        /// The path as it was given.
        path: String,
        /// What the storage said.
        message: String,
    },
    /// A file's content is not what its kind demands.
    #[error("{}: {}", shown(.path), shown(.message))]
    Format {
        /// The path as it was given.
        path: String,
        /// What was found, and what was expected.
        message: String,
    },
    /// A tensor in a file is missing, surplus, misshapen or not finite.
    #[error("{}: tensor `{}`: {}", shown(.path), shown(.tensor), shown(.message))]
    Tensor {
        /// The file that holds it, or should.
        path: String,
        /// The tensor's name.
        tensor: String,
        /// What was found, and what was expected.
        message: String,
    },

    // Text
    /// A record of a data set is not usable.
    #[error("{}, line {line}: {}", shown(.path), shown(.message))]
    Row {
        /// The data set's file.
        path: String,
        /// Line in the file, from 1.
        line: usize,
        /// What was found, and what was expected.
        message: String,
    },
    /// A template does not parse, or does not render.
    #[error("template: {}", shown(.message))]
    Template {
        /// What the template engine said, and for which row.
        message: String,
    },

    // Settings
    /// A setting has an impossible value, or does not go with another.
    #[error("{}: {}", shown(.key), shown(&.message.to_string()))]
    Setting {
        /// The configuration's key, such as `learning_rate`.
        key: String,
        /// What was found, and what was expected.
        message: Message,
    },
    /// An adapter does not fit the base, or asks for what is not supported.
    #[error("{}: {}", shown(.path), shown(.message))]
    Adapter {
        /// The adapter's directory or file.
        path: String,
        /// What was found, and what was expected.
        message: String,
    },

    /// A model of a hub is unavailable.
    #[error("{}: {}", shown(.model), shown(.message))]
    Hub {
        /// The model's id.
        model: String,
        /// What is in the way.
        message: String,
        /// What to do about it, where that is known.
        hint: Option<Hint>,
        /// Whether something else must be asked for (and not the same again, later).
        input: bool,
    },

    // Working
    /// The loss or a gradient is not finite.
    #[error("step {step}: the loss is not finite; {}", last_good(.checkpoint))]
    NotFinite {
        /// The step that failed, from 1.
        step: usize,
        /// The last good checkpoint.
        checkpoint: Option<String>,
    },
    /// A run that had begun cannot go on.
    #[error("{error}; the run has stopped after step {step}, and {}", last_good(.checkpoint))]
    Stopped {
        /// The steps that were made.
        step: usize,
        /// Why.
        error: Box<Error>,
        /// The last good checkpoint.
        checkpoint: Option<String>,
    },
    /// The work was called off.
    #[error("called off")]
    Cancelled,
    /// A device was found to compute wrong numbers.
    #[error("device: this graphics driver computes wrong numbers ({})", shown(.device))]
    WrongNumbers {
        /// The device's name, and its driver.
        device: String,
    },
    /// A device is missing, lost, or out of memory.
    #[error("device: {}", shown(.message))]
    Device {
        /// What the device said.
        message: String,
    },
}

/// How a front end writes the names in errors.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// What its users call the file or directory at a path.
    pub path: &'a dyn Fn(&str) -> String,
    /// How they write a key of the configuration.
    pub key: &'a dyn Fn(&str) -> String,
}

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// The longest part of a message, in characters.
const MAX_PART: usize = 1000;

/// A part of a message as it may be shown: files that strangers wrote reach it, and nothing of theirs
/// is to fill a screen, or to move a terminal's cursor.
fn shown(text: &str) -> impl fmt::Display {
    let plain = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let mut characters = text.chars();
    let mut shown: String = characters.by_ref().take(MAX_PART).map(plain).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

fn last_good(checkpoint: &Option<String>) -> impl fmt::Display {
    match checkpoint {
        Some(path) => format!("the last good checkpoint is {path}"),
        None => "there is no checkpoint before it".to_owned(),
    }
}

impl Error {
    /// A short name for programs: the `code` of an error event.
    pub fn code(&self) -> &'static str {
        match self {
            Error::NotFound { .. } => "not_found",
            Error::Storage { .. } | Error::Write { .. } => "storage",
            Error::Format { .. } => "format",
            Error::Tensor { .. } => "tensor",
            Error::Row { .. } => "row",
            Error::Template { .. } => "template",
            Error::Setting { .. } => "setting",
            Error::Adapter { .. } => "adapter",
            Error::Hub { .. } => "hub",
            Error::NotFinite { .. } => "not_finite",
            Error::Stopped { error, .. } => error.code(),
            Error::Cancelled => "cancelled",
            Error::Device { .. } | Error::WrongNumbers { .. } => "device",
        }
    }

    /// Whether the input or the settings are at fault (exit code 2), and not the work (exit code 1).
    pub fn is_input(&self) -> bool {
        !matches!(
            self,
            Error::NotFinite { .. }
                | Error::Stopped { .. }
                | Error::Write { .. }
                | Error::Cancelled
                | Error::Device { .. }
                | Error::WrongNumbers { .. }
                | Error::Hub { input: false, .. }
        )
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Error::NotFinite { .. } => Some(Hint::SmallerSteps),
            Error::WrongNumbers { .. } => Some(Hint::Processor),
            Error::Hub { hint, .. } => hint.clone(),
            Error::Stopped { error, .. } => error.hint(),
            _ => None,
        }
    }

    /// The same error, with files and keys as the users of a front end know them.
    pub fn written(self, names: &Names<'_>) -> Self {
        let checkpoint = |checkpoint: Option<String>| checkpoint.map(|path| (names.path)(&path));
        match self {
            Error::Setting { key, message } => {
                Error::Setting { key: (names.key)(&key), message: message.with_keys(names.key) }
            }
            Error::NotFinite { step, checkpoint: path } => {
                Error::NotFinite { step, checkpoint: checkpoint(path) }
            }
            Error::Stopped { step, error, checkpoint: path } => Error::Stopped {
                step,
                error: Box::new(error.written(names)),
                checkpoint: checkpoint(path),
            },
            mut error => {
                if let Error::NotFound { path }
                | Error::Storage { path, .. }
                | Error::Write { path, .. }
                | Error::Format { path, .. }
                | Error::Tensor { path, .. }
                | Error::Row { path, .. }
                | Error::Adapter { path, .. } = &mut error
                {
                    *path = (names.path)(path);
                }
                error
            }
        }
    }

    /// A file's content is not what its kind demands.
    pub fn format(path: impl Into<String>, message: impl Into<String>) -> Self {
        Error::Format { path: path.into(), message: message.into() }
    }

    /// A setting has an impossible value.
    pub fn setting(key: impl Into<String>, message: impl Into<Message>) -> Self {
        Error::Setting { key: key.into(), message: message.into() }
    }

    /// A tensor of a file is not what it must be.
    pub fn tensor(
        path: impl Into<String>,
        tensor: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Error::Tensor { path: path.into(), tensor: tensor.into(), message: message.into() }
    }
}

/// A value as a message shows it: never longer than a line, nothing that moves a terminal's cursor.
pub(crate) fn short(value: &(impl std::fmt::Display + ?Sized)) -> String {
    let text = value.to_string();
    let plain = |c: char| {
        if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
    };
    let mut short: String = text.chars().take(60).map(plain).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_end_writes_names_as_its_users_know_them() {
        let names =
            Names { path: &|path| path.replace("files/1/", ""), key: &|key| key.to_uppercase() };
        let written = |error: Error| error.written(&names).to_string();
        let message = Message::from("found `top_k`, expected nothing without ").key("top_k");
        assert_eq!(
            written(Error::setting("seed", message.text(", or 1"))),
            "SEED: found `top_k`, expected nothing without `TOP_K`, or 1"
        );
        let of_row =
            Error::Row { path: "files/1/a.csv".into(), line: 2, message: "files/1/".into() };
        let checkpoint = Some("files/1/step-3".to_owned());
        assert_eq!(
            written(Error::Stopped { step: 4, error: Box::new(of_row), checkpoint }),
            "a.csv, line 2: files/1/; the run has stopped after step 4, and the last good checkpoint is \
             step-3"
        );
    }

    #[test]
    fn no_file_s_content_fills_or_commands_a_terminal() {
        let error = Error::format("a\r", format!("found `\u{1b}[2J\u{9b}`\n{}", "é".repeat(2000)));
        let expected = format!("a\u{fffd}: found `\u{fffd}[2J\u{fffd}`\n{}…", "é".repeat(986));
        assert_eq!(error.to_string(), expected);
        let error = Error::tensor("f", "a".repeat(1 << 20), "it is missing");
        assert_eq!(error.to_string().len(), "f: tensor ``: it is missing…".len() + 1000);
        assert_eq!(
            Error::NotFound { path: "\0".to_owned() }.to_string(),
            "\u{fffd}: there is no such file"
        );
    }
}
