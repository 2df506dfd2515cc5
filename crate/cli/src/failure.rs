//! How a command ends when it does not end well, and the exit code of that.

use std::io;

use flantune::train::event::Event;

use crate::hint;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the core says.
    Flantune(flantune::Error),
    /// The command line asks for something impossible.
    Usage(String),
    /// Standard input or output failed.
    Stream(io::Error),
    /// Standard output failed while a run was told of; what was saved of it is said in words.
    Untold(io::Error, String),
    /// The user stopped it; what was saved is said in words.
    Interrupted(String),
    /// A process that this one has started failed, and told why.
    Child {
        /// Its exit code.
        code: u8,
        /// Its error's message.
        message: String,
    },
}

impl Failure {
    /// The exit code. A reader that has seen enough (`flantune eval … | head`) is no failure.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::Flantune(error) if error.is_input() => 2,
            Failure::Flantune(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Stream(_) if self.is_broken_pipe() => 0,
            Failure::Stream(_) | Failure::Untold(..) => 1,
            Failure::Interrupted(_) => 130,
            Failure::Child { code, .. } => *code,
        }
    }

    /// The same failure, which ended a run that has kept a checkpoint.
    pub(crate) fn with_checkpoint(self, output: &str) -> Self {
        match self {
            Failure::Stream(error) => Failure::Untold(
                error,
                format!(
                    "a checkpoint is written; the same command with --resume goes on (`{output}`)"
                ),
            ),
            failure => failure,
        }
    }

    /// Why a process failed that was started with `--json`.
    pub(crate) fn child(code: Option<i32>, stdout: &[u8]) -> Self {
        let last = stdout.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let message = match last.and_then(|line| serde_json::from_slice(line).ok()) {
            Some(Event::Error { message, .. }) => message,
            _ => "a process ended without telling why".to_owned(),
        };
        let code = code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
        Failure::Child { code: code.unwrap_or(1), message }
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Stream(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// A short name for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Failure::Flantune(error) => error.code(),
            Failure::Usage(_) => "usage",
            Failure::Stream(_) | Failure::Untold(..) => "stream",
            Failure::Interrupted(_) => "interrupted",
            Failure::Child { .. } => "child",
        }
    }

    /// What happened.
    pub(crate) fn message(&self) -> String {
        match self {
            Failure::Flantune(error) => error.to_string(),
            Failure::Usage(message) | Failure::Interrupted(message) => message.clone(),
            Failure::Child { message, .. } => message.clone(),
            Failure::Stream(error) => error.to_string(),
            Failure::Untold(error, saved) => format!("standard output: {error}; {saved}"),
        }
    }

    /// What to do about it, where that is known.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Failure::Flantune(error) => error.hint().as_ref().map(hint::words),
            _ => None,
        }
    }
}

impl From<flantune::Error> for Failure {
    fn from(error: flantune::Error) -> Self {
        Failure::Flantune(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Stream(error)
    }
}
