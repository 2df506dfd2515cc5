//! Adapters beside their base.

use super::Session;
use crate::{
    adapter::{Adapter, merge::merge, notes::notes, peft::WEIGHTS},
    error::{Error, Result},
    model::{
        files::{BASE_HASH, other_precision},
        folder,
        safetensors::{ADAPTER_HEADER_LIMIT, SafetensorsFile},
    },
    output,
    storage::join,
    text::Warning,
};

impl Session {
    /// An adapter from its directory, for this base.
    pub async fn load_adapter(&self, directory: &str) -> Result<Adapter> {
        let (storage, hash) = (&*self.host.storage, Some(self.base.hash.as_str()));
        match Adapter::load(storage, directory, &self.model, hash).await {
            Err(error @ Error::NotFound { .. }) => {
                match folder::instead_of_adapter(storage, directory).await {
                    Some(message) => Err(Error::format(directory, message)),
                    None => Err(error),
                }
            }
            loaded => loaded,
        }
    }

    /// What to know of an adapter that is read all the same: that its settings name what has no
    /// meaning here, and that its base was this one in another precision.
    ///
    /// # Errors
    /// Those of the adapter's files.
    pub async fn adapter_notes(&self, directory: &str) -> Result<Vec<Warning>> {
        let storage = &*self.host.storage;
        let mut notes = notes(storage, directory, &self.model).await?;
        let path = join(directory, WEIGHTS);
        let file = SafetensorsFile::open(storage, &path, ADAPTER_HEADER_LIMIT).await?;
        let recorded = file.metadata().get(BASE_HASH).map_or("", String::as_str);
        notes.extend(other_precision(recorded, &self.base.hash).map(|(was, is)| {
            let message = format!(
                "{}: the adapter was trained beside this base in {was}, which here is in {is}: \
                 losses differ a little",
                storage.shown(directory)
            );
            Warning { code: "other_precision", message, count: 1 }
        }));
        Ok(notes)
    }

    /// Keeps an adapter beside the base, under this name. Returns the one that had it.
    pub fn hold(&mut self, name: impl Into<String>, adapter: Adapter) -> Option<Adapter> {
        self.adapters.insert(name.into(), adapter)
    }

    /// Lets go of an adapter. Returns it, if there was one of this name.
    pub fn release(&mut self, name: &str) -> Option<Adapter> {
        self.adapters.remove(name)
    }

    /// The adapter of this name among those that are held.
    ///
    /// # Errors
    /// [`Error::Setting`], which lists the names that there are.
    pub fn adapter(&self, name: &str) -> Result<&Adapter> {
        self.adapters.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.adapters.keys().map(String::as_str).collect();
            let names = match names.as_slice() {
                [] => "nothing, because no adapter is held".to_owned(),
                names => format!("one of {}", names.join(", ")),
            };
            Error::setting("adapter", format!("found `{name}`, expected {names}"))
        })
    }

    /// Folds the adapter in `adapter` into the base and writes a whole model into another directory.
    ///
    /// # Errors
    /// [`Error::Setting`] where that directory holds anything; [`Error::Adapter`] for a soft prompt.
    /// Nothing is left in it then.
    pub async fn merge(&self, adapter: &str, into: &str) -> Result<()> {
        let storage = &*self.host.storage;
        let _claim =
            output::claim_directory(storage, into, &[&self.base.directory, adapter]).await?;
        let mut merged = merge(&self.model, &self.load_adapter(adapter).await?, adapter)?;
        let written = self.base.write_model(storage, into, &mut merged).await;
        if written.is_err() {
            output::clear(storage, into).await;
        }
        written
    }
}
