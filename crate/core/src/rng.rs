//! Random numbers that depend on nothing but their place: every draw is a function of the seed, what
//! it is for, the step, the place within the step and its index there. A resumed run draws what an
//! uninterrupted one would, without any state to save.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
//! as 1, 2, 3", 2011). Only IEEE additions, multiplications, divisions and square roots are used
//! after it, so that all platforms see the same bits.

use std::f64::consts::{LN_2, SQRT_2, TAU};

/// What random numbers are for. The numbers are part of what a seed means: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Which rows go to validation.
    Split = 1,
    /// The order of the rows in an epoch.
    Shuffle = 2,
    /// Which activations are dropped.
    Dropout = 3,
    /// The initial values of what is trained.
    Initialise = 4,
    /// The tokens drawn while generating.
    Sample = 5,
    /// Which template, or which data set, a row is taken with.
    Mixture = 6,
    /// Made-up weights and rows, for measurements and tests.
    Synthetic = 7,
}

/// The words that a seed is turned into before it becomes a generator's key.
const KEY_BLOCK: u32 = 0x464c_414e;

/// A stream of random numbers: 2^66 words of 32 bits.
#[derive(Clone, Debug)]
pub struct Random {
    key: [u32; 2],
    place: u64,
    /// The next word to draw, counted from the stream's start.
    index: u64,
    block: [u32; 4],
}

impl Random {
    /// The stream of `place` (a layer, a row, a tensor: the caller's numbering) in `step`.
    pub fn new(seed: u64, purpose: Purpose, step: u64, place: u64) -> Self {
        let [low, high] = words(step);
        let [a, b, _, _] = philox([low, high, purpose as u32, KEY_BLOCK], words(seed));
        Self { key: [a, b], place, index: 0, block: [0; 4] }
    }

    /// What a shader draws the stream's words from: the generator's key, and the upper half of its counter.
    pub fn stream(&self) -> [u32; 4] {
        let ([a, b], [c, d]) = (self.key, words(self.place));
        [a, b, c, d]
    }

    /// Continues at the stream's word `index`, from 0.
    pub fn seek(&mut self, index: u64) {
        self.index = index;
        if !index.is_multiple_of(4) {
            self.fill_block();
        }
    }

    /// A word of 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        let lane = (self.index % 4) as usize;
        if lane == 0 {
            self.fill_block();
        }
        self.index += 1;
        self.block[lane]
    }

    /// Two words, the lower first.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    /// Uniform in [0, 1), a multiple of 2^-24. Takes one word.
    pub fn uniform(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Uniform in [0, 1), a multiple of 2^-53. Takes two words.
    pub fn uniform_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// From the standard normal distribution, by Box and Muller's method. Takes four words.
    pub fn normal(&mut self) -> f32 {
        self.normal_pair()[0]
    }

    /// Below `n`, each value equally often (Lemire, "Fast random integer generation in an interval",
    /// 2019). 0 where `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        let rejected = n.wrapping_neg().checked_rem(n).unwrap_or(0);
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= rejected {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts the items in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Fills with uniform numbers from `low` up to `high`.
    pub fn fill_uniform(&mut self, values: &mut [f32], low: f32, high: f32) {
        values.fill_with(|| low + (high - low) * self.uniform());
    }

    /// Fills with normal numbers of this mean and standard deviation, two from each four words.
    pub fn fill_normal(&mut self, values: &mut [f32], mean: f32, deviation: f32) {
        for pair in values.chunks_mut(2) {
            for (value, normal) in pair.iter_mut().zip(self.normal_pair()) {
                *value = mean + deviation * normal;
            }
        }
    }

    fn normal_pair(&mut self) -> [f32; 2] {
        // 1 - u lies in (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * ln(1.0 - self.uniform_f64())).sqrt();
        let (sine, cosine) = sine_cosine_of_turns(self.uniform_f64());
        [(radius * cosine) as f32, (radius * sine) as f32]
    }

    fn fill_block(&mut self) {
        let ([a, b], [c, d]) = (words(self.index / 4), words(self.place));
        self.block = philox([a, b, c, d], self.key);
    }
}

fn words(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

/// Philox4x32 with ten rounds.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut x, mut key) = (counter, key);
    for _ in 0..10 {
        let [low0, high0] = words(u64::from(x[0]) * 0xd251_1f53);
        let [low1, high1] = words(u64::from(x[2]) * 0xcd9e_8d57);
        x = [high1 ^ x[1] ^ key[0], low1, high0 ^ x[3] ^ key[1], low0];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    x
}

/// The natural logarithm of a positive, normal number. std's is the platform's, which differ in the
/// last bit; so do their sines.
fn ln(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(x.to_bits() & ((1 << 52) - 1) | 1023 << 52);
    let (mantissa, exponent) =
        if mantissa > SQRT_2 { (mantissa / 2.0, exponent + 1) } else { (mantissa, exponent) };
    // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is at most 0.172.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = (0..12).rev().fold(0.0, |sum, k| sum * square + 1.0 / (2 * k + 1) as f64);
    exponent as f64 * LN_2 + 2.0 * ratio * series
}

/// The sine and cosine of `turns` full turns, for `turns` in [0, 1).
fn sine_cosine_of_turns(turns: f64) -> (f64, f64) {
    // The nearest quarter turn, which is exact, and at most an eighth from there.
    let quarter = (turns * 4.0 + 0.5).floor();
    let angle = (turns - quarter / 4.0) * TAU;
    let square = angle * angle;
    let series = |first: u32| {
        (0..9).rev().fold(1.0, |sum, k| {
            let n = f64::from(2 * k + first);
            1.0 - square / ((n + 1.0) * (n + 2.0)) * sum
        })
    };
    let (sine, cosine) = (angle * series(1), series(0));
    match quarter as u32 % 4 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: u64) -> Random {
        Random::new(seed, Purpose::Synthetic, 0, 0)
    }

    /// The known answers of the generator's authors (Random123, kat_vectors).
    #[test]
    fn philox_gives_the_published_answers() {
        for (counter, key, answer) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([!0; 4], [!0; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), answer);
        }
    }

    #[test]
    fn a_stream_depends_on_all_four_and_on_nothing_else() {
        let draw = |seed, purpose, step, place| {
            let mut random = Random::new(seed, purpose, step, place);
            [0; 8].map(|_| random.next_u32())
        };
        let base = draw(1, Purpose::Dropout, 2, 3);
        assert_eq!(base, draw(1, Purpose::Dropout, 2, 3));
        for other in [
            draw(1 << 32 | 1, Purpose::Dropout, 2, 3),
            draw(1, Purpose::Sample, 2, 3),
            draw(1, Purpose::Dropout, 1 << 32 | 2, 3),
            draw(1, Purpose::Dropout, 2, 1 << 32 | 3),
        ] {
            assert!(base.iter().zip(other).all(|(a, b)| *a != b));
        }
    }

    #[test]
    fn seeking_finds_the_same_words() {
        let mut random = random(5);
        let all = [0; 23].map(|_| random.next_u32());
        for index in [0, 1, 3, 4, 7, 8, 21, 2] {
            random.seek(index as u64);
            assert_eq!([random.next_u32(), random.next_u32()], all[index..index + 2]);
        }
    }

    #[test]
    fn logarithm_and_sine_are_std_s_within_an_ulp_or_two() {
        for k in 1..20_000 {
            let x = f64::from(k) / 20_000.0;
            assert!((ln(x) - x.ln()).abs() <= 4e-16 * x.ln().abs().max(1e-4), "ln {x}");
            let (sine, cosine) = sine_cosine_of_turns(x);
            let (s, c) = (x * TAU).sin_cos();
            assert!((sine - s).abs() < 2e-15 && (cosine - c).abs() < 2e-15, "{x} turns");
        }
        assert_eq!((ln(1.0), sine_cosine_of_turns(0.25)), (0.0, (1.0, 0.0)));
        assert!((ln(2f64.powi(-53)) + 53.0 * LN_2).abs() < 1e-14);
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let (mut random, n) = (random(7), 200_000);
        let mut values = vec![0.0; n];
        let moments = |values: &[f32]| {
            let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n as f64;
            let variance = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>();
            (mean, variance / n as f64)
        };
        random.fill_uniform(&mut values, -1.0, 3.0);
        assert!(values.iter().all(|v| (-1.0..3.0).contains(v)));
        let (mean, variance) = moments(&values);
        assert!((mean - 1.0).abs() < 0.01 && (variance - 16.0 / 12.0).abs() < 0.01);
        random.fill_normal(&mut values, 2.0, 0.5);
        let (mean, variance) = moments(&values);
        assert!((mean - 2.0).abs() < 0.005 && (variance - 0.25).abs() < 0.003);
        let beyond = values.iter().filter(|v| (**v - 2.0).abs() > 0.98).count() as f64 / n as f64;
        assert!((beyond - 0.05).abs() < 0.003, "{beyond} beyond 1.96 deviations");
    }

    #[test]
    fn below_is_within_and_even() {
        let mut random = random(9);
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            counts[random.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        assert_eq!([random.below(0), random.below(1)], [0, 0]);
        assert!(random.below(u64::MAX) < u64::MAX);
    }

    #[test]
    fn a_shuffle_keeps_all_items_and_reaches_all_orders() {
        let mut random = random(11);
        let mut orders = std::collections::BTreeMap::new();
        for _ in 0..6_000 {
            let mut items = [0, 1, 2];
            random.shuffle(&mut items);
            *orders.entry(items).or_insert(0) += 1;
        }
        assert_eq!(orders.len(), 6);
        assert!(orders.values().all(|count| (850..1150).contains(count)), "{orders:?}");
    }

    /// Bits that must never change: seeds in use mean them.
    #[test]
    fn the_stream_is_pinned() {
        let mut random = Random::new(42, Purpose::Dropout, 3, 17);
        let pinned = [random.next_u32(), random.uniform().to_bits(), random.normal().to_bits()];
        assert_eq!(pinned, [4_048_866_460, 1_047_175_284, 1_054_226_841]);
    }
}
