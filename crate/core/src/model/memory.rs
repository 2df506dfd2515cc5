//! How much memory training takes, before it begins: from a model's shape and the run's settings
//! alone, so that a page can tell before anything is downloaded.
//!
//! It follows what the graph really keeps. Forwards, each part of a block leaves behind what its
//! backward pass reads (`ops/*/gradient.rs`); backwards, that is freed part by part while gradients
//! of weights add up; then the optimizer takes them. The estimate is the highest point of that walk,
//! divided by what the memory is for. Batches are taken as full: every text as long as the settings
//! allow.

use serde::Serialize;

use super::config::{FeedForward, T5Config};
use crate::{
    config::{Dropout, Dtype, Method, RunConfig, TargetModule, Variant},
    device::Limits,
    optimizer::{Numbers, OptimizerKind},
};

/// Bytes of a number that is computed with.
const FLOAT: u64 = 4;

/// What a process takes beside tensors: code, the stacks of threads, what products pack. On the CPU it
/// is what is left of a measured process when its tensors are taken away, 27 to 44 MB
/// (docs/performance.md).
const PROCESS: u64 = 32 << 20;

/// The sizes that decide, beside the model's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// What is trained.
    pub method: Method,
    /// LoRA: the rank.
    pub rank: usize,
    /// LoRA: the layers that have it.
    pub target_modules: Vec<TargetModule>,
    /// LoRA: whether magnitudes are trained too.
    pub dora: bool,
    /// Prompt: virtual tokens before each source.
    pub num_virtual_tokens: usize,
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// What it goes by.
    pub numbers: Numbers,
    /// Rows of a batch.
    pub batch_size: usize,
    /// Whether gradients of several batches are added up.
    pub accumulates: bool,
    /// Tokens of a source.
    pub source: usize,
    /// Tokens of a target.
    pub target: usize,
    /// Whether dropout acts inside the model.
    pub drops: bool,
    /// Whether activations are computed again in the backward pass: of each part of a block only its
    /// input is kept.
    pub recompute: bool,
    /// What the frozen weights are kept in.
    pub dtype: Dtype,
    /// Whether the fused operations run: on the CPU, unless they are turned off.
    pub kernels: bool,
    /// Whether the head is a tensor of its own, where the weights were looked at. `config.json` says so
    /// of T5 v1.1 and FLAN-T5 as they were published, but transformers 5 writes that all are tied.
    pub has_head: Option<bool>,
}

impl Demand {
    /// What a run of this configuration asks for, on the CPU or on another device.
    pub fn new(config: &RunConfig, cpu: bool) -> Self {
        let (method, train, data) = (&config.method, &config.train, &config.data);
        Demand {
            method: method.method,
            rank: method.rank,
            target_modules: method.target_modules.clone(),
            dora: method.variant == Variant::Dora,
            num_virtual_tokens: method.num_virtual_tokens,
            optimizer: config.optimizer(),
            numbers: train.into(),
            batch_size: train.batch_size,
            accumulates: train.accumulate > 1,
            source: data.max_source_tokens,
            target: data.max_target_tokens,
            drops: train.dropout != Dropout::Rate(0.0),
            recompute: config.model.recompute,
            dtype: config.model.dtype,
            kernels: config.model.kernels && cpu,
            has_head: None,
        }
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
    let batch = demand.batch_size as u64;
    let virtual_tokens = match demand.method {
        Method::Prompt => demand.num_virtual_tokens,
        _ => 0,
    };
    let walk = Walk {
        config,
        demand,
        encoder_rows: batch * (virtual_tokens + demand.source) as u64,
        decoder_rows: batch * demand.target as u64,
    };
    let base = walk.base();
    let trained = walk.trained();
    let total_parameters = match demand.method {
        Method::Full => base,
        _ => base + trained.numbers,
    };
    let weights = match demand.method {
        Method::Full => base * FLOAT,
        _ => walk.frozen_bytes() + trained.numbers * FLOAT,
    };
    let optimizer = trained.state * FLOAT;
    // Beside the gradients of a batch, the sum of those before it.
    let summed = if demand.accumulates { trained.numbers } else { 0 };

    let parts = walk.parts();
    let saved: u64 = parts.iter().map(|part| part.saved).sum();
    let logits: u64 = parts.iter().map(|part| part.logits).sum();
    let mut now = Moment { gradients: summed, activations: saved - logits, logits, work: 0 };
    let mut highest = now;
    for part in parts.iter().rev() {
        now.work = part.work;
        now.gradients += part.gradients;
        highest = highest.max(now);
        now.activations -= part.saved - part.logits;
        now.logits -= part.logits;
    }
    now = Moment { gradients: trained.numbers, work: trained.largest, ..Moment::default() };
    highest = highest.max(now);

    let Moment { gradients, activations, logits, work } = highest;
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
        largest_tensor: walk.largest_tensor() * FLOAT,
    };
    let Estimate { weights, gradients, activations, logits, buffers, .. } = estimate;
    estimate.total = weights + gradients + optimizer + activations + logits + buffers;
    estimate
}

/// What is held at once, beside what is always there.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    gradients: u64,
    activations: u64,
    logits: u64,
    work: u64,
}

impl Moment {
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

/// An attention or a feed-forward layer's widths.
struct Target {
    module: TargetModule,
    inputs: u64,
    outputs: u64,
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
        self.demand.method == Method::Full
    }

    fn gated(&self) -> bool {
        self.config.feed_forward == FeedForward::GatedGelu
    }

    fn has_head(&self) -> bool {
        let assumed = !self.config.tie_word_embeddings || self.gated();
        self.demand.has_head.unwrap_or(assumed)
    }

    /// The rank of a layer's LoRA, 0 where it has none.
    fn rank(&self, module: TargetModule) -> u64 {
        let adapted =
            self.demand.method == Method::Lora && self.demand.target_modules.contains(&module);
        if adapted { self.demand.rank as u64 } else { 0 }
    }

    /// Whether a layer's input is kept: for its own gradient, or its LoRA's.
    fn keeps_input(&self, module: TargetModule) -> bool {
        self.is_full() || self.rank(module) > 0
    }

    fn attention(&self) -> [Target; 4] {
        let (d, inner) = (self.d_model(), self.inner());
        let target = |module, inputs, outputs| Target { module, inputs, outputs };
        [
            target(TargetModule::Q, d, inner),
            target(TargetModule::K, d, inner),
            target(TargetModule::V, d, inner),
            target(TargetModule::O, inner, d),
        ]
    }

    fn feed_forward(&self) -> Vec<Target> {
        let (d, ff) = (self.d_model(), self.d_ff());
        let inputs: &[TargetModule] = match self.config.feed_forward {
            FeedForward::GatedGelu => &[TargetModule::Wi0, TargetModule::Wi1],
            FeedForward::Relu => &[TargetModule::Wi],
        };
        let inputs = inputs.iter().map(|&module| Target { module, inputs: d, outputs: ff });
        inputs.chain([Target { module: TargetModule::Wo, inputs: ff, outputs: d }]).collect()
    }

    /// The numbers of a base.
    fn base(&self) -> u64 {
        super::config::expected_tensors(self.config, !self.has_head())
            .iter()
            .map(|(_, shape)| shape.iter().map(|&size| size as u64).product::<u64>())
            .sum()
    }

    /// Bytes of frozen weights: matrices as they are kept, the rest as floats. Of 8-bit integers each
    /// row has a scale.
    fn frozen_bytes(&self) -> u64 {
        let tensors = super::config::expected_tensors(self.config, !self.has_head());
        // Files of integers are kept as they are.
        let dtype = if self.config.int8 { Dtype::Int8 } else { self.demand.dtype };
        let bytes = |(name, shape): &(String, Vec<usize>)| {
            let numbers = shape.iter().map(|&size| size as u64).product::<u64>();
            let matrix = shape.len() == 2 && !name.contains("relative_attention_bias");
            match (dtype, matrix) {
                (Dtype::F16 | Dtype::Bf16, true) => 2 * numbers,
                (Dtype::Int8, true) => numbers + FLOAT * shape[0] as u64,
                _ => FLOAT * numbers,
            }
        };
        tensors.iter().map(bytes).sum()
    }

    /// The embedding and the head are the largest.
    fn largest_tensor(&self) -> u64 {
        let logits = self.decoder_rows * self.vocabulary();
        let scores = self.scores(self.encoder_rows, self.encoder_rows);
        (self.vocabulary() * self.d_model()).max(logits).max(scores)
    }

    /// The numbers that are trained, and what the optimizer remembers of each tensor.
    fn trained(&self) -> Trained {
        let mut trained = Trained::default();
        let rule = self.demand.optimizer.rule();
        let mut add = |shape: &[u64]| {
            let numbers: u64 = shape.iter().product();
            trained.numbers += numbers;
            trained.largest = trained.largest.max(numbers);
            let shape: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
            let slots = rule.slots(&self.demand.numbers, &shape).into_iter();
            trained.state += slots.map(|(_, length)| length as u64).sum::<u64>();
        };
        match self.demand.method {
            Method::Full => {
                let tensors = super::config::expected_tensors(self.config, !self.has_head());
                for (_, shape) in tensors {
                    let shape: Vec<u64> = shape.into_iter().map(|size| size as u64).collect();
                    add(&shape);
                }
            }
            Method::Prompt => add(&[self.demand.num_virtual_tokens as u64, self.d_model()]),
            Method::Lora => {
                let layers = (self.config.num_layers, self.config.num_decoder_layers);
                let attentions = layers.0 + 2 * layers.1;
                let attention = self.attention();
                let feed_forward = self.feed_forward();
                let targets = (attention.iter().map(|target| (target, attentions)))
                    .chain(feed_forward.iter().map(|target| (target, layers.0 + layers.1)));
                for (target, count) in targets {
                    let rank = self.rank(target.module);
                    let count = if rank > 0 { count } else { 0 };
                    for _ in 0..count {
                        add(&[rank, target.inputs]);
                        add(&[target.outputs, rank]);
                        if self.demand.dora {
                            add(&[target.outputs]);
                        }
                    }
                }
            }
        }
        // Fused on the CPU, AdamW changes everything in place; the others make tensors on the way.
        let in_place = self.demand.optimizer.rule().works_in_place() && self.demand.kernels;
        trained.largest *= if in_place { 0 } else { 3 };
        trained
    }

    /// Scores of an attention, `[batch, heads, queries, keys]`.
    fn scores(&self, queries: u64, keys: u64) -> u64 {
        let batch = self.demand.batch_size.max(1) as u64;
        batch * self.config.num_heads as u64 * (queries / batch) * (keys / batch)
    }

    /// What a linear map of `rows` inputs leaves beside its input: LoRA's small product, and DoRA's
    /// sum before the magnitudes.
    fn low(&self, target: &Target, rows: u64) -> u64 {
        match self.rank(target.module) {
            0 => 0,
            rank if self.demand.dora => rows * (rank + target.outputs),
            rank => rows * rank,
        }
    }

    /// The gradient of a layer's weight, or of its LoRA.
    fn gradient(&self, target: &Target) -> u64 {
        match self.rank(target.module) {
            _ if self.is_full() => target.inputs * target.outputs,
            0 => 0,
            rank => rank * (target.inputs + target.outputs),
        }
    }

    /// The norm before a part: its input, one scale a row, and with dropout the mask after the part.
    /// Without kernels the normed rows are kept for the weight's gradient.
    fn norm(&self, rows: u64, tracked: bool) -> u64 {
        let d = self.d_model();
        let definition = u64::from(!self.demand.kernels && self.is_full());
        let kept = if tracked { rows * d * (1 + definition) + rows } else { 0 };
        kept + if self.demand.drops { rows * d } else { 0 }
    }

    /// An attention with its norm. `keys` is how many rows its keys are made of; the encoder's are
    /// kept once, where they are made. Untracked is what nothing trained goes into.
    fn attend(&self, rows: u64, keys: u64, crosses: bool, input: bool) -> Part {
        let (d, inner) = (self.d_model(), self.inner());
        let [q, k, v, o] = self.attention();
        let keeps = |target: &Target| self.keeps_input(target.module);
        let tracked = input || crosses || [&q, &k, &v, &o].into_iter().any(keeps);
        let own = if crosses { keeps(&q) } else { keeps(&q) || keeps(&k) || keeps(&v) };
        let scores = self.scores(rows, keys);
        let mut saved = self.norm(rows, input);
        saved += if own { rows * d } else { 0 };
        saved += self.low(&q, rows) + self.low(&k, keys) + self.low(&v, keys) + self.low(&o, rows);
        if tracked {
            saved += rows * inner + 2 * keys * inner;
            // In plain tensors the softmax keeps its exponentials beside the probabilities.
            let plain = !self.demand.kernels || self.demand.drops;
            saved += scores * (1 + u64::from(plain) + u64::from(self.demand.drops));
        }
        saved += if keeps(&o) { rows * inner } else { 0 };
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
    fn feed(&self, rows: u64) -> Part {
        let (d, ff) = (self.d_model(), self.d_ff());
        let targets = self.feed_forward();
        let (wo, inputs) = match targets.split_last() {
            Some((wo, inputs)) => (wo, inputs),
            None => return Part::default(),
        };
        let mut saved = self.norm(rows, true);
        let keeps = |target: &Target| self.keeps_input(target.module);
        saved += if inputs.iter().any(keeps) { rows * d } else { 0 };
        saved += targets.iter().map(|target| self.low(target, rows)).sum::<u64>();
        // The gate keeps its two operands; in plain tensors it keeps eight (the gate, its square, the
        // two around the clamp, half the gate, the tangent's part, their product, the value).
        let between = match (self.gated(), self.demand.kernels) {
            (true, true) => 2,
            (true, false) => 8,
            (false, _) => 1,
        };
        saved += between * rows * ff;
        // Without a gate, what goes into `wo` is what the ReLU keeps.
        saved += if keeps(wo) && self.gated() { rows * ff } else { 0 };
        saved += if self.demand.drops { rows * ff } else { 0 };
        let gradients = targets.iter().map(|target| self.gradient(target)).sum::<u64>()
            + if self.is_full() { d } else { 0 };
        let work = 2 * rows * d + 3 * rows * ff;
        self.recomputed(Part { saved, gradients, work, logits: 0 }, rows)
    }

    /// With recomputation only a part's input is kept, and the rest is there while it runs.
    fn recomputed(&self, part: Part, rows: u64) -> Part {
        if !self.demand.recompute {
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
        let mut tracked = full || self.demand.method == Method::Prompt;
        for _ in 0..self.config.num_layers {
            parts.push(self.attend(encoder, encoder, false, tracked));
            let trained = [TargetModule::Q, TargetModule::K, TargetModule::V, TargetModule::O];
            tracked |= trained.into_iter().any(|module| self.keeps_input(module));
            parts.push(match tracked {
                true => self.feed(encoder),
                false => self.untracked_feed(encoder),
            });
            let trained = self.feed_forward();
            tracked |= trained.iter().any(|target| self.keeps_input(target.module));
        }
        // After its norm the encoder's output is kept where keys or values of it are trained.
        let keys = self.keeps_input(TargetModule::K) || self.keeps_input(TargetModule::V);
        let kept = self.norm(encoder, tracked) + if keys { encoder * d } else { 0 };
        let norm = if full { d } else { 0 };
        parts.push(Part { saved: kept, gradients: norm, work: 2 * encoder * d, logits: 0 });
        // The decoder's first self-attention sees embeddings alone.
        let mut tracked = full;
        for _ in 0..self.config.num_decoder_layers {
            parts.push(self.attend(decoder, decoder, false, tracked));
            parts.push(self.attend(decoder, encoder, true, true));
            parts.push(self.feed(decoder));
            tracked = true;
        }
        let hidden = if full { decoder * d } else { 0 };
        let kept = self.norm(decoder, true) + hidden;
        parts.push(Part { saved: kept, gradients: norm, work: 2 * decoder * d, logits: 0 });
        parts.push(self.head());
        parts
    }

    /// A feed-forward part that nothing trained goes into: it keeps what its own LoRA needs.
    fn untracked_feed(&self, rows: u64) -> Part {
        let adapted = self.feed_forward().iter().any(|target| self.keeps_input(target.module));
        if adapted { self.feed(rows) } else { Part::default() }
    }

    /// The scores and the loss. Their gradient takes the scores' memory with the kernel; in plain
    /// tensors the exponentials stay, and three tensors of the scores' size meet on the way back.
    fn head(&self) -> Part {
        let logits = self.decoder_rows * self.vocabulary();
        let hidden = self.decoder_rows * self.d_model();
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
