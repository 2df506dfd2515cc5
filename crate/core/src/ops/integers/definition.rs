//! The products by plain arithmetic, in 64-bit integers: what every kernel must equal to the bit.

use super::{BLOCK, Integers};

/// The integers of a block and their scale, by plain arithmetic.
fn rounded(block: &[f32]) -> (Vec<i64>, f32) {
    let most = block.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    if block.iter().any(|value| !value.is_finite()) {
        return (vec![0; block.len()], f32::NAN);
    }
    if most < 1e-33 {
        return (vec![0; block.len()], 0.0);
    }
    let inverse = 32_767.0 / most;
    let integers = block.iter().map(|value| (value * inverse).round_ties_even() as i64);
    (integers.collect(), most / 32_767.0)
}

/// A row times numbers of the weight.
fn defined(row: &[f32], weight: impl Fn(usize) -> i8) -> f32 {
    let mut sum = 0.0f32;
    for (place, block) in row.chunks(BLOCK).enumerate() {
        let (integers, scale) = rounded(block);
        let products = integers.iter().enumerate();
        let exact: i64 =
            products.map(|(step, q)| q * i64::from(weight(place * BLOCK + step))).sum();
        sum += exact as f32 * scale;
    }
    sum
}

/// `x · Wᵀ`, as [`super::forward`] has it.
pub fn forward(x: &[f32], rows: usize, weight: &Integers) -> Vec<f32> {
    let row = |row: usize| &x[row * weight.columns..][..weight.columns];
    let places = (0..rows).flat_map(|row| (0..weight.rows()).map(move |output| (row, output)));
    let value =
        |(r, output)| defined(row(r), |step| weight.row(output)[step]) * weight.scales[output];
    places.map(value).collect()
}

/// `dy · W`, as [`super::backward`] has it.
pub fn backward(gradient: &[f32], rows: usize, weight: &Integers) -> Vec<f32> {
    let width = weight.rows();
    let scaled: Vec<f32> =
        gradient.iter().enumerate().map(|(place, dy)| dy * weight.scales[place % width]).collect();
    let row = |row: usize| &scaled[row * width..][..width];
    let places = (0..rows).flat_map(|row| (0..weight.columns).map(move |input| (row, input)));
    places.map(|(r, input)| defined(row(r), |step| weight.row(step)[input])).collect()
}
