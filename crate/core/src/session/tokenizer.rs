//! The tokenizer of a base.

use crate::{
    error::{Error, Result},
    model::folder,
    storage::{Storage, join},
    text::tokenizer::Tokenizer,
};

/// The tokenizer's file in a model's directory.
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// No tokenizer is longer.
const TOKENIZER_LIMIT: u64 = 64 << 20;

/// The tokenizer in a model's directory, without the model.
///
/// # Errors
/// As [`Tokenizer::from_bytes`].
pub async fn tokenizer(storage: &dyn Storage, directory: &str) -> Result<Tokenizer> {
    let path = join(directory, TOKENIZER);
    match storage.read_all(&path, TOKENIZER_LIMIT).await {
        Ok(bytes) => Tokenizer::from_bytes(path, &bytes),
        Err(error @ Error::NotFound { .. }) => {
            match folder::instead(storage, directory, TOKENIZER).await {
                Some(message) => Err(Error::format(directory, message)),
                None => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}
