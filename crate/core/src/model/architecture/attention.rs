//! Multi-head attention: of a sequence to itself, or of the decoder to the encoder.

use burn::tensor::Tensor;

use crate::device::Device;
use crate::model::{
    linear::{Linear, Unplaced},
    parameter::{Parameter, Parameters},
    pass::Pass,
};
use crate::ops::{
    self,
    attention::{
        Bias, Heads, KeysValues,
        step::{Kept, step},
    },
    block::{Another, Map, Norm},
};

/// The four maps of an attention. T5 does not scale the scores.
#[derive(Clone, Debug)]
pub struct Attention {
    /// To queries, `[heads · d_kv, d_model]`.
    pub q: Linear,
    /// To keys, `[heads · d_kv, d_model]`.
    pub k: Linear,
    /// To values, `[heads · d_kv, d_model]`.
    pub v: Linear,
    /// Back, `[d_model, heads · d_kv]`.
    pub o: Linear,
    /// How many heads there are.
    pub heads: usize,
}

impl Attention {
    /// Puts the maps q, k, v and o onto a device, where weights lie as [`Attention::part`] takes them: of an attention
    /// `to_itself` all but the last are of one input.
    pub fn put(
        [q, k, v, o]: [Unplaced; 4],
        heads: usize,
        to_itself: bool,
        device: &Device,
    ) -> Self {
        let [q, k, v] = match to_itself {
            true => Unplaced::put([q, k, v], device),
            false => {
                let ([q], [k, v]) = (Unplaced::put([q], device), Unplaced::put([k, v], device));
                [q, k, v]
            }
        };
        let [o] = Unplaced::put([o], device);
        Attention { q, k, v, o, heads }
    }

    /// The keys and values of `source`, `[batch · keys, d_model]`.
    pub fn keys_values(&self, source: Tensor<2>, pass: &Pass) -> KeysValues {
        KeysValues {
            keys: self.k.forward(source.clone(), pass),
            values: self.v.forward(source, pass),
        }
    }

    /// The whole part of a block, with the norm before it and what goes past it, where it is computed at once:
    /// `x` is `[batch · queries, d_model]`; `source` is what it attends to where that is not itself.
    pub fn part(
        &self,
        x: &Tensor<2>,
        source: Option<Another<'_>>,
        norm: Norm<'_>,
        batch: usize,
        bias: &Bias,
        pass: &Pass,
    ) -> Option<Tensor<2>> {
        let shape = Heads { batch, heads: self.heads };
        ops::block::attention(x, source, norm, self.maps(pass)?, shape, bias, pass)
    }

    /// The whole part for one more token of each row, with the norm before it and what goes past it: `x` is
    /// `[batch, d_model]`. Where it is `to_itself`, the token's key and value are kept first.
    pub fn step(
        &self,
        x: Tensor<2>,
        norm: Norm<'_>,
        to_itself: bool,
        kept: &mut Kept,
        bias: &Bias,
        pass: &Pass,
    ) -> Tensor<2> {
        let shape = Heads { batch: x.dims()[0], heads: self.heads };
        if let Some(maps) = self.maps(pass) {
            let [q, k, v, o] = maps;
            let new = to_itself.then_some([k, v]);
            let part = ops::block::step::attention(&x, norm, [q, o], new, kept, shape, bias, pass);
            if let Some(part) = part {
                return part;
            }
        }
        let n = ops::rms_norm::rms_norm(x.clone(), norm.weight, norm.epsilon, pass);
        let new = to_itself.then(|| self.keys_values(n.clone(), pass));
        let mixed = step(self.q.forward(n, pass), new, kept, shape, bias, pass);
        x + self.o.forward(mixed, pass)
    }

    fn maps<'a>(&'a self, pass: &Pass<'a>) -> Option<[Map<'a>; 4]> {
        Some([self.q.map(pass)?, self.k.map(pass)?, self.v.map(pass)?, self.o.map(pass)?])
    }

    /// `x`: `[batch · queries, d_model]`. Returns the same shape.
    pub fn forward(
        &self,
        x: Tensor<2>,
        source: KeysValues,
        batch: usize,
        bias: &Bias,
        pass: &Pass,
    ) -> Tensor<2> {
        let q = self.q.forward(x, pass);
        let shape = Heads { batch, heads: self.heads };
        let mixed = ops::attention::attention(q, source, shape, bias, pass);
        self.o.forward(mixed, pass)
    }
}

impl Parameters for Attention {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        for linear in [&mut self.q, &mut self.k, &mut self.v, &mut self.o] {
            linear.visit(visit);
        }
    }
}

impl Parameters for Linear {
    fn visit(&mut self, visit: &mut dyn FnMut(&str, Parameter)) {
        visit(&format!("{}.weight", self.name), Parameter::Weight(&mut self.weight));
    }
}
