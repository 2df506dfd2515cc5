//! What packages of this program bring along for shells and readers.

use std::fs;

use clap::{Command, CommandFactory};
use flantune::{
    output::{check_file, check_place},
    storage::join,
};

use super::host;
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
pub(crate) async fn man(arguments: &ManArguments, printer: &Printer) -> Result<(), Failure> {
    let (storage, output) = (host().storage, &arguments.output);
    check_place(&*storage, output, &[]).await?;
    let made = tempfile::tempdir()?;
    clap_mangen::generate_to(pages(), made.path())?;
    let mut written = Vec::new();
    for page in fs::read_dir(made.path())? {
        let page = page?;
        let file = join(output, &page.file_name().to_string_lossy());
        let is_ours = |first: &[u8]| String::from_utf8_lossy(first).contains(".TH flantune");
        check_file(&*storage, "output", &file, &[], is_ours).await?;
        written.push((file, fs::read(page.path())?));
    }
    for (file, page) in written {
        storage.write(&file, &page).await?;
    }
    printer.note(&format!("Wrote manual pages to `{output}`"));
    Ok(())
}

/// The commands, without the one that only prints what the pages say.
fn pages() -> Command {
    Arguments::command().disable_help_subcommand(true)
}
