//! Adapters as peft keeps them: a directory of `adapter_config.json` and
//! `adapter_model.safetensors`. The same adapter written twice has the same bytes.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};

use super::{Adapter, AdapterConfig, targets::targets};
use crate::{
    config::TargetModule,
    error::{Error, Result},
    model::{
        T5,
        files::{BASE_HASH, same_base},
        linear::Linear,
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
                "the adapter was trained beside another base (its hash begins {:.12}, this one's \
                 {base:.12})",
                made_for
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
    /// The base's linear maps of these names.
    pub(super) fn targets(&self, names: &[TargetModule]) -> Result<Vec<Linear>> {
        targets(self.model, names).map_err(|error| match error {
            Error::Setting { message, .. } => {
                Error::Adapter { path: self.directory.to_owned(), message }
            }
            error => error,
        })
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
        let found = &self.file.info(name)?.shape;
        if found != shape {
            let message = format!("its shape is {found:?}, but the base needs {shape:?}");
            return Err(Error::tensor(&self.path, name, message));
        }
        self.file.read_f32(self.storage, name).await
    }

    /// Refuses tensors that the configuration does not speak of.
    pub(super) fn nothing_else(&self, expected: usize) -> Result<()> {
        let found = self.file.tensors().len();
        if found == expected {
            return Ok(());
        }
        let message = format!("it holds {found} tensors, but its configuration needs {expected}");
        Err(Error::Adapter { path: self.path.clone(), message })
    }
}
