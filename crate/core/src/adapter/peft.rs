//! Adapters as peft keeps them: a directory of `adapter_config.json` and
//! `adapter_model.safetensors`. The same adapter written twice has the same bytes.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};

use super::{
    Adapter, AdapterConfig, LoraAdapter, LoraLayer, PromptAdapter,
    lora::{Dora, targets},
};
use crate::{
    error::{Error, Result},
    model::{
        T5,
        files::{BASE_HASH, same_base},
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

/// What peft puts before a module's path.
const PREFIX: &str = "base_model.model.";
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
        let prefix = match self {
            Adapter::Lora(_) => PREFIX,
            Adapter::Prompt(_) => "",
        };
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
        let reader = Reader { storage, file, path, model };
        match config {
            AdapterConfig::Lora(config) => {
                let mut layers = BTreeMap::new();
                for linear in targets(&mut model.clone(), &config)
                    .map_err(|error| other_base(directory, error))?
                {
                    let [outputs, inputs] = linear.weight.dims();
                    let name = format!("{PREFIX}{}", linear.name);
                    let part = |part: &str| format!("{name}.lora_{part}");
                    let a = reader.matrix(&part("A.weight"), [config.r, inputs]).await?;
                    let b = reader.matrix(&part("B.weight"), [outputs, config.r]).await?;
                    let dora = match config.use_dora {
                        true => {
                            let magnitude =
                                reader.vector(&part("magnitude_vector"), outputs).await?;
                            Some(Dora::with(magnitude, &linear.weight))
                        }
                        false => None,
                    };
                    let layer = LoraLayer { a, b, scale: config.scale(), dora };
                    layers.insert(linear.name, layer);
                }
                let parts = if config.use_dora { 3 } else { 2 };
                reader.nothing_else(parts * layers.len())?;
                Ok(Adapter::Lora(LoraAdapter { config, layers }))
            }
            AdapterConfig::Prompt(mut config) => {
                let d_model = model.config.d_model;
                if config.token_dim != d_model {
                    let message = format!(
                        "token_dim is {}, but the base's d_model is {d_model}",
                        config.token_dim
                    );
                    return Err(Error::Adapter { path: directory.to_owned(), message });
                }
                let used = config.num_virtual_tokens;
                let rows = used * config.num_transformer_submodules;
                let all = reader.matrix("prompt_embeddings", [rows, d_model]).await?;
                reader.nothing_else(1)?;
                // peft trains rows for the decoder too, and never uses them.
                config.num_transformer_submodules = 1;
                let embeddings = all.slice([0..used, 0..d_model]);
                Ok(Adapter::Prompt(PromptAdapter { config, embeddings }))
            }
        }
    }
}

fn other_base(directory: &str, error: Error) -> Error {
    match error {
        Error::Setting { message, .. } => Error::Adapter { path: directory.to_owned(), message },
        error => error,
    }
}

/// Reads an adapter's tensors onto the base's device.
struct Reader<'a> {
    storage: &'a dyn Storage,
    file: SafetensorsFile,
    path: String,
    model: &'a T5,
}

impl Reader<'_> {
    async fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Tensor<2>> {
        let values = self.values(name, &shape).await?;
        Ok(Tensor::from_data(TensorData::new(values, shape), self.model.device().burn()))
    }

    async fn vector(&self, name: &str, length: usize) -> Result<Tensor<1>> {
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
    fn nothing_else(&self, expected: usize) -> Result<()> {
        let found = self.file.tensors().len();
        if found == expected {
            return Ok(());
        }
        let message = format!("it holds {found} tensors, but its configuration needs {expected}");
        Err(Error::Adapter { path: self.path.clone(), message })
    }
}
