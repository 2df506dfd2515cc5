//! Flantune for JavaScript: a session in a worker, asked and answering in JSON (`web/src/engine.ts`).
//! `cargo rustc --crate-type cdylib` makes the module; as a library it readies the modules of others.

#[cfg(test)]
mod contract;
pub mod hint;
pub mod options;
pub mod protocol;

#[cfg(target_family = "wasm")]
mod engine;
#[cfg(target_family = "wasm")]
mod host;
#[cfg(target_family = "wasm")]
mod memory;
#[cfg(target_family = "wasm")]
mod start;

#[cfg(target_family = "wasm")]
pub use {engine::Engine, host::EngineHost};
