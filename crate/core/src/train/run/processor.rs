//! Goes on on the processor where a GPU's numbers are not finite and the processor's are: then the driver is
//! at fault, and not the run.

use super::Run;
use crate::{
    adapter::Adapter,
    device::{Device, DeviceKind},
    error::{Error, Result},
    storage::MemoryStorage,
    train::{
        checkpoint,
        event::Event,
        trainer::{Trainer, TrainerSettings},
    },
};

impl Run {
    /// Makes the step after the last good one on the processor, from the checkpoint of that. Where its numbers
    /// are finite the run goes on there, and this says so; none where they are not, or where it is there.
    pub(super) async fn go_on_on_the_processor(
        &mut self,
        checkpoint: &str,
    ) -> Result<Option<Event>> {
        if self.trainer.model.device().kind() == DeviceKind::Cpu {
            return Ok(None);
        }
        let gpu = self.trainer.model.device().name().to_owned();
        let model = self.trainer.model.moved(&Device::cpu()).await?;
        let adapter = match &mut self.trainer.adapter {
            // As it would be written and read: a kind may keep more than what is trained.
            Some(adapter) => {
                let storage = MemoryStorage::new();
                adapter.save(&storage, "", None).await?;
                Some(Adapter::load(&storage, "", &model, None).await?)
            }
            None => None,
        };
        let mut config = self.config.clone();
        // Only a GPU makes activations again.
        config.model.recompute = false;
        let settings = TrainerSettings::of(&config, &model)?;
        let mut trainer = Trainer::new(model, adapter, settings);
        let storage = self.host.storage.clone();
        checkpoint::restore(&*storage, checkpoint, &self.state, &mut trainer).await?;
        let (step, rows) = (self.state.step, self.rows_at_once);
        let batches = self.epochs.batches(&self.config, &self.train, step, rows).await?;
        // A step of no length: it settles whether a real one would count, and changes nothing.
        match trainer.clone().step(&batches, 0.0).await {
            Ok(_) => {}
            Err(Error::NotFinite { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        self.trainer = trainer;
        self.state.tiles = None;
        Ok(Some(Event::Warning {
            code: "wrong_numbers".to_owned(),
            message: format!(
                "step {}: the numbers of {gpu} are not finite, but the processor's are: the run goes \
                 on on the processor",
                step + 1
            ),
            count: None,
        }))
    }
}
