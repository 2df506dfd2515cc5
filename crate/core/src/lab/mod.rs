//! Measurements: how fast, how large, how well.

pub mod bench;
pub mod demo;
