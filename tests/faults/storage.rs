//! A storage whose disk fails at a chosen call.

use std::{cell::RefCell, collections::BTreeMap, ops::Range, rc::Rc};

use async_trait::async_trait;
use flantune::{
    Error, Result,
    storage::{MemoryStorage, Storage, Writer, join, part},
};

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// It fails, and those after it do not.
    Once,
    /// It fails, and so does all writing after it.
    Full,
    /// It fails, and so does everything after it; what is found afterwards depends on the loss.
    Power(Loss),
}

/// What a power cut takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Loss {
    /// All that was not synchronised; what was removed is there again, since the removal was not.
    All,
    /// Half of it; of what was removed every other file is there again.
    Parts,
    /// Nothing.
    Nothing,
}

type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Default)]
struct Disk {
    /// What programs find.
    seen: Files,
    /// What is there after a power cut.
    lasting: Files,
    calls: usize,
    fault: Option<(usize, Fault)>,
    broken: bool,
}

/// What lies in `out` is on the disk; all else is given, and always there.
#[derive(Clone, Debug)]
pub(crate) struct Unreliable {
    given: MemoryStorage,
    disk: Rc<RefCell<Disk>>,
}

/// Whether a path is on the disk.
fn on_disk(path: &str) -> bool {
    path == "out" || path.starts_with("out/")
}

fn failed(path: &str) -> Error {
    Error::Write { path: path.to_owned(), message: "the disk failed".to_owned() }
}

impl Unreliable {
    pub(crate) fn over(given: MemoryStorage) -> Self {
        Self { given, disk: Rc::default() }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.disk.borrow().calls
    }

    pub(crate) fn fail_at(&self, call: usize, fault: Fault) {
        self.disk.borrow_mut().fault = Some((call, fault));
    }

    /// From now on nothing fails.
    pub(crate) fn repair(&self) {
        let mut disk = self.disk.borrow_mut();
        if let (true, Some((_, Fault::Power(loss)))) = (disk.broken, disk.fault) {
            disk.cut(loss);
        }
        (disk.fault, disk.broken) = (None, false);
    }

    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.disk.borrow().seen.get(path).cloned()
    }

    /// Counts a call, which may be the one that fails.
    fn call(&self, path: &str, writes: bool) -> Result<()> {
        let mut disk = self.disk.borrow_mut();
        let now = disk.calls;
        disk.calls += 1;
        match disk.fault {
            Some((at, Fault::Once)) if now == at => Err(failed(path)),
            Some((at, Fault::Full)) if now >= at && writes => Err(failed(path)),
            Some((at, Fault::Power(_))) if now >= at => {
                disk.broken = true;
                Err(failed(path))
            }
            _ => Ok(()),
        }
    }
}

impl Disk {
    fn cut(&mut self, loss: Loss) {
        match loss {
            Loss::Nothing => {}
            Loss::All => self.seen = self.lasting.clone(),
            Loss::Parts => {
                for (path, file) in &mut self.seen {
                    let lasting = self.lasting.get(path).map_or(0, Vec::len);
                    let added = file.len().saturating_sub(lasting);
                    file.truncate(file.len() - added / 2);
                }
                for (number, (path, file)) in self.lasting.iter().enumerate() {
                    if number % 2 == 0 && !self.seen.contains_key(path) {
                        self.seen.insert(path.clone(), file.clone());
                    }
                }
            }
        }
        self.lasting = self.seen.clone();
    }
}

#[async_trait(?Send)]
impl Storage for Unreliable {
    async fn length(&self, path: &str) -> Result<u64> {
        if !on_disk(path) {
            return self.given.length(path).await;
        }
        self.call(path, false)?;
        let file = self.file(path).ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
        Ok(file.len() as u64)
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        if !on_disk(path) {
            return self.given.read(path, range).await;
        }
        self.call(path, false)?;
        let file = self.file(path).ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
        part(path, &file, range)
    }

    async fn create(&self, path: &str) -> Result<Box<dyn Writer>> {
        assert!(on_disk(path), "{path}");
        self.call(path, true)?;
        Ok(Box::new(File { storage: self.clone(), path: path.to_owned(), bytes: Vec::new() }))
    }

    async fn append(&self, path: &str, bytes: &[u8]) -> Result<()> {
        assert!(on_disk(path), "{path}");
        let called = self.call(path, true);
        let mut disk = self.disk.borrow_mut();
        // A write that fails may have written a part.
        let end = if called.is_ok() { bytes.len() } else { bytes.len() / 3 };
        if called.is_ok() || !disk.broken {
            disk.seen.entry(path.to_owned()).or_default().extend_from_slice(&bytes[..end]);
        }
        called
    }

    async fn sync(&self, path: &str) -> Result<()> {
        self.call(path, true)?;
        let mut disk = self.disk.borrow_mut();
        if let Some(file) = disk.seen.get(path).cloned() {
            disk.lasting.insert(path.to_owned(), file);
        }
        Ok(())
    }

    async fn list(&self, directory: &str) -> Result<Vec<String>> {
        if !on_disk(directory) {
            return self.given.list(directory).await;
        }
        self.call(directory, false)?;
        let below = join(directory, "");
        let disk = self.disk.borrow();
        let mut names: Vec<String> = (disk.seen.keys())
            .filter_map(|path| path.strip_prefix(&below)?.split('/').next().map(str::to_owned))
            .collect();
        names.dedup();
        Ok(names)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.call(path, true)?;
        let below = join(path, "");
        let mut disk = self.disk.borrow_mut();
        disk.seen.retain(|file, _| file != path && !file.starts_with(&below));
        Ok(())
    }
}

struct File {
    storage: Unreliable,
    path: String,
    bytes: Vec<u8>,
}

#[async_trait(?Send)]
impl Writer for File {
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.storage.call(&self.path, true)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.storage.call(&self.path, true)?;
        let mut disk = self.storage.disk.borrow_mut();
        disk.seen.insert(self.path.clone(), self.bytes.clone());
        disk.lasting.insert(self.path, self.bytes);
        Ok(())
    }
}
