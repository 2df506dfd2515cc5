//! Files of the system's file system.

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
    rc::Rc,
};

use async_trait::async_trait;
use flantune::{
    Error, Result,
    storage::{Storage, Writer},
};

/// Ends the names of files that are still being written. One that a killed process leaves behind is
/// never listed, and replaced by the next try.
const UNFINISHED: &str = ".part";

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
            OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)
        };
        append().map_err(|error| failure(path, error))
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
}

/// Writes beside the file, and takes its place at the end.
struct FileWriter {
    storage: FileStorage,
    path: String,
    unfinished: PathBuf,
    /// `None` once it is in its place.
    file: Option<File>,
}

impl FileWriter {
    fn new(storage: FileStorage, path: &str) -> io::Result<Self> {
        if Path::new(path).is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let parent = make_parent(path)?;
        let name = Path::new(path).file_name().ok_or(ErrorKind::InvalidFilename)?;
        let unfinished = parent.join(format!(".{}{UNFINISHED}", name.to_string_lossy()));
        let file = Some(File::create(&unfinished)?);
        Ok(Self { storage, path: path.to_owned(), unfinished, file })
    }
}

#[async_trait(?Send)]
impl Writer for FileWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|error| failure(&self.path, error)),
            None => Ok(()),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let finish = |file: &File| {
            // The content must be on the disk before the name is, or a power cut leaves an empty
            // file under it; and the name before whatever is written next relies on it.
            file.sync_all()?;
            fs::rename(&self.unfinished, &self.path)?;
            sync_parent(&self.path)
        };
        self.storage.forget();
        let finished = self.file.as_ref().map_or(Ok(()), finish);
        finished.map_err(|error| failure(&self.path, error))?;
        self.file = None;
        Ok(())
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // If it cannot be removed it is still never listed.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
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
        if !(name.starts_with('.') && name.ends_with(UNFINISHED)) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn parent(path: &str) -> &Path {
    match Path::new(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn make_parent(path: &str) -> io::Result<&Path> {
    let parent = parent(path);
    fs::create_dir_all(parent)?;
    Ok(parent)
}

#[cfg(unix)]
fn sync_parent(path: &str) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

/// Elsewhere a directory cannot be opened to be synchronised.
#[cfg(not(unix))]
fn sync_parent(_path: &str) -> io::Result<()> {
    Ok(())
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
