//! Steps of an optimiser over batches: forward, loss, backward, clipping, update.

use burn::tensor::Tensor;

use super::optimizer::{self, Optimizer};
use crate::{
    adapter::Adapter,
    config::{Method, OptimizerKind},
    device,
    error::Result,
    model::{
        Dropout, Pass, T5,
        parameter::{Parameter, Parameters},
    },
    ops::cross_entropy::{Labels, Smoothing, cross_entropy},
    text::batch::Batch,
};

/// What a step goes by.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What is trained.
    pub method: Method,
    /// The kind of optimiser.
    pub optimizer: OptimizerKind,
    /// Its numbers.
    pub numbers: optimizer::Settings,
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
    /// Whether fused operations run their kernels.
    pub kernels: bool,
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
    settings: Settings,
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
    pub fn new(model: T5, adapter: Option<Adapter>, settings: Settings) -> Self {
        let optimizer = Optimizer::new(settings.optimizer, settings.numbers);
        Trainer { model, adapter, optimizer, settings }
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
    /// [`Error::NotFinite`](crate::Error::NotFinite) where the loss or a gradient is not; nothing
    /// has changed then.
    pub async fn step(&mut self, batches: &[Batch], rate: f64) -> Result<Outcome> {
        let (loss, gradients) = self.gradients(batches).await?;
        let gradient_norm = optimizer::norm(&gradients).await?;
        optimizer::check(self.optimizer.steps() + 1, &[loss, gradient_norm])?;
        let scale = optimizer::clip(gradient_norm, self.settings.clip_norm);
        let Trainer { model, adapter, optimizer, .. } = self;
        let trained: &mut dyn Parameters = match adapter {
            Some(adapter) => adapter,
            None => model,
        };
        optimizer.begin();
        let mut gradients = gradients.into_iter().enumerate();
        trained.visit(&mut |name, mut parameter| {
            if let Some((index, gradient)) = gradients.next() {
                optimizer.update(index, name, &mut parameter, gradient, rate, scale);
            }
        });
        Ok(Outcome { loss, gradient_norm })
    }

    /// The mean loss of these batches and its gradients, in the order of the walk, each as one row.
    pub async fn gradients(&mut self, batches: &[Batch]) -> Result<(f64, Vec<Tensor<1>>)> {
        let targets: usize = batches.iter().map(Batch::target_tokens).sum();
        let mut sum: Option<Vec<Tensor<1>>> = None;
        let mut total = 0.0;
        for (index, batch) in batches.iter().enumerate() {
            let (loss, gradients) = self.backward(batch, targets.max(1), index).await?;
            total += loss;
            sum = Some(match sum {
                None => gradients,
                Some(sum) => sum.into_iter().zip(gradients).map(|(a, b)| a + b).collect(),
            });
        }
        Ok((total, sum.unwrap_or_default()))
    }

    /// One batch's part of the loss and of its gradients.
    async fn backward(
        &mut self,
        batch: &Batch,
        targets: usize,
        index: usize,
    ) -> Result<(f64, Vec<Tensor<1>>)> {
        self.trained().visit(&mut |_, mut parameter| parameter.track(true));
        let settings = self.settings;
        // Each batch of a step has draws of its own.
        let draw = (self.optimizer.steps() as u64) << 16 | index as u64;
        let dropout = Dropout::new(settings.dropout, settings.lora_dropout, settings.seed, draw);
        let pass = Pass::train(self.adapter.as_ref(), settings.kernels, dropout);
        let loss = losses(&self.model, batch, settings.smoothing, &pass).sum() / targets as f64;
        let mut computed = loss.backward();
        let loss = device::read(loss.without_autodiff()).await?;
        let mut gradients = Vec::new();
        self.trained().visit(&mut |_, mut parameter: Parameter| {
            gradients.push(parameter.take_gradient(&mut computed));
            parameter.track(false);
        });
        Ok((loss.first().copied().map_or(f64::NAN, f64::from), gradients))
    }
}

/// The loss of each target token of a batch, `[rows · target_length]`, 0 where masked.
pub fn losses(model: &T5, batch: &Batch, smoothing: Smoothing, pass: &Pass) -> Tensor<1> {
    let encoded = model.encode(batch, pass);
    let inputs = model.shift_right(&batch.labels, batch.target_length);
    let hidden = model.decode(&inputs, &encoded, pass);
    let labels = Labels::new(&batch.labels, model.device().burn());
    cross_entropy(model.logits(hidden, pass), &labels, smoothing, pass)
}
