//! The shapes of the models that were published as FLAN-T5 (Chung et al. 2022).

use serde_json::json;

use super::config::T5Config;
use crate::error::{Error, Result};

/// Their names, smallest first.
pub const SIZES: [&str; 5] = ["small", "base", "large", "xl", "xxl"];

impl T5Config {
    /// FLAN-T5 of one of [`SIZES`].
    ///
    /// # Errors
    /// [`Error::Setting`] for another name.
    pub fn flan(size: &str) -> Result<Self> {
        let (d_model, d_ff, layers, heads) = match size {
            "small" => (512, 1024, 8, 6),
            "base" => (768, 2048, 12, 12),
            "large" => (1024, 2816, 24, 16),
            "xl" => (2048, 5120, 24, 32),
            "xxl" => (4096, 10240, 24, 64),
            _ => {
                let message = format!("found `{size}`, expected one of {}", SIZES.join(", "));
                return Err(Error::setting("shape", message));
            }
        };
        let config = json!({
            "model_type": "t5",
            "vocab_size": 32128,
            "d_model": d_model,
            "d_kv": 64,
            "d_ff": d_ff,
            "num_layers": layers,
            "num_heads": heads,
            "feed_forward_proj": "gated-gelu",
            "tie_word_embeddings": false,
        });
        T5Config::from_json(size, config.to_string().as_bytes())
    }
}
