//! What generation does token by token, against whole sequences whose queries see no later key.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    device::{Device, DeviceKind},
    ops::{
        argmax,
        attention::{
            self, Bias, Heads, KeysValues,
            step::{Kept, step},
        },
        block::{self, Norm},
        packed::Format,
        rms_norm,
    },
};

use super::{
    block::{
        EPSILON, F16, FLOATS, INT4, INT8, Inputs, Way, attention_weights, feed_forward, map,
        matrices, norm_weight, pairs, plain,
    },
    case::{Case, Draw, Form},
    pass,
};

/// Places of the bias by position: more than there are tokens.
const PLACES: usize = 80;

pub(super) fn cases(draw: &mut Draw, device: &Device) -> Vec<Case> {
    let mut cases = vec![
        // Rows, heads, tokens, numbers of a head: also beyond the first room, and where there is no shader.
        to_itself(draw, device, [2, 3, 5, 4]),
        to_itself(draw, device, [1, 2, 70, 12]),
        to_itself(draw, device, [9, 1, 3, 64]),
        to_itself(draw, device, [2, 2, 2, 128]),
        to_itself(draw, device, [1, 2, 3, 5]),
        // Rows, heads, tokens, keys, numbers of a head.
        to_another(draw, device, [2, 3, 2, 5, 16]),
        to_another(draw, device, [3, 1, 2, 65, 8]),
        to_another(draw, device, [1, 2, 1, 1, 3]),
    ];
    cases.extend(
        [
            // Rows of the batch, and tokens; ranks of q, k, v, o; how weights rest.
            ([1, 4], [0, 0, 0, 0], FLOATS),
            ([2, 3], [2, 0, 3, 0], FLOATS),
            ([8, 2], [0, 0, 0, 0], INT8),
            ([11, 2], [0, 4, 0, 1], INT8),
            ([3, 2], [0, 2, 0, 0], INT4),
            ([1, 2], [0, 0, 0, 0], F16),
        ]
        .map(|(sizes, ranks, format)| block_attention(draw, device, sizes, ranks, format)),
    );
    cases.extend(
        [
            // Rows; ranks beside the gate, the value and the map back; how weights rest.
            (1, [0, 0, 0], FLOATS),
            (8, [0, 0, 0], INT8),
            (5, [3, 0, 2], FLOATS),
            (3, [0, 2, 0], INT8),
            (9, [0, 0, 0], FLOATS),
            (12, [2, 2, 1], INT8),
            (2, [0, 0, 0], INT4),
            (7, [1, 0, 3], INT4),
            (4, [0, 0, 0], F16),
        ]
        .map(|(rows, ranks, format)| feed_forward(draw, device, rows, ranks, format, Way::Step)),
    );
    cases.extend([[1, 1], [3, 7], [2, 65], [5, 700]].map(|shape| likeliest(draw, shape)));
    cases
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device.burn())
}

/// A bias of so many places for each head, the last for a query itself; and the same for whole sequences, where
/// what comes later is masked.
fn positions(draw: &mut Draw, heads: usize, tokens: usize, device: &Device) -> [Tensor<4>; 2] {
    let table = draw.normal(heads * PLACES, 1.0);
    let whole = (0..heads * tokens * tokens).map(|place| {
        let (head, query, key) = (place / tokens / tokens, place / tokens % tokens, place % tokens);
        if key > query { -1e9 } else { table[(head + 1) * PLACES - 1 - (query - key)] }
    });
    let whole = tensor(whole.collect(), [1, heads, tokens, tokens], device);
    [tensor(table.clone(), [1, heads, 1, PLACES], device), whole]
}

/// Runs a step for each token of `[batch, tokens, width]`, and puts together what they make.
fn steps(
    tokens: usize,
    mut of: impl FnMut(&dyn Fn(&Tensor<3>) -> Tensor<2>) -> Tensor<2>,
) -> Tensor<1> {
    let made = (0..tokens).map(|token| {
        let at = |x: &Tensor<3>| {
            let [batch, _, width] = x.dims();
            x.clone().narrow(1, token, 1).reshape([batch, width])
        };
        of(&at).unsqueeze_dim::<3>(1)
    });
    Tensor::cat(made.collect(), 1).flatten(0, 2)
}

fn to_itself(draw: &mut Draw, device: &Device, [batch, heads, tokens, depth]: [usize; 4]) -> Case {
    let width = heads * depth;
    let inputs = [(); 3].map(|()| draw.frozen(batch * tokens * width));
    let [position, causal] = positions(draw, heads, tokens, device);
    let device = device.clone();
    let name = format!("{tokens} tokens of {batch} × {heads} × {depth}");
    Case::new(name, inputs.into(), move |inputs, form| {
        let [q, k, v] = [0, 1, 2].map(|at| inputs[at].clone().reshape([batch, tokens, width]));
        let shape = Heads { batch, heads };
        match form {
            Form::Fused => {
                let bias = Bias { position: Some(position.clone()), mask: None };
                let mut kept = Kept::none(batch, width, device.burn());
                steps(tokens, |at| {
                    let new = KeysValues { keys: at(&k), values: at(&v) };
                    step(at(&q), Some(new), &mut kept, shape, &bias, &pass())
                })
            }
            Form::Definition => {
                let bias = Bias { position: Some(causal.clone()), mask: None };
                let flat = |x: Tensor<3>| x.reshape([batch * tokens, width]);
                let source = KeysValues { keys: flat(k), values: flat(v) };
                attention::definition(flat(q), source, shape, &bias, &pass()).flatten(0, 1)
            }
        }
    })
}

fn to_another(
    draw: &mut Draw,
    device: &Device,
    [batch, heads, tokens, keys, depth]: [usize; 5],
) -> Case {
    let width = heads * depth;
    let inputs = [tokens, keys, keys].map(|length| draw.frozen(batch * length * width));
    // Each row has one key less than the one before.
    let hides =
        |place: usize| !place.is_multiple_of(keys) && place % keys + place / keys + 1 > keys;
    let mask = (0..batch * keys).map(|place| if hides(place) { -1e9 } else { 0.0 }).collect();
    let bias = Bias { position: None, mask: Some(tensor(mask, [batch, 1, 1, keys], device)) };
    let name = format!("{tokens} tokens of {batch} × {heads} × {depth} to {keys} keys");
    Case::new(name, inputs.into(), move |inputs, form| {
        let q = inputs[0].clone().reshape([batch, tokens, width]);
        let [keys, values] = [1, 2].map(|at| inputs[at].clone().reshape([batch * keys, width]));
        let (source, shape) = (KeysValues { keys, values }, Heads { batch, heads });
        match form {
            Form::Fused => {
                let mut kept = Kept::whole(source, batch);
                steps(tokens, |at| step(at(&q), None, &mut kept, shape, &bias, &pass()))
            }
            Form::Definition => {
                let q = q.reshape([batch * tokens, width]);
                attention::definition(q, source, shape, &bias, &pass()).flatten(0, 1)
            }
        }
    })
}

fn block_attention(
    draw: &mut Draw,
    device: &Device,
    [batch, tokens]: [usize; 2],
    ranks: [usize; 4],
    format: Option<Format>,
) -> Case {
    const HEADS: usize = 4;
    const INNER: usize = HEADS * 16;
    let width = if format == INT4 { 32 } else { 20 };
    let (within, back) = ([INNER, width], [width, INNER]);
    let maps = [(within, ranks[0]), (within, ranks[1]), (within, ranks[2]), (back, ranks[3])];
    let weights = attention_weights(draw, maps.map(|(shape, _)| shape), format, true, device);
    let norm = norm_weight(draw, width, device);
    let mut inputs = vec![draw.frozen(batch * tokens * width)];
    inputs.extend(matrices(draw, &maps, Inputs::Frozen));
    let [position, causal] = positions(draw, HEADS, tokens, device);
    let device = device.clone();
    let name = format!("a part's {tokens} tokens of {batch}, ranks {ranks:?}, {format:?}");
    Case::new(name, inputs, move |inputs, form| {
        let x = inputs[0].clone().reshape([batch, tokens, width]);
        let pairs = pairs(&maps, inputs[1..].iter().cloned());
        let all = [0, 1, 2, 3].map(|index| map(&weights[index], &pairs[index]));
        let shape = Heads { batch, heads: HEADS };
        let definition = || {
            let bias = Bias { position: Some(causal.clone()), mask: None };
            let x = x.clone().reshape([batch * tokens, width]);
            let n = rms_norm::definition(x.clone(), &norm, EPSILON);
            let source = KeysValues { keys: plain(&n, all[1]), values: plain(&n, all[2]) };
            let mixed = attention::definition(plain(&n, all[0]), source, shape, &bias, &pass());
            (x + plain(&mixed, all[3])).flatten(0, 1)
        };
        if form == Form::Definition || device.kind() == DeviceKind::Cpu {
            return definition();
        }
        let bias = Bias { position: Some(position.clone()), mask: None };
        let norm = Norm { weight: &norm, epsilon: EPSILON };
        let mut kept = Kept::none(batch, INNER, device.burn());
        let [q, k, v, o] = all;
        steps(tokens, |at| {
            let new = Some([k, v]);
            let x = at(&x);
            let part =
                block::step::attention(&x, norm, [q, o], new, &mut kept, shape, &bias, &pass());
            part.expect("a part is made at once on a GPU")
        })
    })
}

/// Of equal numbers the first is the greatest.
fn likeliest(draw: &mut Draw, [rows, width]: [usize; 2]) -> Case {
    let input = draw.frozen(rows * width);
    Case::new(format!("the greatest of {rows} × {width}"), vec![input], move |inputs, form| {
        let x = inputs[0].clone().reshape([rows, width]);
        // Halves: the greatest is there several times.
        let x = (x * 2.0).round().clamp(-2.0, 2.0);
        match form {
            Form::Fused => argmax(x, &pass()).float(),
            Form::Definition => {
                let columns = Tensor::<1, burn::tensor::Int>::arange(0..width as i64, &x.device());
                let columns = columns.float().reshape([1, width]);
                let most = x.clone().max_dim(1);
                let far = x.lower(most).float() * 1e6;
                (columns + far).min_dim(1).reshape([rows])
            }
        }
    })
}
