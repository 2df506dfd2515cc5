//! Seeded random weights, for measurements: how long a step takes does not depend on what a model
//! has learnt, as long as nothing in it saturates.

use burn::tensor::{Tensor, TensorData};

use super::{
    attention::Attention,
    config::{self, T5Config},
    feed_forward::FeedForward,
    files::quantised::format,
    linear::Unplaced,
    t5::{Block, Normed, Stack, T5},
};
use crate::{
    config::Dtype,
    device::Device,
    ops::{Matrix, Packer},
    rng::{Purpose, Random},
};

/// Draws tensors, each from a stream of its own.
struct Draw<'a> {
    config: &'a T5Config,
    device: &'a Device,
    dtype: Dtype,
    seed: u64,
    /// Tensors drawn so far.
    place: u64,
}

impl T5 {
    /// A model that nobody has trained, initialised as transformers does, with a head of its own.
    pub fn random(config: T5Config, device: &Device, dtype: Dtype, seed: u64) -> Self {
        let mut draw = Draw { config: &config, device, dtype, seed, place: 0 };
        let (words, d_model) = (config.vocab_size, config.d_model);
        let shared = draw.weight("shared.weight", [words, d_model], 1.0).put(device);
        let encoder = draw.stack("encoder", config.num_layers);
        let decoder = draw.stack("decoder", config.num_decoder_layers);
        let head = draw.weight("lm_head.weight", [words, d_model], deviation(d_model)).put(device);
        T5 { config, shared, encoder, decoder, head: Some(head), dtype, device: device.clone() }
    }
}

impl Draw<'_> {
    fn values(&mut self, shape: [usize; 2], deviation: f64) -> Vec<f32> {
        let mut random = Random::new(self.seed, Purpose::Synthetic, 0, self.place);
        self.place += 1;
        let mut values = vec![0.0; shape[0] * shape[1]];
        random.fill_normal(&mut values, 0.0, deviation as f32);
        values
    }

    fn matrix(&mut self, shape: [usize; 2], deviation: f64) -> Tensor<2> {
        let values = self.values(shape, deviation);
        Tensor::from_data(TensorData::new(values, shape), self.device.burn())
    }

    fn weight(&mut self, name: &str, shape: [usize; 2], deviation: f64) -> Matrix {
        let Some(format) = format(name, &shape, self.dtype) else {
            return Matrix::Dense(self.values(shape, deviation), shape);
        };
        let mut packer = Packer::new(format, shape);
        packer.round(&self.values(shape, deviation)).expect("numbers of about 1");
        Matrix::Packed(packer)
    }

    fn linear(&mut self, name: String, shape: [usize; 2], deviation: f64) -> Unplaced {
        let weight = self.weight(&format!("{name}.weight"), shape, deviation);
        Unplaced { name, weight }
    }

    fn normed<T>(&self, part: T) -> Normed<T> {
        Normed { norm: self.norm(), part }
    }

    fn norm(&self) -> Tensor<1> {
        Tensor::ones([self.config.d_model], self.device.burn())
    }

    fn stack(&mut self, name: &'static str, depth: usize) -> Stack {
        let (buckets, heads) = (self.config.relative_attention_num_buckets, self.config.num_heads);
        Stack {
            blocks: (0..depth).map(|index| self.block(name, index)).collect(),
            relative_attention_bias: self.matrix([buckets, heads], deviation(self.config.d_model)),
            final_layer_norm: self.norm(),
            name,
        }
    }

    fn block(&mut self, stack: &str, index: usize) -> Block {
        let layer = |number: usize| format!("{stack}.block.{index}.layer.{number}");
        let part = self.attention(format!("{}.SelfAttention", layer(0)), true);
        let self_attention = self.normed(part);
        let cross_attention = (stack == "decoder").then(|| {
            let part = self.attention(format!("{}.EncDecAttention", layer(1)), false);
            self.normed(part)
        });
        let last = layer(if cross_attention.is_some() { 2 } else { 1 });
        let part = self.feed_forward(format!("{last}.DenseReluDense"));
        Block { self_attention, cross_attention, feed_forward: self.normed(part) }
    }

    fn attention(&mut self, name: String, to_itself: bool) -> Attention {
        let (d_model, d_kv, inner) = (self.config.d_model, self.config.d_kv, self.config.d_inner());
        let maps = [
            // T5 does not divide scores by √d_kv: its queries begin that much smaller instead.
            self.linear(format!("{name}.q"), [inner, d_model], deviation(d_model * d_kv)),
            self.linear(format!("{name}.k"), [inner, d_model], deviation(d_model)),
            self.linear(format!("{name}.v"), [inner, d_model], deviation(d_model)),
            self.linear(format!("{name}.o"), [d_model, inner], deviation(inner)),
        ];
        Attention::put(maps, self.config.num_heads, to_itself, self.device)
    }

    fn feed_forward(&mut self, name: String) -> FeedForward {
        let (d_model, d_ff) = (self.config.d_model, self.config.d_ff);
        let (device, kind) = (self.device, self.config.feed_forward);
        let mut linear = |part: &str, shape: [usize; 2]| {
            self.linear(format!("{name}.{part}"), shape, deviation(shape[1]))
        };
        let (within, back) = ([d_ff, d_model], [d_model, d_ff]);
        match kind {
            config::FeedForward::GatedGelu => {
                let maps = [linear("wi_0", within), linear("wi_1", within), linear("wo", back)];
                FeedForward::put_gated(maps, device)
            }
            config::FeedForward::Relu => {
                FeedForward::put_relu([linear("wi", within), linear("wo", back)], device)
            }
        }
    }
}

/// Of weights that `inputs` numbers go through, so that what comes out is as large as what went in.
fn deviation(inputs: usize) -> f64 {
    (inputs as f64).powf(-0.5)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{config::expected_tensors, parameter::Parameters};

    #[test]
    fn it_has_the_tensors_of_a_file() {
        for kind in ["relu", "gated-gelu"] {
            let config = json!({
                "vocab_size": 20, "d_model": 8, "d_kv": 3, "d_ff": 10, "num_layers": 2,
                "num_decoder_layers": 3, "num_heads": 2, "feed_forward_proj": kind,
            });
            let config = T5Config::from_json("", config.to_string().as_bytes()).unwrap();
            let mut expected = expected_tensors(&config, false);
            let mut found = Vec::new();
            let mut model = T5::random(config, &Device::cpu(), Dtype::F32, 0);
            model.visit(&mut |name, parameter| found.push((name.to_owned(), parameter.shape())));
            expected.sort();
            found.sort();
            assert_eq!(found, expected);
        }
    }
}
