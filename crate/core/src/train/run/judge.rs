//! Judges a run by its validation rows, and keeps the best weights.

use super::Run;
use crate::{
    config::EvalConfig,
    error::Result,
    generate::Generator,
    text::dataset::Dataset,
    train::{
        checkpoint::Best,
        evaluate::{Evaluator, value},
        event::Event,
    },
};

impl Run {
    /// Scores the validation rows, keeps the weights if they are the best so far, and ends the run
    /// where patience is over.
    pub(super) async fn evaluate(&mut self) -> Result<Event> {
        let config = &self.config.eval;
        let mut wanted = EvalConfig::clone(config);
        if !wanted.metrics.contains(&config.best_metric) {
            wanted.metrics.push(config.best_metric);
        }
        let evaluator = Evaluator {
            generator: Generator {
                model: &self.trainer.model,
                adapter: self.trainer.adapter.as_ref(),
                config: &self.base.generation,
                arithmetic: self.trainer.arithmetic(),
                turn: &*self.host.turn,
            },
            tokenizer: &self.base.tokenizer,
            config: &wanted,
            batch_size: self.config.train.batch_size,
        };
        let none = Dataset::default();
        let data = self.validation.as_ref().unwrap_or(&none);
        let judged = data.first(config.eval_rows);
        let (metrics, _) = evaluator.evaluate(data, &judged, &mut |_| ()).await?;
        let samples = evaluator.samples(data, &data.first(config.eval_samples)).await?;
        let step = self.state.step;
        let found = value(&metrics, config.best_metric).unwrap_or(f64::NAN);
        let better = |best: &Best| match config.best_metric.lower_is_better() {
            true => found < best.value,
            false => found > best.value,
        };
        // The weights of a loss that is not finite are worth nothing.
        if found.is_finite() && self.state.best.as_ref().is_none_or(better) {
            self.state.best = Some(Best { step, value: found, metrics: metrics.clone() });
            self.state.without_better = 0;
            self.write_result().await?;
        } else {
            self.state.without_better += 1;
            if self.config.eval.patience.is_some_and(|most| self.state.without_better >= most) {
                self.epochs.count.steps = step;
            }
        }
        Ok(Event::Eval { step, metrics, samples })
    }
}
