//! Sequences that grow on their own, a token at a time: what greedy decoding and sampling share.

use super::{OnToken, Task, decoder::Decoder};
use crate::{device, error::Result};

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
    let mut left = task.options.max_new_tokens;
    while left > 0 {
        let steps = match &mut choice {
            Choice::Likeliest => decoder.likeliest(&last, left).await?,
            Choice::Scores(choose) => {
                let logits = decoder.next(&last);
                let width = logits.dims()[1];
                let mut scores = device::read(logits).await?;
                let scores = scores.chunks_mut(width);
                let choose =
                    |(&sequence, scores): (&usize, _)| choose(sequence, &texts[sequence], scores);
                vec![open.iter().zip(scores).map(choose).collect()]
            }
        };
        left -= steps.len();
        let mut going: Vec<usize> = (0..open.len()).collect();
        for tokens in &steps {
            // What a device has written beyond an end counts for nothing.
            going.retain(|&place| {
                let (sequence, token) = (open[place], tokens[place]);
                texts[sequence].push(token);
                if copies == 1 {
                    on_token(sequence, token);
                }
                !task.config.eos_token_ids.contains(&token)
            });
        }
        let Some(tokens) = steps.last().filter(|_| !going.is_empty()) else { break };
        last = going.iter().map(|&place| tokens[place]).collect();
        task.turn.turn().await?;
        decoder.select(&going);
        open = going.into_iter().map(|place| open[place]).collect();
    }
    Ok(texts.into_iter().map(|mut text| text.split_off(1)).collect())
}
