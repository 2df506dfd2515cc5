//! From a file of rows to batches of token ids: rows, template, tokenizer, example, data set, mixture,
//! batch.

pub mod batch;
pub mod dataset;
pub mod example;
pub mod inspect;
pub mod lengths;
pub mod mixture;
mod notice;
pub mod pairs;
pub mod preview;
pub mod reader;
pub mod rows;
mod shape;
pub mod split;
pub mod template;
pub mod templates;
pub mod tokenizer;
mod warning;

pub use batch::Batch;
pub use dataset::Dataset;
pub use example::{DataSettings, Example};
pub use inspect::Inspection;
pub use lengths::Lengths;
pub use mixture::{Mixing, Mixture};
pub use preview::Preview;
pub use reader::Reader;
pub use rows::{Reading, Row, Rows, Skipped};
pub use split::Split;
pub use template::{Rendered, Template};
pub use templates::Templates;
pub use tokenizer::{TextStream, Tokenizer};
pub use warning::Warning;
