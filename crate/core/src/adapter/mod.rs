//! What is trained beside a frozen base: LoRA matrices or a soft prompt.

pub mod config;
pub mod lora;
pub mod merge;
pub mod peft;
pub mod prompt;
pub mod summary;

pub use config::AdapterConfig;
pub use lora::{LoraAdapter, LoraLayer};
pub use prompt::PromptAdapter;
pub use summary::Summary;

use crate::model::parameter::{Parameter, Parameters};

/// An adapter on its device.
// There are a few of these, and a tensor is large only because its kind is inside it.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
pub enum Adapter {
    /// Low-rank matrices beside linear maps.
    Lora(LoraAdapter),
    /// A soft prompt before the encoder's input.
    Prompt(PromptAdapter),
}

impl Adapter {
    /// Its settings, as peft records them.
    pub fn config(&self) -> AdapterConfig {
        match self {
            Adapter::Lora(lora) => AdapterConfig::Lora(lora.config.clone()),
            Adapter::Prompt(prompt) => AdapterConfig::Prompt(prompt.config.clone()),
        }
    }
}

impl Parameters for Adapter {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        match self {
            Adapter::Lora(lora) => lora.visit(visit),
            Adapter::Prompt(prompt) => prompt.visit(visit),
        }
    }
}
