//! How gradients become steps: AdamW, Adafactor, SGD and Lion, as torch and transformers compute
//! them.

mod adafactor;
mod adamw;
mod lion;
mod sgd;

use burn::tensor::{Bool, Tensor};

use crate::{
    config::{OptimizerKind, TrainConfig},
    error::{Error, Result},
    model::parameter::Parameter,
};

/// An optimiser and its state.
#[derive(Clone, Debug)]
pub struct Optimizer {
    kind: OptimizerKind,
    settings: Settings,
    /// Steps made.
    steps: usize,
    /// For each parameter, in the order of the walk, its state: [`Optimizer::slots`].
    state: Vec<Vec<Tensor<1>>>,
}

/// The numbers that an optimiser goes by; the defaults stand in the run's configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// AdamW, Lion: the decay of the first moment.
    pub beta1: f64,
    /// AdamW, Lion: the decay of the second moment; Lion's momentum.
    pub beta2: f64,
    /// AdamW: what is added to the divisor.
    pub epsilon: f64,
    /// SGD: the share of the last step that is kept.
    pub momentum: f64,
    /// Adafactor: whether steps grow with the size of the weights.
    pub scale_parameter: bool,
    /// The share of a weight that each step at rate 1 takes away; never of a norm's.
    pub weight_decay: f64,
}

impl From<&TrainConfig> for Settings {
    fn from(config: &TrainConfig) -> Self {
        Settings {
            beta1: config.beta1,
            beta2: config.beta2,
            epsilon: config.epsilon,
            momentum: config.momentum,
            scale_parameter: config.scale_parameter,
            weight_decay: config.weight_decay,
        }
    }
}

/// What gradients are multiplied by before they are applied.
#[derive(Clone, Debug)]
pub enum Scale {
    /// A number.
    Known(f64),
    /// A number that is on the device and has not been read.
    Unread {
        /// The number, `[1]`.
        scale: Box<Tensor<1>>,
        /// Whether nothing may change, because this step's numbers or an earlier one's are not
        /// finite, `[1]`.
        failed: Box<Tensor<1, Bool>>,
    },
}

/// One parameter's part of a step.
#[derive(Clone, Copy, Debug)]
struct Update {
    /// The learning rate.
    rate: f64,
    /// The number of this step, from 1.
    step: usize,
    /// What the gradient is multiplied by: clipping.
    scale: f64,
    /// The weight decay, 0 for norms.
    decay: f64,
    settings: Settings,
}

impl Optimizer {
    /// Before its first step.
    pub fn new(kind: OptimizerKind, settings: Settings) -> Self {
        Optimizer { kind, settings, steps: 0, state: Vec::new() }
    }

    /// Begins a step; then each parameter is updated once, in the order of the walk.
    pub fn begin(&mut self) {
        self.steps += 1;
    }

    /// Moves parameter number `index` against its gradient, which comes as one row and is first
    /// multiplied by `scale`.
    pub fn update(
        &mut self,
        index: usize,
        name: &str,
        parameter: &mut Parameter,
        gradient: Tensor<1>,
        rate: f64,
        scale: &Scale,
    ) {
        let shape = parameter.shape();
        if self.state.len() <= index {
            self.state.resize(index + 1, Vec::new());
        }
        let state = std::mem::take(&mut self.state[index]);
        let device = gradient.device();
        let state = match state.is_empty() {
            false => state,
            true => (self.slots(&shape).into_iter())
                .map(|(_, length)| Tensor::zeros([length], &device))
                .collect(),
        };
        let settings = self.settings;
        // As is usual for transformers: norms are not drawn towards zero.
        let decay = if name.contains("layer_norm") { 0.0 } else { settings.weight_decay };
        let (gradient, scale, failed) = match scale {
            Scale::Known(scale) => (gradient, *scale, None),
            Scale::Unread { scale, failed } => (gradient * (**scale).clone(), 1.0, Some(failed)),
        };
        let update = Update { rate, step: self.steps, scale, decay, settings };
        let mut after = Vec::new();
        parameter.replace(|values| {
            let before = failed.map(|failed| (failed, values.clone(), state.clone()));
            let (values, state) = match self.kind {
                OptimizerKind::Adamw => adamw::step(values, gradient, state, update),
                OptimizerKind::Adafactor => {
                    adafactor::step(values, gradient, state, &shape, update)
                }
                OptimizerKind::Sgd => sgd::step(values, gradient, state, update),
                OptimizerKind::Lion => lion::step(values, gradient, state, update),
            };
            let Some((failed, old_values, old_state)) = before else {
                after = state;
                return values;
            };
            let unless_failed = |new: Tensor<1>, old| {
                let length = new.dims()[0];
                new.mask_where((**failed).clone().expand([length]), old)
            };
            let state = state.into_iter().zip(old_state);
            after = state.map(|(new, old)| unless_failed(new, old)).collect();
            unless_failed(values, old_values)
        });
        self.state[index] = after;
    }

    /// The names and lengths of the state that a parameter of this shape needs. The names are
    /// torch's.
    fn slots(&self, shape: &[usize]) -> Vec<(&'static str, usize)> {
        let all = shape.iter().product();
        match (self.kind, shape) {
            (OptimizerKind::Adamw, _) => vec![("exp_avg", all), ("exp_avg_sq", all)],
            (OptimizerKind::Adafactor, &[rows, columns]) => {
                vec![("exp_avg_sq_row", rows), ("exp_avg_sq_col", columns)]
            }
            (OptimizerKind::Adafactor, _) => vec![("exp_avg_sq", all)],
            (OptimizerKind::Sgd, _) if self.settings.momentum == 0.0 => Vec::new(),
            (OptimizerKind::Sgd, _) => vec![("momentum_buffer", all)],
            (OptimizerKind::Lion, _) => vec![("exp_avg", all)],
        }
    }

    /// Steps made.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Forgets the last steps, which changed nothing.
    pub fn forget(&mut self, steps: usize) {
        self.steps -= steps.min(self.steps);
    }

    /// The state of parameter number `index`, by name; nothing before its first step.
    pub fn state(&self, index: usize, shape: &[usize]) -> Vec<(&'static str, Tensor<1>)> {
        let state = self.state.get(index).cloned().unwrap_or_default();
        self.slots(shape).into_iter().map(|(name, _)| name).zip(state).collect()
    }

    /// What [`Optimizer::restore`] will ask for: names and lengths.
    pub fn expects(&self, shape: &[usize]) -> Vec<(&'static str, usize)> {
        self.slots(shape)
    }

    /// Goes on from a saved state: of each parameter its tensors in the order of
    /// [`Optimizer::expects`].
    pub fn restore(&mut self, steps: usize, state: Vec<Vec<Tensor<1>>>) {
        self.steps = steps;
        self.state = state;
    }
}

/// The norm of all gradients together.
pub async fn norm(gradients: &[Tensor<1>]) -> Result<f64> {
    let mut squared = 0.0;
    let mut waiting = Vec::new();
    for gradient in gradients {
        match crate::ops::cpu::slice(gradient) {
            Some(values) => squared += crate::ops::cpu::sum_of_squares(values.as_slice()),
            None => waiting.push(gradient.clone().square().sum()),
        }
    }
    if !waiting.is_empty() {
        let parts = crate::device::read(Tensor::cat(waiting, 0)).await?;
        squared += parts.into_iter().map(f64::from).sum::<f64>();
    }
    Ok(squared.sqrt())
}

/// The norm of all gradients together, `[1]`, on their device.
pub fn norm_on_device(gradients: &[Tensor<1>]) -> Tensor<1> {
    let parts = gradients.iter().map(|gradient| gradient.clone().square().sum()).collect();
    Tensor::cat(parts, 0).sum().sqrt()
}

/// As [`clip`], of a norm `[1]` on a device.
pub fn clip_on_device(norm: &Tensor<1>, limit: f64) -> Tensor<1> {
    match limit > 0.0 {
        true => ((norm.clone() + 1e-6).recip() * limit).clamp_max(1.0),
        false => norm.ones_like(),
    }
}

/// What gradients of this norm are multiplied by so that it is at most `limit`, as torch's
/// `clip_grad_norm_`; 0 is no limit.
pub fn clip(norm: f64, limit: f64) -> f64 {
    if limit > 0.0 { (limit / (norm + 1e-6)).min(1.0) } else { 1.0 }
}

/// [`Error::NotFinite`] unless the numbers of a step are finite.
pub fn check(step: usize, numbers: &[f64]) -> Result<()> {
    if numbers.iter().all(|number| number.is_finite()) {
        return Ok(());
    }
    Err(Error::NotFinite { step, checkpoint: None })
}

/// The gradient as it is applied.
fn scaled(gradient: Tensor<1>, scale: f64) -> Tensor<1> {
    if scale == 1.0 { gradient } else { gradient * scale }
}
