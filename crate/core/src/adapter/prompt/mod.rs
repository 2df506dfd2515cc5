//! Prompt tuning (Lester et al. 2021): trained embeddings before the encoder's input.

mod settings;

use std::collections::BTreeSet;

use burn::tensor::{Int, Tensor, TensorData};

pub use self::settings::{MAX_VIRTUAL_TOKENS, PromptConfig, PromptInit};
use super::{
    kind::{AdapterKind, Beginning, Cost, LinearMap},
    peft::Reader,
};
use crate::{
    config::{self, RunConfig},
    error::{Error, Result},
    model::{
        T5,
        beside::{Beside, BesideMap},
        parameter::{Parameter, Parameters},
    },
    ops::Context,
    ops::Weight,
    rng::{Purpose, Random},
};

/// A soft prompt.
#[derive(Clone, Debug)]
pub struct PromptAdapter {
    /// Its length and how it began, as peft records them.
    pub config: PromptConfig,
    /// `[virtual tokens, d_model]`.
    pub embeddings: Tensor<2>,
}

/// Pad, `</s>` and unknown stand first in T5's vocabulary; nothing is learnt from them.
const SPECIAL_TOKENS: u64 = 3;

impl PromptAdapter {
    /// A fresh prompt. `text` holds the tokens of [`PromptInit::Text`] without the closing one,
    /// `vocabulary` is how many pieces the tokenizer knows, which may be fewer than the embedding
    /// has rows.
    pub fn initialise(
        model: &T5,
        config: PromptConfig,
        text: &[u32],
        vocabulary: usize,
        seed: u64,
    ) -> Self {
        let (length, d_model) = (config.num_virtual_tokens, model.config.d_model);
        let device = model.device().burn();
        let mut random = Random::new(seed, Purpose::Initialise, 0, 0);
        let known = vocabulary.min(model.config.vocab_size) as u64;
        let special = SPECIAL_TOKENS.min(known.saturating_sub(1));
        let mut drawn = || (special + random.below(known - special)) as i32;
        let ids: Vec<i32> = match &config.init {
            PromptInit::Random => {
                let mut values = vec![0.0; length * d_model];
                random.fill_normal(&mut values, 0.0, 1.0);
                let values = TensorData::new(values, [length, d_model]);
                return PromptAdapter { config, embeddings: Tensor::from_data(values, device) };
            }
            PromptInit::Text(_) if !text.is_empty() => {
                text.iter().cycle().take(length).map(|&token| token as i32).collect()
            }
            PromptInit::Text(_) | PromptInit::Vocabulary => (0..length).map(|_| drawn()).collect(),
        };
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [length]), device);
        PromptAdapter { config, embeddings: model.shared.rows(ids, &Context::default()) }
    }
}

impl AdapterKind for PromptAdapter {
    type Settings = PromptConfig;

    const PREFIX: &'static str = "";

    fn settings(&self) -> &PromptConfig {
        &self.config
    }

    fn fresh(beginning: &Beginning<'_>, model: &T5, config: &RunConfig) -> Result<Self> {
        let init = match config.method.init {
            config::PromptInit::Vocabulary => PromptInit::Vocabulary,
            config::PromptInit::Random => PromptInit::Random,
            config::PromptInit::Text if beginning.text.is_empty() => {
                let message = "expected a text to start from, found nothing";
                return Err(Error::setting("init_text", message));
            }
            config::PromptInit::Text => {
                PromptInit::Text(config.method.init_text.clone().unwrap_or_default())
            }
        };
        let settings = PromptConfig {
            base: beginning.base.clone(),
            num_virtual_tokens: config.method.num_virtual_tokens,
            token_dim: model.config.d_model,
            num_transformer_submodules: 1,
            num_layers: Some(model.config.num_layers),
            num_attention_heads: Some(model.config.num_heads),
            init,
        };
        let Beginning { vocabulary, text, .. } = beginning;
        Ok(Self::initialise(model, settings, text, *vocabulary, config.train.seed))
    }

    async fn read(reader: &Reader<'_>, mut config: PromptConfig) -> Result<Self> {
        let d_model = reader.model.config.d_model;
        if config.token_dim != d_model {
            let width = config.token_dim;
            let message = format!("token_dim is {width}, but the base's d_model is {d_model}");
            return Err(Error::Adapter { path: reader.directory.to_owned(), message });
        }
        let used = config.num_virtual_tokens;
        let rows = used * config.num_transformer_submodules;
        let all = reader.matrix("prompt_embeddings", [rows, d_model]).await?;
        let names = BTreeSet::from(["prompt_embeddings".to_owned()]);
        reader.nothing_else(&names).await?;
        // peft trains rows for the decoder too, and never uses them.
        config.num_transformer_submodules = 1;
        let embeddings = all.slice([0..used, 0..d_model]);
        Ok(PromptAdapter { config, embeddings })
    }

    fn take_over(&mut self, config: &mut RunConfig) {
        config.method.num_virtual_tokens = self.config.num_virtual_tokens;
    }

    fn merged(&self, _module: &str, _weight: &Weight) -> Option<Tensor<2>> {
        None
    }

    fn unmergeable() -> Option<&'static str> {
        Some("a soft prompt cannot be merged: it is input, not weights")
    }

    fn title(config: &RunConfig) -> String {
        format!("prompt of {} tokens", config.method.num_virtual_tokens)
    }

    fn describe(config: &RunConfig) -> String {
        format!("a soft prompt of {} virtual tokens", config.method.num_virtual_tokens)
    }

    fn cost(_config: &RunConfig, _map: &LinearMap) -> Cost {
        Cost::default()
    }

    fn virtual_tokens(config: &RunConfig) -> usize {
        config.method.num_virtual_tokens
    }
}

impl Beside for PromptAdapter {
    fn map(&self, _name: &str) -> Option<&dyn BesideMap> {
        None
    }

    fn prompt(&self) -> Option<&Tensor<2>> {
        Some(&self.embeddings)
    }
}

impl Parameters for PromptAdapter {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        visit("prompt_embeddings", Parameter::Matrix(&mut self.embeddings));
    }
}
