//! The likeliest token, again and again.

use super::{
    OnToken, Task,
    scores::greatest,
    single::{self, Choice},
};
use crate::error::Result;

/// Greedy decoding: a sequence for each row. Without processors the scores stay on the device.
pub(super) async fn greedy(task: &Task<'_>, on_token: &mut OnToken<'_>) -> Result<Vec<Vec<u32>>> {
    let processors = &task.options.processors;
    if processors.are_off() {
        return single::write(task, 1, Choice::Likeliest, on_token).await;
    }
    let mut choose = |_: usize, ids: &[u32], scores: &mut [f32]| {
        processors.apply(ids, &task.config.eos_token_ids, scores);
        greatest(scores, 1).first().copied().unwrap_or_default()
    };
    single::write(task, 1, Choice::Scores(&mut choose), on_token).await
}
