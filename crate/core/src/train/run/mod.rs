//! A run: the data's order, the schedule, evaluations, checkpoints, events and the result, one step
//! at a time.

mod judge;
mod meter;
mod processor;
mod resume;

use std::ops::Range;

use burn::tensor::Tensor;
use serde_json::{Value, json};

use self::meter::{Meter, Submitted};
use super::{
    checkpoint::{Checkpoints, State},
    epochs::Epochs,
    event::{Done, Event, MixedSet, Start},
    log::Log,
    record::Identity,
    trainer::{Settled, Trainer, TrainerSettings},
};
use crate::{
    adapter::Adapter,
    config::RunConfig,
    device::{self, DeviceKind},
    error::{Error, Result},
    host::Host,
    metric::Metrics,
    model::{Base, T5, parameter::Parameters},
    ops::gpu::product,
    output::{self, Found},
    storage::{Claim, join, said},
    text::{Dataset, Warning},
};

/// Seconds that a device may take to answer before it is asked less often (Firefox takes 0.1), and how
/// often it is asked then, in steps.
const SLOW_READ: f64 = 0.02;
const STEPS_A_SLOW_READ: usize = 8;

/// A training run. Who drives it calls [`Run::step`] until [`Run::is_done`].
#[derive(Debug)]
pub struct Run {
    host: Host,
    base: Base,
    config: RunConfig,
    output: String,
    trainer: Trainer,
    train: Dataset,
    validation: Option<Dataset>,
    notes: Vec<Warning>,
    state: State,
    epochs: Epochs,
    checkpoints: Checkpoints,
    /// The newest checkpoint.
    checkpoint: Option<String>,
    /// Whether it was asked for to go on with a run.
    resume: bool,
    resumed: bool,
    /// Nobody else writes in the output directory, as long as this is there.
    _claim: Claim,
    meter: Meter,
    /// The most rows of a batch that are computed at once.
    rows_at_once: usize,
    /// Steps whose numbers are asked for together; found out when the run begins unless it is set.
    read_every: Option<usize>,
    /// Why the next step cannot be made.
    failure: Option<Error>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Starting,
    Stepping,
    Done,
}

/// What a run is given.
#[derive(Debug)]
pub struct Parts {
    /// The base that it trains beside, or trains.
    pub base: Base,
    /// Its weights.
    pub model: T5,
    /// What is trained, for the methods that train beside the base.
    pub adapter: Option<Adapter>,
    /// The rows to learn from.
    pub train: Dataset,
    /// The rows to judge by.
    pub validation: Option<Dataset>,
    /// What a user should know beside what the rows say.
    pub notes: Vec<Warning>,
}

impl Run {
    /// Begins a run, or goes on with the one in `output`. Everything is checked before anything is
    /// written.
    ///
    /// # Errors
    /// [`Error::Setting`] where `output` holds anything but a run, a run without `resume`, one that is
    /// done, one of another configuration, base or data, or one whose checkpoints are all damaged;
    /// [`Error::Storage`] where somebody else works on it.
    pub async fn open(
        host: &Host,
        config: &RunConfig,
        parts: Parts,
        output: &str,
        resume: bool,
    ) -> Result<Self> {
        let config = config.resolve()?;
        let Parts { base, model, adapter, train, validation, notes } = parts;
        train.check_not_empty()?;
        let validation = validation.filter(|validation| !validation.is_empty());
        if config.train.batch_size == 0 || config.train.accumulate == 0 {
            return Err(Error::setting("batch_size", "found 0, expected at least 1"));
        }
        let inputs = inputs(&config, &base);
        let (claim, found) =
            output::claim_run(&*host.storage, output, &inputs, resume, host.kept).await?;
        let epochs = Epochs::new(&config, &train);
        let settings = TrainerSettings::of(&config, &model)?;
        let trainer = Trainer::new(model, adapter, settings);
        let data = resume::fingerprint(&train, validation.as_ref());
        let state = State::new(config.clone(), base.hash.clone(), data);
        let mut run = Run {
            host: host.clone(),
            base,
            config,
            output: output.to_owned(),
            trainer,
            train,
            validation,
            notes,
            state,
            epochs,
            checkpoints: Checkpoints::of(output),
            checkpoint: None,
            resume,
            resumed: false,
            _claim: claim,
            meter: Meter::default(),
            rows_at_once: usize::MAX,
            read_every: None,
            failure: None,
            phase: Phase::Starting,
        };
        run.identity().check_length()?;
        if found == Found::Run {
            run.go_on().await?;
        }
        if run.trainer.model.device().kind() == DeviceKind::Webgpu {
            run.state.tiles.get_or_insert_with(product::tiles);
        }
        Ok(run)
    }

    /// Whether all is done and written.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Steps made.
    pub fn steps_made(&self) -> usize {
        self.state.step
    }

    /// Steps of the whole run.
    pub fn steps(&self) -> usize {
        self.epochs.count.steps
    }

    /// The number of trainable parameters.
    pub fn parameters(&mut self) -> usize {
        self.trainer.trained().count()
    }

    /// The adapter as it is now; none for full training.
    pub fn adapter(&self) -> Option<&Adapter> {
        self.trainer.adapter.as_ref()
    }

    /// Has batches computed in parts of at most so many rows, for a device with less memory than was
    /// thought. The steps stay what they are, up to rounding and to where dropout strikes: gradients
    /// are weighted by target tokens.
    pub fn split_batches(&mut self, rows: usize) {
        self.rows_at_once = rows.max(1);
    }

    /// Has the losses of so many steps asked for together. Steps are the same for any number; their
    /// events come later.
    pub fn read_every(&mut self, steps: usize) {
        self.read_every = Some(steps.max(1));
    }

    /// Does the next piece of work: the start, then a step with the evaluation and the checkpoint
    /// that are due after it, then the end. The events are in `events.jsonl` already.
    ///
    /// # Errors
    /// [`Error::NotFinite`] names the checkpoint that was written of the last good state, and
    /// [`Error::Stopped`] the newest one.
    pub async fn step(&mut self) -> Result<Vec<Event>> {
        // Until it has started nothing is written.
        let started = self.phase != Phase::Starting;
        self.work().await.map_err(|error| if started { self.stopped(error) } else { error })
    }

    async fn work(&mut self) -> Result<Vec<Event>> {
        if let Some(tiles) = self.state.tiles {
            product::set_tiles(tiles);
        }
        if let Some(failure) = self.failure.take() {
            let events = self.fail(failure).await?;
            self.log().add(&events).await?;
            return Ok(events);
        }
        let advances = self.phase == Phase::Stepping && self.state.step < self.epochs.count.steps;
        let before = self.state.step;
        let mut events = match self.phase {
            Phase::Starting => self.start().await?,
            Phase::Stepping if advances => self.advance().await?,
            Phase::Stepping => return self.finish().await,
            Phase::Done => Vec::new(),
        };
        // Before the checkpoint: a run that goes on from it does not come by here again.
        self.log().add(&events).await?;
        let advanced = advances && self.state.step > before;
        if advanced && self.failure.is_none() && self.is_checkpoint_due() {
            events.extend(self.save_now().await?);
        }
        Ok(events)
    }

    /// An error that ends a run which had begun: the input is no longer to blame, and something is
    /// written already.
    fn stopped(&self, error: Error) -> Error {
        match error {
            Error::NotFinite { .. } | Error::Cancelled | Error::Stopped { .. } => error,
            error => Error::Stopped {
                step: self.state.step,
                error: Box::new(error),
                checkpoint: self.checkpoint.clone(),
            },
        }
    }

    fn log(&self) -> Log {
        Log::of(self.host.storage.clone(), &self.output)
    }

    fn identity(&self) -> Identity<'_> {
        let State { base, data, .. } = &self.state;
        Identity { config: &self.config, base, data: Some(data) }
    }

    fn is_checkpoint_due(&self) -> bool {
        let (every, step) = (self.config.train.checkpoint_every, self.state.step);
        every > 0 && step.is_multiple_of(every) && step < self.epochs.count.steps
    }

    fn is_evaluation_due(&self) -> bool {
        let every = self.config.eval.eval_every.unwrap_or(self.epochs.count.steps_per_epoch).max(1);
        let step = self.state.step;
        self.validation.is_some() && (step.is_multiple_of(every) || step == self.epochs.count.steps)
    }

    /// Writes a checkpoint now. Its event comes after those of steps that were not told of yet.
    ///
    /// # Errors
    /// As [`Run::step`].
    pub async fn checkpoint(&mut self) -> Result<Vec<Event>> {
        self.save_now().await.map_err(|error| self.stopped(error))
    }

    async fn save_now(&mut self) -> Result<Vec<Event>> {
        let mut events = match self.phase {
            // There are no checkpoints of a run without a record.
            Phase::Starting => self.start().await?,
            Phase::Stepping => self.settle().await?,
            Phase::Done => return Ok(Vec::new()),
        };
        self.log().add(&events).await?;
        events.push(self.save().await?);
        Ok(events)
    }

    async fn save(&mut self) -> Result<Event> {
        let storage = self.host.storage.clone();
        // A run that goes on from the checkpoint takes from them what was before it.
        self.log().sync().await?;
        let path = self.checkpoints.write(&*storage, &self.state, &mut self.trainer).await?;
        self.checkpoint = Some(path.clone());
        self.checkpoints.prune(&*storage, self.config.train.keep_checkpoints).await?;
        let event = Event::Checkpoint { step: self.state.step, path };
        self.log().add(std::slice::from_ref(&event)).await?;
        Ok(event)
    }

    /// The sets of a mixture.
    fn sets(&self) -> Vec<MixedSet> {
        let Some(mixing) = self.train.mixing() else { return Vec::new() };
        let validation = self.validation.as_ref();
        let set = |((name, places), rate): ((&str, Range<usize>), &f64)| MixedSet {
            name: name.to_owned(),
            examples: places.len(),
            validation_examples: validation
                .and_then(|validation| validation.sets().find(|(other, _)| *other == name))
                .map_or(0, |(_, places)| places.len()),
            rate: *rate,
        };
        self.train.sets().zip(mixing.rates()).map(set).collect()
    }

    async fn start(&mut self) -> Result<Vec<Event>> {
        let storage = self.host.storage.clone();
        self.record(None).await?;
        if !self.resumed {
            self.log().begin().await?;
        }
        self.checkpoints.remove_above(&*storage, self.state.step).await?;
        self.read_every = Some(self.find_read_every().await?);
        self.meter.began = self.host.clock.seconds();
        self.phase = Phase::Stepping;
        let mut total = self.trainer.model.count() as u64;
        let trainable = self.trainer.trained().count() as u64;
        if let Some(adapter) = &mut self.trainer.adapter {
            total += adapter.count() as u64;
        }
        let mut events = vec![Event::Start(Start {
            method: self.config.method.method,
            trainable_parameters: trainable,
            total_parameters: total,
            steps: self.epochs.count.steps,
            examples: self.train.len(),
            validation_examples: self.validation.as_ref().map_or(0, Dataset::len),
            sets: self.sets(),
            device: self.trainer.model.device().kind().name().to_owned(),
            resumed_from: self.resumed.then_some(self.state.step),
        })];
        events.extend(self.train.warnings().into_iter().map(Event::from));
        events.extend(self.notes.drain(..).map(Event::from));
        let of_validation = self.validation.as_ref().map(Dataset::warnings);
        events.extend(of_validation.into_iter().flatten().map(Event::from));
        if self.resume && !self.resumed {
            events.push(Event::Warning {
                code: "no_checkpoint".to_owned(),
                message: "there is no checkpoint to go on from: the run starts from the beginning"
                    .to_owned(),
                count: None,
            });
        }
        Ok(events)
    }

    async fn advance(&mut self) -> Result<Vec<Event>> {
        let begun = self.host.clock.seconds();
        let (step, rows) = (self.state.step, self.rows_at_once);
        let batches = self.epochs.batches(&self.config, &self.train, step, rows).await?;
        let tokens: u64 = (batches.iter())
            .map(|batch| (batch.source_tokens() + batch.target_tokens()) as u64)
            .sum();
        let config = &self.config.train;
        let rate = config.schedule.rate(
            self.config.learning_rate(),
            self.state.step,
            config.warmup_steps,
            self.epochs.count.steps,
        );
        self.trainer.submit(&batches, rate).await?;
        self.state.step += 1;
        let step = self.state.step;
        self.meter.submit(begun, Submitted { step, tokens, rate });
        let evaluates = self.is_evaluation_due();
        let due = evaluates || self.is_checkpoint_due() || step == self.epochs.count.steps;
        if !due && self.meter.waiting() < self.read_every.unwrap_or(1) {
            return Ok(Vec::new());
        }
        let mut events = self.settle().await?;
        if evaluates && self.state.step == step {
            events.push(self.evaluate().await?);
        }
        Ok(events)
    }

    /// Asks what has come of the steps that were submitted, and tells of them. Where one has failed,
    /// those before it are told of first.
    async fn settle(&mut self) -> Result<Vec<Event>> {
        let Settled { outcomes, failure } = self.trainer.settle().await?;
        let now = self.host.clock.seconds();
        let (steps, not_made) = self.meter.settle(&outcomes, now, &self.epochs);
        let events: Vec<Event> = steps.into_iter().map(Event::Step).collect();
        if let Some(failure) = failure {
            self.state.step -= not_made;
            if events.is_empty() {
                return self.fail(failure).await;
            }
            self.failure = Some(failure);
        }
        Ok(events)
    }

    /// Saves the last good state, if it is good: the step that failed was not applied. Then it is tried on the
    /// processor; where that succeeds the run goes on there.
    ///
    /// # Errors
    /// The failure, where it is the processor's too.
    async fn fail(&mut self, failure: Error) -> Result<Vec<Event>> {
        let Error::NotFinite { step, .. } = failure else { return Err(failure) };
        match self.save().await {
            Ok(_) => {
                let path = self.checkpoint.clone().unwrap_or_default();
                if let Some(warning) = self.go_on_on_the_processor(&path).await? {
                    return Ok(vec![warning]);
                }
            }
            // These weights are not finite either: what was kept before them counts.
            Err(Error::Tensor { .. }) => {}
            Err(error) => return Err(error),
        }
        Err(Error::NotFinite { step, checkpoint: self.checkpoint.clone() })
    }

    /// How many steps' numbers are best asked for together, by how long the device takes to answer
    /// when it has nothing else to do.
    async fn find_read_every(&self) -> Result<usize> {
        let device = self.trainer.model.device();
        match (self.read_every, device.kind()) {
            (Some(given), _) => return Ok(given),
            (None, DeviceKind::Cpu) => return Ok(1),
            (None, _) => {}
        }
        let mut seconds = 0.0;
        // The first answer includes what is done only once.
        for _ in 0..2 {
            let tensor = Tensor::<1>::zeros([1], device.burn());
            let begun = self.host.clock.seconds();
            device::read(tensor).await?;
            seconds = self.host.clock.seconds() - begun;
        }
        Ok(if seconds > SLOW_READ { STEPS_A_SLOW_READ } else { 1 })
    }

    /// Writes what was trained, as it is now, to the root of the output directory: for a run that is
    /// ended early, without a best step to keep.
    pub async fn write_result(&mut self) -> Result<()> {
        let storage = self.host.storage.clone();
        match &mut self.trainer.adapter {
            Some(adapter) => adapter.save(&*storage, &self.output, Some(&self.base.hash)).await,
            None => self.base.write_model(&*storage, &self.output, &mut self.trainer.model).await,
        }
    }

    async fn finish(&mut self) -> Result<Vec<Event>> {
        let seconds = self.host.clock.seconds() - self.meter.began;
        let metrics = match &self.state.best {
            Some(best) => best.metrics.clone(),
            None => {
                self.write_result().await?;
                Metrics::from_iter([("train_loss".to_owned(), json!(self.meter.mean_loss()))])
            }
        };
        let steps = self.state.step;
        let best_step = self.state.best.as_ref().map_or(steps, |best| best.step);
        let storage = self.host.storage.clone();
        if self.trainer.adapter.is_some() {
            let (data, sets) = (&self.train.name, self.sets());
            let card = super::card::card(&self.base, &self.config, data, &sets, &metrics);
            storage.write(&join(&self.output, "README.md"), card.as_bytes()).await?;
        }
        let result = json!({
            "steps": steps, "best_step": best_step, "seconds": seconds, "metrics": metrics,
        });
        let done = Event::Done(Done {
            steps: Some(steps),
            seconds: Some(seconds),
            peak_bytes: self.host.clock.peak_bytes(),
            output: Some(self.output.clone()),
            metrics,
        });
        self.log().add(std::slice::from_ref(&done)).await?;
        self.log().sync().await?;
        // The last that is needed: with it the run is done, whatever else fails.
        self.record(Some(result)).await?;
        self.phase = Phase::Done;
        let mut events = Vec::new();
        if let Err(error) = self.checkpoints.remove_all(&*storage).await {
            let message = said(&*storage, error).to_string();
            let code = "checkpoints_left".to_owned();
            events.push(Event::Warning { code, message, count: None });
        }
        events.push(done);
        Ok(events)
    }

    /// Writes `run.json`.
    async fn record(&self, result: Option<Value>) -> Result<()> {
        let device = self.trainer.model.device().name();
        let of = (device, self.state.tiles);
        self.identity().write(&*self.host.storage, &self.output, of, result).await
    }
}

/// What a run reads, and must not be written over.
fn inputs<'a>(config: &'a RunConfig, base: &'a Base) -> Vec<&'a str> {
    let data = &config.data;
    let files = [&data.train, &data.validation, &data.template_file, &config.method.init_adapter];
    files.into_iter().flatten().map(String::as_str).chain([base.directory.as_str()]).collect()
}
