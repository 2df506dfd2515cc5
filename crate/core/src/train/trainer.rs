//! Steps of an optimiser over batches: forward, loss, backward, clipping, update.

use burn::tensor::{Bool, Tensor};

use super::{
    joined::Joined,
    optimizer::{self, Optimizer, Scale},
};
use crate::{
    adapter::Adapter,
    config::{Method, RunConfig, Variant},
    device::{self, DeviceKind},
    error::{Error, Message, Result},
    model::{
        Pass, T5,
        parameter::{self, Parameters},
    },
    ops::{
        Arithmetic, Dropout, cpu,
        cross_entropy::{Labels, Smoothing, cross_entropy_of, mean_cross_entropy_of},
        denormal,
        gpu::{
            family::{Family, is_left_out},
            settle::settle,
        },
        rows::part,
    },
    optimizer::{Numbers, OptimizerKind},
    text::batch::Batch,
};

/// What a step goes by.
#[derive(Clone, Copy, Debug)]
pub struct TrainerSettings {
    /// What is trained.
    pub method: Method,
    /// The kind of optimiser.
    pub optimizer: OptimizerKind,
    /// Its numbers.
    pub numbers: Numbers,
    /// What is added to plain cross-entropy.
    pub smoothing: Smoothing,
    /// The greatest norm of all gradients together; 0 for none.
    pub clip_norm: f64,
    /// The rate of the model's own dropout.
    pub dropout: f64,
    /// The rate of dropout before LoRA products.
    pub lora_dropout: f64,
    /// Where dropout draws from.
    pub seed: u64,
    /// How numbers are made.
    pub arithmetic: Arithmetic,
    /// Whether activations are made again in the backward pass instead of kept for it.
    pub recompute: bool,
}

/// A model in training: the base, what is trained, and the optimiser.
#[derive(Clone, Debug)]
pub struct Trainer {
    /// The base; with [`Method::Full`] it is what is trained.
    pub model: T5,
    /// The adapter that is trained, else none.
    pub adapter: Option<Adapter>,
    /// The optimiser and its state.
    pub optimizer: Optimizer,
    settings: TrainerSettings,
    /// How what is trained is joined, on a GPU.
    joined: Option<Joined>,
    /// Steps whose numbers have not been asked for.
    unread: Vec<Unread>,
    /// Whether one of those failed, `[1]`: then the ones after it changed nothing either.
    failed: Option<Tensor<1, Bool>>,
    /// What the last of them came to, where a kernel settled it.
    settled: Option<Tensor<1>>,
}

/// The loss and the norm of a step.
#[derive(Clone, Debug)]
enum Unread {
    Known(Outcome),
    /// Both, on the device.
    Numbers(Box<Tensor<1>>),
}

impl Unread {
    /// Whether its numbers are known not to be finite.
    fn has_failed(&self) -> bool {
        match self {
            Unread::Known(Outcome { loss, gradient_norm }) => {
                !(loss.is_finite() && gradient_norm.is_finite())
            }
            Unread::Numbers(_) => false,
        }
    }
}

/// What has come of the steps since the last time that this was asked.
#[derive(Debug, Default)]
pub struct Settled {
    /// Those that were applied, in their order.
    pub outcomes: Vec<Outcome>,
    /// Why the next one was not, nor any after it.
    pub failure: Option<Error>,
}

impl TrainerSettings {
    /// Those of a run of this configuration.
    ///
    /// # Errors
    /// [`Error::Setting`] where activations are to be made again, and would not be; and where products are to be
    /// of integers, and the model has none.
    pub fn of(config: &RunConfig, model: &T5) -> Result<Self> {
        let arithmetic = config.model.arithmetic(model.dtype, model.device().kind())?;
        let settings = TrainerSettings {
            method: config.method.method,
            optimizer: config.optimizer(),
            numbers: (&config.train).into(),
            smoothing: Smoothing {
                label_smoothing: config.train.label_smoothing,
                z_loss: config.train.z_loss,
            },
            clip_norm: config.train.clip_norm,
            dropout: config.train.dropout.rate(model.config.dropout_rate),
            lora_dropout: config.method.lora_dropout,
            seed: config.train.seed,
            arithmetic,
            recompute: config.model.recompute,
        };
        settings.check_recompute(config, model)?;
        Ok(settings)
    }

    /// Only what a GPU makes at once can be made again: parts of a frozen base, with nothing but low-rank products
    /// beside its maps, of which nothing is dropped.
    fn check_recompute(&self, config: &RunConfig, model: &T5) -> Result<()> {
        let method = &config.method;
        let expected = match self.recompute {
            false => return Ok(()),
            true if model.device().kind() != DeviceKind::Webgpu => {
                Message::from("false on the processor so far: ").key("device").text(" webgpu")
            }
            true if !self.arithmetic.kernels => Message::from("false without ").key("kernels"),
            true if self.method == Method::Full || self.method == Method::Ia3 => {
                Message::from(format!("false with {}", self.method))
            }
            true if self.method == Method::Lora && method.variant == Variant::Dora => {
                Message::from(format!("false with {}", method.variant))
            }
            true if self.dropout > 0.0 || self.lora_dropout > 0.0 => {
                Message::from("false with ").key("dropout").text(" or ").key("lora_dropout")
            }
            true => return Ok(()),
        };
        Err(Error::setting("recompute", Message::from("found true, expected ").then(expected)))
    }
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The mean loss over the target tokens, before the step.
    pub loss: f64,
    /// The norm of all gradients together, before clipping.
    pub gradient_norm: f64,
}

impl Trainer {
    /// Before the first step. `adapter` is none for [`Method::Full`].
    pub fn new(model: T5, adapter: Option<Adapter>, settings: TrainerSettings) -> Self {
        // On the processor there is none of them.
        let kernels = settings.arithmetic.kernels && !is_left_out(Family::Update);
        let optimizer = Optimizer::new(settings.optimizer, settings.numbers, kernels);
        let (joined, unread, failed, settled) = (None, Vec::new(), None, None);
        Trainer { model, adapter, optimizer, settings, joined, unread, failed, settled }
    }

    /// How numbers are made.
    pub(super) fn arithmetic(&self) -> Arithmetic {
        self.settings.arithmetic
    }

    /// The tensors that are trained.
    pub fn trained(&mut self) -> &mut dyn Parameters {
        match &mut self.adapter {
            Some(adapter) => adapter,
            None => &mut self.model,
        }
    }

    /// One step at this learning rate over batches whose gradients are added up: the loss is the
    /// mean over all their target tokens, so that many small batches equal one large one.
    ///
    /// # Errors
    /// [`Error::NotFinite`] where the loss or a gradient is not; nothing has changed then.
    pub async fn step(&mut self, batches: &[Batch], rate: f64) -> Result<Outcome> {
        self.submit(batches, rate).await?;
        let Settled { outcomes, failure } = self.settle().await?;
        match (outcomes.last(), failure) {
            (Some(last), None) => Ok(*last),
            (_, Some(failure)) => Err(failure),
            (None, None) => Err(Error::NotFinite { step: 0, checkpoint: None }),
        }
    }

    /// As [`Trainer::step`], but what came of it, a failure too, is told by [`Trainer::settle`] only, so
    /// that a device whose answers take long is asked once for several steps.
    ///
    /// # Errors
    /// [`Error::Device`] where the device does not answer.
    pub async fn submit(&mut self, batches: &[Batch], rate: f64) -> Result<()> {
        let _flushed = denormal::flushed();
        let (losses, gradients) = self.backward_all(batches);
        let on_cpu = gradients.first().is_none_or(cpu::is_cpu);
        // Then the weights have their places still that they were loaded to.
        let whole_model = self.adapter.is_none() && self.joined.is_none();
        let joined = match self.joins() {
            true => Some(self.joined.take().unwrap_or_else(|| self.join())),
            false => None,
        };
        let gradients = match &joined {
            Some(joined) => joined.join(&gradients),
            None => gradients,
        };
        let scale = match on_cpu {
            true => {
                let loss = total(losses).await?;
                let gradient_norm = optimizer::norm(&gradients).await?;
                self.unread.push(Unread::Known(Outcome { loss, gradient_norm }));
                if self.unread.iter().any(Unread::has_failed) {
                    self.optimizer.begin();
                    return Ok(());
                }
                Scale::Known(optimizer::clip(gradient_norm, self.settings.clip_norm))
            }
            false if self.optimizer.has_kernels() => {
                let limit = self.settings.clip_norm;
                let settled = settle(losses, &gradients, self.settled.take(), limit);
                self.settled = Some(settled.clone());
                self.unread.push(Unread::Numbers(Box::new(part(&settled, 0, 2))));
                Scale::Settled(Box::new(settled))
            }
            false => {
                let norm = optimizer::norm_on_device(&gradients);
                let scale = optimizer::clip_on_device(&norm, self.settings.clip_norm);
                let numbers = Tensor::cat(vec![Tensor::cat(losses, 0).sum(), norm], 0);
                let failed = numbers.clone().is_finite().all().bool_not();
                let failed = match self.failed.take() {
                    Some(before) => failed.bool_or(before),
                    None => failed,
                };
                self.failed = Some(failed.clone());
                self.unread.push(Unread::Numbers(Box::new(numbers)));
                Scale::Unread { scale: Box::new(scale), failed: Box::new(failed) }
            }
        };
        let Trainer { model, adapter, optimizer, .. } = self;
        let trained: &mut dyn Parameters = match adapter {
            Some(adapter) => adapter,
            None => model,
        };
        optimizer.begin();
        if let Some(mut joined) = joined {
            let values = joined.values(trained);
            if optimizer.observes() {
                for (index, row) in joined.rows().iter().enumerate() {
                    let (of, gradient) =
                        ((index, &*row.name, &[row.length][..]), &gradients[index]);
                    optimizer.observe(of, &values[index], gradient.clone(), rate, &scale);
                }
                optimizer.conclude(rate, &scale);
            }
            let pairs = values.into_iter().zip(gradients);
            let values =
                pairs.zip(joined.rows()).enumerate().map(|(index, ((values, gradient), row))| {
                    let of = (index, &*row.name, &[row.length][..]);
                    optimizer.update(of, values, gradient, rate, &scale)
                });
            let values = values.collect();
            joined.put(trained, values);
            self.joined = Some(joined);
            if whole_model {
                self.model.device().give_back();
            }
            return Ok(());
        }
        if optimizer.observes() {
            let mut gradients = gradients.iter().enumerate();
            trained.visit(&mut |name, parameter| {
                if let Some((index, gradient)) = gradients.next() {
                    let of = (index, name, &parameter.shape()[..]);
                    optimizer.observe(of, &parameter.flat(), gradient.clone(), rate, &scale);
                }
            });
            optimizer.conclude(rate, &scale);
        }
        let mut gradients = gradients.into_iter().enumerate();
        trained.visit(&mut |name, mut parameter| {
            if let Some((index, gradient)) = gradients.next() {
                let shape = parameter.shape();
                parameter.replace(|values| {
                    optimizer.update((index, name, &shape), values, gradient, rate, &scale)
                });
            }
        });
        Ok(())
    }

    /// Whether what is trained is joined into long rows.
    fn joins(&self) -> bool {
        self.model.device().kind() == DeviceKind::Webgpu && self.optimizer.joins()
    }

    fn join(&mut self) -> Joined {
        Joined::new(self.trained(), Optimizer::are_alike)
    }

    /// What the optimiser remembers of tensor number `index`, by name; nothing before the first step.
    pub fn remembered(&self, index: usize, shape: &[usize]) -> Vec<(&'static str, Tensor<1>)> {
        match &self.joined {
            Some(joined) => {
                let state = self.optimizer.state(joined.row_of(index), shape).into_iter();
                state.map(|(name, row)| (name, joined.part(index, &row))).collect()
            }
            None => self.optimizer.state(index, shape),
        }
    }

    /// Goes on from a saved state of the optimiser: of each tensor what [`Optimizer::expects`] names, and
    /// what is remembered of all together.
    pub fn remember(&mut self, steps: usize, state: Vec<Vec<Tensor<1>>>, shared: Vec<Tensor<1>>) {
        self.joined = None;
        let slots = state.first().map_or(0, Vec::len);
        if !self.joins() || slots == 0 {
            return self.optimizer.restore(steps, state, shared);
        }
        let joined = self.join();
        let mut rows = vec![Vec::new(); joined.rows().len()];
        for slot in 0..slots {
            let of_tensors: Vec<_> = state.iter().map(|slots| slots[slot].clone()).collect();
            for (row, joined) in rows.iter_mut().zip(joined.join(&of_tensors)) {
                row.push(joined);
            }
        }
        self.optimizer.restore(steps, rows, shared);
        self.joined = Some(joined);
    }

    /// What has come of the steps that were submitted since this was asked last. After a failure the
    /// weights and the optimiser are as they were before the step that failed.
    ///
    /// # Errors
    /// [`Error::Device`] where the device does not answer.
    pub async fn settle(&mut self) -> Result<Settled> {
        let unread = std::mem::take(&mut self.unread);
        (self.failed, self.settled) = (None, None);
        let numbers = unread.iter().filter_map(|step| match step {
            Unread::Known(_) => None,
            Unread::Numbers(numbers) => Some((**numbers).clone()),
        });
        let numbers: Vec<Tensor<1>> = numbers.collect();
        let read = match numbers.is_empty() {
            true => Vec::new(),
            false => device::read(Tensor::cat(numbers, 0)).await?,
        };
        let mut read = read.chunks(2).map(|pair| {
            let number = |place: usize| pair.get(place).copied().map_or(f64::NAN, f64::from);
            Outcome { loss: number(0), gradient_norm: number(1) }
        });
        let outcomes = unread.iter().filter_map(|step| match step {
            Unread::Known(outcome) => Some(*outcome),
            Unread::Numbers(_) => read.next(),
        });
        let mut settled = Settled::default();
        let first = self.optimizer.steps() + 1 - unread.len();
        for (outcome, step) in outcomes.zip(first..) {
            let numbers = [outcome.loss, outcome.gradient_norm];
            if let Err(failure) = optimizer::check(step, &numbers) {
                settled.failure = Some(failure);
                break;
            }
            settled.outcomes.push(outcome);
        }
        self.optimizer.forget(unread.len() - settled.outcomes.len());
        Ok(settled)
    }

    /// The mean loss of these batches and its gradients, in the order of the walk, each as one row.
    pub async fn gradients(&mut self, batches: &[Batch]) -> Result<(f64, Vec<Tensor<1>>)> {
        let _flushed = denormal::flushed();
        let (losses, gradients) = self.backward_all(batches);
        Ok((total(losses).await?, gradients))
    }

    /// Each batch's part of the loss, `[1]`, and the gradients of all together.
    fn backward_all(&mut self, batches: &[Batch]) -> (Vec<Tensor<1>>, Vec<Tensor<1>>) {
        let targets: usize = batches.iter().map(Batch::target_tokens).sum();
        let mut sum: Option<Vec<Tensor<1>>> = None;
        let mut losses = Vec::new();
        for (index, batch) in batches.iter().enumerate() {
            let (loss, gradients) = self.backward(batch, targets.max(1), index);
            losses.push(loss);
            sum = Some(match sum {
                None => gradients,
                Some(sum) => sum.into_iter().zip(gradients).map(|(a, b)| a + b).collect(),
            });
        }
        (losses, sum.unwrap_or_default())
    }

    /// One batch's part of the loss and of its gradients.
    fn backward(
        &mut self,
        batch: &Batch,
        targets: usize,
        index: usize,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        parameter::track(self.trained());
        let settings = self.settings;
        // Each batch of a step has draws of its own.
        let draw = (self.optimizer.steps() as u64) << 16 | index as u64;
        let dropout = Dropout::new(settings.dropout, settings.lora_dropout, settings.seed, draw);
        let pass =
            Pass::train(self.adapter.as_ref().map(Adapter::beside), settings.arithmetic, dropout)
                .recomputing(settings.recompute);
        let (hidden, labels) = decoded(&self.model, batch, &pass);
        let (hidden, head) = self.model.before_head(hidden);
        let smoothing = settings.smoothing;
        let loss = mean_cross_entropy_of(hidden, head, &labels, smoothing, targets, &pass);
        let gradients = parameter::gradients(self.trained(), &loss);
        (loss.without_autodiff(), gradients)
    }
}

/// The sum of numbers that are each `[1]`.
async fn total(numbers: Vec<Tensor<1>>) -> Result<f64> {
    let mut sum = 0.0;
    for number in numbers {
        sum += device::read(number).await?.first().copied().map_or(f64::NAN, f64::from);
    }
    Ok(sum)
}

/// The loss of each target token of a batch, `[rows · target_length]`, 0 where masked.
pub fn losses(model: &T5, batch: &Batch, smoothing: Smoothing, pass: &Pass) -> Tensor<1> {
    let (hidden, labels) = decoded(model, batch, pass);
    let (hidden, head) = model.before_head(hidden);
    cross_entropy_of(hidden, head, &labels, smoothing, pass)
}

/// What the decoder makes of a batch, `[rows · target_length, d_model]`, and the labels.
fn decoded(model: &T5, batch: &Batch, pass: &Pass) -> (Tensor<2>, Labels) {
    let inputs = model.shift_right(&batch.labels, batch.target_length);
    let (source, target) = (model.source(batch, pass), model.target(&inputs, batch.rows));
    let labels = Labels::new(&batch.labels, model.device().burn());
    let encoded = model.encode(source, pass);
    (model.decode(target, &encoded, pass), labels)
}
