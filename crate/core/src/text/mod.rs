//! From a file of rows to batches of token ids: rows, template, tokenizer, data set, batch.

pub mod batch;
pub mod dataset;
pub mod rows;
pub mod template;
pub mod tokenizer;

pub use batch::Batch;
pub use dataset::{DataSettings, Dataset, Example};
pub use rows::{Row, Rows};
pub use template::{Rendered, Template};
pub use tokenizer::{TextStream, Tokenizer};
