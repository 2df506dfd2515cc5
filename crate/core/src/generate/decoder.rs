//! The decoder at work: tokens in, scores of the next ones out.

use burn::tensor::Tensor;

use crate::model::{
    Pass, T5,
    t5::{Cache, Encoded},
};
use crate::text::batch::Batch;

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
        let encoded = model.encode(batch, pass);
        let cache = model.start(&encoded, pass);
        Decoder { model, pass, encoded, cache }
    }

    /// The logits `[sequences, vocab_size]` after the last token of each sequence.
    pub(super) fn next(&mut self, last: &[u32]) -> Tensor<2> {
        let last: Vec<i32> = last.iter().map(|&token| token as i32).collect();
        let hidden = self.model.decode_next(&last, &self.encoded, &mut self.cache, self.pass);
        self.model.logits(hidden, self.pass)
    }

    /// Goes on with these sequences, in this order; one that is named more than once is continued
    /// in several ways.
    pub(super) fn select(&mut self, sequences: &[usize]) {
        if !sequences.iter().copied().eq(0..self.encoded.batch) {
            self.cache.select(sequences, &mut self.encoded);
        }
    }
}
