//! The real binary from rows to adapters, texts and scores, on a tiny model.

#[path = "../common/mod.rs"]
mod common;
mod configured;
mod demo;
mod int8;
mod interrupted;
mod killed;
mod memory;
mod train;
mod work;
