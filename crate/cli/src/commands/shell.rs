//! What packages of this program bring along for shells and readers.

use std::fs;

use clap::{Command, CommandFactory};

use crate::{
    args::{Arguments, CompletionsArguments, ManArguments},
    failure::Failure,
    printer::Printer,
};

const NAME: &str = "flantune";

/// Writes a shell's completions to standard output.
pub(crate) fn completions(
    arguments: &CompletionsArguments,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), NAME, &mut script);
    printer.text(&String::from_utf8_lossy(&script))
}

/// Writes a manual page of each command into a directory.
pub(crate) fn man(arguments: &ManArguments, printer: &Printer) -> Result<(), Failure> {
    let failure = |error: std::io::Error| {
        let path = arguments.output.clone();
        Failure::Flantune(flantune::Error::Storage { path, message: error.to_string() })
    };
    fs::create_dir_all(&arguments.output).map_err(failure)?;
    clap_mangen::generate_to(pages(), &arguments.output).map_err(failure)?;
    printer.note(&format!("Wrote manual pages to `{}`", arguments.output));
    Ok(())
}

/// The commands, without the one that only prints what the pages say.
fn pages() -> Command {
    Arguments::command().disable_help_subcommand(true)
}
