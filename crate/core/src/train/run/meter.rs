//! How fast a run is, and what its last losses were.

use std::collections::VecDeque;

use crate::train::{epochs::Epochs, event::Step, trainer::Outcome};

/// Steps over which speed and the loss of a run without validation are averaged.
const WINDOW: usize = 20;

/// A step whose numbers have not been asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Submitted {
    pub(super) step: usize,
    pub(super) tokens: u64,
    pub(super) rate: f64,
}

/// Times and losses of the last steps.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When the run began, by the host's clock.
    pub(super) began: f64,
    /// Tokens and seconds of the last steps.
    recent: VecDeque<(u64, f64)>,
    losses: VecDeque<f64>,
    /// Steps whose numbers have not been asked for, and when the first of them began.
    submitted: Vec<Submitted>,
    since: f64,
}

impl Meter {
    /// A step was submitted, which was begun at this time.
    pub(super) fn submit(&mut self, begun: f64, step: Submitted) {
        if self.submitted.is_empty() {
            self.since = begun;
        }
        self.submitted.push(step);
    }

    /// How many steps' numbers have not been asked for.
    pub(super) fn waiting(&self) -> usize {
        self.submitted.len()
    }

    /// What has come of the steps that were submitted, as far as they were made; and how many were not.
    pub(super) fn settle(
        &mut self,
        outcomes: &[Outcome],
        now: f64,
        epochs: &Epochs,
    ) -> (Vec<Step>, usize) {
        let submitted = std::mem::take(&mut self.submitted);
        // When each of them ended nobody knows: they are taken to have had equal times.
        let seconds = (now - self.since) / submitted.len().max(1) as f64;
        let mut steps = Vec::with_capacity(outcomes.len());
        for (outcome, (place, of)) in outcomes.iter().zip(submitted.iter().enumerate()) {
            push(&mut self.recent, (of.tokens, seconds));
            push(&mut self.losses, outcome.loss);
            let speed = self.speed();
            let remaining = epochs.tokens_after(of.step) / speed;
            steps.push(Step {
                step: of.step,
                epoch: of.step as f64 / epochs.count.steps_per_epoch as f64,
                loss: outcome.loss,
                learning_rate: of.rate,
                gradient_norm: outcome.gradient_norm,
                tokens: of.tokens,
                seconds: self.since + seconds * (place + 1) as f64 - self.began,
                tokens_per_second: speed,
                eta_seconds: (speed > 0.0).then_some(remaining),
            });
        }
        (steps, submitted.len() - outcomes.len())
    }

    /// Takes up a loss that was told of before the run was gone on with.
    pub(super) fn take(&mut self, loss: f64) {
        push(&mut self.losses, loss);
    }

    /// The mean of the last losses; 0 where there are none.
    pub(super) fn mean_loss(&self) -> f64 {
        self.losses.iter().sum::<f64>() / self.losses.len().max(1) as f64
    }

    /// Tokens a second over the last steps.
    fn speed(&self) -> f64 {
        let (tokens, seconds) = (self.recent.iter())
            .fold((0.0, 0.0), |(sum, time), &(tokens, seconds)| {
                (sum + tokens as f64, time + seconds)
            });
        if seconds > 0.0 { tokens / seconds } else { 0.0 }
    }
}

/// Adds to a window of the last few.
fn push<T>(window: &mut VecDeque<T>, item: T) {
    if window.len() == WINDOW {
        window.pop_front();
    }
    window.push_back(item);
}
