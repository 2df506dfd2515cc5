//! What each command does: a file each, one function in it.

mod bench;
mod data;
mod demo;
mod doctor;
mod eval;
mod generate;
mod memory;
mod merge;
mod quantize;
mod score;
mod shell;
mod train;

use std::rc::Rc;

use flantune::{
    adapter::Adapter,
    config::{FILE_LIMIT, RunConfig, Task},
    host::{Clock, Host},
    session::Session,
    storage::Storage,
    text::{Dataset, Warning},
    train::event::Event,
};

pub(crate) use self::{
    bench::bench,
    data::data,
    demo::demo,
    doctor::doctor,
    eval::eval,
    generate::generate,
    memory::memory,
    merge::merge,
    quantize::quantize,
    score::score,
    shell::{completions, man},
    train::train,
};
use crate::{
    args::{ModelOptions, Settings},
    cache,
    clock::SystemClock,
    embedded::Embedded,
    failure::Failure,
    hub,
    printer::Printer,
    storage::FileStorage,
};

/// The files and the clock of this machine.
fn host() -> Host {
    let storage: Rc<dyn Storage> = Rc::new(Embedded(FileStorage::new()));
    let clock: Rc<dyn Clock> = Rc::new(SystemClock::new());
    let files: Rc<dyn Storage> = Rc::new(FileStorage::new());
    let devices = cache::devices().map(|directory| (files, directory));
    Host { devices, ..Host::new(storage, clock) }
}

/// What was asked for, on the threads that were asked for.
fn configuration<O>(settings: &Settings<O>, printer: &Printer) -> Result<RunConfig, Failure> {
    configuration_over(RunConfig::default(), settings, printer)
}

/// What a configuration's file says, where one is given.
async fn from_file(host: &Host, file: Option<&String>) -> Result<RunConfig, Failure> {
    Ok(match file {
        Some(path) => {
            let bytes = host.storage.read_all(path, FILE_LIMIT).await?;
            RunConfig::from_file(path, &bytes)?
        }
        None => RunConfig::default(),
    })
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
    // which is what 0 stands for.
    rayon::ThreadPoolBuilder::new()
        .num_threads(config.model.threads.unwrap_or(0))
        .build_global()
        .map_err(|error| Failure::Usage(format!("threads: {error}")))?;
    Ok(config)
}

/// Loads the base that the configuration names. A model of a hub is downloaded where it is not in the
/// cache, and the configuration then names the commit that it has.
async fn open(
    host: &Host,
    config: &mut RunConfig,
    options: ModelOptions,
    printer: &Printer,
) -> Result<Session, Failure> {
    let Some(model) = &config.model.model else {
        return Ok(Session::open(host, &config.model).await?);
    };
    let located = hub::locate(model, options.offline, *printer)?;
    config.model.model = Some(located.name);
    let session = Session::open_in(host, &config.model, &located.directory, located.id).await?;
    tell_of_device(&session, printer)?;
    Ok(session)
}

/// Tells why it is not the device that it would have been, if it is another.
fn tell_of_device(session: &Session, printer: &Printer) -> Result<(), Failure> {
    session.device_warning().cloned().map_or(Ok(()), |warning| tell(warning, printer))
}

/// Loads an adapter, and tells what is to be known of it.
async fn load_adapter(
    session: &Session,
    directory: &str,
    printer: &Printer,
) -> Result<Adapter, Failure> {
    let adapter = session.load_adapter(directory).await?;
    for warning in session.adapter_notes(directory).await? {
        tell(warning, printer)?;
    }
    Ok(adapter)
}

/// Takes what the model itself says of how texts are made, and tells it where texts are made.
fn take_own(
    session: &Session,
    config: &mut RunConfig,
    task: Task,
    printer: &Printer,
) -> Result<(), Failure> {
    let makes_texts = task == Task::Generate || config.eval.scores_texts();
    match session.take_own(config, task).filter(|_| makes_texts) {
        Some(warning) => tell(warning, printer),
        None => Ok(()),
    }
}

/// That these files are there, before a model is loaded for nothing.
async fn require(host: &Host, files: impl IntoIterator<Item = &String>) -> Result<(), Failure> {
    for file in files {
        host.storage.length(file).await?;
    }
    Ok(())
}

/// Tells what is to be known of the rows.
fn warn(rows: &Dataset, printer: &Printer) -> Result<(), Failure> {
    rows.warnings().into_iter().try_for_each(|warning| tell(warning, printer))
}

fn tell(warning: Warning, printer: &Printer) -> Result<(), Failure> {
    printer.warning(&warning.message);
    printer.event(&Event::from(warning))
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
