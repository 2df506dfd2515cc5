use super::*;
use crate::rng::{Purpose, Random};

const FORMATS: [Format; 3] = [Format::Int8, Format::Int4, Format::F16];

fn normal(count: usize, deviation: f32) -> Vec<f32> {
    let mut random = Random::new(7, Purpose::Synthetic, 0, 0);
    let mut row = vec![0.0; count];
    random.fill_normal(&mut row, 0.0, deviation);
    row
}

/// The words, the scales, and the floats that come back.
fn packed(format: Format, row: &[f32]) -> (Vec<i32>, Vec<f32>, Vec<f32>) {
    let (mut words, mut scales, mut back) = (Vec::new(), Vec::new(), vec![9.0; row.len()]);
    format.scales(row, &mut scales).unwrap();
    format.numbers(row, &scales, &mut words).unwrap();
    format.multiply_out(&words, &scales, &mut back);
    (words, format.unpack_scales(&scales, row.len()), back)
}

fn error(row: &[f32], back: &[f32]) -> f64 {
    let square = |value: f64| value * value;
    let off = row.iter().zip(back).map(|(a, b)| square(f64::from(*a) - f64::from(*b)));
    let all: f64 = row.iter().map(|value| square(f64::from(*value))).sum();
    (off.sum::<f64>() / all).sqrt()
}

#[test]
fn no_integer_is_off_by_more_than_half_a_scale() {
    for (format, share, deviations) in
        [(Format::Int8, 992, [1e-30, 1e-3, 1.0, 1e30]), (Format::Int4, 32, [1e-3, 0.05, 1.0, 1e5])]
    {
        for deviation in deviations {
            let row = normal(992, deviation);
            let (_, scales, back) = packed(format, &row);
            assert_eq!(scales.len(), 992 / share);
            for (place, (weight, back)) in row.iter().zip(&back).enumerate() {
                let scale = f64::from(scales[place / share]).abs();
                let off = f64::from(*weight) - f64::from(*back);
                // The product of integer and scale is rounded to a float.
                let most = scale / 2.0 + f64::from(weight.abs()) * 1e-7;
                assert!(off.abs() <= most, "{format:?}, {weight}: {back}, scale {scale}");
            }
        }
    }
}

#[test]
fn the_whole_range_of_integers_is_used() {
    let row = normal(3200, 1.0);
    let (words, ..) = packed(Format::Int8, &row);
    let greatest = words.iter().flat_map(|word| word.to_le_bytes());
    assert_eq!(greatest.map(|byte| (byte as i8).unsigned_abs()).max(), Some(127));
    let (words, ..) = packed(Format::Int4, &row);
    let integers =
        words.iter().flat_map(|word| (0..8).map(move |place| word << (28 - 4 * place) >> 28));
    let integers: std::collections::BTreeSet<i32> = integers.collect();
    assert_eq!(integers.into_iter().collect::<Vec<_>>(), (-8..8).collect::<Vec<_>>());
}

#[test]
fn four_bits_are_off_by_less_than_with_a_range_that_has_no_least() {
    let row = normal(320_000, 0.05);
    let found = error(&row, &packed(Format::Int4, &row).2);
    // The greatest magnitude of each block is 7 then, and nothing is -8.
    let plain: Vec<f32> = (row.chunks(32))
        .flat_map(|block| {
            let scale = block.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 7.0;
            block.iter().map(move |value| (value / scale).round() * scale)
        })
        .collect();
    assert!(found < 0.9 * error(&row, &plain) && (0.085..0.088).contains(&found), "{found}");
}

#[test]
fn scales_of_four_bits_are_never_next_to_zero() {
    // Some GPUs take smaller 16-bit floats for zero.
    for value in [0.0, -0.0, 1e-30, -1e-6, 1e-4] {
        let mut row = [0.0; 32];
        row[5] = value;
        let (_, scales, back) = packed(Format::Int4, &row);
        assert!(scales[0].abs() >= 2.0f32.powi(-14), "{value}: {scales:?}");
        assert!((back[5] - value).abs() <= scales[0].abs() / 2.0);
    }
}

#[test]
fn halves_are_rounded_to_the_nearest() {
    // The least that there is, the least normal one and its neighbours, ties, and the greatest.
    let row =
        [0.0, 5.960_464_5e-8, 6.097_555e-5, 6.103_515_6e-5, 1.000_488_3, 1.001_464_8, 65504.0];
    let expected = [0.0, 5.960_464_5e-8, 6.097_555e-5, 6.103_515_6e-5, 1.0, 1.001_953_1, 65504.0];
    for length in 1..=row.len() {
        assert_eq!(packed(Format::F16, &row[..length]).2, expected[..length]);
        let negative = row.map(|value| -value);
        assert_eq!(
            packed(Format::F16, &negative[..length]).2,
            expected.map(|value| -value)[..length]
        );
    }
    let row = normal(1000, 1.0);
    assert!(error(&row, &packed(Format::F16, &row).2) < 2.5e-4);
}

#[test]
fn rows_of_zeros_stay_zeros() {
    for format in FORMATS {
        assert_eq!(packed(format, &[0.0; 64]).2, [0.0; 64]);
    }
}

#[test]
fn what_is_too_large_is_told_by_its_place() {
    let mut rows = vec![1.0; 3 * 64];
    rows[64 + 40] = -6e5;
    let round = |format| Packer::new(format, [3, 64]).round(&rows);
    assert_eq!(round(Format::Int8), Ok(()));
    assert_eq!(round(Format::Int4), Err(64 + 40));
    assert_eq!(round(Format::F16), Err(64 + 40));
}

#[test]
fn bytes_and_scales_come_back() {
    for (format, columns) in
        [(Format::Int8, 7), (Format::Int8, 64), (Format::Int4, 32), (Format::Int4, 96)]
    {
        let rows = normal(5 * columns, 1.0);
        let (mut words, mut scales) = (Vec::new(), Vec::new());
        for row in rows.chunks(columns) {
            let first = scales.len();
            format.scales(row, &mut scales).unwrap();
            format.numbers(row, &scales[first..], &mut words).unwrap();
        }
        let bytes = format.unpack(&words, columns);
        assert_eq!(bytes.len(), 5 * columns * format.bits() / 8);
        let (mut again, mut scales_again) = (Vec::new(), Vec::new());
        format.pack(&bytes, columns, &mut again);
        assert_eq!(again, words);
        let floats: Vec<f32> = (scales.chunks(format.scale_words(columns)))
            .flat_map(|row| format.unpack_scales(row, columns))
            .collect();
        format.pack_scales(&floats, columns, &mut scales_again);
        assert_eq!(scales_again, scales);
    }
}
