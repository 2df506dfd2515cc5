//! A base beside its weights: what reads and writes its texts, and what it goes by.

use std::sync::Arc;

use super::{GenerationConfig, T5, convert::carry_over, hub::HubModel, weights::weights_path};
use crate::{
    error::Result,
    storage::{Storage, join},
    text::tokenizer::Tokenizer,
};

/// A base, all but its weights: a run that trains those would keep the untrained ones beside them.
#[derive(Clone, Debug)]
pub struct Base {
    /// Text to tokens and back.
    pub tokenizer: Arc<Tokenizer>,
    /// Start and end tokens.
    pub generation: GenerationConfig,
    /// The hash by which adapters know their base.
    pub hash: String,
    /// Its name on a hub, if it has one.
    pub id: BaseModel,
    /// Where it lies.
    pub directory: String,
}

/// The base that an adapter was trained on, as far as its configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseModel {
    /// A hub id such as `google/flan-t5-small`. A path is neither kept nor written.
    pub id: Option<String>,
    /// The hub's commit, branch or tag.
    pub revision: Option<String>,
}

impl From<&HubModel> for BaseModel {
    fn from(model: &HubModel) -> Self {
        let (id, revision) = (model.repository.clone(), model.revision.clone());
        BaseModel { id: Some(id), revision: Some(revision) }
    }
}

impl Base {
    /// Writes weights of this base's shape as a whole model's directory, with its tokenizer.
    pub async fn write_model(
        &self,
        storage: &dyn Storage,
        output: &str,
        model: &mut T5,
    ) -> Result<()> {
        let mut config = model.config.clone();
        config.quantization = None;
        config.set_dtype("float32");
        // So that transformers of every version sees whether the head is one of its own.
        config.tie_word_embeddings = model.head.is_none();
        storage.write(&join(output, "config.json"), &config.to_json()).await?;
        carry_over(storage, &self.directory, output).await?;
        model.save(storage, &weights_path(output)).await
    }
}
