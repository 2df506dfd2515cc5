//! Text from a model.

mod greedy;

use crate::{
    adapter::Adapter,
    config::EvalConfig,
    error::Result,
    model::{GenerationConfig, Pass, T5},
    text::batch::Batch,
};

pub use greedy::greedy;

/// How text is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The most tokens that are made for a row, `</s>` included.
    pub max_new_tokens: usize,
}

impl From<&EvalConfig> for Options {
    fn from(config: &EvalConfig) -> Self {
        Options { max_new_tokens: config.max_new_tokens }
    }
}

/// What is told of each token as it is made: the row in the batch, and the token.
pub type OnToken<'a> = dyn FnMut(usize, u32) + 'a;

/// A model with what it needs to write.
#[derive(Clone, Copy, Debug)]
pub struct Generator<'a> {
    /// The base.
    pub model: &'a T5,
    /// What was trained beside it.
    pub adapter: Option<&'a Adapter>,
    /// Start and end tokens.
    pub config: &'a GenerationConfig,
    /// Whether fused operations run their kernels.
    pub kernels: bool,
}

impl Generator<'_> {
    /// The tokens of each row's text, up to and with the end token if it came. Labels of the batch
    /// are not looked at.
    pub async fn generate(
        &self,
        batch: &Batch,
        options: &Options,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Vec<u32>>> {
        let pass = Pass::evaluate(self.adapter, self.kernels);
        greedy(self.model, batch, self.config, options, &pass, on_token).await
    }
}
