//! From a file of rows to batches of token ids: rows, template, tokenizer, data set, batch.

pub mod batch;
pub mod dataset;
pub mod rows;
pub mod template;
pub mod tokenizer;
