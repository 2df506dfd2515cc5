//! What an adapter's directory says of it, without its base.

use serde::Serialize;
use serde_json::Value;

use super::{
    AdapterConfig,
    peft::{CONFIG, CONFIG_LIMIT, WEIGHTS},
};
use crate::{
    config::Method,
    error::Result,
    model::{
        files::BASE_HASH,
        safetensors::{ADAPTER_HEADER_LIMIT, SafetensorsFile},
    },
    storage::{Storage, join},
};

/// An adapter in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What it is.
    pub method: Method,
    /// How many numbers it has.
    pub parameters: u64,
    /// The bytes of its tensors' file.
    pub bytes: u64,
    /// The hash of the base that it was trained beside, where the file tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Its settings, as peft would write them.
    pub config: Value,
}

impl Summary {
    /// Reads an adapter's settings and the header of its tensors.
    ///
    /// # Errors
    /// As [`Adapter::load`](super::Adapter::load), as far as it can be judged without the base.
    pub async fn open(storage: &dyn Storage, directory: &str) -> Result<Self> {
        let path = join(directory, CONFIG);
        let config =
            AdapterConfig::from_json(&path, &storage.read_all(&path, CONFIG_LIMIT).await?)?;
        let path = join(directory, WEIGHTS);
        let file = SafetensorsFile::open(storage, &path, ADAPTER_HEADER_LIMIT).await?;
        let numbers = file.tensors().values().map(|tensor| tensor.elements() as u64);
        Ok(Self {
            method: config.method(),
            parameters: numbers.sum(),
            bytes: storage.length(&path).await?,
            base: file.metadata().get(BASE_HASH).cloned(),
            config: serde_json::from_slice(&config.to_json()).unwrap_or_default(),
        })
    }
}
