//! Measurements: how fast, how large, how well.

pub mod bench;
mod block;
pub mod demo;
