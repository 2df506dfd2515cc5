//! T5 v1.1 / FLAN-T5 (and T5 v1.0) as transformers computes it.

pub mod architecture;
pub mod base;
pub mod config;
pub mod files;
pub mod hub;
mod moved;
pub mod random;
pub mod sizes;

pub use architecture::{
    attention, beside, feed_forward, linear, parameter, pass, relative_position, t5,
};
pub use base::{Base, BaseModel};
pub use config::{GenerationConfig, T5Config};
pub(crate) use files::folder;
pub use files::{convert, safetensors, weights};
pub use pass::Pass;
pub use t5::{Encoded, T5};
