//! What a way to train beside a frozen base says of itself. Each has a file here, and a line in the
//! list of [`super`].

use burn::tensor::Tensor;
use serde_json::{Map, Value};

use super::{config::Keys, peft::Reader, targets::Targets};
use crate::{
    config::RunConfig,
    error::Result,
    model::{Base, BaseModel, T5, beside::Beside, parameter::Parameters},
    ops::Weight,
};

/// An adapter of one kind.
pub(crate) trait AdapterKind: Parameters + Beside + Sized {
    /// Its settings, as peft records them.
    type Settings: AdapterSettings;

    /// What peft puts before the names of its tensors.
    const PREFIX: &'static str;

    /// Its settings.
    fn settings(&self) -> &Self::Settings;

    /// What a run of this configuration begins with.
    ///
    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) for what does not go with this base.
    fn fresh(beginning: &Beginning<'_>, model: &T5, config: &RunConfig) -> Result<Self>;

    /// Reads the tensors that go with the settings.
    ///
    /// # Errors
    /// Those of the file; [`Error::Adapter`](crate::Error::Adapter) where it does not fit the model.
    fn read(reader: &Reader<'_>, settings: Self::Settings) -> impl Future<Output = Result<Self>>;

    /// Writes its settings into the configuration of a run that begins with it, and takes from that
    /// what it does not record.
    fn take_over(&mut self, config: &mut RunConfig);

    /// The weight that does alone what a map and this do together; none where nothing stands beside
    /// the map.
    fn merged(&self, module: &str, weight: &Weight) -> Option<Tensor<2>>;

    /// Why it cannot be merged, if it cannot.
    fn unmergeable() -> Option<&'static str> {
        None
    }

    /// What a run of this configuration trains, in a few words.
    fn describe(config: &RunConfig) -> String;

    /// The same in as few words as a list has room for.
    fn title(config: &RunConfig) -> String;

    /// What stands beside a map, and what it takes in training.
    fn cost(config: &RunConfig, map: &LinearMap) -> Cost;

    /// How many rows of the model's width go before each source.
    fn virtual_tokens(_config: &RunConfig) -> usize {
        0
    }
}

/// What of a base, beside its weights, a fresh adapter begins with.
#[derive(Clone, Debug)]
pub struct Beginning<'a> {
    /// What the base goes by.
    pub base: &'a BaseModel,
    /// How many pieces its tokenizer knows.
    pub vocabulary: usize,
    /// The tokens of `init_text`, without the closing one.
    pub text: Vec<u32>,
}

impl<'a> Beginning<'a> {
    /// Of a base, for a run of this configuration.
    ///
    /// # Errors
    /// Those of the tokenizer.
    pub fn of(base: &'a Base, config: &RunConfig) -> Result<Self> {
        let tokenizer = &base.tokenizer;
        let mut text = match &config.method.init_text {
            Some(text) => tokenizer.encode(text)?,
            None => Vec::new(),
        };
        text.retain(|token| *token != tokenizer.eos());
        Ok(Beginning { base: &base.id, vocabulary: tokenizer.vocabulary_size(), text })
    }
}

/// What peft records of an adapter.
pub(crate) trait AdapterSettings: Sized {
    /// What peft calls the kind.
    const PEFT_TYPE: &'static str;

    /// Reads the keys that are of this kind.
    ///
    /// # Errors
    /// As [`AdapterConfig::from_json`](super::AdapterConfig::from_json).
    fn read(keys: &Keys<'_>) -> Result<Self>;

    /// The base that it belongs to.
    fn base(&self) -> &BaseModel;

    /// Which linear maps it stands beside; none for a kind that stands elsewhere.
    fn targets(&self) -> Option<&Targets> {
        None
    }

    /// The keys that are of this kind, as peft writes them.
    fn keys(&self) -> Map<String, Value>;
}

/// A linear map of a model.
#[derive(Clone, Debug)]
pub struct LinearMap {
    /// Its path, such as `encoder.block.0.layer.0.SelfAttention.q`.
    pub name: String,
    /// Numbers that go in.
    pub inputs: usize,
    /// Numbers that come out.
    pub outputs: usize,
}

/// What stands beside a map, and what it takes in training.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// The shapes of what is trained there; none where nothing stands beside the map.
    pub shapes: Vec<Vec<usize>>,
    /// Whether the map's input is kept for the backward pass.
    pub keeps_input: bool,
    /// Further numbers that are kept for each row of input.
    pub kept_a_row: usize,
}

impl Cost {
    /// Whether anything is trained beside the map.
    pub fn is_trained(&self) -> bool {
        !self.shapes.is_empty()
    }

    /// The number of trainable parameters.
    pub fn numbers(&self) -> usize {
        self.shapes.iter().map(|shape| shape.iter().product::<usize>()).sum()
    }
}
