//! Files of the system's file system.

mod claim;
mod directories;
mod unfinished;

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
    rc::Rc,
};

use async_trait::async_trait;
use flantune::{
    Error, Result,
    storage::{Claim, Entry, Storage, Writer},
};

use self::directories::{make_parent, parent, sync_directory};
pub(crate) use self::unfinished::{Unfinished, remove_all as remove_unfinished};

/// Begins the names of what is not there for users: files that are still being written, and locks.
/// Such names are never listed.
const HIDDEN: &str = ".flantune-";

/// Files under the paths that the user gives, relative to the working directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileStorage {
    /// The file read last: a model is read tensor by tensor, hundreds of ranges of one file.
    open: Rc<RefCell<Option<OpenFile>>>,
}

#[derive(Debug)]
struct OpenFile {
    path: String,
    file: File,
}

impl FileStorage {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Has `work` read from the file, which stays open for the next time.
    fn with<T>(&self, path: &str, work: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T> {
        let mut open = self.open.borrow_mut();
        if open.as_ref().is_none_or(|open| open.path != path) {
            let file = open_file(path).map_err(|error| failure(path, error))?;
            *open = Some(OpenFile { path: path.to_owned(), file });
        }
        match open.as_mut() {
            Some(open) => work(&mut open.file).map_err(|error| failure(path, error)),
            None => Err(Error::NotFound { path: path.to_owned() }),
        }
    }

    /// Forgets the open file: the path may name another one from now on.
    fn forget(&self) {
        *self.open.borrow_mut() = None;
    }
}

#[async_trait(?Send)]
impl Storage for FileStorage {
    async fn length(&self, path: &str) -> Result<u64> {
        // Asked afresh, not of an open handle: whoever asks may have seen the file replaced.
        let metadata = fs::metadata(path).and_then(regular);
        metadata.map(|metadata| metadata.len()).map_err(|error| failure(path, error))
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        self.with(path, |file| {
            // Before memory is taken for it.
            let length = file.metadata()?.len();
            if range.start > range.end || range.end > length {
                let (start, end) = (range.start, range.end);
                let message = format!("bytes {start}..{end} are beyond its end at {length}");
                return Err(io::Error::new(ErrorKind::UnexpectedEof, message));
            }
            let mut bytes = vec![0; (range.end - range.start) as usize];
            file.seek(SeekFrom::Start(range.start))?;
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        })
    }

    async fn create(&self, path: &str) -> Result<Box<dyn Writer>> {
        let writer = FileWriter::new(self.clone(), path).map_err(|error| failure(path, error))?;
        Ok(Box::new(writer))
    }

    async fn append(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let append = || {
            make_parent(path)?;
            itself(OpenOptions::new().create(true).append(true)).open(path)?.write_all(bytes)
        };
        append().map_err(|error| not_written(path, error))
    }

    async fn sync(&self, path: &str) -> Result<()> {
        let sync = || {
            // Opened for writing, without which Windows does not synchronise.
            itself(OpenOptions::new().append(true)).open(path)?.sync_all()?;
            sync_directory(parent(path))
        };
        match sync() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            synced => synced.map_err(|error| not_written(path, error)),
        }
    }

    async fn list(&self, directory: &str) -> Result<Vec<String>> {
        let path = if directory.is_empty() { "." } else { directory };
        match names(path) {
            Ok(names) => Ok(names),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failure(directory, error)),
        }
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.forget();
        // A link is removed itself, not what it points to.
        let removed = fs::symlink_metadata(path).and_then(|metadata| {
            if metadata.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
        });
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failure(path, error)),
            _ => Ok(()),
        }
    }

    async fn entry(&self, path: &str) -> Result<Option<Entry>> {
        let path = if path.is_empty() { "." } else { path };
        // Behind a separator a link would be followed.
        let name = match path.trim_end_matches('/') {
            "" => path,
            name => name,
        };
        let kind = match fs::symlink_metadata(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(|error| failure(path, error))?.file_type(),
        };
        Ok(Some(match kind {
            kind if kind.is_symlink() => Entry::Link,
            kind if kind.is_dir() => Entry::Directory,
            kind if kind.is_file() => Entry::File,
            _ => Entry::Other,
        }))
    }

    async fn identity(&self, path: &str) -> Result<String> {
        let whole = directories::canonical(path).map_err(|error| failure(path, error))?;
        Ok(whole.to_string_lossy().into_owned())
    }

    async fn claim(&self, directory: &str) -> Result<Claim> {
        claim::claim(Path::new(directory)).map_err(|error| match error {
            claim::Refused::Taken(holder) => {
                let message = format!("it is in use by {holder}; wait for it, or stop it");
                Error::Storage { path: directory.to_owned(), message }
            }
            claim::Refused::Failed(error) => not_written(directory, error),
        })
    }
}

/// Writes beside the file, and takes its place at the end.
struct FileWriter {
    storage: FileStorage,
    path: String,
    unfinished: Unfinished,
}

impl FileWriter {
    fn new(storage: FileStorage, path: &str) -> io::Result<Self> {
        if Path::new(path).is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        Path::new(path).file_name().ok_or(ErrorKind::InvalidFilename)?;
        let unfinished = Unfinished::new(make_parent(path)?)?;
        Ok(Self { storage, path: path.to_owned(), unfinished })
    }
}

#[async_trait(?Send)]
impl Writer for FileWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.unfinished.write_all(bytes).map_err(|error| not_written(&self.path, error))
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        let Self { storage, path, unfinished } = *self;
        storage.forget();
        let finish = || {
            // The content must be on the disk before the name is, or a power cut leaves an empty
            // file under it; and the name before whatever is written next relies on it.
            unfinished.take_place(Path::new(&path))?;
            sync_directory(parent(&path))
        };
        finish().map_err(|error| not_written(&path, error))
    }
}

/// Opens a file itself, and never what a link points to.
pub(crate) fn itself(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW);
    }
    options
}

fn open_file(path: &str) -> io::Result<File> {
    // Opening a pipe would wait for its writer, so the kind is asked first.
    regular(fs::metadata(path)?)?;
    File::open(path)
}

fn regular(metadata: fs::Metadata) -> io::Result<fs::Metadata> {
    if metadata.is_dir() {
        Err(ErrorKind::IsADirectory.into())
    } else if metadata.is_file() {
        Ok(metadata)
    } else {
        let message = "it is a pipe or a device, expected a file";
        Err(io::Error::new(ErrorKind::InvalidInput, message))
    }
}

fn names(directory: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        // A name that is not UTF-8 is none of ours.
        let Ok(name) = entry?.file_name().into_string() else {
            continue;
        };
        if !name.starts_with(HIDDEN) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// What there is to say where a link stood in the place of a file that was to be written.
pub(crate) fn link(error: &io::Error) -> Option<&'static str> {
    #[cfg(unix)]
    let is_link = error.raw_os_error() == Some(libc::ELOOP);
    #[cfg(not(unix))]
    let is_link = false;
    is_link.then_some("it is a symbolic link, and nothing is written through one")
}

/// As [`failure`], of a file that was to be written: some errors say that it must not be, and others
/// that the disk is at fault.
fn not_written(path: &str, error: io::Error) -> Error {
    let link = link(&error);
    match (error.kind(), failure(path, error)) {
        _ if link.is_some() => {
            let message = link.unwrap_or_default().to_owned();
            Error::Storage { path: path.to_owned(), message }
        }
        (
            ErrorKind::NotFound
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::AlreadyExists
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput,
            failure,
        ) => failure,
        (_, Error::Storage { path, message }) => Error::Write { path, message },
        (_, failure) => failure,
    }
}

fn failure(path: &str, error: io::Error) -> Error {
    let message = match error.kind() {
        ErrorKind::NotFound => {
            return Error::NotFound { path: path.to_owned() };
        }
        ErrorKind::IsADirectory => "it is a directory, expected a file".to_owned(),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a part of this path is a file, expected a directory".to_owned()
        }
        _ => error.to_string(),
    };
    Error::Storage { path: path.to_owned(), message }
}

#[cfg(test)]
mod tests;
