//! What peft records of a soft prompt.

use serde_json::{Map, Value, json};

use crate::{
    adapter::{
        config::{Keys, object},
        kind::AdapterSettings,
    },
    error::{Result, short},
    model::{BaseModel, hub::is_hub_id},
};

/// The longest soft prompt.
pub const MAX_VIRTUAL_TOKENS: usize = 1 << 12;

/// A soft prompt (peft's `PromptTuningConfig`).
#[derive(Clone, Debug, PartialEq)]
pub struct PromptConfig {
    /// The base it belongs to.
    pub base: BaseModel,
    /// Tokens that go before the encoder's input.
    pub num_virtual_tokens: usize,
    /// The base's d_model.
    pub token_dim: usize,
    /// How many times `num_virtual_tokens` rows the file holds; only the first time counts. peft
    /// takes a missing or null one as 2; 1 is what is written here.
    pub num_transformer_submodules: usize,
    /// The base's encoder layers; nothing depends on it.
    pub num_layers: Option<usize>,
    /// The base's heads; nothing depends on it.
    pub num_attention_heads: Option<usize>,
    /// How the rows started.
    pub init: PromptInit,
}

/// How a soft prompt starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptInit {
    /// Normal numbers.
    Random,
    /// Embeddings of random tokens.
    Vocabulary,
    /// Embeddings of this text's tokens, repeated or cut to fit.
    Text(String),
}

impl AdapterSettings for PromptConfig {
    const PEFT_TYPE: &'static str = "PROMPT_TUNING";

    fn read(keys: &Keys<'_>) -> Result<Self> {
        // Without the task peft puts the rows elsewhere.
        keys.need_text("task_type")?;
        keys.expect_task()?;
        let fields = &keys.fields;
        let size = |key, most| Ok(fields.integer(key, 1..=most)?.map(|size| size as usize));
        Ok(PromptConfig {
            base: keys.base()?,
            num_virtual_tokens: fields.size("num_virtual_tokens", MAX_VIRTUAL_TOKENS as u64)?,
            token_dim: fields.size("token_dim", 1 << 15)?,
            num_transformer_submodules: size("num_transformer_submodules", 2)?.unwrap_or(2),
            num_layers: size("num_layers", 512)?,
            num_attention_heads: size("num_attention_heads", 1 << 10)?,
            init: PromptInit::read(keys)?,
        })
    }

    fn base(&self) -> &BaseModel {
        &self.base
    }

    fn keys(&self) -> Map<String, Value> {
        // peft opens no configuration that starts from a text without naming a tokenizer. It does
        // not load it for a trained adapter, but a name that means nothing would be a lie.
        let tokenizer = self.base.id.as_deref().filter(|id| is_hub_id(id));
        let (init, text) = match (&self.init, tokenizer) {
            (PromptInit::Text(text), Some(_)) => ("TEXT", Some(text)),
            (PromptInit::Vocabulary, _) => ("SAMPLE_VOCAB", None),
            _ => ("RANDOM", None),
        };
        let keys = json!({
            "num_attention_heads": self.num_attention_heads,
            "num_layers": self.num_layers,
            "num_transformer_submodules": self.num_transformer_submodules,
            "num_virtual_tokens": self.num_virtual_tokens,
            "prompt_tuning_init": init,
            "prompt_tuning_init_text": text,
            "token_dim": self.token_dim,
            "tokenizer_kwargs": null,
            "tokenizer_name_or_path": text.and(tokenizer),
        });
        object(keys)
    }
}

impl PromptInit {
    fn read(keys: &Keys<'_>) -> Result<Self> {
        let (key, fields) = ("prompt_tuning_init", &keys.fields);
        match fields.text(key)? {
            None | Some("RANDOM") => Ok(PromptInit::Random),
            Some("SAMPLE_VOCAB") => Ok(PromptInit::Vocabulary),
            Some("TEXT") => {
                let key = "prompt_tuning_init_text";
                let text = fields.need(key, fields.text(key)?)?;
                Ok(PromptInit::Text(text.to_owned()))
            }
            Some(other) => {
                let expected = "`RANDOM`, `SAMPLE_VOCAB` or `TEXT`";
                Err(keys.unsupported(key, short(other), expected))
            }
        }
    }
}
