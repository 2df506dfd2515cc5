//! The built-in model and the demo sets, which are in the binary.

use std::ops::Range;

use async_trait::async_trait;
use flantune::{
    Error, Result,
    storage::{Claim, Entry, Storage, Writer, join, part},
};

/// What the built-in model goes by.
pub(crate) const BUILTIN: &str = "builtin";
/// The directory of the built-in model. No file system of Windows has such a name, and hardly
/// anybody else's.
pub(crate) const MODEL: &str = "builtin:";
/// The directory of the demo sets, each in its own.
pub(crate) const DATA: &str = "builtin:/data";

/// `file!("builtin:/NAME" = "PATH")`, the path as seen from the root of the sources.
macro_rules! files {
    ($($name:literal = $path:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!("../../../", $path)) as &[u8])),+]
    };
}

static FILES: [(&str, &[u8]); 14] = files!(
    "config.json" = "models/builtin/config.json",
    "generation_config.json" = "models/builtin/generation_config.json",
    "model.safetensors" = "models/builtin/model.safetensors",
    "tokenizer.json" = "models/builtin/tokenizer.json",
    "tokenizer_config.json" = "models/builtin/tokenizer_config.json",
    "data/casual/test.jsonl" = "data/casual/test.jsonl",
    "data/casual/train.jsonl" = "data/casual/train.jsonl",
    "data/casual/validation.jsonl" = "data/casual/validation.jsonl",
    "data/dialogues/test.jsonl" = "data/dialogues/test.jsonl",
    "data/dialogues/train.jsonl" = "data/dialogues/train.jsonl",
    "data/dialogues/validation.jsonl" = "data/dialogues/validation.jsonl",
    "data/reviews/test.jsonl" = "data/reviews/test.jsonl",
    "data/reviews/train.jsonl" = "data/reviews/train.jsonl",
    "data/reviews/validation.jsonl" = "data/reviews/validation.jsonl",
);

/// Other files, with those of the binary among them, which cannot be changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Embedded<S>(pub(crate) S);

/// The path of a file of the binary within it.
fn within(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(MODEL)?;
    Some(rest.strip_prefix('/').unwrap_or(rest))
}

fn find(path: &str, name: &str) -> Result<&'static [u8]> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    let (_, bytes) = found.ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
    Ok(bytes)
}

fn fixed<T>(path: &str) -> Result<T> {
    let message = "it is a part of the program and cannot be changed".to_owned();
    Err(Error::Storage { path: path.to_owned(), message })
}

#[async_trait(?Send)]
impl<S: Storage> Storage for Embedded<S> {
    async fn length(&self, path: &str) -> Result<u64> {
        match within(path) {
            Some(name) => Ok(find(path, name)?.len() as u64),
            None => self.0.length(path).await,
        }
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        match within(path) {
            Some(name) => part(path, find(path, name)?, range),
            None => self.0.read(path, range).await,
        }
    }

    async fn create(&self, path: &str) -> Result<Box<dyn Writer>> {
        match within(path) {
            Some(_) => fixed(path),
            None => self.0.create(path).await,
        }
    }

    async fn append(&self, path: &str, bytes: &[u8]) -> Result<()> {
        match within(path) {
            Some(_) => fixed(path),
            None => self.0.append(path, bytes).await,
        }
    }

    async fn sync(&self, path: &str) -> Result<()> {
        match within(path) {
            Some(_) => fixed(path),
            None => self.0.sync(path).await,
        }
    }

    async fn entry(&self, path: &str) -> Result<Option<Entry>> {
        match within(path) {
            None => self.0.entry(path).await,
            Some(_) if !self.list(path).await?.is_empty() => Ok(Some(Entry::Directory)),
            Some(_) => Ok(self.exists(path).await?.then_some(Entry::File)),
        }
    }

    async fn identity(&self, path: &str) -> Result<String> {
        match within(path) {
            Some(_) => Ok(path.trim_end_matches('/').to_owned()),
            None => self.0.identity(path).await,
        }
    }

    async fn claim(&self, directory: &str) -> Result<Claim> {
        match within(directory) {
            Some(_) => fixed(directory),
            None => self.0.claim(directory).await,
        }
    }

    async fn list(&self, directory: &str) -> Result<Vec<String>> {
        let Some(within) = within(directory) else { return self.0.list(directory).await };
        let below = join(within, "");
        let mut names: Vec<String> = (FILES.iter())
            .filter_map(|(name, _)| name.strip_prefix(&below)?.split('/').next())
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        match within(path) {
            Some(_) => fixed(path),
            None => self.0.remove(path).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use flantune::storage::MemoryStorage;
    use pollster::block_on;

    use super::*;

    #[test]
    fn the_files_of_the_binary_are_among_the_others() {
        let memory = MemoryStorage::new();
        memory.insert("a/b", *b"abc");
        let storage = Embedded(memory);
        assert_eq!(block_on(storage.read("a/b", 1..3)).unwrap(), b"bc");
        let config = block_on(storage.read_all("builtin:/config.json", 1 << 20)).unwrap();
        assert!(config.starts_with(b"{"));
        let names = block_on(storage.list(MODEL)).unwrap();
        assert!(names.contains(&"tokenizer.json".to_owned()) && names.contains(&"data".to_owned()));
        assert_eq!(block_on(storage.list(DATA)).unwrap(), ["casual", "dialogues", "reviews"]);
        assert!(block_on(storage.list("builtin:/other")).unwrap().is_empty());
        let path = "builtin:/other";
        assert!(matches!(block_on(storage.length(path)), Err(Error::NotFound { .. })));
        assert!(block_on(storage.read("builtin:/config.json", 0..1 << 30)).is_err());
    }

    #[test]
    fn they_cannot_be_changed() {
        let storage = Embedded(MemoryStorage::new());
        let path = "builtin:/config.json";
        assert!(block_on(storage.write(path, b"a")).is_err());
        assert!(block_on(storage.append(path, b"a")).is_err());
        assert!(block_on(storage.remove(MODEL)).is_err());
        assert!(block_on(storage.exists(path)).unwrap());
    }
}
