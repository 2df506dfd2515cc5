//! The likeliest texts, by beam search.

use super::{
    Sequence, Task,
    decoder::Decoder,
    scores::{greatest, log_softmax},
};
use crate::{config::EarlyStopping, device, error::Result};

/// Beam search as transformers 5 does it (`GenerationMixin._beam_search`).
#[derive(Clone, Debug, PartialEq)]
pub struct BeamSearch {
    /// How many texts are kept while searching.
    pub beams: usize,
    /// A text's score is the logarithm of its probability divided by its number of tokens to this
    /// power: above 0 favours long texts.
    pub length_penalty: f64,
    /// When the search of a row ends.
    pub early_stopping: EarlyStopping,
}

/// A text, or the beginning of one.
#[derive(Clone, Debug)]
struct Beam {
    /// Its tokens, the start token first.
    ids: Vec<u32>,
    /// The logarithm of its probability; in [`Row::done`] divided by the length.
    score: f64,
}

/// A beam with one more token.
struct Candidate {
    score: f64,
    /// Which of the row's open beams is continued.
    parent: usize,
    token: u32,
}

/// The search for a row's texts.
struct Row {
    /// What is still being written, likeliest first; empty once the search is over.
    open: Vec<Beam>,
    /// The best texts that have ended, best first.
    done: Vec<Beam>,
}

/// Searches the texts of each row: the best of them, best first.
pub(super) async fn search(task: &Task<'_>, beams: &BeamSearch) -> Result<Vec<Vec<Sequence>>> {
    let beams = &BeamSearch { beams: beams.beams.max(1), ..beams.clone() };
    // One beam in the beginning: several would all find the same.
    let first = Beam { ids: vec![task.config.decoder_start_token_id], score: 0.0 };
    let row = || Row { open: vec![first.clone()], done: Vec::new() };
    let mut rows: Vec<Row> = std::iter::repeat_with(row).take(task.batch.rows).collect();
    let mut decoder = Decoder::new(task.model, task.batch, task.pass);
    for length in 1..=task.options.max_new_tokens {
        let open = rows.iter().flat_map(|row| &row.open);
        let last: Vec<u32> = open.filter_map(|beam| beam.ids.last().copied()).collect();
        let logits = decoder.next(&last);
        let width = logits.dims()[1];
        let mut scores = device::read(logits).await?;
        let mut scores = scores.chunks_mut(width);
        // Of which beam each of the next ones is a continuation.
        let mut parents = Vec::new();
        let mut before = 0;
        for row in &mut rows {
            let count = row.open.len();
            let candidates = row.candidates(task, beams, scores.by_ref().take(count));
            let kept = row.advance(task, beams, candidates, length);
            parents.extend(kept.into_iter().map(|parent| before + parent));
            before += count;
        }
        if parents.is_empty() {
            break;
        }
        task.turn.turn().await?;
        decoder.select(&parents);
    }
    let count = task.options.num_return_sequences.max(1);
    Ok(rows.into_iter().map(|row| row.best(count)).collect())
}

impl Row {
    /// The likeliest continuations: enough that, even if all but the unlikeliest are ends, as many
    /// beams as before go on.
    fn candidates<'s>(
        &self,
        task: &Task<'_>,
        beams: &BeamSearch,
        scores: impl Iterator<Item = &'s mut [f32]>,
    ) -> Vec<Candidate> {
        let ends = &task.config.eos_token_ids;
        let count = (ends.len() + 1).max(2) * beams.beams;
        let mut candidates = Vec::new();
        for ((parent, beam), scores) in self.open.iter().enumerate().zip(scores) {
            log_softmax(scores);
            task.options.processors.apply(&beam.ids, ends, scores);
            candidates.extend(greatest(scores, count).into_iter().map(|token| {
                let score = beam.score + f64::from(scores[token as usize]);
                Candidate { score, parent, token }
            }));
        }
        // What is forbidden has no finite score.
        candidates.retain(|candidate| candidate.score.is_finite());
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        candidates.truncate(count);
        candidates
    }

    /// Takes a step to texts of `length` tokens. Returns which beam each open one continues.
    fn advance(
        &mut self,
        task: &Task<'_>,
        beams: &BeamSearch,
        candidates: Vec<Candidate>,
        length: usize,
    ) -> Vec<usize> {
        let divisor = |length: usize| (length as f64).powf(beams.length_penalty);
        let last = length == task.options.max_new_tokens;
        if candidates.is_empty() {
            // Nothing may follow: what there is must do.
            let divisor = divisor((length - 1).max(1));
            let cut = self.open.drain(..).map(|beam| Beam { score: beam.score / divisor, ..beam });
            self.done.extend(cut);
        }
        let mut open = Vec::new();
        let mut parents = Vec::new();
        for (rank, Candidate { score, parent, token }) in candidates.into_iter().enumerate() {
            let ends = last || task.config.eos_token_ids.contains(&token);
            let grown = |score| {
                let mut ids = self.open[parent].ids.clone();
                ids.push(token);
                Beam { ids, score }
            };
            // An end counts only among the first; the others are there for beams to go on with.
            if ends && rank < beams.beams {
                self.done.push(grown(score / divisor(length)));
            } else if !ends && open.len() < beams.beams {
                open.push(grown(score));
                parents.push(parent);
            }
        }
        self.open = open;
        self.done.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.done.truncate(beams.beams);
        if self.is_over(task, beams, length) {
            self.open.clear();
            parents.clear();
        }
        parents
    }

    /// Whether the search is over: all texts have ended, and no open beam is likely to become
    /// better than the worst of them (transformers' `_check_early_stop_heuristic`).
    fn is_over(&self, task: &Task<'_>, beams: &BeamSearch, length: usize) -> bool {
        let (Some(best), Some(worst)) = (self.open.first(), self.done.get(beams.beams - 1)) else {
            return self.open.is_empty();
        };
        let length = match beams.early_stopping {
            EarlyStopping::True => return true,
            EarlyStopping::Never if beams.length_penalty > 0.0 => task.options.max_new_tokens,
            EarlyStopping::False | EarlyStopping::Never => length,
        };
        best.score / (length as f64).powf(beams.length_penalty) <= worst.score
    }

    fn best(self, count: usize) -> Vec<Sequence> {
        let sequence =
            |mut beam: Beam| Sequence { ids: beam.ids.split_off(1), score: Some(beam.score) };
        self.done.into_iter().take(count).map(sequence).collect()
    }
}
