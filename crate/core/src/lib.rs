//! Fine-tunes FLAN-T5: LoRA, prompt tuning and full training, on CPUs and through WebGPU, natively
//! and in a browser.
//!
//! Nothing here blocks, and nothing here opens a file, starts a thread or reads a clock: the front
//! end gives a [`storage::Storage`] and drives the futures.

pub mod adapter;
mod bounded;
pub mod config;
pub mod device;
pub mod encoding;
pub mod error;
mod exact;
pub mod generate;
pub mod host;
pub mod lab;
#[cfg(all(test, not(target_family = "wasm")))]
mod layers;
pub mod metric;
pub mod model;
mod named;
pub mod ops;
pub mod optimizer;
pub mod output;
pub mod proof;
pub mod rng;
pub mod session;
pub mod storage;
pub mod text;
pub mod train;

pub use error::{Error, Result};
