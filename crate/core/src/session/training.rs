//! Runs of a base.

use super::Session;
use crate::{
    adapter::{Adapter, Beginning},
    config::{Dtype, Method, RunConfig, Task},
    error::{Error, Result},
    text::dataset::Dataset,
    train::run::{Parts, Run},
};

impl Session {
    /// Begins a run in the directory `output`, or goes on with the one there. Drop the session
    /// before full training, or the untrained weights stay in memory beside the trained ones.
    pub async fn train(
        &self,
        config: &RunConfig,
        train: Dataset,
        validation: Option<Dataset>,
        output: &str,
        resume: bool,
    ) -> Result<Run> {
        let mut config = config.resolve()?;
        let notes = self.take_own(&mut config, Task::Train);
        let makes_texts = validation.is_some() && config.eval.makes_texts();
        let mut notes: Vec<_> = notes.filter(|_| makes_texts).into_iter().collect();
        let adapter = self.initial_adapter(&mut config).await?;
        if let Some(directory) = &config.method.init_adapter {
            notes.extend(self.adapter_notes(directory).await?);
        }
        let (base, model) = (self.base.clone(), self.model.clone());
        let parts = Parts { base, model, adapter, train, validation, notes };
        Run::open(&self.host, &config, parts, output, resume).await
    }

    /// The adapter that a run begins with: a saved one, whose settings are taken over, or a fresh
    /// one; none where the whole model is trained.
    async fn initial_adapter(&self, config: &mut RunConfig) -> Result<Option<Adapter>> {
        let method = config.method.method;
        let dtype = self.dtype();
        if method == Method::Full && dtype != Dtype::F32 {
            let message = format!(
                "found full, but the weights are {dtype}, which cannot be trained; train `lora` or \
                 `prompt` beside them, or make floats of them: quantize it to f32"
            );
            return Err(Error::setting("method", message));
        }
        if method == Method::Full {
            return match &config.method.init_adapter {
                Some(_) => Err(Error::setting("init_adapter", "full training has no adapter")),
                None => Ok(None),
            };
        }
        if let Some(directory) = config.method.init_adapter.clone() {
            let mut adapter = self.load_adapter(&directory).await?;
            if adapter.method() != method {
                let (name, holds) = (self.host.storage.shown(&directory), adapter.method());
                let message = format!("{name} holds {holds}, but the method is {method}");
                return Err(Error::setting("init_adapter", message));
            }
            adapter.take_over(config);
            return Ok(Some(adapter));
        }
        Adapter::fresh(&Beginning::of(&self.base, config)?, &self.model, config)
    }
}
