//! One block in training, small enough that what surrounds the arithmetic is seen: the same that other trainers
//! in a page are measured by (`scripts/bench/block.mjs`).

use crate::{
    adapter::{Adapter, Beginning},
    config::{Method, RunConfig, TargetModule},
    device,
    error::{Error, Result},
    model::{BaseModel, Pass, T5, T5Config, parameter},
    ops::{Arithmetic, Dropout},
    text::batch::Batch,
};

/// Rows, and tokens of each.
pub(super) const SIZES: [usize; 2] = [8, 64];
const RANK: usize = 4;

/// A model whose encoder is the block: width 128, four heads, a gated feed-forward part of 256. An embedding
/// before it and a norm after it are done too, which the others leave out.
///
/// # Errors
/// None, as FLAN-T5's shapes are known.
pub(super) fn config() -> Result<T5Config> {
    let mut config = T5Config::flan("small")?;
    (config.vocab_size, config.num_layers, config.num_decoder_layers) = (64, 1, 1);
    (config.d_model, config.d_ff, config.num_heads, config.d_kv) = (128, 256, 4, 32);
    Ok(config)
}

/// LoRA of rank 4 on the block's q and v.
pub(super) fn adapter(model: &T5) -> Result<Adapter> {
    let mut config = RunConfig::default();
    config.method.method = Method::Lora;
    config.method.rank = RANK;
    let attention = "encoder.block.0.layer.0.SelfAttention";
    let modules = ["q", "v"].map(|map| TargetModule::new(&format!("{attention}.{map}")));
    config.method.target_modules = Some(modules.into_iter().flatten().collect());
    let base = BaseModel::default();
    let beginning =
        Beginning { base: &base, vocabulary: model.config.vocab_size, text: Vec::new() };
    let adapter = Adapter::fresh(&beginning, model, &config)?;
    adapter.ok_or_else(|| Error::setting("method", "lora has no adapter"))
}

/// The gradients of the mean square of what the block makes, one of which is read.
pub(super) async fn step(
    model: &T5,
    adapter: &mut Adapter,
    batch: &Batch,
    arithmetic: Arithmetic,
) -> Result<()> {
    parameter::track(adapter);
    let pass = Pass::train(Some(adapter.beside()), arithmetic, Dropout::new(0.0, 0.0, 0, 0));
    let hidden = model.encode(model.source(batch, &pass), &pass).hidden;
    let loss = (hidden.clone() * hidden).mean();
    match parameter::gradients(adapter, &loss).pop() {
        Some(gradient) => device::read(gradient).await.map(drop),
        None => Ok(()),
    }
}
