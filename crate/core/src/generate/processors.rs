//! What changes the scores of the next token before one is chosen.

/// The processors that are on, applied in the order of transformers'
/// `GenerationMixin._get_logits_processor`. Greedy decoding and sampling apply them to logits, beam
/// search to logarithms of probabilities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Processors {
    /// Divides positive scores of tokens that are there already, and multiplies negative ones
    /// (Keskar et al. 2019, arXiv:1909.05858; transformers' `RepetitionPenaltyLogitsProcessor`).
    pub repetition_penalty: Option<f64>,
    /// Forbids a token that would end a sequence of this many tokens that is there already
    /// (Paulus et al. 2017, arXiv:1705.04304; transformers' `NoRepeatNGramLogitsProcessor`).
    pub no_repeat_ngram_size: Option<usize>,
    /// Forbids the end before there are this many tokens (transformers'
    /// `MinNewTokensLengthLogitsProcessor`).
    pub min_new_tokens: usize,
}

impl Processors {
    /// Whether no score is ever changed.
    pub fn are_off(&self) -> bool {
        *self == Self::default()
    }

    /// Changes the scores `[vocab_size]` of the token after `ids`, the decoder's input so far with
    /// its start token, which counts as a token that is there. `ends` are the end tokens.
    pub fn apply(&self, ids: &[u32], ends: &[u32], scores: &mut [f32]) {
        if let Some(penalty) = self.repetition_penalty {
            repetition(penalty as f32, ids, scores);
        }
        if let Some(size) = self.no_repeat_ngram_size {
            no_repeat(size, ids, scores);
        }
        if ids.len().saturating_sub(1) < self.min_new_tokens {
            ends.iter().for_each(|&token| forbid(token, scores));
        }
    }
}

/// A token counts once, however often it is there.
fn repetition(penalty: f32, ids: &[u32], scores: &mut [f32]) {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    for token in ids {
        if let Some(score) = scores.get_mut(token as usize) {
            *score = if *score < 0.0 { *score * penalty } else { *score / penalty };
        }
    }
}

fn no_repeat(size: usize, ids: &[u32], scores: &mut [f32]) {
    // The token to come would end a sequence that begins with the last `size - 1` tokens.
    let Some(start) = (ids.len() + 1).checked_sub(size.max(1)) else { return };
    for sequence in ids.windows(size.max(1)) {
        if let Some((token, before)) = sequence.split_last()
            && *before == ids[start..]
        {
            forbid(*token, scores);
        }
    }
}

fn forbid(token: u32, scores: &mut [f32]) {
    if let Some(score) = scores.get_mut(token as usize) {
        *score = f32::NEG_INFINITY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: f32 = f32::NEG_INFINITY;

    fn processed(processors: Processors, ids: &[u32], mut scores: Vec<f32>) -> Vec<f32> {
        processors.apply(ids, &[1, 3], &mut scores);
        scores
    }

    #[test]
    fn a_repeated_token_is_penalised_once_towards_less() {
        let on = || Processors { repetition_penalty: Some(2.0), ..Processors::default() };
        let scores = vec![4.0, -1.0, 3.0, 1.0];
        // The start token 0 counts; a token beyond the vocabulary changes nothing.
        assert_eq!(processed(on(), &[0, 1, 1, 9], scores), [2.0, -2.0, 3.0, 1.0]);
        assert_eq!(processed(on(), &[0], vec![0.0, NEVER]), [0.0, NEVER]);
    }

    #[test]
    fn no_sequence_comes_twice() {
        let banned = |size, ids: &[u32]| {
            let on = Processors { no_repeat_ngram_size: Some(size), ..Processors::default() };
            let scores = processed(on, ids, vec![0.0; 6]);
            (0..6).filter(|&token| scores[token] == NEVER).collect::<Vec<_>>()
        };
        assert_eq!(banned(1, &[0, 4, 2]), [0, 2, 4]);
        assert_eq!(banned(2, &[0, 4, 2, 4, 5, 4]), [2, 5]);
        assert_eq!(banned(2, &[0, 4, 0]), [4]);
        assert_eq!(banned(2, &[0]), [0; 0]);
        assert_eq!(banned(3, &[0, 4, 2, 5, 4, 2]), [5]);
        assert_eq!(banned(3, &[4, 2]), [0; 0]);
        assert_eq!(banned(9, &[0, 4, 2]), [0; 0]);
    }

    #[test]
    fn the_end_waits_for_enough_tokens() {
        let on = || Processors { min_new_tokens: 2, ..Processors::default() };
        // The start token is not a new one, and there may be several end tokens.
        for ids in [&[0][..], &[0, 2]] {
            assert_eq!(processed(on(), ids, vec![0.0; 4]), [0.0, NEVER, 0.0, NEVER]);
        }
        assert_eq!(processed(on(), &[0, 2, 2], vec![0.0; 4]), [0.0; 4]);
        assert!(Processors::default().are_off() && !on().are_off());
    }

    /// transformers 5: `RepetitionPenaltyLogitsProcessor`, then `NoRepeatNGramLogitsProcessor`, then
    /// `MinNewTokensLengthLogitsProcessor`.
    #[test]
    fn all_together() {
        let on = Processors {
            repetition_penalty: Some(0.5),
            no_repeat_ngram_size: Some(2),
            min_new_tokens: 9,
        };
        let scores = processed(on, &[0, 2, 4, 2], vec![1.0, 2.0, -3.0, 4.0, 5.0]);
        assert_eq!(scores, [2.0, NEVER, -1.5, NEVER, NEVER]);
    }
}
