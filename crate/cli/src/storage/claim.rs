//! A directory that one process works in and no other: a file with a lock of the operating system,
//! which is released however the process ends.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use super::{HIDDEN, directories, itself, unfinished};

/// The most bytes that say who holds a lock.
const HOLDER: u64 = 200;

/// Why a directory cannot be claimed.
pub(super) enum Refused {
    /// By whom it is taken.
    Taken(String),
    /// The file system is at fault.
    Failed(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Refused::Failed(error)
    }
}

/// Held until it is dropped.
#[derive(Debug)]
struct Held {
    file: Option<File>,
    path: PathBuf,
    /// The directories that were made for it, the outermost first.
    made: Vec<PathBuf>,
}

/// Takes a directory, which is made if it is not there. On a file system without locks nothing keeps
/// others out.
pub(super) fn claim(directory: &Path) -> Result<flantune::storage::Claim, Refused> {
    let path = directory.join(format!("{HIDDEN}lock"));
    let mut held = Held { file: None, path, made: directories::make(directory)? };
    loop {
        let mut options = OpenOptions::new();
        let mut file = itself(options.create(true).read(true).write(true)).open(&held.path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(Refused::Taken(holder(&mut file))),
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        // Who held it before may have removed it after it was opened here.
        if !is_named(&file, &held.path)? {
            continue;
        }
        file.set_len(0)?;
        file.write_all(this_process().as_bytes())?;
        held.file = Some(file);
        unfinished::sweep(directory);
        return Ok(flantune::storage::Claim::new(held));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // While it is locked: nobody else can have taken it.
            let _ = fs::remove_file(&self.path);
            drop(file);
        }
        // What nothing was written into need not stay.
        for directory in self.made.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Whether the file is the one that has the name now.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn is_named(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Who holds a lock, as the holder has written it.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(HOLDER).read_to_string(&mut text) {
        Ok(_) if !text.is_empty() && !text.contains(char::is_control) => text,
        _ => "another process".to_owned(),
    }
}

fn this_process() -> String {
    let process = std::process::id();
    match machine() {
        Some(machine) => format!("process {process} on {machine}"),
        None => format!("process {process}"),
    }
}

/// The name of this machine: a directory may be shared with others.
#[cfg(unix)]
fn machine() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

#[cfg(not(unix))]
fn machine() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}
