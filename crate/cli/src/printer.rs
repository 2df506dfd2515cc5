//! Everything that is written to the terminal passes through here: results to standard output; all
//! else (progress, notes, warnings, errors) to standard error. With `--json` only events and other
//! JSON objects appear, a line each, on standard output.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use flantune::train::event::Event;
use serde::Serialize;

use crate::{args::OutputOptions, failure::Failure};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const PLAIN: &str = "\x1b[0m";

/// Where and how much a command writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
    verbose: bool,
    colours: bool,
}

impl Printer {
    pub(crate) fn new(options: &OutputOptions) -> Self {
        Self {
            json: options.json,
            quiet: options.quiet,
            verbose: options.verbose,
            colours: colours(),
        }
    }

    /// For errors that come before the options are known.
    pub(crate) fn json() -> Self {
        Self { json: true, quiet: false, verbose: false, colours: false }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    pub(crate) fn is_verbose(self) -> bool {
        self.verbose
    }

    /// Whether notes, warnings and progress are wanted.
    pub(crate) fn is_talkative(self) -> bool {
        !self.json && !self.quiet
    }

    /// Whether standard error takes colours: a terminal, and no `NO_COLOR` (no-color.org).
    pub(crate) fn colours(self) -> bool {
        self.colours
    }

    /// Whether a person reads standard output as it comes.
    pub(crate) fn streams(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// A line of the result.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        self.text(&format!("{text}\n"))
    }

    /// A part of the result, shown at once.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// A JSON object on a line of its own.
    pub(crate) fn object(self, object: &impl Serialize) -> Result<(), Failure> {
        self.line(&serde_json::to_string(object).map_err(io::Error::from)?)
    }

    /// An event, with `--json`.
    pub(crate) fn event(self, event: &Event) -> Result<(), Failure> {
        if self.json { self.object(event) } else { Ok(()) }
    }

    /// Something good to know, such as where the result lies.
    pub(crate) fn note(self, text: &str) {
        if self.is_talkative() {
            complain(text);
        }
    }

    /// Something that is told even to a program, because standard output is gone.
    pub(crate) fn remark(self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }

    /// Something that the user should see to.
    pub(crate) fn warning(self, text: &str) {
        if self.is_talkative() {
            complain(&format!("{} {text}", self.paint(YELLOW, "warning:")));
        }
    }

    /// Tells why a command failed; the exit code is returned.
    pub(crate) fn failure(self, failure: &Failure) -> u8 {
        let code = failure.exit_code();
        if self.json {
            let event =
                Event::Error { code: failure.code().to_owned(), message: failure.message() };
            // Where nobody can read this, the reason stands in the other stream.
            if self.object(&event).is_err() && !failure.is_broken_pipe() {
                complain(&format!("error: {}", failure.message()));
            }
        } else if matches!(failure, Failure::Interrupted(_)) {
            complain(&failure.message());
        } else if !failure.is_broken_pipe() {
            let mut text = format!("{} {}", self.paint(RED, "error:"), failure.message());
            if let Some(hint) = failure.hint() {
                text += &format!("\n\n{} {hint}", self.paint(CYAN, "hint:"));
            }
            complain(&text);
        }
        code
    }

    /// The last words after a panic.
    pub(crate) fn crash(text: &str) {
        complain(text);
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.colours { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

/// Writes to standard error, which may be closed: that is no reason to stop.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn colours() -> bool {
    let asked_not_to = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stderr().is_terminal() && !asked_not_to && !dumb
}
