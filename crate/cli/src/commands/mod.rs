//! What each command does: a file each, one function in it.

mod bench;
mod doctor;
mod eval;
mod generate;
mod merge;
mod train;

use flantune::{config::RunConfig, session::Host, storage::Storage};

pub(crate) use self::{
    bench::bench, doctor::doctor, eval::eval, generate::generate, merge::merge, train::train,
};
use crate::{clock::SystemClock, failure::Failure, printer::Printer, storage::FileStorage};

/// The files and the clock of this machine.
struct Machine {
    storage: FileStorage,
    clock: SystemClock,
}

impl Machine {
    fn new() -> Self {
        Self { storage: FileStorage::new(), clock: SystemClock::new() }
    }

    fn host(&self) -> Host<'_> {
        Host { storage: &self.storage, clock: &self.clock }
    }

    /// That these files are there, before a model is loaded for nothing.
    async fn require(&self, files: impl IntoIterator<Item = &String>) -> Result<(), Failure> {
        for file in files {
            self.storage.length(file).await?;
        }
        Ok(())
    }
}

/// A shell passes `\n` on as it stands, which is hardly what was meant.
fn warn_of_escapes(config: &RunConfig, printer: &Printer) {
    // Between braces it is an escape of Jinja's own.
    let text = |template: &String| {
        let mut parts = template.split("}}").flat_map(|part| part.split("{{").next());
        parts.any(|part| part.contains("\\n"))
    };
    if config.data.template.as_ref().is_some_and(text) {
        printer.warning(
            "the template holds a backslash and an n, which stay two characters; \
             for a line break type $'…\\n…' or use --template-file",
        );
    }
}
