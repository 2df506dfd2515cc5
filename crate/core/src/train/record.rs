//! `run.json`: what a run is, and how it has ended.

use serde_json::{Value, json};

use crate::{
    config::{FILE_LIMIT, RunConfig},
    error::{Error, Message, Result},
    exact,
    model::files::same_base,
    ops::gpu::product::Tiles,
    output::RECORD,
    storage::{Storage, join},
};

/// The most bytes of a configuration. It stands in files of up to [`FILE_LIMIT`], with results.
const CONFIG_LIMIT: usize = FILE_LIMIT as usize / 4;

/// What makes a run this run and no other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'a> {
    pub(super) config: &'a RunConfig,
    /// The base's hash.
    pub(super) base: &'a str,
    /// A hash of the examples; records of earlier versions have none.
    pub(super) data: Option<&'a str>,
}

/// The record of a run.
#[derive(Clone, Debug)]
pub(super) struct Record {
    config: RunConfig,
    base: String,
    data: Option<String>,
    /// `null` while the run is not done.
    pub(super) result: Value,
}

impl Record {
    /// Reads the record of the run in a directory.
    ///
    /// # Errors
    /// [`Error::Format`] for one that is damaged.
    pub(super) async fn read(storage: &dyn Storage, run: &str) -> Result<Self> {
        let path = join(run, RECORD);
        let bytes = storage.read_all(&path, FILE_LIMIT).await?;
        let config = RunConfig::from_file(&path, &bytes)?;
        let value: Value = exact::from_str(&String::from_utf8_lossy(&bytes))
            .map_err(|error| Error::format(&path, format!("not valid JSON: {error}")))?;
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let Some(base) = text("base") else {
            return Err(Error::format(path, "it is no record of a run: it names no base"));
        };
        Ok(Record { config, base, data: text("data"), result: value["result"].clone() })
    }

    /// What the run is.
    pub(super) fn identity(&self) -> Identity<'_> {
        Identity { config: &self.config, base: &self.base, data: self.data.as_deref() }
    }
}

impl Identity<'_> {
    /// Writes the record of the run in a directory, with the device and how products are made on it.
    pub(super) async fn write(
        &self,
        storage: &dyn Storage,
        run: &str,
        (device, tiles): (&str, Option<Tiles>),
        result: Option<Value>,
    ) -> Result<()> {
        let mut record = json!({
            "flantune": env!("CARGO_PKG_VERSION"),
            "config": self.config,
            "base": self.base,
            "data": self.data,
            "device": device,
            "result": result,
        });
        if let Some(tiles) = tiles {
            record["tiles"] = json!(tiles);
        }
        let path = join(run, RECORD);
        let text = serde_json::to_string_pretty(&record)
            .map_err(|error| Error::Storage { path: path.clone(), message: error.to_string() })?;
        storage.write(&path, (text + "\n").as_bytes()).await
    }

    /// That the records of this run can be read back.
    ///
    /// # Errors
    /// [`Error::Setting`] for a configuration that is too long.
    pub(super) fn check_length(&self) -> Result<()> {
        let length = serde_json::to_string_pretty(self.config).map_or(0, |text| text.len());
        if length <= CONFIG_LIMIT {
            return Ok(());
        }
        // Nothing else in a configuration is long.
        let message = format!(
            "the configuration with it has {length} bytes, more than the {CONFIG_LIMIT} that a run's record \
             has room for; keep a long template in a file for "
        );
        Err(Error::setting("template", Message::from(message).key("template_file")))
    }

    /// That a run which is gone on with is the one that was begun. Where files lie may differ: what is
    /// in them is compared.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first key that differs.
    pub(super) fn check_same(&self, begun: Identity<'_>) -> Result<()> {
        let began_with = |key: &str, what: &str| {
            Err(Error::setting(key, format!("the run that is to be resumed began with {what}")))
        };
        if !same_base(begun.base, self.base) {
            return began_with("base", "another base");
        }
        if let (Some(begun), Some(data)) = (begun.data, self.data)
            && begun != data
        {
            return began_with("train", "other rows, or rows rendered otherwise");
        }
        for key in RunConfig::keys() {
            let (was, is) = (begun.config.get(key.name), self.config.get(key.name));
            if was != is && !key.row.free {
                let show = |value: Option<Value>| value.unwrap_or_default().to_string();
                return began_with(key.name, &format!("{}, not {}", show(was), show(is)));
            }
        }
        Ok(())
    }
}
