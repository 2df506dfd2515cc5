//! The decoder at work: tokens in, scores of the next ones out.

use burn::tensor::{Int, Tensor};

use crate::{
    device,
    error::Result,
    model::{
        Pass, T5,
        t5::{Cache, Encoded},
    },
    ops,
    text::batch::Batch,
};

/// Tokens that are made between two looks at them, where looking is what takes long.
const UNSEEN: usize = 4;

/// Decodes sequences side by side, with a key and value cache. The encoder runs once.
pub(super) struct Decoder<'a> {
    model: &'a T5,
    pass: &'a Pass<'a>,
    encoded: Encoded,
    cache: Cache,
}

impl<'a> Decoder<'a> {
    /// A sequence for each row of the batch.
    pub(super) fn new(model: &'a T5, batch: &Batch, pass: &'a Pass<'a>) -> Self {
        let encoded = model.encode(model.source(batch, pass), pass);
        let cache = model.start(&encoded, pass);
        Decoder { model, pass, encoded, cache }
    }

    /// The logits `[sequences, vocab_size]` after the last token of each sequence.
    pub(super) fn next(&mut self, last: &[u32]) -> Tensor<2> {
        let last = self.ids(last);
        self.logits(last)
    }

    /// The likeliest next tokens of each sequence, one after the other: at most so many, at least one. On a GPU
    /// they are several, because a look at a token waits for all that is under way.
    pub(super) async fn likeliest(&mut self, last: &[u32], most: usize) -> Result<Vec<Vec<u32>>> {
        let mut last = self.ids(last);
        let count = if self.pass.has_gpu_kernel(&self.encoded.hidden) { UNSEEN } else { 1 };
        let mut tokens = Vec::new();
        for _ in 0..count.min(most).max(1) {
            let logits = self.logits(last);
            last = ops::argmax(logits, self.pass);
            tokens.push(last.clone());
        }
        let sequences = self.encoded.batch;
        let tokens = device::read_ids(Tensor::cat(tokens, 0)).await?;
        Ok(tokens.chunks(sequences).map(<[u32]>::to_vec).collect())
    }

    /// Goes on with these sequences, in this order; one that is named more than once is continued
    /// in several ways.
    pub(super) fn select(&mut self, sequences: &[usize]) {
        if !sequences.iter().copied().eq(0..self.encoded.batch) {
            self.cache.select(sequences, &mut self.encoded);
        }
    }

    fn logits(&mut self, last: Tensor<1, Int>) -> Tensor<2> {
        let hidden = self.model.decode_next(last, &self.encoded, &mut self.cache, self.pass);
        self.model.logits(hidden, self.pass)
    }

    fn ids(&self, tokens: &[u32]) -> Tensor<1, Int> {
        let tokens: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
        self.model.ids(&tokens)
    }
}
