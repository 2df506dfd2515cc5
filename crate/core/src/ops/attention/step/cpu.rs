//! On the CPU: each row and head is one piece of work, whose scores stay in the cache.

use burn::{
    backend::Flex,
    tensor::{Shape, Tensor},
};

use super::{Bias, Heads, Kept, KeysValues};
use crate::ops::{
    attention::cpu::softmax,
    cpu::{Blank, cleared, dot, filled, for_each, into_values, slice, tensor, widest},
};

/// The step where all is on the CPU.
pub(super) fn step(
    q: Tensor<2>,
    new: Option<KeysValues>,
    kept: &mut Kept,
    Heads { batch, heads }: Heads,
    bias: &Bias,
) -> Tensor<2> {
    let width = q.dims()[1];
    if let Some(new) = new {
        kept.grow(batch);
        put(&mut kept.keys, &new.keys, kept.room, kept.length - 1);
        put(&mut kept.values, &new.values, kept.room, kept.length - 1);
    }
    let (room, length, depth) = (kept.room, kept.length, width / heads);
    let read = |tensor: &Tensor<2>| slice(tensor).expect("a tensor on the CPU");
    let (q, keys, values) = (read(&q), read(&kept.keys), read(&kept.values));
    let (q, keys, values) = (q.as_slice(), keys.as_slice(), values.as_slice());
    let [position, mask] = [&bias.position, &bias.mask].map(|part| part.as_ref().and_then(slice));
    let places = bias.position.as_ref().map_or(0, |position| position.dims()[3]);

    let pieces: Vec<_> =
        (0..batch).flat_map(|row| (0..heads).map(move |head| (row, head))).collect();
    let work = |mixed: Blank| {
        for_each(pieces, |(row, head)| {
            let at = row * width + head * depth;
            let place = |key: usize| row * room * width + key * width + head * depth;
            let query = &q[at..at + depth];
            let position = position.as_ref().map(|position| {
                let end = (head + 1) * places;
                &position.as_slice()[end - length..end]
            });
            let mask = mask.as_ref().map(|mask| &mask.as_slice()[row * length..(row + 1) * length]);
            // SAFETY: each piece has its own columns of its own row.
            let out = unsafe { mixed.part(at..at + depth) };
            let mut scores = vec![0.0; length];
            widest(
                #[inline(always)]
                || {
                    for (key, score) in scores.iter_mut().enumerate() {
                        *score = dot(query, &keys[place(key)..][..depth]);
                    }
                    for bias in [position, mask].into_iter().flatten() {
                        scores.iter_mut().zip(bias).for_each(|(score, bias)| *score += bias);
                    }
                    softmax(&mut scores);
                    let out = cleared(out);
                    for (key, share) in scores.iter().enumerate() {
                        let value = &values[place(key)..][..depth];
                        out.iter_mut().zip(value).for_each(|(out, value)| *out += share * value);
                    }
                },
            );
        });
    };
    // SAFETY: the pieces cover all columns of all rows.
    let mixed = unsafe { filled(batch * width, work) };
    Tensor::from_primitive::<Flex>(tensor(mixed, Shape::new([batch, width])))
}

/// Writes a vector of each row to this place of its room.
fn put(tensor_of: &mut Tensor<2>, new: &Tensor<2>, room: usize, place: usize) {
    let ([all, width], device) = (tensor_of.dims(), new.device());
    let whole = std::mem::replace(tensor_of, Tensor::empty([0, 0], &device));
    let whole = whole.try_into_primitive::<Flex>().expect("a tensor on the CPU");
    let mut values = into_values(whole);
    let new = slice(new).expect("a tensor on the CPU");
    for (row, new) in values.chunks_exact_mut(room * width).zip(new.as_slice().chunks_exact(width))
    {
        row[place * width..][..width].copy_from_slice(new);
    }
    *tensor_of = Tensor::from_primitive::<Flex>(tensor(values, Shape::new([all, width])));
}
