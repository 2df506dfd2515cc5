//! How text is made.

use super::{beam::BeamSearch, processors::Processors, sample::Sampling};
use crate::config::EvalConfig;

/// How text is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The most tokens that are made for a text, `</s>` included.
    pub max_new_tokens: usize,
    /// How many texts are made for a row; greedy decoding has one, and beam search at most as many
    /// as there are beams.
    pub num_return_sequences: usize,
    /// What changes the scores of the next token before one is chosen.
    pub processors: Processors,
    /// How it is chosen.
    pub strategy: Strategy,
}

/// How the next token is chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy {
    /// The likeliest.
    Greedy,
    /// Drawn.
    Sampling(Sampling),
    /// The likeliest texts, not tokens.
    Beams(BeamSearch),
}

impl Default for Options {
    /// What an empty configuration says: greedy decoding.
    fn default() -> Self {
        Self::from(&EvalConfig::default())
    }
}

impl From<&EvalConfig> for Options {
    /// Any of `temperature`, `top_k` and `top_p` asks for sampling, unless it is off.
    fn from(config: &EvalConfig) -> Self {
        let strategy = if config.samples() {
            Strategy::Sampling(Sampling {
                temperature: config.temperature.unwrap_or(1.0),
                top_k: config.top_k.filter(|count| *count > 0),
                top_p: config.top_p,
                seed: config.generation_seed.unwrap_or(0),
            })
        } else if config.num_beams() > 1 {
            Strategy::Beams(BeamSearch {
                beams: config.num_beams(),
                length_penalty: config.length_penalty(),
                early_stopping: config.early_stopping(),
            })
        } else {
            Strategy::Greedy
        };
        Options {
            max_new_tokens: config.max_new_tokens(),
            num_return_sequences: config.num_return_sequences,
            processors: Processors {
                repetition_penalty: config.repetition_penalty,
                no_repeat_ngram_size: config.no_repeat_ngram_size.filter(|size| *size > 0),
                min_new_tokens: config.min_new_tokens.unwrap_or(0),
            },
            strategy,
        }
    }
}
