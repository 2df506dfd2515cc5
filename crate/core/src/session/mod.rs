//! One loaded base model with its data sets, runs and adapters: all that a front end sees.

mod adapters;
mod device;
mod text;
mod tokenizer;
mod training;

use std::{collections::BTreeMap, sync::Arc};

use self::tokenizer::TOKENIZER;
pub use self::{
    device::{Chosen, device, prove, proven_device},
    text::Answer,
    tokenizer::tokenizer,
};
use crate::{
    adapter::Adapter,
    config::{DataConfig, Dtype, Method, ModelConfig, RunConfig, Task},
    device::{Device, DeviceKind},
    error::{Error, Result},
    generate::Own,
    host::Host,
    model::{
        Base, BaseModel, GenerationConfig, T5, T5Config, files::WeightFiles, parameter::Parameters,
    },
    ops::Arithmetic,
    storage::join,
    text::{Warning, dataset::Dataset, example::Example, reader::Reader},
    train::{
        memory::{Demand, estimate},
        plan::{Plan, Rows},
    },
};

/// A base model that is ready to be put to work.
#[derive(Clone, Debug)]
pub struct Session {
    base: Base,
    model: T5,
    adapters: BTreeMap<String, Adapter>,
    host: Host,
    arithmetic: Arithmetic,
    device_warning: Option<Warning>,
}

impl Session {
    /// Loads the base that the configuration names onto its device.
    ///
    /// # Errors
    /// Those of the files, each named; [`Error::Device`] where the device is unavailable.
    pub async fn open(host: &Host, config: &ModelConfig) -> Result<Self> {
        let Some(directory) = &config.model else {
            return Err(Error::setting("model", "expected a directory, found nothing"));
        };
        Self::open_in(host, config, directory, BaseModel::default()).await
    }

    /// As [`Session::open`], with the base's files in `directory`, which the configuration does not
    /// name, and `id` as what adapters say of their base.
    pub async fn open_in(
        host: &Host,
        config: &ModelConfig,
        directory: &str,
        id: BaseModel,
    ) -> Result<Self> {
        let Chosen { device, warning, .. } = proven_device(host, config.device).await?;
        let mut session = Self::open_on(&device, host, config, directory, id).await?;
        session.device_warning = warning;
        Ok(session)
    }

    /// As [`Session::open_in`], on a device that is there already, whatever the configuration says.
    pub async fn open_on(
        device: &Device,
        host: &Host,
        config: &ModelConfig,
        directory: &str,
        id: BaseModel,
    ) -> Result<Self> {
        let storage = &*host.storage;
        let model_config = T5Config::open(storage, directory).await?;
        let generation = GenerationConfig::open(storage, directory, &model_config).await?;
        let tokenizer = tokenizer(storage, directory).await?;
        let (tokens, rows) = (tokenizer.vocabulary_size(), model_config.vocab_size);
        if tokens > rows {
            let message = format!("it has {tokens} tokens, but config.json's vocab_size is {rows}");
            return Err(Error::format(join(directory, TOKENIZER), message));
        }
        let files = WeightFiles::open(storage, directory).await?;
        let model = T5::load(storage, &files, model_config, device, config.dtype).await?;
        let base = Base {
            tokenizer: Arc::new(tokenizer),
            generation,
            hash: files.hash(storage).await?,
            id,
            directory: directory.to_owned(),
        };
        let adapters = BTreeMap::new();
        let arithmetic = config.arithmetic(model.dtype, device.kind())?;
        let (host, device_warning) = (host.clone(), None);
        Ok(Session { base, model, adapters, host, arithmetic, device_warning })
    }

    /// The base.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        self.model.device()
    }

    /// Why it computes there and not on the device that it would have been.
    pub fn device_warning(&self) -> Option<&Warning> {
        self.device_warning.as_ref()
    }

    /// The base's shape.
    pub fn config(&self) -> &T5Config {
        &self.model.config
    }

    /// How many numbers its weights are.
    pub fn parameters(&self) -> u64 {
        self.model.clone().count() as u64
    }

    /// What its weights take, in bytes.
    pub fn weight_bytes(&self) -> u64 {
        // Those of an adapter without numbers.
        let mut config = RunConfig::default();
        (config.method.method, config.method.num_virtual_tokens) = (Method::Prompt, 0);
        estimate(self.config(), &self.demand(&config)).weights
    }

    /// What its matrices rest as.
    pub fn dtype(&self) -> Dtype {
        self.model.dtype
    }

    /// Sets what a configuration leaves open of how texts are made to what the base's own
    /// generation_config.json says. What a user should know of that is returned.
    pub fn take_own(&self, config: &mut RunConfig, task: Task) -> Option<Warning> {
        let message = Own::fill(&self.base.generation.file, config, task).message()?;
        Some(Warning { code: "generation_config", message, count: 1 })
    }

    /// Reads data sets for this base.
    pub fn reader(&self) -> Reader {
        let (storage, tokenizer) = (self.host.storage.clone(), self.base.tokenizer.clone());
        Reader { storage, tokenizer: Some(tokenizer) }
    }

    /// The rows of a file, rendered and tokenised. The seed decides which template takes which row.
    pub async fn dataset(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        self.reader().dataset(path, config, seed).await
    }

    /// The rows of a file as prompts: only the source side is rendered.
    pub async fn prompts(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        self.reader().prompts(path, config, seed).await
    }

    /// Texts as prompts, as they are.
    pub fn texts(&self, texts: Vec<String>, config: &DataConfig) -> Result<Vec<Example>> {
        self.reader().texts(texts, config)
    }

    /// The rows to learn from, and those to judge by: a file of their own, or a part drawn with the
    /// seed. `train` may be a mixture.
    pub async fn datasets(&self, config: &RunConfig) -> Result<(Dataset, Option<Dataset>)> {
        self.reader().datasets(config).await
    }

    /// What a run of this configuration would be beside this base, on so many rows.
    ///
    /// # Errors
    /// [`Error::Setting`] as [`RunConfig::validate`].
    pub fn plan(&self, config: &RunConfig, rows: Option<Rows>) -> Result<Plan> {
        Plan::of(config, Some((self.config(), &self.demand(config))), rows)
    }

    /// What a run asks for beside these weights, as they are.
    fn demand(&self, config: &RunConfig) -> Demand {
        let mut config = config.clone();
        config.model.dtype = self.dtype();
        let mut demand = Demand::new(&config, self.device().kind() == DeviceKind::Cpu);
        demand.has_head = Some(self.model.head.is_some());
        demand
    }
}

#[cfg(test)]
mod tests;
