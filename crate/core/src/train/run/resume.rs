//! Goes on with a run that was cut off.

use sha2::{Digest, Sha256};

use super::Run;
use crate::{
    error::{Error, Message, Result},
    text::dataset::Dataset,
    train::{
        checkpoint::{self, State},
        event::{Event, Step},
        record::{Identity, Record},
    },
};

impl Run {
    /// Takes up the run in the output directory at its newest checkpoint; one that never came to a
    /// checkpoint, from the beginning.
    pub(super) async fn go_on(&mut self) -> Result<()> {
        let (storage, output) = (self.host.storage.clone(), &self.output);
        let record = Record::read(&*storage, output).await?;
        let refused = |message: Message| Err(Error::setting("output", message));
        if !record.result.is_null() {
            // Left where the process was ended between its result and its last act. Where they cannot be
            // removed, the next who asks tries again.
            let _ = self.checkpoints.remove_all(&*storage).await;
            let done =
                format!("the run in {output} is done; to train what it left further, name it as ");
            let message = Message::from(done).key("init_adapter").text(" (or as ").key("model");
            return refused(message.text(") and another directory as `output`"));
        }
        self.identity().check_same(record.identity())?;
        let Some((path, state)) = self.checkpoints.newest(&*storage).await? else {
            if self.log().has_checkpoint().await? {
                let message = format!(
                    "none of the checkpoints in {output} is whole; to begin again, remove {output} \
                     or name another directory"
                );
                return refused(message.into());
            }
            return Ok(());
        };
        let State { config, base, data, .. } = &state;
        self.identity().check_same(Identity { config, base, data: Some(data) })?;
        checkpoint::restore(&*storage, &path, &state, &mut self.trainer).await?;
        self.state = state;
        self.state.config = self.config.clone();
        self.checkpoint = Some(path);
        self.resumed = true;
        if let (Some(patience), Some(_)) = (self.config.eval.patience, &self.state.best)
            && self.state.without_better >= patience
        {
            self.epochs.count.steps = self.state.step;
        }
        // The last losses are taken from the events before the checkpoint.
        let (log, meter) = (self.log(), &mut self.meter);
        let mut take = |event| {
            if let Event::Step(Step { loss, .. }) = event {
                meter.take(loss);
            }
        };
        log.go_back_to(self.state.step, &mut take).await
    }
}

/// A hash of all tokens, and of how they are mixed: by it a run knows its rows again.
pub(super) fn fingerprint(train: &Dataset, validation: Option<&Dataset>) -> String {
    let mut hasher = Sha256::new();
    for set in [Some(train), validation].into_iter().flatten() {
        set.hash(&mut hasher);
    }
    checkpoint::hexadecimal(&hasher.finalize())
}
