//! The real binary from rows to adapters, texts and scores, on a tiny model.

#[path = "../common/mod.rs"]
mod common;
mod configured;
mod demo;
mod full_disk;
mod interrupted;
mod killed;
mod memory;
mod outputs;
mod quantised;
mod resumed;
mod together;
mod train;
mod unheard;
mod work;
