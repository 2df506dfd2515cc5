//! Adapters as peft keeps them: a directory of `adapter_config.json` and
//! `adapter_model.safetensors`. The same adapter written twice has the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Tensor, TensorData};

use super::{
    Adapter, AdapterConfig,
    targets::{Chosen, PatternBudget, Targets},
};
use crate::{
    device,
    error::{Error, Result},
    model::{
        T5,
        files::{BASE_HASH, same_base, what_differs},
        parameter::Parameters,
        safetensors::{ADAPTER_HEADER_LIMIT, Dtype, SafetensorsFile, TensorSpec},
        weights::write_tensors,
    },
    storage::{Storage, join},
};

/// The file of an adapter's settings.
pub const CONFIG: &str = "adapter_config.json";
/// The file of an adapter's tensors.
pub const WEIGHTS: &str = "adapter_model.safetensors";

/// No adapter's settings are this long.
pub(super) const CONFIG_LIMIT: u64 = 1 << 20;

impl Adapter {
    /// Writes the adapter into a directory. `base` is the hash of the base's headers.
    pub async fn save(
        &mut self,
        storage: &dyn Storage,
        directory: &str,
        base: Option<&str>,
    ) -> Result<()> {
        let prefix = self.prefix();
        let (mut specs, mut tensors) = (Vec::new(), BTreeMap::new());
        self.visit(&mut |name, parameter| {
            let (name, shape) = (format!("{prefix}{name}"), parameter.shape());
            tensors.insert(name.clone(), parameter.flat());
            specs.push(TensorSpec { name, shape, dtype: Dtype::F32 });
        });
        let metadata = base.map(|base| (BASE_HASH.to_owned(), base.to_owned()));
        let path = join(directory, WEIGHTS);
        let metadata = metadata.into_iter().collect();
        write_tensors(storage, &path, metadata, specs, tensors).await?;
        storage.write(&join(directory, CONFIG), &self.config().to_json()).await
    }

    /// Reads an adapter for this base, whose hash is `base`.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Tensor`] for faulty files, [`Error::Adapter`] for settings that
    /// are not supported and for an adapter of another base.
    pub async fn load(
        storage: &dyn Storage,
        directory: &str,
        model: &T5,
        base: Option<&str>,
    ) -> Result<Self> {
        let path = join(directory, CONFIG);
        let config =
            AdapterConfig::from_json(&path, &storage.read_all(&path, CONFIG_LIMIT).await?)?;
        let path = join(directory, WEIGHTS);
        let file = SafetensorsFile::open(storage, &path, ADAPTER_HEADER_LIMIT).await?;
        let made_for = file.metadata().get(BASE_HASH).map(String::as_str);
        if let (Some(made_for), Some(base)) = (made_for, base)
            && !same_base(made_for, base)
        {
            let message = format!(
                "the adapter was trained beside another base (its hash begins {made_for:.12}, this one's \
                 {base:.12}): {}",
                what_differs(made_for, base)
            );
            return Err(Error::Adapter { path: directory.to_owned(), message });
        }
        Self::read(&Reader { storage, directory, file, path, model }, config).await
    }
}

/// Reads an adapter's tensors onto the base's device.
pub(crate) struct Reader<'a> {
    storage: &'a dyn Storage,
    /// The adapter's directory.
    pub(super) directory: &'a str,
    file: SafetensorsFile,
    path: String,
    /// The base.
    pub(super) model: &'a T5,
}

impl Reader<'_> {
    /// The base's linear maps that an adapter stands beside.
    pub(super) fn choose(&self, targets: &Targets, budget: &mut PatternBudget) -> Result<Chosen> {
        targets.choose(self.model, budget).map_err(|message| self.fault(message))
    }

    /// What is wrong with the settings.
    pub(super) fn fault(&self, message: String) -> Error {
        Error::Adapter { path: join(self.directory, CONFIG), message }
    }

    pub(super) async fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Tensor<2>> {
        let values = self.values(name, &shape).await?;
        Ok(Tensor::from_data(TensorData::new(values, shape), self.model.device().burn()))
    }

    pub(super) async fn vector(&self, name: &str, length: usize) -> Result<Tensor<1>> {
        let values = self.values(name, &[length]).await?;
        Ok(Tensor::from_data(TensorData::new(values, [length]), self.model.device().burn()))
    }

    async fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some(info) = self.file.tensors().get(name) else {
            let there = self.file.tensors().keys().next();
            let there = there.map_or(String::new(), |there| format!("; the file has `{there}`"));
            return Err(Error::tensor(&self.path, name, format!("it is missing{there}")));
        };
        let found = &info.shape;
        if found != shape {
            let message = format!("its shape is {found:?}, but the base needs {shape:?}");
            return Err(Error::tensor(&self.path, name, message));
        }
        self.file.read_f32(self.storage, name).await
    }

    /// Refuses tensors that the configuration does not speak of. peft saves the embedding and the head
    /// with an adapter where it cannot tell whether they were changed: those that are the base's own
    /// are passed over.
    pub(super) async fn nothing_else(&self, expected: &BTreeSet<String>) -> Result<()> {
        let mut surplus = Vec::new();
        for name in self.file.tensors().keys().filter(|name| !expected.contains(*name)) {
            if !self.is_of_base(name).await? {
                surplus.push(format!("`{name}`"));
            }
        }
        if surplus.is_empty() {
            return Ok(());
        }
        let (count, more) = (surplus.len(), if surplus.len() > 3 { ", …" } else { "" });
        surplus.truncate(3);
        let message = format!(
            "its configuration does not speak of {count} of its tensors, or they are not the base's: \
             {}{more}",
            surplus.join(", ")
        );
        Err(Error::Adapter { path: self.path.clone(), message })
    }

    /// Whether a tensor is the base's own embedding or head.
    async fn is_of_base(&self, name: &str) -> Result<bool> {
        let weight = match name.strip_prefix("base_model.model.") {
            Some("lm_head.weight") => self.model.head.as_ref().unwrap_or(&self.model.shared),
            Some(
                "shared.weight" | "encoder.embed_tokens.weight" | "decoder.embed_tokens.weight",
            ) => &self.model.shared,
            _ => return Ok(false),
        };
        if self.file.info(name)?.shape != weight.dims() {
            return Ok(false);
        }
        let own = device::read(weight.dense()).await?;
        Ok(self.file.read_f32(self.storage, name).await? == own)
    }
}
