//! Tokens drawn by their probabilities.

use super::{
    OnToken, Task,
    scores::greatest,
    single::{self, Choice},
};
use crate::{
    error::Result,
    rng::{Purpose, Random},
};

/// Which tokens are drawn from, and by which numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// Divides the logits: above 1 the probabilities are more even.
    pub temperature: f64,
    /// Only this many of the likeliest tokens (Fan et al. 2018, arXiv:1805.04833), and those as
    /// likely as the last of them.
    pub top_k: Option<usize>,
    /// Only the likeliest tokens that together have this probability (Holtzman et al. 2019,
    /// arXiv:1904.09751).
    pub top_p: Option<f64>,
    /// Where the draws come from.
    pub seed: u64,
}

impl Sampling {
    /// The tokens that may be drawn, in the order of the vocabulary, with their probabilities.
    ///
    /// In transformers' order: `TemperatureLogitsWarper`, `TopKLogitsWarper`, `TopPLogitsWarper`,
    /// the last of which judges the probabilities that the others have left. Empty where all
    /// tokens are forbidden.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<(u32, f64)> {
        let least = match self.top_k {
            Some(count) => (greatest(logits, count).last())
                .map_or(f32::NEG_INFINITY, |&token| logits[token as usize]),
            None => f32::NEG_INFINITY,
        };
        let mut tokens: Vec<(u32, f64)> = (0..)
            .zip(logits)
            .filter(|&(_, &logit)| logit >= least && logit.is_finite())
            .map(|(token, &logit)| (token, f64::from(logit)))
            .collect();
        softmax(&mut tokens, self.temperature);
        if let Some(most) = self.top_p.filter(|most| *most < 1.0) {
            tokens.sort_by(|a, b| a.1.total_cmp(&b.1));
            // From the least likely on, as many as fit into what `top_p` leaves; the last one stays.
            let mut sum = 0.0;
            let dropped = tokens.iter().take_while(|(_, probability)| {
                sum += probability;
                sum <= 1.0 - most
            });
            let dropped = dropped.count().min(tokens.len().saturating_sub(1));
            tokens.drain(..dropped);
            tokens.sort_by_key(|(token, _)| *token);
            let rest: f64 = tokens.iter().map(|(_, probability)| probability).sum();
            tokens.iter_mut().for_each(|(_, probability)| *probability /= rest);
        }
        tokens
    }

    /// Draws a token. The draw depends on the seed, the number of the new token, the row's number
    /// and which of its sequences this is: not on the device, nor on what else is in the batch.
    pub fn draw(&self, logits: &[f32], token: usize, row: usize, sequence: usize) -> u32 {
        let tokens = self.probabilities(logits);
        let mut random = Random::new(self.seed, Purpose::Sample, token as u64, row as u64);
        // Each sequence of a row has two words of the stream: a number.
        random.seek(2 * sequence as u64);
        // The tokens stand in the order of the vocabulary, not of their probabilities, so that the
        // rounding of another device moves a border but never swaps two tokens.
        let number = random.uniform_f64();
        let mut sum = 0.0;
        let drawn = tokens.iter().find(|(_, probability)| {
            sum += probability;
            number < sum
        });
        // Rounding may leave the sum below the number; where all is forbidden anything goes.
        drawn.or(tokens.last()).map_or(0, |(token, _)| *token)
    }
}

/// Turns logits into probabilities.
fn softmax(tokens: &mut [(u32, f64)], temperature: f64) {
    let most = tokens.iter().map(|token| token.1).fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (_, score) in tokens.iter_mut() {
        *score = ((*score - most) / temperature).exp();
        sum += *score;
    }
    tokens.iter_mut().for_each(|(_, probability)| *probability /= sum);
}

/// Draws as many sequences for each row as the options ask for, those of a row one after the other.
pub(super) async fn sample(
    task: &Task<'_>,
    sampling: &Sampling,
    on_token: &mut OnToken<'_>,
) -> Result<Vec<Vec<u32>>> {
    let copies = task.options.num_return_sequences.max(1);
    let mut choose = |sequence: usize, ids: &[u32], scores: &mut [f32]| {
        task.options.processors.apply(ids, &task.config.eos_token_ids, scores);
        let row = task.number(sequence / copies);
        sampling.draw(scores, ids.len() - 1, row, sequence % copies)
    };
    single::write(task, copies, Choice::Scores(&mut choose), on_token).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f64, top_k: Option<usize>, top_p: Option<f64>) -> Sampling {
        Sampling { temperature, top_k, top_p, seed: 7 }
    }

    /// Logits of these probabilities.
    fn logits(probabilities: &[f64]) -> Vec<f32> {
        probabilities.iter().map(|probability| probability.ln() as f32 + 3.0).collect()
    }

    fn support(sampling: &Sampling, logits: &[f32]) -> Vec<u32> {
        sampling.probabilities(logits).into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn top_k_keeps_the_likeliest_and_their_equals() {
        let logits = logits(&[0.1, 0.4, 0.2, 0.2, 0.1]);
        let tokens = |count| support(&sampling(1.0, Some(count), None), &logits);
        assert_eq!([tokens(1), tokens(2), tokens(3)], [vec![1], vec![1, 2, 3], vec![1, 2, 3]]);
        assert_eq!([tokens(4), tokens(99)], [vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn top_p_keeps_the_fewest_tokens_with_that_probability() {
        let logits = logits(&[0.05, 0.5, 0.15, 0.3]);
        let tokens = |most| support(&sampling(1.0, None, Some(most)), &logits);
        assert_eq!([tokens(0.01), tokens(0.49)], [[1], [1]]);
        assert_eq!([tokens(0.51), tokens(0.79)], [[1, 3], [1, 3]]);
        assert_eq!([tokens(0.81), tokens(0.94)], [[1, 2, 3], [1, 2, 3]]);
        assert_eq!([tokens(0.96), tokens(1.0)], [[0, 1, 2, 3], [0, 1, 2, 3]]);
    }

    #[test]
    fn top_p_judges_what_temperature_and_top_k_leave() {
        let all = [0.4, 0.3, 0.2, 0.1];
        // Of the two likeliest the first has 4/7.
        assert_eq!(support(&sampling(1.0, Some(2), Some(0.55)), &logits(&all)), [0]);
        assert_eq!(support(&sampling(1.0, None, Some(0.55)), &logits(&all)), [0, 1]);
        // Squared and summed to one again: 16/30, 9/30, 4/30, 1/30.
        let found = sampling(0.5, None, Some(0.8)).probabilities(&logits(&all));
        for ((token, found), expected) in found.iter().zip([16.0 / 25.0, 9.0 / 25.0]) {
            assert!((found - expected).abs() < 1e-6, "{token}: {found}");
        }
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_is_forbidden_is_never_drawn() {
        let mut scores = logits(&[0.5, 0.25, 0.25]);
        scores[0] = f32::NEG_INFINITY;
        assert_eq!(support(&sampling(1.0, Some(3), Some(1.0)), &scores), [1, 2]);
        for other in [f32::NEG_INFINITY, f32::NAN] {
            assert_eq!(sampling(1.0, Some(2), Some(0.5)).draw(&[other; 3], 0, 0, 0), 0);
        }
    }

    #[test]
    fn tokens_come_as_often_as_they_should() {
        let expected = [0.1, 0.45, 0.05, 0.4];
        let (scores, sampling) = (logits(&expected), sampling(1.0, None, None));
        let mut counts = [0.0; 4];
        let draws = 40_000;
        for draw in 0..draws {
            let (step, row, sequence) = (draw % 10, draw / 10 % 100, draw / 1000);
            counts[sampling.draw(&scores, step, row, sequence) as usize] += 1.0;
        }
        // Pearson's chi-squared with three degrees of freedom: beyond 16.27 once in a thousand.
        let expected = expected.map(|probability| probability * draws as f64);
        let distance: f64 = (counts.iter().zip(expected))
            .map(|(count, expected): (&f64, f64)| (count - expected).powi(2) / expected)
            .sum();
        assert!(distance < 16.27, "{counts:?}");
    }

    #[test]
    fn a_draw_depends_on_seed_step_row_and_sequence() {
        let even = [0.0; 1000];
        let draw = |seed, step, row, sequence| {
            Sampling { seed, ..sampling(1.0, None, None) }.draw(&even, step, row, sequence)
        };
        let base = draw(1, 2, 3, 4);
        assert_eq!(base, draw(1, 2, 3, 4));
        for other in [draw(2, 2, 3, 4), draw(1, 3, 3, 4), draw(1, 2, 4, 4), draw(1, 2, 3, 5)] {
            assert_ne!(base, other);
        }
        // What seeds in use have drawn must not change.
        assert_eq!([base, draw(0, 0, 0, 0)], [683, 454]);
    }
}
