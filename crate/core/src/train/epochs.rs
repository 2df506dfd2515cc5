//! How steps and batches lie in epochs.

use crate::{
    config::{RunConfig, TrainConfig},
    error::Result,
    text::{
        batch::{Batch, epoch_batches},
        dataset::Dataset,
        example::Example,
    },
};

/// How many batches and steps a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) batches_per_epoch: usize,
    pub(crate) steps_per_epoch: usize,
    /// Of the whole run.
    pub(crate) steps: usize,
}

impl Count {
    /// Of a run whose epochs have so many examples.
    pub(crate) fn of(config: &RunConfig, examples: usize) -> Self {
        let TrainConfig { batch_size, accumulate, epochs, max_steps, .. } = config.train;
        let batches_per_epoch = examples.div_ceil(batch_size.max(1));
        let steps_per_epoch = batches_per_epoch.div_ceil(accumulate.max(1));
        let steps = max_steps.unwrap_or(epochs.saturating_mul(steps_per_epoch));
        Count { batches_per_epoch, steps_per_epoch, steps }
    }
}

/// The epochs of a run.
#[derive(Debug)]
pub(super) struct Epochs {
    pub(super) count: Count,
    /// About how many tokens an epoch has.
    tokens: f64,
    /// The batches of an epoch, kept from step to step.
    epoch: Option<(usize, Vec<Vec<usize>>)>,
}

impl Epochs {
    pub(super) fn new(config: &RunConfig, train: &Dataset) -> Self {
        let count = Count::of(config, train.epoch_length());
        Epochs { count, tokens: train.epoch_tokens(), epoch: None }
    }

    /// The batches of a step, which counts from 0: a function of the seed and the step alone, but for
    /// how many rows are together at most.
    pub(super) async fn batches(
        &mut self,
        config: &RunConfig,
        train: &Dataset,
        step: usize,
        rows_at_once: usize,
    ) -> Result<Vec<Batch>> {
        let Count { batches_per_epoch, steps_per_epoch, .. } = self.count;
        let (epoch, step) = (step / steps_per_epoch, step % steps_per_epoch);
        let TrainConfig { batch_size, accumulate, seed, shuffle, group_by_length, .. } =
            config.train;
        if self.epoch.as_ref().is_none_or(|(kept, _)| *kept != epoch) {
            let places = train.epoch(seed, epoch as u64, shuffle);
            let lengths: Vec<_> = places.iter().map(|&place| train.length(place)).collect();
            let mut batches =
                epoch_batches(&lengths, batch_size, seed, epoch as u64, shuffle, group_by_length);
            batches.iter_mut().flatten().for_each(|index| *index = places[*index]);
            self.epoch = Some((epoch, batches));
        }
        let first = step * accumulate;
        let last = (first + accumulate).min(batches_per_epoch);
        let mut batches = Vec::with_capacity(accumulate);
        for places in self.epoch.as_ref().map_or(&[][..], |(_, batches)| &batches[first..last]) {
            for places in places.chunks(rows_at_once) {
                let examples = train.examples(places).await?;
                batches.push(Batch::collate(&examples.iter().collect::<Vec<&Example>>()));
            }
        }
        Ok(batches)
    }

    /// The tokens of the steps after this one, about.
    pub(super) fn tokens_after(&self, step: usize) -> f64 {
        let left = self.count.steps.saturating_sub(step) as f64;
        self.tokens * left / self.count.steps_per_epoch as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(rows: usize, set: impl Fn(&mut TrainConfig)) -> usize {
        let mut config = RunConfig::default();
        set(&mut config.train);
        Count::of(&config, rows).steps
    }

    #[test]
    fn steps_are_counted() {
        let train = |batch_size, accumulate, epochs| {
            move |train: &mut TrainConfig| {
                (train.batch_size, train.accumulate, train.epochs) =
                    (batch_size, accumulate, epochs);
            }
        };
        assert_eq!(steps(100, train(8, 1, 3)), 39);
        // Thirteen batches an epoch: the last step has what is left.
        assert_eq!(steps(100, train(8, 4, 3)), 12);
        assert_eq!(steps(1, train(8, 4, 3)), 3);
        assert_eq!(steps(100, |train| train.max_steps = Some(7)), 7);
        assert_eq!(steps(usize::MAX, train(1, 1, usize::MAX)), usize::MAX);
    }
}
