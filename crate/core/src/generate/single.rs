//! Sequences that grow on their own, a token at a time: what greedy decoding and sampling share.

use super::{OnToken, Task, decoder::Decoder};
use crate::{
    device,
    error::{Error, Result},
};

/// Chooses the next token: told which sequence it is for, its tokens so far, the start token first,
/// and the scores `[vocab_size]`.
type Choose<'a> = dyn FnMut(usize, &[u32], &mut [f32]) -> u32 + 'a;

/// How the next token is found.
pub(super) enum Choice<'a> {
    /// The likeliest: the device finds it.
    Likeliest,
    /// From the scores, which are read back.
    Scores(&'a mut Choose<'a>),
}

/// Writes `copies` sequences for each row, those of a row one after the other. `on_token` is told
/// where there is one of each.
pub(super) async fn write(
    task: &Task<'_>,
    copies: usize,
    mut choice: Choice<'_>,
    on_token: &mut OnToken<'_>,
) -> Result<Vec<Vec<u32>>> {
    let mut texts = vec![vec![task.config.decoder_start_token_id]; task.batch.rows * copies];
    let mut decoder = Decoder::new(task.model, task.batch, task.pass);
    if copies > 1 {
        let rows: Vec<usize> = (0..texts.len()).map(|sequence| sequence / copies).collect();
        decoder.select(&rows);
    }
    // The sequences still being written; those that have ended leave the batch.
    let mut open: Vec<usize> = (0..texts.len()).collect();
    let mut last = vec![task.config.decoder_start_token_id; texts.len()];
    for _ in 0..task.options.max_new_tokens {
        let logits = decoder.next(&last);
        let width = logits.dims()[1];
        let next: Vec<u32> = match &mut choice {
            Choice::Likeliest => {
                let best = logits.argmax(1).into_data_async().await;
                let best = best.map_err(|error| Error::Device { message: format!("{error:?}") })?;
                best.iter::<i64>().map(|token| token as u32).collect()
            }
            Choice::Scores(choose) => {
                let mut scores = device::read(logits).await?;
                let scores = scores.chunks_mut(width);
                let choose =
                    |(&sequence, scores): (&usize, _)| choose(sequence, &texts[sequence], scores);
                open.iter().zip(scores).map(choose).collect()
            }
        };
        let mut going = Vec::new();
        last.clear();
        for (place, (&sequence, token)) in open.iter().zip(next).enumerate() {
            texts[sequence].push(token);
            if copies == 1 {
                on_token(sequence, token);
            }
            if !task.config.eos_token_ids.contains(&token) {
                going.push(place);
                last.push(token);
            }
        }
        if going.is_empty() {
            break;
        }
        task.turn.turn().await?;
        decoder.select(&going);
        open = going.into_iter().map(|place| open[place]).collect();
    }
    Ok(texts.into_iter().map(|mut text| text.split_off(1)).collect())
}
