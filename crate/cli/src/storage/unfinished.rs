//! Files that are still being written: under a name that nobody can foresee, beside the one that they
//! are to have.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::{Builder, NamedTempFile};

use super::HIDDEN;

/// Ends their names.
const ENDING: &str = ".part";

/// What is to be removed when the process is ended from outside, because nothing else does it then. A
/// name that is here longer than its file does no harm: it is not given again.
static LEFT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn left() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is unfinished, because the process ends.
pub(crate) fn remove_all() {
    for path in std::mem::take(&mut *left()) {
        let _ = fs::remove_file(path);
    }
}

/// Removes what processes that were killed have left in a directory that nobody else works in.
pub(super) fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(HIDDEN) && name.ends_with(ENDING) {
            // One that cannot be removed is never listed.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A file that disappears unless it takes its place.
#[derive(Debug)]
pub(crate) struct Unfinished {
    path: PathBuf,
    file: NamedTempFile,
}

impl Unfinished {
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(HIDDEN).suffix(ENDING);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any file that is made: the process's mask takes from it.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(directory)?;
        let path = file.path().to_owned();
        left().insert(path.clone());
        Ok(Self { path, file })
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_file_mut().write_all(bytes)
    }

    /// Gives the file, whole and on the disk, its name, in place of what had it.
    pub(crate) fn take_place(self, path: &Path) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        let placed = self.file.persist(path);
        left().remove(&self.path);
        placed.map(drop).map_err(|error| error.error)
    }
}
