//! The products of every kind of processor against their definition, to the bit.

use super::{
    instructions::{Plain, Work, dispatch},
    product::{Part, product},
    *,
};
use crate::rng::{Purpose, Random};

/// A matrix of integers with its scales.
struct Weight {
    numbers: Vec<i8>,
    scales: Vec<f32>,
    columns: usize,
}

impl Weight {
    fn random(seed: u64, [rows, columns]: [usize; 2]) -> Self {
        let mut random = Random::new(seed, Purpose::Synthetic, 0, 0);
        let stride = columns.next_multiple_of(4);
        // Any byte, also those that are never written.
        let numbers =
            (0..rows * stride).map(|_| (random.uniform() * 256.0 - 128.0) as i8).collect();
        let scales = (0..rows).map(|_| 0.001 + random.uniform()).collect();
        Weight { numbers, scales, columns }
    }

    fn integers(&self) -> Integers<'_> {
        let stride = self.columns.next_multiple_of(4);
        Integers::new(&self.numbers, stride, &self.scales, self.columns)
    }
}

fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut random = Random::new(seed, Purpose::Synthetic, 0, 1);
    // Some are far greater than the rest, as activations are.
    (0..count).map(|_| (random.uniform() - 0.5) * 30.0f32.powf(2.0 * random.uniform())).collect()
}

fn bits(values: Vec<f32>) -> Vec<u32> {
    values.into_iter().map(f32::to_bits).collect()
}

/// Both products by some instructions.
fn hold(
    name: &str,
    run: impl Fn(Part) + Sync + Send + Copy,
    x: &[f32],
    dy: &[f32],
    rows: usize,
    weight: &Integers,
) {
    let sizes = [rows, weight.rows(), weight.columns];
    let found = bits(product(Direction::Forward, x, rows, weight, run));
    assert!(found == bits(definition::forward(x, rows, weight)), "{name}, forward, {sizes:?}");
    let found = bits(product(Direction::Backward, dy, rows, weight, run));
    assert!(found == bits(definition::backward(dy, rows, weight)), "{name}, backward, {sizes:?}");
}

fn hold_all(x: &[f32], dy: &[f32], rows: usize, weight: &Integers) {
    hold("plain", |part| part.run(Plain), x, dy, rows, weight);
    hold("the best", |part| dispatch(part), x, dy, rows, weight);
    #[cfg(target_arch = "x86_64")]
    {
        use super::instructions::x86::{Avx2, by_avx2};
        if let Some(avx2) = Avx2::new() {
            // SAFETY: the processor has the instructions.
            hold("AVX2", |part| unsafe { by_avx2(avx2, part) }, x, dy, rows, weight);
        }
    }
}

#[test]
fn products_equal_their_definition() {
    // About the sizes of tiles, blocks and parts.
    for (seed, sizes) in [
        [1, 1, 1],
        [1, 65, 64],
        [3, 7, 63],
        [4, 16, 65],
        [5, 33, 130],
        [8, 32, 128],
        [9, 31, 1025],
        [13, 100, 1100],
        [70, 40, 200],
    ]
    .into_iter()
    .enumerate()
    {
        let [rows, outputs, inputs] = sizes;
        let weight = Weight::random(seed as u64, [outputs, inputs]);
        let (x, dy) =
            (numbers(seed as u64, rows * inputs), numbers(50 + seed as u64, rows * outputs));
        hold_all(&x, &dy, rows, &weight.integers());
    }
}

#[test]
fn extremes_stay_exact() {
    let [rows, outputs, inputs] = [5usize, 40, 150];
    for (number, value) in
        [(-128, 1.0), (-128, -1.0), (127, f32::MAX / 4.0), (127, 1e-36), (-128, 0.0)]
    {
        let stride = inputs.next_multiple_of(4);
        let weight = Weight {
            numbers: vec![number; outputs * stride],
            scales: vec![0.5; outputs],
            columns: inputs,
        };
        let (x, dy) = (vec![value; rows * inputs], vec![value; rows * outputs]);
        hold_all(&x, &dy, rows, &weight.integers());
    }
}

#[test]
fn what_is_not_a_number_stays_none() {
    let weight = Weight::random(3, [9, 70]);
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = numbers(4, 3 * 70);
        x[70 + 5] = wrong;
        let y = forward(&x, 3, &weight.integers());
        assert!(y[9..18].iter().all(|value| value.is_nan()));
        assert!(y[..9].iter().chain(&y[18..]).all(|value| value.is_finite()));
    }
}

#[test]
fn rounding_costs_little() {
    let [rows, outputs, inputs] = [16, 48, 512];
    let weight = Weight::random(7, [outputs, inputs]);
    let integers = weight.integers();
    let x = numbers(8, rows * inputs);
    let found = forward(&x, rows, &integers);
    let (mut wrong, mut all) = (0.0, 0.0);
    for (place, found) in found.into_iter().enumerate() {
        let (row, output) = (place / outputs, place % outputs);
        let numbers = x[row * inputs..].iter().zip(integers.row(output));
        let exact: f64 = numbers.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
        let exact = exact * f64::from(weight.scales[output]);
        wrong += (f64::from(found) - exact).powi(2);
        all += exact.powi(2);
    }
    assert!((wrong / all).sqrt() < 1e-4, "off by {}", (wrong / all).sqrt());
}
