//! What each command does: a file each, one function in it.

mod bench;
mod doctor;
mod eval;
mod generate;
mod merge;
mod score;
mod train;

use std::rc::Rc;

use flantune::{
    config::RunConfig,
    host::{Clock, Host},
    storage::Storage,
};

pub(crate) use self::{
    bench::bench, doctor::doctor, eval::eval, generate::generate, merge::merge, score::score,
    train::train,
};
use crate::{
    args::Settings, clock::SystemClock, failure::Failure, printer::Printer, storage::FileStorage,
};

/// The files and the clock of this machine.
fn host() -> Host {
    let storage: Rc<dyn Storage> = Rc::new(FileStorage::new());
    let clock: Rc<dyn Clock> = Rc::new(SystemClock::new());
    Host { storage, clock }
}

/// What was asked for, on the threads that were asked for.
fn configuration<O>(settings: &Settings<O>, printer: &Printer) -> Result<RunConfig, Failure> {
    configuration_over(RunConfig::default(), settings, printer)
}

/// As [`configuration`], over what a file says.
fn configuration_over<O>(
    base: RunConfig,
    settings: &Settings<O>,
    printer: &Printer,
) -> Result<RunConfig, Failure> {
    let config = settings.config(base)?;
    warn_of_escapes(&config, printer);
    // Before anything computes: the first product would start as many threads as there are cores,
    // and none of them would flush denormal numbers. 0 is all cores.
    flantune::ops::denormal::flush();
    rayon::ThreadPoolBuilder::new()
        .num_threads(config.model.threads.unwrap_or(0))
        .start_handler(|_| flantune::ops::denormal::flush())
        .build_global()
        .map_err(|error| Failure::Usage(format!("threads: {error}")))?;
    Ok(config)
}

/// That these files are there, before a model is loaded for nothing.
async fn require(host: &Host, files: impl IntoIterator<Item = &String>) -> Result<(), Failure> {
    for file in files {
        host.storage.length(file).await?;
    }
    Ok(())
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
