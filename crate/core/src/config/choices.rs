//! The values of keys that take one of a few names.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    schedule::Schedule,
    setting::{Setting, ValueKind, show},
};
use crate::{
    metric::Metric,
    named::{Named, named},
};

named! {
    /// The form of LoRA.
    Variant {
        /// The product is scaled by alpha / rank.
        Plain = "plain",
        /// Rank-stabilised: scaled by alpha / √rank (Kalajdzievski 2023, arXiv:2312.03732).
        Rslora = "rslora",
        /// Magnitude and direction apart (Liu et al. 2024, arXiv:2402.09353).
        Dora = "dora",
    }
}

named! {
    /// What parts the fields of a table.
    Separator {
        /// `,`
        Comma = "comma",
        /// `;`
        Semicolon = "semicolon",
        /// A tab.
        Tab = "tab",
        /// `|`
        Bar = "bar",
    }
}

named! {
    /// What a soft prompt starts from.
    PromptInit {
        /// Embeddings of pieces drawn from the vocabulary.
        Vocabulary = "vocabulary",
        /// Normal numbers.
        Random = "random",
        /// The embeddings of `init_text`.
        Text = "text",
    }
}

named! {
    /// The numbers that weights are kept in.
    Dtype {
        /// 32-bit floats.
        F32 = "f32",
        /// 16-bit floats.
        F16 = "f16",
        /// 16-bit floats with the exponent of 32-bit ones.
        Bf16 = "bf16",
        /// 8-bit integers with scales.
        Int8 = "int8",
        /// 4-bit integers with scales, and 8-bit ones.
        Int4 = "int4",
    }
}

named! {
    /// Where tensors live.
    DeviceChoice {
        /// A hardware GPU through `webgpu` where there is one, else `cpu`.
        Auto = "auto",
        /// The processor.
        Cpu = "cpu",
        /// A GPU through wgpu: WebGPU in browsers; Vulkan, Metal or DX12 natively.
        Webgpu = "webgpu",
    }
}

named! {
    /// What happens to a text with more tokens than allowed.
    OnTooLong {
        /// It is cut, and keeps its closing `</s>`.
        Truncate = "truncate",
        /// It stays as it is.
        Keep = "keep",
        /// Its row is left out.
        Drop = "drop",
        /// The run is refused.
        Error = "error",
    }
}

impl<T: Named + Serialize + serde::de::DeserializeOwned> Setting for T {
    const KIND: ValueKind = ValueKind::Choice(T::NAMES);
}

/// When beam search ends: transformers' `early_stopping`, which is a flag or the word `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub enum EarlyStopping {
    /// When enough texts are complete and the likeliest open one is no better at its length now.
    False,
    /// As soon as enough texts are complete.
    True,
    /// When the likeliest open text could not become better at any length.
    Never,
}

impl From<EarlyStopping> for Value {
    fn from(value: EarlyStopping) -> Self {
        match value {
            EarlyStopping::False => false.into(),
            EarlyStopping::True => true.into(),
            EarlyStopping::Never => "never".into(),
        }
    }
}

impl TryFrom<Value> for EarlyStopping {
    type Error = String;

    /// A flag may also be written as text, as a command line gives it.
    fn try_from(value: Value) -> Result<Self, String> {
        match (value.as_bool(), value.as_str()) {
            (Some(false), _) | (_, Some("false")) => Ok(EarlyStopping::False),
            (Some(true), _) | (_, Some("true")) => Ok(EarlyStopping::True),
            (_, Some("never")) => Ok(EarlyStopping::Never),
            _ => Err(format!("found {}, expected {}", show(&value), Self::KIND)),
        }
    }
}

impl Setting for EarlyStopping {
    const KIND: ValueKind = ValueKind::Choice(&["false", "true", "never"]);
}

impl Setting for Schedule {
    const KIND: ValueKind = ValueKind::Choice(&["linear", "constant", "cosine", "inverse_sqrt"]);
}

impl Setting for Vec<Metric> {
    const KIND: ValueKind = ValueKind::List(Metric::NAMES);
}

/// The rate of the model's own dropout: a number, or `model` for the rate in its config.json.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Dropout {
    /// What config.json says.
    #[serde(rename = "model")]
    Model,
    /// This rate, from 0 up to but without 1.
    #[serde(untagged)]
    Rate(f64),
}

impl Dropout {
    /// The rate for a model whose own is `model`.
    pub fn rate(self, model: f64) -> f64 {
        match self {
            Dropout::Model => model,
            Dropout::Rate(rate) => rate,
        }
    }
}

impl Setting for Dropout {
    const KIND: ValueKind = ValueKind::Number;

    fn expected() -> String {
        "a finite number, or model".to_owned()
    }
}
