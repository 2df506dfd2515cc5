//! How much memory training takes, before it begins: from a model's shape and the run's settings
//! alone, so that a page can tell before anything is downloaded.
//!
//! It follows what the graph really keeps. Forwards, each part of a block leaves behind what its
//! backward pass reads (`ops/*/gradient.rs`); backwards, that is freed part by part while gradients
//! of weights add up; then the optimizer takes them. The estimate is the highest point of that walk,
//! divided by what the memory is for. Batches are taken as full: every text as long as the settings
//! allow.

use serde::Serialize;

use crate::{
    adapter::{Cost, LinearMap, cost, virtual_tokens},
    config::{Dropout, Method, RunConfig, Variant},
    device::Limits,
    model::{
        config::{FeedForward, T5Config, expected_tensors},
        files::quantised::format,
    },
    ops::cross_entropy::tokens_at_once,
};

/// Bytes of a number that is computed with.
const FLOAT: u64 = 4;

/// What a process takes beside tensors: code, the stacks of threads, what products pack. On the CPU it
/// is what is left of a measured process when its tensors are taken away, 27 to 44 MB
/// (docs/performance.md).
const PROCESS: u64 = 32 << 20;

/// What decides, beside the model's own sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// The run's configuration.
    pub config: RunConfig,
    /// Whether the fused operations run: unless they are turned off.
    pub kernels: bool,
    /// Whether it is on a GPU.
    pub gpu: bool,
    /// Whether the head is a tensor of its own, where the weights were looked at. `config.json` says so
    /// of T5 v1.1 and FLAN-T5 as they were published, but transformers 5 writes that all are tied.
    pub has_head: Option<bool>,
}

impl Demand {
    /// What a run of this configuration asks for, on the CPU or on another device.
    pub fn new(config: &RunConfig, cpu: bool) -> Self {
        Demand { config: config.clone(), kernels: config.model.kernels, gpu: !cpu, has_head: None }
    }

    fn is_full(&self) -> bool {
        self.config.method.method == Method::Full
    }

    /// Whether dropout acts inside the model.
    fn drops(&self) -> bool {
        self.config.train.dropout != Dropout::Rate(0.0)
    }
}

/// The memory of a run at its highest, in bytes, by what it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The model's weights, and the adapter's.
    pub weights: u64,
    /// Gradients of what is trained.
    pub gradients: u64,
    /// What the optimizer remembers.
    pub optimizer: u64,
    /// What the forward pass leaves for the backward pass.
    pub activations: u64,
    /// The scores of the vocabulary, and what the loss keeps.
    pub logits: u64,
    /// What operations hold while they run, and the process itself.
    pub buffers: u64,
    /// All of it.
    pub total: u64,
    /// Trained numbers (not bytes).
    pub trainable_parameters: u64,
    /// All numbers.
    pub total_parameters: u64,
    /// The largest tensor: a device that binds less at once cannot hold it.
    pub largest_tensor: u64,
}

/// One part of the forward pass, in its order: a norm with what follows it, an embedding, the head.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// Kept for the backward pass.
    saved: u64,
    /// Of those, scores of the vocabulary.
    logits: u64,
    /// Gradients of weights that its backward pass leaves.
    gradients: u64,
    /// Held beside while its backward pass runs.
    work: u64,
}

/// Sizes in numbers, not bytes.
struct Walk<'a> {
    config: &'a T5Config,
    demand: &'a Demand,
    /// Rows that go before each source.
    virtual_tokens: usize,
    /// Rows of the encoder's hidden states: batch × (virtual tokens + source).
    encoder_rows: u64,
    /// Rows of the decoder's.
    decoder_rows: u64,
}

/// Why a device cannot train so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// All of it together is more than there is.
    Memory {
        /// Bytes that there are.
        there: u64,
    },
    /// One tensor is larger than what a shader sees at once.
    Binding {
        /// Its bytes.
        tensor: u64,
        /// Bytes that a shader sees.
        limit: u64,
    },
}

impl Obstacle {
    /// A short name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Obstacle::Memory { .. } => "memory",
            Obstacle::Binding { .. } => "binding",
        }
    }
}

impl Estimate {
    /// What keeps a device of these limits from it. `memory` is what there is of it, where that is
    /// known.
    pub fn obstacle(&self, limits: &Limits, memory: Option<u64>) -> Option<Obstacle> {
        let bound = [limits.max_binding_size, limits.max_buffer_size].into_iter().flatten().min();
        if let Some(limit) = bound.filter(|limit| self.largest_tensor > *limit) {
            return Some(Obstacle::Binding { tensor: self.largest_tensor, limit });
        }
        memory.filter(|there| self.total > *there).map(|there| Obstacle::Memory { there })
    }
}

/// What a run takes.
pub fn estimate(config: &T5Config, demand: &Demand) -> Estimate {
    let (batch, data) = (demand.config.train.batch_size as u64, &demand.config.data);
    let virtual_tokens = virtual_tokens(&demand.config);
    let walk = Walk {
        config,
        demand,
        virtual_tokens,
        encoder_rows: batch * (virtual_tokens + data.max_source_tokens) as u64,
        decoder_rows: batch * data.max_target_tokens as u64,
    };
    let base = walk.base();
    let trained = walk.trained();
    let (total_parameters, weights) = match demand.is_full() {
        true => (base, base * FLOAT),
        false => (base + trained.numbers, walk.frozen_bytes() + trained.numbers * FLOAT),
    };
    let optimizer = trained.state * FLOAT;
    // Beside the gradients of a batch, the sum of those before it.
    let summed = if demand.config.train.accumulate > 1 { trained.numbers } else { 0 };

    let parts = walk.parts();
    let saved: u64 = parts.iter().map(|part| part.saved).sum();
    let logits: u64 = parts.iter().map(|part| part.logits).sum();
    let mut now = Held { gradients: summed, activations: saved - logits, logits, work: 0 };
    let mut highest = now;
    for part in parts.iter().rev() {
        now.work = part.work;
        now.gradients += part.gradients;
        highest = highest.max(now);
        now.activations -= part.saved - part.logits;
        now.logits -= part.logits;
    }
    now = Held { gradients: trained.numbers, work: trained.largest, ..Held::default() };
    highest = highest.max(now);

    let Held { gradients, activations, logits, work } = highest;
    let mut estimate = Estimate {
        weights,
        gradients: gradients * FLOAT,
        optimizer,
        activations: activations * FLOAT,
        logits: logits * FLOAT,
        buffers: work * FLOAT + PROCESS,
        total: 0,
        trainable_parameters: trained.numbers,
        total_parameters,
        largest_tensor: walk.largest_tensor(),
    };
    let Estimate { weights, gradients, activations, logits, buffers, .. } = estimate;
    estimate.total = weights + gradients + optimizer + activations + logits + buffers;
    estimate
}

/// What is held at once, beside what is always there.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    gradients: u64,
    activations: u64,
    logits: u64,
    work: u64,
}

impl Held {
    fn max(self, other: Self) -> Self {
        let sum =
            |moment: &Self| moment.gradients + moment.activations + moment.logits + moment.work;
        if sum(&other) > sum(&self) { other } else { self }
    }
}

/// What is trained: how many numbers, how many the optimizer remembers, the largest tensor.
#[derive(Clone, Copy, Debug, Default)]
struct Trained {
    numbers: u64,
    state: u64,
    largest: u64,
}

impl Walk<'_> {
    fn d_model(&self) -> u64 {
        self.config.d_model as u64
    }

    fn inner(&self) -> u64 {
        self.config.d_inner() as u64
    }

    fn d_ff(&self) -> u64 {
        self.config.d_ff as u64
    }

    fn vocabulary(&self) -> u64 {
        self.config.vocab_size as u64
    }

    fn is_full(&self) -> bool {
        self.demand.is_full()
    }

    fn gated(&self) -> bool {
        self.config.feed_forward == FeedForward::GatedGelu
    }

    fn has_head(&self) -> bool {
        let assumed = !self.config.tie_word_embeddings || self.gated();
        self.demand.has_head.unwrap_or(assumed)
    }

    /// What stands beside a map.
    fn cost(&self, map: &LinearMap) -> Cost {
        cost(&self.demand.config, map)
    }

    /// Whether a map's input is kept: for its own gradient, or for what stands beside it.
    fn keeps_input(&self, map: &LinearMap) -> bool {
        self.is_full() || self.cost(map).keeps_input
    }

    /// Whether the map, or what stands beside it, is trained.
    fn trains(&self, map: &LinearMap) -> bool {
        self.is_full() || self.cost(map).is_trained()
    }

    /// The maps of an attention, such as `encoder.block.0.layer.0.SelfAttention`.
    fn attention(&self, module: &str) -> [LinearMap; 4] {
        let (d, inner) = (self.config.d_model, self.config.d_inner());
        let map =
            |name, inputs, outputs| LinearMap { name: format!("{module}.{name}"), inputs, outputs };
        [map("q", d, inner), map("k", d, inner), map("v", d, inner), map("o", inner, d)]
    }

    /// The maps of a feed-forward layer, such as `encoder.block.0.layer.1.DenseReluDense`: those of
    /// its input, and that of its output.
    fn feed_forward(&self, module: &str) -> (Vec<LinearMap>, LinearMap) {
        let (d, ff) = (self.config.d_model, self.config.d_ff);
        let map = |name: &str, inputs, outputs| {
            let name = format!("{module}.{name}");
            LinearMap { name, inputs, outputs }
        };
        let names = self.config.feed_forward.inputs();
        (names.iter().map(|name| map(name, d, ff)).collect(), map("wo", ff, d))
    }

    fn encoder_block(&self, block: usize) -> [String; 2] {
        let module = |layer, name| format!("encoder.block.{block}.layer.{layer}.{name}");
        [module(0, "SelfAttention"), module(1, "DenseReluDense")]
    }

    fn decoder_block(&self, block: usize) -> [String; 3] {
        let module = |layer, name| format!("decoder.block.{block}.layer.{layer}.{name}");
        [module(0, "SelfAttention"), module(1, "EncDecAttention"), module(2, "DenseReluDense")]
    }

    /// The numbers of a base.
    fn base(&self) -> u64 {
        expected_tensors(self.config, !self.has_head())
            .iter()
            .map(|(_, shape)| shape.iter().map(|&size| size as u64).product::<u64>())
            .sum()
    }

    /// Bytes of frozen weights: matrices as they are kept, the rest as floats.
    fn frozen_bytes(&self) -> u64 {
        let tensors = expected_tensors(self.config, !self.has_head());
        tensors.iter().map(|(name, shape)| self.frozen(name, shape)).sum()
    }

    /// Bytes of one of them.
    fn frozen(&self, name: &str, shape: &[usize]) -> u64 {
        // Files of integers are kept as they are.
        let dtype = self.config.quantization.unwrap_or(self.demand.config.model.dtype);
        match format(name, shape, dtype) {
            Some(format) => format.bytes([shape[0], shape[1]]),
            None => FLOAT * shape.iter().map(|&size| size as u64).product::<u64>(),
        }
    }

    /// Its bytes. Of weights the embedding and the head are the largest.
    fn largest_tensor(&self) -> u64 {
        let logits = FLOAT * self.decoder_rows * self.vocabulary();
        let scores = FLOAT * self.scores(self.encoder_rows, self.encoder_rows);
        let embedding = match self.demand.is_full() {
            true => FLOAT * self.vocabulary() * self.d_model(),
            false => self.frozen("shared.weight", &[self.config.vocab_size, self.config.d_model]),
        };
        embedding.max(logits).max(scores)
    }

    /// The trainable parameters, and what the optimizer remembers of each tensor.
    fn trained(&self) -> Trained {
        let mut trained = Trained::default();
        let (rule, numbers) =
            (self.demand.config.optimizer().rule(), (&self.demand.config.train).into());
        let mut add = |shape: &[usize]| {
            let count: u64 = shape.iter().map(|&size| size as u64).product();
            trained.numbers += count;
            trained.largest = trained.largest.max(count);
            let slots = rule.slots(&numbers, shape).into_iter();
            trained.state += slots.map(|(_, length)| length as u64).sum::<u64>();
        };
        if self.is_full() {
            let tensors = expected_tensors(self.config, !self.has_head());
            tensors.iter().for_each(|(_, shape)| add(shape));
        }
        if self.virtual_tokens > 0 {
            add(&[self.virtual_tokens, self.config.d_model]);
        }
        for (name, shape) in expected_tensors(self.config, true) {
            if let (Some(name), &[outputs, inputs]) = (name.strip_suffix(".weight"), &shape[..]) {
                let map = LinearMap { name: name.to_owned(), inputs, outputs };
                self.cost(&map).shapes.iter().for_each(|shape| add(shape));
            }
        }
        // Fused, AdamW changes everything in place, but for the values on a GPU; the others make tensors on the
        // way.
        let in_place =
            self.demand.config.optimizer().rule().works_in_place() && self.demand.kernels;
        trained.largest *= if in_place { u64::from(self.demand.gpu) } else { 3 };
        trained
    }

    /// Whether the probabilities of an attention are never in memory, and are made again for the backward pass.
    fn makes_again(&self) -> bool {
        self.demand.gpu && self.demand.kernels && !self.demand.drops()
    }

    /// Whether what a norm makes is made again for the gradients of the matrices beside maps of it: where parts of a
    /// block are computed at once.
    fn norms_again(&self) -> bool {
        self.makes_again() && self.demand.config.method.variant != Variant::Dora && !self.is_full()
    }

    /// Scores of an attention, `[batch, heads, queries, keys]`.
    fn scores(&self, queries: u64, keys: u64) -> u64 {
        let batch = self.demand.config.train.batch_size.max(1) as u64;
        batch * self.config.num_heads as u64 * (queries / batch) * (keys / batch)
    }

    /// What a linear map of `rows` inputs leaves beside its input.
    fn low(&self, map: &LinearMap, rows: u64) -> u64 {
        rows * self.cost(map).kept_a_row as u64
    }

    /// The gradient of a map's weight, or of what stands beside it.
    fn gradient(&self, map: &LinearMap) -> u64 {
        match self.is_full() {
            true => (map.inputs * map.outputs) as u64,
            false => self.cost(map).numbers() as u64,
        }
    }

    /// The norm before a part: its input, one scale a row, and with dropout the mask after the part.
    /// Without kernels the normed rows are kept for the weight's gradient.
    fn norm(&self, rows: u64, tracked: bool) -> u64 {
        let d = self.d_model();
        let definition = u64::from(!self.demand.kernels && self.is_full());
        let kept = if tracked { rows * d * (1 + definition) + rows } else { 0 };
        kept + if self.demand.drops() { rows * d } else { 0 }
    }

    /// An attention with its norm, of a module such as `encoder.block.0.layer.0.SelfAttention`. `keys`
    /// is how many rows its keys are made of; the encoder's are
    /// kept once, where they are made. Untracked is what nothing trained goes into.
    fn attend(&self, module: &str, rows: u64, keys: u64, crosses: bool, input: bool) -> Part {
        let (d, inner) = (self.d_model(), self.inner());
        let [q, k, v, o] = self.attention(module);
        let keeps = |map: &LinearMap| self.keeps_input(map);
        let tracked = input || crosses || [&q, &k, &v, &o].into_iter().any(|map| self.trains(map));
        let own = if crosses { keeps(&q) } else { keeps(&q) || keeps(&k) || keeps(&v) };
        let scores = self.scores(rows, keys);
        let again = self.makes_again();
        let mut saved = self.norm(rows, input);
        // Made again, it takes the norm's input, which may be kept anyway.
        saved += if own && !(input && self.norms_again()) { rows * d } else { 0 };
        saved += self.low(&q, rows) + self.low(&k, keys) + self.low(&v, keys) + self.low(&o, rows);
        if tracked {
            saved += rows * inner + 2 * keys * inner;
            // In plain tensors the softmax keeps its exponentials beside the probabilities.
            let plain = !self.demand.kernels || self.demand.drops();
            saved += match again {
                // What makes the probabilities again: four numbers for each query and head, and the result.
                true => rows * (4 * self.config.num_heads as u64 + inner),
                false => scores * (1 + u64::from(plain) + u64::from(self.demand.drops())),
            };
        }
        saved += if keeps(&o) && !(tracked && again) { rows * inner } else { 0 };
        let gradients = [&q, &k, &v, &o].map(|target| self.gradient(target)).iter().sum::<u64>()
            + if self.is_full() { d } else { 0 };
        // Gradients of the stream before and after, of what is mixed, and of q, k and v; those of the
        // scores stay in the cache with kernels.
        let plain = if self.demand.kernels { 0 } else { 2 * scores };
        let encoder = if crosses { keys * d } else { 0 };
        let work = 2 * rows * d + 2 * rows * inner + 2 * keys * inner + encoder + plain;
        self.recomputed(Part { saved, gradients, work, logits: 0 }, rows)
    }

    /// A feed-forward part with its norm.
    fn feed(&self, module: &str, rows: u64) -> Part {
        let (d, ff) = (self.d_model(), self.d_ff());
        let (inputs, wo) = self.feed_forward(module);
        let all = || inputs.iter().chain([&wo]);
        let mut saved = self.norm(rows, true);
        let keeps = |map: &LinearMap| self.keeps_input(map);
        saved += if inputs.iter().any(keeps) && !self.norms_again() { rows * d } else { 0 };
        saved += all().map(|map| self.low(map, rows)).sum::<u64>();
        // The gate keeps its two operands; in plain tensors it keeps eight (the gate, its square, the
        // two around the clamp, half the gate, the tangent's part, their product, the value).
        let between = match (self.gated(), self.demand.kernels) {
            (true, true) => 2,
            (true, false) => 8,
            (false, _) => 1,
        };
        saved += between * rows * ff;
        // Without a gate, what goes into `wo` is what the ReLU keeps.
        saved += if keeps(&wo) && self.gated() { rows * ff } else { 0 };
        saved += if self.demand.drops() { rows * ff } else { 0 };
        let gradients =
            all().map(|map| self.gradient(map)).sum::<u64>() + if self.is_full() { d } else { 0 };
        let work = 2 * rows * d + 3 * rows * ff;
        self.recomputed(Part { saved, gradients, work, logits: 0 }, rows)
    }

    /// With recomputation only a part's input is kept, and the rest is there while it runs.
    fn recomputed(&self, part: Part, rows: u64) -> Part {
        if !self.demand.config.model.recompute || !self.demand.gpu {
            return part;
        }
        let saved = rows * self.d_model();
        Part { saved, work: part.work + part.saved.saturating_sub(saved), ..part }
    }

    /// The forward pass.
    fn parts(&self) -> Vec<Part> {
        let (d, vocabulary) = (self.d_model(), self.vocabulary());
        let (encoder, decoder) = (self.encoder_rows, self.decoder_rows);
        let full = self.is_full();
        // Nothing trained is before the first block of a frozen stack.
        let embedding = if full { vocabulary * d } else { 0 };
        // Each use of the embedding makes a gradient of its size; the second one is added to the first.
        let first = Part { gradients: embedding, work: embedding, ..Part::default() };
        let mut parts = vec![first];
        let mut tracked = full || self.virtual_tokens > 0;
        for block in 0..self.config.num_layers {
            let [attention, feed_forward] = self.encoder_block(block);
            parts.push(self.attend(&attention, encoder, encoder, false, tracked));
            tracked |= self.attention(&attention).iter().any(|map| self.trains(map));
            let (inputs, output) = self.feed_forward(&feed_forward);
            tracked |= inputs.iter().chain([&output]).any(|map| self.trains(map));
            // What nothing trained goes into, nor stands beside, keeps nothing.
            parts.push(match tracked {
                true => self.feed(&feed_forward, encoder),
                false => Part::default(),
            });
        }
        // After its norm the encoder's output is kept where keys or values of it are trained.
        let blocks = (0..self.config.num_decoder_layers).map(|block| self.decoder_block(block));
        let keys = blocks.clone().any(|[_, crosses, _]| {
            let [_, k, v, _] = self.attention(&crosses);
            self.keeps_input(&k) || self.keeps_input(&v)
        });
        let kept = self.norm(encoder, tracked) + if keys { encoder * d } else { 0 };
        let norm = if full { d } else { 0 };
        parts.push(Part { saved: kept, gradients: norm, work: 2 * encoder * d, logits: 0 });
        // The decoder's first self-attention sees embeddings alone.
        let mut tracked = full;
        for [attention, crosses, feed_forward] in blocks {
            parts.push(self.attend(&attention, decoder, decoder, false, tracked));
            parts.push(self.attend(&crosses, decoder, encoder, true, true));
            parts.push(self.feed(&feed_forward, decoder));
            tracked = true;
        }
        let hidden = if full { decoder * d } else { 0 };
        let kept = self.norm(decoder, true) + hidden;
        parts.push(Part { saved: kept, gradients: norm, work: 2 * decoder * d, logits: 0 });
        parts.push(self.head());
        parts
    }

    /// The scores and the loss. Their gradient takes the scores' memory with the kernel; in plain
    /// tensors the exponentials stay, and three tensors of the scores' size meet on the way back. On a GPU a frozen
    /// head makes the scores of some tokens at a time, and the gradient of what went into it at once.
    fn head(&self) -> Part {
        let hidden = self.decoder_rows * self.d_model();
        if self.demand.gpu && self.demand.kernels && !self.is_full() {
            let tokens = tokens_at_once(self.config.vocab_size) as u64;
            let logits = self.decoder_rows.min(tokens) * self.vocabulary();
            return Part { saved: logits + hidden, logits, gradients: 0, work: hidden };
        }
        let logits = self.decoder_rows * self.vocabulary();
        let gradients = match self.is_full() {
            true => self.vocabulary() * self.d_model(),
            false => 0,
        };
        let work = 2 * hidden + if self.demand.kernels { 0 } else { 3 * logits };
        Part { saved: logits, logits, gradients, work }
    }
}

#[cfg(test)]
mod tests;
