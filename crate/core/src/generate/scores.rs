//! Arithmetic on the scores of one token, on the host.
//!
//! For now the scores of the whole vocabulary are read back wherever more than the likeliest token
//! is wanted. Doing this on the device would spare the transfer.

/// The tokens of the `count` greatest scores, greatest first; of equal ones the first comes first.
pub(super) fn greatest(scores: &[f32], count: usize) -> Vec<u32> {
    let count = count.min(scores.len());
    let mut best: Vec<u32> = Vec::with_capacity(count + 1);
    for (token, &score) in scores.iter().enumerate() {
        let least = best.get(count.wrapping_sub(1)).map(|&token| scores[token as usize]);
        if least.is_none_or(|least| score > least) {
            let place = best.partition_point(|&other| scores[other as usize] >= score);
            best.insert(place, token as u32);
            best.truncate(count);
        }
    }
    best
}

/// Turns logits into the natural logarithms of their probabilities.
pub(super) fn log_softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = scores.iter().map(|score| f64::from(score - most).exp()).sum();
    let divisor = f64::from(most) + sum.ln();
    scores.iter_mut().for_each(|score| *score = (f64::from(*score) - divisor) as f32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_come_first() {
        let scores = [1.0, 5.0, f32::NEG_INFINITY, 5.0, 3.0];
        assert_eq!(greatest(&scores, 3), [1, 3, 4]);
        assert_eq!(greatest(&scores, 9), [1, 3, 4, 0, 2]);
        assert_eq!(greatest(&scores, 0), [0; 0]);
        assert_eq!(greatest(&[], 2), [0; 0]);
        assert_eq!(greatest(&[f32::NAN, f32::NAN], 1).len(), 1);
    }

    #[test]
    fn probabilities_sum_to_one() {
        let mut scores = [1000.0, 999.0, 0.0, f32::NEG_INFINITY];
        log_softmax(&mut scores);
        let sum: f64 = scores.iter().map(|score| f64::from(*score).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6 && (scores[0] - scores[1] - 1.0).abs() < 1e-6);
    }
}
