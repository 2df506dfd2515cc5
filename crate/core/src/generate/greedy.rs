//! The likeliest token, again and again.

use super::{OnToken, Options};
use crate::{
    error::{Error, Result},
    model::{GenerationConfig, Pass, T5},
    text::batch::Batch,
};

/// Greedy decoding with a key and value cache. The encoder runs once; rows that have ended leave
/// the batch.
pub async fn greedy(
    model: &T5,
    batch: &Batch,
    config: &GenerationConfig,
    options: &Options,
    pass: &Pass<'_>,
    on_token: &mut OnToken<'_>,
) -> Result<Vec<Vec<u32>>> {
    let mut texts = vec![Vec::new(); batch.rows];
    if options.max_new_tokens == 0 || batch.rows == 0 {
        return Ok(texts);
    }
    let mut encoded = model.encode(batch, pass);
    let mut cache = model.start(&encoded, pass);
    // The rows still being written, and the last token of each.
    let mut rows: Vec<usize> = (0..batch.rows).collect();
    let mut last = vec![config.decoder_start_token_id as i32; batch.rows];
    for _ in 0..options.max_new_tokens {
        let hidden = model.decode_next(&last, &encoded, &mut cache, pass);
        let best = model.logits(hidden, pass).argmax(1).into_data_async().await;
        let best: Vec<i64> = best
            .map_err(|error| Error::Device { message: format!("{error:?}") })?
            .iter::<i64>()
            .collect();
        let mut going = Vec::new();
        last.clear();
        for (place, (&row, token)) in rows.iter().zip(best).enumerate() {
            let token = token as u32;
            texts[row].push(token);
            on_token(row, token);
            if !config.eos_token_ids.contains(&token) {
                going.push(place);
                last.push(token as i32);
            }
        }
        if going.is_empty() {
            break;
        }
        if going.len() < rows.len() {
            cache.select(&going, &mut encoded);
            rows = going.into_iter().map(|place| rows[place]).collect();
        }
    }
    Ok(texts)
}
