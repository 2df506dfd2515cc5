//! Prompt tuning (Lester et al. 2021): trained embeddings before the encoder's input.

use burn::tensor::{Int, Tensor, TensorData};

use super::config::{PromptConfig, PromptInit};
use crate::{
    model::{
        T5,
        parameter::{Parameter, Parameters},
    },
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
        PromptAdapter { config, embeddings: model.shared.rows(ids) }
    }
}

impl Parameters for PromptAdapter {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        visit("prompt_embeddings", Parameter::Matrix(&mut self.embeddings));
    }
}
