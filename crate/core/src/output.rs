//! Where may be written: one rule for everything that writes.
//!
//! - Nothing is written over what is read.
//! - A directory must be new or empty, unless it holds a run that is gone on with.
//! - A file is replaced only if it is of the same making.
//! - What is added to a directory replaces nothing.
//! - Nothing is written through a symbolic link.

use crate::{
    error::{Error, Result},
    storage::{Claim, Entry, Storage, join},
};

/// The record of a run in its directory.
pub const RECORD: &str = "run.json";
/// A run's events, one JSON object a line.
pub const EVENTS: &str = "events.jsonl";
/// The directory of a run's checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";

/// The most names of files that a message gives.
const NAMED: usize = 3;
/// Bytes by which a file is known.
const FIRST: u64 = 64 << 10;

/// What there is in a run's output directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No run: the directory is new or empty.
    Nothing,
    /// A run.
    Run,
}

/// Takes a directory to write a model in, until the claim is dropped.
///
/// # Errors
/// As [`check_directory`]; [`Error::Storage`] where somebody else works in it.
pub async fn claim_directory(storage: &dyn Storage, path: &str, inputs: &[&str]) -> Result<Claim> {
    check_directory(storage, path, inputs).await?;
    let claim = storage.claim(path).await?;
    // Somebody else may have been faster.
    check_directory(storage, path, inputs).await?;
    Ok(claim)
}

/// Removes what was written into a directory that was claimed, and is of no use.
pub async fn clear(storage: &dyn Storage, path: &str) {
    // Why it is of no use says more than why it cannot be removed.
    for name in storage.list(path).await.unwrap_or_default() {
        let _ = storage.remove(&join(path, &name)).await;
    }
}

/// Takes a run's output directory, and tells what is there. `kept` are names that a front end keeps
/// beside its runs.
///
/// # Errors
/// As [`check_run`]; [`Error::Storage`] where somebody else works in it.
pub async fn claim_run(
    storage: &dyn Storage,
    path: &str,
    inputs: &[&str],
    resume: bool,
    kept: &[&str],
) -> Result<(Claim, Found)> {
    check_run(storage, path, inputs, resume, kept).await?;
    let claim = storage.claim(path).await?;
    let found = check_run(storage, path, inputs, resume, kept).await?;
    Ok((claim, found))
}

/// Checks a directory that a model is to be written in, before anything is computed for it.
///
/// # Errors
/// [`Error::Setting`] of the key `output`, unless the directory is new or empty.
pub async fn check_directory(storage: &dyn Storage, path: &str, inputs: &[&str]) -> Result<()> {
    check_place(storage, path, inputs).await?;
    match describe(&storage.list(path).await?) {
        None => Ok(()),
        Some(names) => {
            refused(format!("{path} holds {names}; name a directory that is new or empty"))
        }
    }
}

/// Checks a directory that a run is to write in, before anything is computed for it.
///
/// # Errors
/// [`Error::Setting`] of the key `output` where the directory holds anything but a run, a run without
/// `resume`, or a symbolic link in the place of what a run writes.
pub async fn check_run(
    storage: &dyn Storage,
    path: &str,
    inputs: &[&str],
    resume: bool,
    kept: &[&str],
) -> Result<Found> {
    check_place(storage, path, inputs).await?;
    let mut names = storage.list(path).await?;
    names.retain(|name| !kept.contains(&name.as_str()));
    match (names.iter().any(|name| name == RECORD), describe(&names)) {
        (false, None) => return Ok(Found::Nothing),
        (false, Some(names)) => {
            return refused(format!(
                "{path} holds {names}, and no run; name a directory that is new or empty"
            ));
        }
        (true, _) if !resume => {
            return refused(format!(
                "{path} holds a run already; go on with it by `resume`, or name another directory"
            ));
        }
        (true, _) => {}
    }
    // A link in the place of another file is itself replaced.
    for (name, expected) in
        [(RECORD, Entry::File), (EVENTS, Entry::File), (CHECKPOINTS, Entry::Directory)]
    {
        let name = join(path, name);
        match storage.entry(&name).await? {
            None => {}
            Some(found) if found == expected => {}
            Some(Entry::Link) => return refused(linked(&name)),
            Some(_) => return refused(format!("{name} is not what a run writes there")),
        }
    }
    let checkpoints = join(path, CHECKPOINTS);
    for name in storage.list(&checkpoints).await? {
        let name = join(&checkpoints, &name);
        if storage.entry(&name).await? == Some(Entry::Link) {
            return refused(linked(&name));
        }
    }
    Ok(Found::Run)
}

/// Checks a file that is to be written. What is there already is replaced only if `is_ours` knows its
/// first bytes.
///
/// # Errors
/// [`Error::Setting`] of this key.
pub async fn check_file(
    storage: &dyn Storage,
    key: &str,
    path: &str,
    inputs: &[&str],
    is_ours: impl Fn(&[u8]) -> bool,
) -> Result<()> {
    let refused = |message: String| Err(Error::setting(key, message));
    match storage.entry(path).await? {
        None => return Ok(()),
        Some(Entry::Link) => return refused(linked(path)),
        Some(Entry::Directory) => {
            return refused(format!("{path} is a directory, expected a file"));
        }
        Some(Entry::Other) => {
            return refused(format!("{path} is a pipe or a device, expected a file"));
        }
        Some(Entry::File) => {}
    }
    if let Some(input) = same(storage, path, inputs).await? {
        return refused(format!(
            "{path} is read too, as {input}, and nothing is written over what is read; name another \
             file"
        ));
    }
    let length = storage.length(path).await?;
    let first = storage.read(path, 0..length.min(FIRST)).await?;
    match first.is_empty() || is_ours(&first) {
        true => Ok(()),
        false => refused(format!(
            "{path} is there already, and holds something else; remove it, or name another file"
        )),
    }
}

/// Checks files that are to be written into a directory beside what it holds.
///
/// # Errors
/// [`Error::Setting`] of the key `output` where one of them is there.
pub async fn check_new_files(
    storage: &dyn Storage,
    directory: &str,
    files: &[String],
) -> Result<()> {
    check_place(storage, directory, &[]).await?;
    for file in files {
        if storage.entry(file).await?.is_some() {
            return refused(format!("{file} is there already; name another directory"));
        }
    }
    Ok(())
}

/// That a directory is no link and no input, whatever it holds.
///
/// # Errors
/// [`Error::Setting`] of the key `output`.
pub async fn check_place(storage: &dyn Storage, path: &str, inputs: &[&str]) -> Result<()> {
    match storage.entry(path).await? {
        None => return Ok(()),
        Some(Entry::Directory) => {}
        Some(Entry::Link) => return refused(linked(path)),
        Some(Entry::File | Entry::Other) => {
            return refused(format!("{path} is no directory; name one that is new or empty"));
        }
    }
    match same(storage, path, inputs).await? {
        None => Ok(()),
        Some(_) => refused(format!(
            "{path} is read too, and nothing is written over what is read; name a directory that is \
             new or empty"
        )),
    }
}

/// The first of the inputs that is this place.
async fn same<'a>(
    storage: &dyn Storage,
    path: &str,
    inputs: &[&'a str],
) -> Result<Option<&'a str>> {
    let place = storage.identity(path).await?;
    for input in inputs {
        if storage.identity(input).await? == place {
            return Ok(Some(input));
        }
    }
    Ok(None)
}

fn linked(path: &str) -> String {
    format!("{path} is a symbolic link, and nothing is written through one; name what it points to")
}

/// `other files, such as …`, or nothing where there are none.
fn describe(names: &[String]) -> Option<String> {
    let some: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > NAMED { " and more" } else { "" };
    (!some.is_empty()).then(|| format!("{}{more} already", some.join(", ")))
}

fn refused<T>(message: String) -> Result<T> {
    Err(Error::setting("output", message))
}
