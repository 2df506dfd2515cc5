//! The whole model: embeddings, the two stacks and the head.

use burn::tensor::{Int, Tensor, TensorData};

use crate::model::{
    attention::Attention,
    config::T5Config,
    feed_forward::FeedForward,
    parameter::{Parameter, Parameters},
    pass::Pass,
    relative_position::{self, Buckets, MASKED, Positions},
};
use crate::{
    config::Dtype,
    device::Device,
    ops::{
        self, Weight,
        attention::{Bias, step::Kept},
        block::{Another, Gathered, Norm},
    },
    text::batch::Batch,
};

/// T5 for conditional generation. Hidden states are `[batch · length, d_model]`.
#[derive(Clone, Debug)]
pub struct T5 {
    /// Its shape.
    pub config: T5Config,
    /// The embedding of each token, `[vocab_size, d_model]`.
    pub shared: Weight,
    /// Reads the source.
    pub encoder: Stack,
    /// Writes the target.
    pub decoder: Stack,
    /// `[vocab_size, d_model]`; none where the embedding serves as the head.
    pub head: Option<Weight>,
    /// What its matrices were loaded as.
    pub dtype: Dtype,
    pub(in crate::model) device: Device,
}

/// The encoder or the decoder.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its blocks, first to last.
    pub blocks: Vec<Block>,
    /// The bias of relative positions, shared by all blocks: `[buckets, heads]`.
    pub relative_attention_bias: Tensor<2>,
    /// The norm after the last block, `[d_model]`.
    pub final_layer_norm: Tensor<1>,
    pub(in crate::model) name: &'static str,
}

/// One block of a stack.
#[derive(Clone, Debug)]
pub struct Block {
    /// Of the sequence to itself.
    pub self_attention: Normed<Attention>,
    /// Of the decoder to the encoder.
    pub cross_attention: Option<Normed<Attention>>,
    /// The feed-forward part.
    pub feed_forward: Normed<FeedForward>,
}

/// A part of a block with the norm before it.
#[derive(Clone, Debug)]
pub struct Normed<T> {
    /// The norm's weight, `[d_model]`.
    pub norm: Tensor<1>,
    /// The part itself.
    pub part: T,
}

/// What a pass reads of a batch's sources, on the device: put there before anything is computed, because a GPU
/// stops for what is put there between.
#[derive(Clone, Debug)]
pub struct Source {
    ids: Tensor<1, Int>,
    /// As [`Encoded::mask`].
    mask: Tensor<4>,
    buckets: Buckets,
    rows: usize,
}

/// The same of targets.
#[derive(Clone, Debug)]
pub struct Target {
    ids: Tensor<1, Int>,
    buckets: Buckets,
}

/// What the encoder made of a batch.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// `[batch · length, d_model]`.
    pub hidden: Tensor<2>,
    /// `[batch, 1, 1, length]`: 0 for tokens, −1e9 for padding.
    pub mask: Tensor<4>,
    /// Rows.
    pub batch: usize,
}

/// What a decoder keeps between tokens.
#[derive(Debug)]
pub struct Cache {
    /// Of each block, keys and values of the tokens so far, and those of the source.
    kept: Vec<[Kept; 2]>,
    /// The bias by position of a token to itself, last, and to as many before it as there are.
    position: Tensor<4>,
    length: usize,
}

/// A cache has the bias of so many places at first.
const PLACES: usize = 32;

impl T5 {
    /// The device that holds the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Puts a batch's sources onto the device. A soft prompt goes before them, with attention 1.
    pub fn source(&self, batch: &Batch, pass: &Pass) -> Source {
        let (rows, source) = (batch.rows, batch.source_length);
        let virtual_tokens = pass.prompt().map_or(0, |prompt| prompt.dims()[0]);
        let length = virtual_tokens + source;
        let mut mask: Vec<f32> = Vec::with_capacity(rows * length);
        for row in batch.attention_mask.chunks(source.max(1)) {
            mask.extend(std::iter::repeat_n(0.0, virtual_tokens));
            mask.extend(row.iter().map(|&seen| if seen == 0 { MASKED } else { 0.0 }));
        }
        let mask = TensorData::new(mask, [rows, 1, 1, length]);
        Source {
            ids: self.ids(&batch.input_ids),
            mask: Tensor::from_data(mask, self.device.burn()),
            buckets: self.buckets(&self.encoder, 0, [length, length]),
            rows,
        }
    }

    /// Puts targets onto the device: `ids` are the inputs, `[batch · length]`.
    pub fn target(&self, ids: &[i32], batch: usize) -> Target {
        let length = ids.len() / batch;
        let buckets = self.buckets(&self.decoder, 0, [length, length]);
        Target { ids: self.ids(ids), buckets }
    }

    /// Encodes a batch's sources.
    pub fn encode(&self, source: Source, pass: &Pass) -> Encoded {
        let Source { ids, mask, buckets, rows } = source;
        let mut hidden = self.shared.rows(ids, pass);
        if let Some(prompt) = pass.prompt() {
            let [tokens, width] = hidden.dims();
            let hidden_rows = hidden.reshape([rows, tokens / rows, width]);
            let prompt = prompt.clone().unsqueeze::<3>().repeat_dim(0, rows);
            let all = Tensor::cat(vec![prompt, hidden_rows], 1);
            let [_, length, _] = all.dims();
            hidden = all.reshape([rows * length, width]);
        }
        let position = self.bias(&self.encoder, buckets, pass);
        let bias = Bias { position: Some(position), mask: Some(mask.clone()) }.lay_together(pass);
        let mut hidden = pass.dropout(hidden);
        for block in &self.encoder.blocks {
            pass.observe(&hidden);
            hidden = self.whole_block(block, hidden, rows, &bias, None, pass);
        }
        let hidden = self.finish(&self.encoder, hidden, pass);
        Encoded { hidden, mask, batch: rows }
    }

    /// Decodes whole targets at once. Returns hidden states after the final norm,
    /// `[batch · length, d_model]`.
    pub fn decode(&self, target: Target, encoded: &Encoded, pass: &Pass) -> Tensor<2> {
        let Target { ids, buckets } = target;
        let bias = Bias { position: Some(self.bias(&self.decoder, buckets, pass)), mask: None };
        let mut hidden = pass.dropout(self.shared.rows(ids, pass));
        let source = (encoded, &Gathered::default());
        for block in &self.decoder.blocks {
            pass.observe(&hidden);
            hidden = self.whole_block(block, hidden, encoded.batch, &bias, Some(source), pass);
        }
        self.finish(&self.decoder, hidden, pass)
    }

    /// An empty cache for decoding token by token; the encoder's keys and values are made once.
    pub fn start(&self, encoded: &Encoded, pass: &Pass) -> Cache {
        let (batch, width) = (encoded.batch, self.config.num_heads * self.config.d_kv);
        let crosses = self.decoder.blocks.iter().filter_map(|block| block.cross_attention.as_ref());
        let kept = crosses.map(|cross| {
            let source = cross.part.keys_values(encoded.hidden.clone(), pass);
            [Kept::none(batch, width, self.device.burn()), Kept::whole(source, batch)]
        });
        Cache { kept: kept.collect(), position: self.places(PLACES, pass), length: 0 }
    }

    /// The decoder's bias of the last of so many places to each of them.
    fn places(&self, places: usize, pass: &Pass) -> Tensor<4> {
        let buckets = self.buckets(&self.decoder, places - 1, [1, places]);
        self.bias(&self.decoder, buckets, pass).without_autodiff()
    }

    /// Decodes one more token of each row: `ids` is `[batch]`. Returns `[batch, d_model]`.
    pub fn decode_next(
        &self,
        ids: Tensor<1, Int>,
        encoded: &Encoded,
        cache: &mut Cache,
        pass: &Pass,
    ) -> Tensor<2> {
        cache.length += 1;
        let places = cache.position.dims()[3];
        if cache.length > places {
            cache.position = self.places(2 * places, pass);
        }
        let bias = Bias { position: Some(cache.position.clone()), mask: None };
        let cross_bias = Bias { position: None, mask: Some(encoded.mask.clone()) };
        let mut hidden = self.shared.rows(ids, pass);
        for (block, [own, source]) in self.decoder.blocks.iter().zip(&mut cache.kept) {
            let Normed { norm, part } = &block.self_attention;
            hidden = part.step(hidden, self.norm_of(norm), true, own, &bias, pass);
            if let Some(Normed { norm, part }) = &block.cross_attention {
                hidden = part.step(hidden, self.norm_of(norm), false, source, &cross_bias, pass);
            }
            let Normed { norm, part } = &block.feed_forward;
            hidden = match part.step(&hidden, self.norm_of(norm), pass) {
                Some(hidden) => hidden,
                None => self.last_part(block, hidden, pass),
            };
        }
        self.finish(&self.decoder, hidden, pass)
    }

    /// Scores of the vocabulary: `hidden` is `[rows, d_model]`, the result `[rows, vocab_size]`.
    pub fn logits(&self, hidden: Tensor<2>, pass: &Pass) -> Tensor<2> {
        let (hidden, head) = self.before_head(hidden);
        ops::linear::linear(hidden, head, pass)
    }

    /// What goes into the head, and the head.
    pub fn before_head(&self, hidden: Tensor<2>) -> (Tensor<2>, &Weight) {
        let hidden = match self.config.scale_decoder_outputs {
            true => hidden * (self.config.d_model as f64).powf(-0.5),
            false => hidden,
        };
        (hidden, self.head.as_ref().unwrap_or(&self.shared))
    }

    /// The inputs of the decoder for these labels: shifted right, with the start token in front and
    /// padding where labels are masked. Both are `[rows · length]`.
    pub fn shift_right(&self, labels: &[i32], length: usize) -> Vec<i32> {
        let (start, pad) = (self.config.decoder_start_token_id, self.config.pad_token_id);
        let mut ids = Vec::with_capacity(labels.len());
        for row in labels.chunks(length.max(1)) {
            ids.push(start as i32);
            ids.extend(row[..row.len() - 1].iter().map(|&l| if l < 0 { pad as i32 } else { l }));
        }
        ids
    }

    /// Tokens on the model's device.
    pub fn ids(&self, ids: &[i32]) -> Tensor<1, Int> {
        Tensor::from_data(TensorData::new(ids.to_vec(), [ids.len()]), self.device.burn())
    }

    fn buckets(&self, stack: &Stack, first_query: usize, shape: [usize; 2]) -> Buckets {
        let (bidirectional, [queries, keys]) = (stack.name == "encoder", shape);
        let positions = Positions { bidirectional, first_query, queries, keys };
        Buckets::new(positions, &self.config, self.device.burn())
    }

    fn bias(&self, stack: &Stack, buckets: Buckets, pass: &Pass) -> Tensor<4> {
        relative_position::bias(&stack.relative_attention_bias, buckets, pass)
    }

    /// A block over whole sequences: its parts at once where they can be.
    fn whole_block(
        &self,
        block: &Block,
        hidden: Tensor<2>,
        batch: usize,
        bias: &Bias,
        encoded: Option<(&Encoded, &Gathered)>,
        pass: &Pass,
    ) -> Tensor<2> {
        let Normed { norm, part } = &block.self_attention;
        let whole = part.part(&hidden, None, self.norm_of(norm), batch, bias, pass);
        let mut hidden = whole.unwrap_or_else(|| {
            let x = self.norm(hidden.clone(), norm, pass);
            let source = part.keys_values(x.clone(), pass);
            hidden + pass.dropout(part.forward(x, source, batch, bias, pass))
        });
        if let (Some(Normed { norm, part }), Some((encoded, gathered))) =
            (&block.cross_attention, encoded)
        {
            let bias = Bias { position: None, mask: Some(encoded.mask.clone()) };
            let source = &encoded.hidden;
            let another = Some(Another { hidden: source, gathered });
            let whole = part.part(&hidden, another, self.norm_of(norm), batch, &bias, pass);
            hidden = whole.unwrap_or_else(|| {
                let source = part.keys_values(source.clone(), pass);
                let x = self.norm(hidden.clone(), norm, pass);
                hidden + pass.dropout(part.forward(x, source, batch, &bias, pass))
            });
        }
        self.last_part(block, hidden, pass)
    }

    /// The feed-forward part of a block.
    fn last_part(&self, block: &Block, hidden: Tensor<2>, pass: &Pass) -> Tensor<2> {
        let Normed { norm, part } = &block.feed_forward;
        part.part(&hidden, self.norm_of(norm), pass).unwrap_or_else(|| {
            let x = self.norm(hidden.clone(), norm, pass);
            hidden + pass.dropout(part.forward(x, pass))
        })
    }

    fn norm_of<'a>(&self, weight: &'a Tensor<1>) -> Norm<'a> {
        Norm { weight, epsilon: self.config.layer_norm_epsilon }
    }

    fn finish(&self, stack: &Stack, hidden: Tensor<2>, pass: &Pass) -> Tensor<2> {
        let hidden = self.norm(hidden, &stack.final_layer_norm, pass);
        pass.observe(&hidden);
        pass.dropout(hidden)
    }

    fn norm(&self, x: Tensor<2>, weight: &Tensor<1>, pass: &Pass) -> Tensor<2> {
        ops::rms_norm::rms_norm(x, weight, self.config.layer_norm_epsilon, pass)
    }
}

impl Cache {
    /// Keeps these rows of the batch, in this order: finished rows are dropped, beams reordered.
    pub fn select(&mut self, rows: &[usize], encoded: &mut Encoded) {
        let ids: Vec<i32> = rows.iter().map(|&row| row as i32).collect();
        let device = encoded.hidden.device();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [rows.len()]), &device);
        let batch = encoded.batch;
        self.kept.iter_mut().flatten().for_each(|kept| kept.select(&ids));
        let [all, width] = encoded.hidden.dims();
        encoded.hidden = (encoded.hidden.clone())
            .reshape([batch, all / batch * width])
            .select(0, ids.clone())
            .reshape([rows.len() * (all / batch), width]);
        encoded.mask = encoded.mask.clone().select(0, ids);
        encoded.batch = rows.len();
    }
}

impl Parameters for T5 {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        visit("shared.weight", Parameter::Weight(&mut self.shared));
        self.encoder.visit(visit);
        self.decoder.visit(visit);
        if let Some(head) = &mut self.head {
            visit("lm_head.weight", Parameter::Weight(head));
        }
    }
}

impl Parameters for Stack {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        let name = self.name;
        for (index, block) in self.blocks.iter_mut().enumerate() {
            let layer = |number: usize| format!("{name}.block.{index}.layer.{number}");
            let mut number = 0;
            block.self_attention.part.visit(visit);
            if index == 0 {
                let bias = format!("{}.SelfAttention.relative_attention_bias.weight", layer(0));
                visit(&bias, Parameter::Matrix(&mut self.relative_attention_bias));
            }
            let norm = |number: usize| format!("{}.layer_norm.weight", layer(number));
            visit(&norm(number), Parameter::Vector(&mut block.self_attention.norm));
            if let Some(cross) = &mut block.cross_attention {
                number += 1;
                cross.part.visit(visit);
                visit(&norm(number), Parameter::Vector(&mut cross.norm));
            }
            number += 1;
            block.feed_forward.part.visit(visit);
            visit(&norm(number), Parameter::Vector(&mut block.feed_forward.norm));
        }
        let norm = format!("{name}.final_layer_norm.weight");
        visit(&norm, Parameter::Vector(&mut self.final_layer_norm));
    }
}
