//! Files as the front end gives them: a directory tree natively, OPFS in a browser, a map in tests.
//!
//! Reads are by range, so that a model of 308 MB is read tensor by tensor. Paths are UTF-8 with `/`
//! between their parts.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
};

use async_trait::async_trait;

use crate::error::{Error, Names, Result};

/// Where files are kept.
#[async_trait(?Send)]
pub trait Storage {
    /// The file's length in bytes. [`Error::NotFound`] if there is none.
    async fn length(&self, path: &str) -> Result<u64>;

    /// The bytes of `range`, which must lie within the file.
    async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>>;

    /// Opens a file for writing. It appears under its name, whole, at [`Writer::finish`]; directories
    /// on the way are made.
    async fn create(&self, path: &str) -> Result<Box<dyn Writer>>;

    /// Adds to the end of a file, which is made if there is none. What was added may be lost in a
    /// power cut until [`Storage::sync`].
    async fn append(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Returns when what was added to a file lasts through a power cut. Nothing happens if there is
    /// none.
    async fn sync(&self, path: &str) -> Result<()>;

    /// The names (not paths) in a directory, sorted; nothing for a directory that does not exist.
    async fn list(&self, directory: &str) -> Result<Vec<String>>;

    /// Removes a file, or a directory with all it holds. Nothing happens if there is none. After a
    /// power cut all of it may be there again, or a part.
    async fn remove(&self, path: &str) -> Result<()>;

    /// What a name stands for, itself and not what it may point to; `None` if there is nothing.
    async fn entry(&self, path: &str) -> Result<Option<Entry>> {
        match self.length(path).await {
            Ok(_) => Ok(Some(Entry::File)),
            // A storage without empty directories.
            Err(error) => match (self.list(path).await?.is_empty(), error) {
                (false, _) => Ok(Some(Entry::Directory)),
                (true, Error::NotFound { .. }) => Ok(None),
                (true, error) => Err(error),
            },
        }
    }

    /// What a user calls the file or directory at a path, for messages: the path itself, unless the
    /// front end keeps files where no user sees them.
    fn shown(&self, path: &str) -> String {
        path.to_owned()
    }

    /// One name for all ways to write a path: two paths lead to the same place where this is equal.
    async fn identity(&self, path: &str) -> Result<String> {
        Ok(path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/"))
    }

    /// Takes a directory for oneself, which is made if there is none, until the claim is dropped.
    /// Where nobody else can write, or nobody can be kept out, this does nothing.
    ///
    /// # Errors
    /// [`Error::Storage`] says who has it.
    async fn claim(&self, _directory: &str) -> Result<Claim> {
        Ok(Claim::default())
    }

    /// Writes a whole file at once: afterwards it holds either `bytes` or what it held before.
    async fn write(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut writer = self.create(path).await?;
        writer.write(bytes).await?;
        writer.finish().await
    }

    /// The whole file, refused with [`Error::Format`] when it is longer than `limit` bytes.
    async fn read_all(&self, path: &str, limit: u64) -> Result<Vec<u8>> {
        let length = self.length(path).await?;
        if length > limit {
            let message = format!("the file has {length} bytes, more than the {limit} allowed");
            return Err(Error::format(path, message));
        }
        self.read(path, 0..length).await
    }

    /// Whether there is a file of this name.
    async fn exists(&self, path: &str) -> Result<bool> {
        match self.length(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What a name in a storage stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a device or the like.
    Other,
}

/// A directory that nobody else works in, as long as this is kept.
#[derive(Debug, Default)]
pub struct Claim {
    _held: Option<Box<dyn fmt::Debug>>,
}

impl Claim {
    /// Held by what is released when it is dropped.
    pub fn new(held: impl fmt::Debug + 'static) -> Self {
        Self { _held: Some(Box::new(held)) }
    }
}

/// A file that is being written.
#[async_trait(?Send)]
pub trait Writer {
    /// Adds to its end.
    async fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Makes it appear under its name, in place of what was there. Dropped without this, nothing
    /// appears.
    async fn finish(self: Box<Self>) -> Result<()>;
}

/// An error with the files as a user of this storage knows them.
pub fn said(storage: &dyn Storage, error: Error) -> Error {
    error.written(&Names { path: &|path| storage.shown(path), key: &str::to_owned })
}

/// `directory/name`, or `name` where the directory is empty.
pub fn join(directory: &str, name: &str) -> String {
    match directory {
        "" => name.to_owned(),
        _ => format!("{}/{name}", directory.trim_end_matches('/')),
    }
}

/// The path of a file that another file names, relative to the other's directory. One that begins
/// with `/`, or a drive, stays as it is.
pub fn beside(path: &str, name: &str) -> String {
    let drive = name.as_bytes().get(1) == Some(&b':');
    match path.rfind(['/', '\\']) {
        _ if drive || name.starts_with(['/', '\\']) => name.to_owned(),
        None => name.to_owned(),
        Some(end) => format!("{}{name}", &path[..=end]),
    }
}

/// A part of a file that is in memory.
///
/// # Errors
/// [`Error::Storage`] for what goes beyond its end.
pub fn part(path: &str, file: &[u8], range: Range<u64>) -> Result<Vec<u8>> {
    let bytes = file.get(range.start as usize..range.end as usize);
    bytes.map(<[u8]>::to_vec).ok_or_else(|| {
        let message = format!("bytes {}..{} are beyond its end", range.start, range.end);
        Error::Storage { path: path.to_owned(), message }
    })
}

type Files = std::rc::Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    files: Files,
}

impl MemoryStorage {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file, or replaces it.
    pub fn insert(&self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.borrow_mut().insert(path.into(), bytes.into());
    }

    fn with<T>(&self, path: &str, read: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let files = self.files.borrow();
        let file = files.get(path).ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
        Ok(read(file))
    }
}

#[async_trait(?Send)]
impl Storage for MemoryStorage {
    async fn length(&self, path: &str) -> Result<u64> {
        self.with(path, |file| file.len() as u64)
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        self.with(path, |file| part(path, file, range))?
    }

    async fn create(&self, path: &str) -> Result<Box<dyn Writer>> {
        let (files, path) = (self.files.clone(), path.to_owned());
        Ok(Box::new(MemoryWriter { files, path, bytes: Vec::new() }))
    }

    async fn append(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.files.borrow_mut().entry(path.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }

    async fn sync(&self, _path: &str) -> Result<()> {
        Ok(())
    }

    async fn list(&self, directory: &str) -> Result<Vec<String>> {
        let prefix = join(directory, "");
        let names: BTreeSet<String> = (self.files.borrow().keys())
            .filter_map(|path| path.strip_prefix(&prefix)?.split('/').next().map(str::to_owned))
            .collect();
        Ok(names.into_iter().collect())
    }

    async fn remove(&self, path: &str) -> Result<()> {
        let below = join(path, "");
        self.files.borrow_mut().retain(|file, _| file != path && !file.starts_with(&below));
        Ok(())
    }
}

struct MemoryWriter {
    files: Files,
    path: String,
    bytes: Vec<u8>,
}

#[async_trait(?Send)]
impl Writer for MemoryWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.files.borrow_mut().insert(self.path, self.bytes);
        Ok(())
    }
}
