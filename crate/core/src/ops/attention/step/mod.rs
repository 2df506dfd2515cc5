//! Attention of one query for each row, over keys and values that grow by one with each token, as generation has
//! it. They lie with room for more, and a new one is written to its place: what is there is never copied for it.
//! Nothing of it can be trained.

mod cpu;
pub(in crate::ops) mod gpu;

use burn::tensor::{DType, Device, Int, Tensor};

use super::{Bias, Heads, KeysValues, definition, gpu::fits};
use crate::ops::{Context, cpu::is_cpu, gpu::family::Family};

/// Room for so many keys at first.
const ROOM: usize = 32;

/// Keys and values of each row, with room for more.
#[derive(Debug)]
pub struct Kept {
    /// `[batch · room, heads · d_kv]`.
    keys: Tensor<2>,
    /// `[batch · room, heads · d_kv]`.
    values: Tensor<2>,
    /// How many there may be of a row.
    room: usize,
    /// How many there are.
    length: usize,
}

impl Kept {
    /// None yet, for rows of a batch, each as wide as that.
    pub fn none(batch: usize, width: usize, device: &Device) -> Self {
        let room = || Tensor::empty([batch * ROOM, width], (device, DType::F32));
        Kept { keys: room(), values: room(), room: ROOM, length: 0 }
    }

    /// Those of a sequence that does not grow.
    pub fn whole(source: KeysValues, batch: usize) -> Self {
        let KeysValues { keys, values } = source;
        let length = keys.dims()[0] / batch;
        let (keys, values) = (keys.without_autodiff(), values.without_autodiff());
        Kept { keys, values, room: length, length }
    }

    /// Has room for one more, and counts it.
    fn grow(&mut self, batch: usize) {
        if self.length == self.room {
            for tensor in [&mut self.keys, &mut self.values] {
                let width = tensor.dims()[1];
                let old = tensor.clone().reshape([batch, self.room * width]);
                let room = Tensor::empty(old.shape(), (&old.device(), DType::F32));
                *tensor = Tensor::cat(vec![old, room], 1).reshape([2 * batch * self.room, width]);
            }
            self.room *= 2;
        }
        self.length += 1;
    }

    /// Keeps these rows of the batch, in this order.
    pub fn select(&mut self, rows: &Tensor<1, Int>) {
        for tensor in [&mut self.keys, &mut self.values] {
            let [all, width] = tensor.dims();
            *tensor = (tensor.clone())
                .reshape([all / self.room, self.room * width])
                .select(0, rows.clone())
                .reshape([rows.dims()[0] * self.room, width]);
        }
    }

    /// Those that are there, without room.
    fn there(&self, batch: usize) -> KeysValues {
        let there = |tensor: &Tensor<2>| {
            let width = tensor.dims()[1];
            let all = tensor.clone().reshape([batch, self.room, width]);
            all.narrow(1, 0, self.length).reshape([batch * self.length, width])
        };
        KeysValues { keys: there(&self.keys), values: there(&self.values) }
    }
}

/// What a query of each row, `[batch, heads · d_kv]`, makes of what is kept and, where there is one, of a new key
/// and value of each row, `[batch, heads · d_kv]`, which are kept then. Returns the shape of `q`.
///
/// A bias by position is `[1, heads, 1, places]`: its last number is for a key that stands where the query stands,
/// the ones before are for what is further back.
pub fn step(
    q: Tensor<2>,
    new: Option<KeysValues>,
    kept: &mut Kept,
    shape: Heads,
    bias: &Bias,
    context: &Context,
) -> Tensor<2> {
    let q = q.without_autodiff();
    let new = new.map(|KeysValues { keys, values }| KeysValues {
        keys: keys.without_autodiff(),
        values: values.without_autodiff(),
    });
    if context.has_kernel(Family::Generation, &q) && is_cpu(&q) {
        return cpu::step(q, new, kept, shape, bias);
    }
    if context.has_gpu_kernel_of(Family::Generation, &q) && fits(q.dims()[1] / shape.heads) {
        return gpu::step(q, new, kept, shape, bias);
    }
    if let Some(new) = new {
        kept.grow(shape.batch);
        let place = [shape.batch, kept.room, kept.length - 1];
        put(&mut kept.keys, new.keys, place);
        put(&mut kept.values, new.values, place);
    }
    let position = bias.position.as_ref().map(|position| {
        let places = position.dims()[3];
        position.clone().narrow(3, places - kept.length, kept.length)
    });
    let bias = Bias { position, mask: bias.mask.clone() };
    definition(q, kept.there(shape.batch), shape, &bias, context)
}

/// Writes a vector of each row to this place of its room.
fn put(tensor: &mut Tensor<2>, new: Tensor<2>, [batch, room, place]: [usize; 3]) {
    let [all, width] = tensor.dims();
    let whole = std::mem::replace(tensor, Tensor::empty([0, 0], &new.device()));
    let whole = whole.reshape([batch, room, width]);
    let place = [0..batch, place..place + 1, 0..width];
    *tensor = whole.slice_assign(place, new.reshape([batch, 1, width])).reshape([all, width]);
}
