//! T5 v1.1 / FLAN-T5 (and T5 v1.0) as transformers computes it.

pub mod attention;
pub mod base;
pub mod beside;
pub mod config;
pub mod convert;
pub mod feed_forward;
pub mod files;
pub(crate) mod folder;
pub mod hub;
pub mod linear;
pub mod parameter;
pub mod pass;
pub mod random;
pub mod relative_position;
pub mod safetensors;
pub mod sizes;
pub mod t5;
pub mod weights;

pub use base::{Base, BaseModel};
pub use config::{GenerationConfig, T5Config};
pub use pass::Pass;
pub use t5::{Encoded, T5};
