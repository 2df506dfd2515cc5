//! A model's directory in the cache, as huggingface_hub lays it out: `blobs` with a file of each
//! content, `snapshots/COMMIT` with links of the files' names to them, `refs/REVISION` with commits.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use flantune::model::hub::{HubModel, Listing, Problem, SHARDS, is_commit, shards_of};

use crate::{
    printer::Printer,
    storage::{Unfinished, itself, link},
};

/// Ends the names of blobs that are still being downloaded.
const INCOMPLETE: &str = ".incomplete";

#[derive(Debug)]
pub(super) struct Cache {
    /// The model's directory.
    root: PathBuf,
    /// Where the locks are that keep two programs from downloading the same file.
    locks: PathBuf,
}

impl Cache {
    pub(super) fn new(cache: &Path, model: &HubModel) -> Self {
        let folder = model.folder();
        // Links in it must hold wherever this process is.
        let cache = std::path::absolute(cache).unwrap_or_else(|_| cache.to_owned());
        Cache { locks: cache.join(".locks").join(&folder), root: cache.join(folder) }
    }

    /// The commit of a revision whose files are all here.
    pub(super) fn find(&self, revision: &str) -> Option<String> {
        self.commit(revision).filter(|commit| self.is_whole(commit))
    }

    /// The commit that a revision was when it was asked for last.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        let commit = if is_commit(revision) {
            revision.to_owned()
        } else {
            fs::read_to_string(self.root.join("refs").join(revision)).ok()?.trim().to_owned()
        };
        is_commit(&commit).then_some(commit)
    }

    fn is_whole(&self, commit: &str) -> bool {
        self.missing(commit).is_none()
    }

    /// A file that a commit lacks, in words.
    pub(super) fn missing(&self, commit: &str) -> Option<String> {
        let names = fs::read_dir(self.snapshot(commit)).into_iter().flatten();
        let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        // A link whose blob is gone counts for nothing.
        let files = names.filter(|name| self.has(commit, name)).collect();
        let needed = match (Listing { commit: commit.to_owned(), files }).needed() {
            Ok(needed) => needed,
            Err(Problem::NoFile { file }) => return Some(file.to_owned()),
            Err(Problem::NoWeights { pickled: true }) => {
                return Some("model.safetensors (there is only pytorch_model.bin)".to_owned());
            }
            Err(_) => return Some("model.safetensors".to_owned()),
        };
        if !needed.contains(&SHARDS) {
            return None;
        }
        let index = fs::read(self.snapshot(commit).join(SHARDS)).ok();
        match index.and_then(|index| shards_of(SHARDS, &index).ok()) {
            Some(shards) => shards.into_iter().find(|shard| !self.has(commit, shard)),
            None => Some(format!("what {SHARDS} should say")),
        }
    }

    /// Whether a file of the commit is here.
    pub(super) fn has(&self, commit: &str, name: &str) -> bool {
        self.snapshot(commit).join(name).is_file()
    }

    /// The directory of a commit's files.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The file with the content of this tag. Where it is not here, `fill` downloads it into a file
    /// that is put in its place as a whole.
    pub(super) fn blob(
        &self,
        etag: &str,
        printer: Printer,
        fill: impl FnOnce(&Path) -> Result<(), Problem>,
    ) -> Result<PathBuf, Problem> {
        let path = self.root.join("blobs").join(etag);
        if path.is_file() {
            return Ok(path);
        }
        make_parent(&path)?;
        let _lock = self.lock(etag, printer)?;
        // Another program may have been faster.
        if !path.is_file() {
            let part = self.root.join("blobs").join(format!("{etag}{INCOMPLETE}"));
            fill(&part)?;
            fs::rename(&part, &path).map_err(|error| failure(&path, &error))?;
        }
        Ok(path)
    }

    /// The lock of a blob, held as long as the file is open: the one that huggingface_hub takes.
    fn lock(&self, etag: &str, printer: Printer) -> Result<File, Problem> {
        let path = self.locks.join(format!("{etag}.lock"));
        make_parent(&path)?;
        let mut options = OpenOptions::new();
        let file = itself(options.create(true).write(true)).open(&path);
        let file = file.map_err(|error| failure(&path, &error))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                printer.note("Waiting for another program that downloads the same file");
                file.lock().map_err(|error| failure(&path, &error))?;
            }
            // There are file systems without locks; then nothing keeps two downloads apart but the
            // check of what they end in.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        Ok(file)
    }

    /// Gives a blob its name among a commit's files.
    pub(super) fn link(&self, commit: &str, name: &str, blob: &Path) -> Result<(), Problem> {
        let path = self.snapshot(commit).join(name);
        make_parent(&path)?;
        // A link to a blob that is gone stands in the way of its like.
        let _ = fs::remove_file(&path);
        let target = Path::new("../../blobs").join(blob.file_name().unwrap_or_default());
        match symlink(&target, &path) {
            // Windows allows links to administrators and developers only. Then the file itself goes
            // there, as huggingface_hub does it.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(blob, &path),
            _ => Ok(()),
        }
        .map_err(|error| failure(&path, &error))
    }

    /// Remembers what a branch or tag names.
    pub(super) fn set_commit(&self, revision: &str, commit: &str) -> Result<(), Problem> {
        if revision == commit {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        make_parent(&path)?;
        let write = || {
            let mut part = Unfinished::new(path.parent().unwrap_or(&self.root))?;
            part.write_all(commit.as_bytes())?;
            part.take_place(&path)
        };
        write().map_err(|error| failure(&path, &error))
    }
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(windows)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    let target: PathBuf = target.iter().collect();
    std::os::windows::fs::symlink_file(target, path)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_target: &Path, _path: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

fn make_parent(path: &Path) -> Result<(), Problem> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|error| failure(parent, &error)),
        None => Ok(()),
    }
}

/// The cache at fault.
pub(super) fn failure(path: &Path, error: &io::Error) -> Problem {
    Problem::Storage {
        path: path.display().to_string(),
        message: link(error).map_or_else(|| error.to_string(), str::to_owned),
        full: matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded),
    }
}
