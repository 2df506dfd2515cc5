//! What is trained beside a frozen base. A kind is a file, or a folder, here, and a line in the list
//! below.

pub mod config;
pub mod ia3;
mod kind;
pub mod lora;
pub mod merge;
pub mod notes;
pub mod peft;
pub mod prompt;
pub mod summary;
mod targets;

use burn::tensor::Tensor;

pub use ia3::{Ia3Adapter, Ia3Config, Ia3Layer};
pub use kind::{Beginning, Cost, LinearMap};
pub use lora::{LoraAdapter, LoraConfig, LoraInit, LoraLayer};
pub use prompt::{PromptAdapter, PromptConfig, PromptInit};
pub use summary::Summary;
pub use targets::{Layers, Names, Targets};

use self::{
    config::Keys,
    kind::{AdapterKind, AdapterSettings},
    peft::Reader,
};
use crate::{
    config::{Method, RunConfig},
    error::Result,
    model::{
        BaseModel, T5,
        beside::{Beside, BesideMap},
        parameter::{Parameter, Parameters},
    },
    ops::Weight,
};

/// `Name: Type, Settings;` for each kind, under the name of its [`Method`].
macro_rules! kinds {
    ($($(#[$about:meta])+ $variant:ident: $kind:ty, $settings:ty;)+) => {
        /// An adapter on its device.
        // There are a few of these, and a tensor is large only because its kind is inside it.
        #[allow(clippy::large_enum_variant)]
        #[derive(Clone, Debug)]
        pub enum Adapter {
            $($(#[$about])+ $variant($kind),)+
        }

        /// An adapter's configuration.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AdapterConfig {
            $($(#[$about])+ $variant($settings),)+
        }

        impl Adapter {
            /// What is trained with it.
            pub fn method(&self) -> Method {
                match self {
                    $(Adapter::$variant(_) => Method::$variant,)+
                }
            }

            /// Its settings, as peft records them.
            pub fn config(&self) -> AdapterConfig {
                match self {
                    $(Adapter::$variant(adapter) => {
                        AdapterConfig::$variant(adapter.settings().clone())
                    })+
                }
            }

            /// What a run of this configuration begins with; none where the whole model is trained.
            ///
            /// # Errors
            /// [`Error::Setting`](crate::Error::Setting) for what does not go with this base.
            pub fn fresh(
                beginning: &Beginning<'_>,
                model: &T5,
                config: &RunConfig,
            ) -> Result<Option<Self>> {
                Ok(match config.method.method {
                    $(Method::$variant => {
                        Some(Adapter::$variant(<$kind>::fresh(beginning, model, config)?))
                    })+
                    Method::Full => None,
                })
            }

            /// As what stands beside a model in a forward pass.
            pub fn beside(&self) -> &dyn Beside {
                self
            }

            /// Writes its settings into the configuration of a run that begins with it.
            pub fn take_over(&mut self, config: &mut RunConfig) {
                match self {
                    $(Adapter::$variant(adapter) => adapter.take_over(config),)+
                }
            }

            /// The weight that does alone what a map and this do together; none where nothing stands
            /// beside the map.
            pub fn merged(&self, module: &str, weight: &Weight) -> Option<Tensor<2>> {
                match self {
                    $(Adapter::$variant(adapter) => adapter.merged(module, weight),)+
                }
            }

            /// Why it cannot be merged, if it cannot.
            pub fn unmergeable(&self) -> Option<&'static str> {
                match self {
                    $(Adapter::$variant(_) => <$kind>::unmergeable(),)+
                }
            }

            /// What peft puts before the names of its tensors.
            fn prefix(&self) -> &'static str {
                match self {
                    $(Adapter::$variant(_) => <$kind>::PREFIX,)+
                }
            }

            async fn read(reader: &Reader<'_>, config: AdapterConfig) -> Result<Self> {
                match config {
                    $(AdapterConfig::$variant(config) => {
                        Ok(Adapter::$variant(<$kind>::read(reader, config).await?))
                    })+
                }
            }
        }

        impl AdapterConfig {
            /// Reads the bytes of an `adapter_config.json`; `path` is for messages.
            ///
            /// # Errors
            /// [`Error::Format`](crate::Error::Format) for what is not JSON, missing, of a wrong type or
            /// out of bounds; [`Error::Adapter`](crate::Error::Adapter) for what peft would apply but is
            /// not supported here. Both name the key.
            pub fn from_json(path: &str, bytes: &[u8]) -> Result<Self> {
                let keys = Keys::new(path, bytes)?;
                keys.expect_nothing_saved()?;
                let found = keys.need_text("peft_type")?;
                $(if found == <$settings>::PEFT_TYPE {
                    return Ok(AdapterConfig::$variant(<$settings>::read(&keys)?));
                })+
                let known = [$(peft_type::<$kind>()),+].join(" or ");
                let found = crate::error::short(found);
                Err(keys.unsupported("peft_type", found, &known))
            }

            /// The bytes of an `adapter_config.json`: the keys that peft writes, sorted.
            pub fn to_json(&self) -> Vec<u8> {
                match self {
                    $(AdapterConfig::$variant(settings) => {
                        let kind = <$settings>::PEFT_TYPE;
                        config::to_json(kind, settings.base(), settings.keys())
                    })+
                }
            }

            /// What is trained with it.
            pub fn method(&self) -> Method {
                match self {
                    $(AdapterConfig::$variant(_) => Method::$variant,)+
                }
            }

            /// Which linear maps it stands beside; none for a kind that stands elsewhere.
            pub fn targets(&self) -> Option<&Targets> {
                match self {
                    $(AdapterConfig::$variant(settings) => settings.targets(),)+
                }
            }

            /// The base that the adapter belongs to.
            pub fn base(&self) -> &BaseModel {
                match self {
                    $(AdapterConfig::$variant(settings) => settings.base(),)+
                }
            }
        }

        impl Parameters for Adapter {
            fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
                match self {
                    $(Adapter::$variant(adapter) => adapter.visit(visit),)+
                }
            }
        }

        impl Beside for Adapter {
            fn map(&self, name: &str) -> Option<&dyn BesideMap> {
                match self {
                    $(Adapter::$variant(adapter) => adapter.map(name),)+
                }
            }

            fn prompt(&self) -> Option<&Tensor<2>> {
                match self {
                    $(Adapter::$variant(adapter) => adapter.prompt(),)+
                }
            }
        }

        /// What a run of this configuration trains, in a few words.
        pub fn describe(config: &RunConfig) -> String {
            match config.method.method {
                $(Method::$variant => <$kind>::describe(config),)+
                Method::Full => "all weights".to_owned(),
            }
        }

        /// The same in as few words as a list has room for.
        pub fn title(config: &RunConfig) -> String {
            match config.method.method {
                $(Method::$variant => <$kind>::title(config),)+
                Method::Full => "all weights".to_owned(),
            }
        }

        /// What stands beside a map in a run of this configuration, and what it takes.
        pub fn cost(config: &RunConfig, map: &LinearMap) -> Cost {
            match config.method.method {
                $(Method::$variant => <$kind>::cost(config, map),)+
                Method::Full => Cost::default(),
            }
        }

        /// How many rows of the model's width go before each source.
        pub fn virtual_tokens(config: &RunConfig) -> usize {
            match config.method.method {
                $(Method::$variant => <$kind>::virtual_tokens(config),)+
                Method::Full => 0,
            }
        }
    };
}

kinds! {
    /// Low-rank matrices beside linear maps.
    Lora: LoraAdapter, LoraConfig;
    /// Scales of what goes into linear maps, or comes out.
    Ia3: Ia3Adapter, Ia3Config;
    /// A soft prompt before the encoder's input.
    Prompt: PromptAdapter, PromptConfig;
}

/// What peft calls a kind, as it stands in messages.
fn peft_type<K: AdapterKind>() -> String {
    format!("`{}`", K::Settings::PEFT_TYPE)
}
