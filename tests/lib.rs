//! What crosses the crates: checks against the oracles, for native tests and for browsers.

pub mod checks;
#[cfg(target_family = "wasm")]
pub mod wasm;
