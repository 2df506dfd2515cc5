//! An optimiser at work: what it remembers of each parameter, and the norm that clips gradients. The
//! arithmetic of each kind is in [`crate::optimizer`].

use burn::tensor::{Bool, Tensor};

use crate::{
    config::TrainConfig,
    error::{Error, Result},
    optimizer::{Numbers, OptimizerKind, Update},
};

/// An optimiser and its state.
#[derive(Clone, Debug)]
pub struct Optimizer {
    kind: OptimizerKind,
    numbers: Numbers,
    /// Whether rules run their kernels.
    kernels: bool,
    /// Steps made.
    steps: usize,
    /// For each parameter, in the order of the walk, its state; see [`crate::optimizer::Rule::slots`].
    state: Vec<Vec<Tensor<1>>>,
    /// What is remembered of all together; see [`crate::optimizer::Rule::shared`].
    shared: Vec<Tensor<1>>,
    /// What was observed of the parameters in this step.
    sums: Vec<Tensor<1>>,
}

impl From<&TrainConfig> for Numbers {
    fn from(config: &TrainConfig) -> Self {
        Numbers {
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
    /// What a kernel has settled; see [`settle`](crate::ops::gpu::settle::settle).
    Settled(Box<Tensor<1>>),
}

impl Scale {
    /// The gradient, and what is left to multiply it by.
    fn apply(&self, gradient: Tensor<1>) -> (Tensor<1>, f64) {
        match self {
            Scale::Known(scale) => (gradient, *scale),
            Scale::Unread { scale, .. } => (gradient * (**scale).clone(), 1.0),
            Scale::Settled(numbers) => (gradient * number(numbers, 2), 1.0),
        }
    }

    /// What was before where nothing may change.
    fn unless_failed(&self, new: Tensor<1>, old: impl FnOnce() -> Tensor<1>) -> Tensor<1> {
        let failed = match self {
            Scale::Known(_) => return new,
            Scale::Unread { failed, .. } => (**failed).clone(),
            Scale::Settled(numbers) => number(numbers, 3).not_equal_elem(0.0),
        };
        let length = new.dims()[0];
        new.mask_where(failed.expand([length]), old())
    }
}

impl Optimizer {
    /// Before its first step.
    pub fn new(kind: OptimizerKind, numbers: Numbers, kernels: bool) -> Self {
        let (state, shared, sums) = (Vec::new(), Vec::new(), Vec::new());
        Optimizer { kind, numbers, kernels, steps: 0, state, shared, sums }
    }

    /// Whether steps run kernels on GPUs.
    pub(super) fn has_kernels(&self) -> bool {
        self.kernels
    }

    /// Whether parameters may be joined into one row, because each number is treated by itself.
    pub(super) fn joins(&self) -> bool {
        self.kernels && self.kind.rule().is_by_number()
    }

    /// Whether parameters of these names are treated alike.
    pub(super) fn are_alike(a: &str, b: &str) -> bool {
        decays(a) == decays(b)
    }

    /// Begins a step; then each parameter is updated once, in the order of the walk.
    pub fn begin(&mut self) {
        self.steps += 1;
        self.sums.clear();
    }

    /// Whether every parameter is to be observed before the first one is updated.
    pub fn observes(&self) -> bool {
        !self.kind.rule().shared().is_empty()
    }

    /// Takes in the gradient of parameter number `index`; both come as one row.
    pub fn observe(
        &mut self,
        (index, name, shape): (usize, &str, &[usize]),
        values: &Tensor<1>,
        gradient: Tensor<1>,
        rate: f64,
        scale: &Scale,
    ) {
        let before = self.take_state(index, values, shape);
        let (gradient, left) = scale.apply(gradient);
        let update = self.share(name, rate, left, shape);
        let (state, sums) = self.kind.rule().observe(values, gradient, before.clone(), update);
        let pairs = state.into_iter().zip(before);
        self.state[index] = pairs.map(|(new, old)| scale.unless_failed(new, || old)).collect();
        self.sums = match self.sums.is_empty() {
            true => sums,
            false => {
                std::mem::take(&mut self.sums).into_iter().zip(sums).map(|(a, b)| a + b).collect()
            }
        };
    }

    /// Ends the observation of all parameters.
    pub fn conclude(&mut self, rate: f64, scale: &Scale) {
        let (before, sums) = (self.shared.clone(), std::mem::take(&mut self.sums));
        let update = self.share("", rate, 1.0, &[]);
        let after = self.kind.rule().conclude(before.clone(), sums, update);
        let pairs = after.into_iter().zip(before);
        self.shared = pairs.map(|(new, old)| scale.unless_failed(new, || old)).collect();
    }

    /// Moves parameter number `index` against its gradient, which is first multiplied by `scale`; both come
    /// as one row. Returns the new values.
    pub fn update(
        &mut self,
        (index, name, shape): (usize, &str, &[usize]),
        values: Tensor<1>,
        gradient: Tensor<1>,
        rate: f64,
        scale: &Scale,
    ) -> Tensor<1> {
        let state = self.take_state(index, &values, shape);
        let rule = self.kind.rule();
        if let (true, Scale::Settled(settled)) = (rule.has_gpu_kernel(), scale) {
            let update = self.share(name, rate, 1.0, shape);
            let (values, state) = rule.step_on_gpu(values, gradient, state, update, settled);
            self.state[index] = state;
            return values;
        }
        let (gradient, left) = scale.apply(gradient);
        // Kept only where they may be needed, or nothing could be changed in place.
        let before = match scale {
            Scale::Known(_) => None,
            _ => Some((values.clone(), state.clone())),
        };
        let update = self.share(name, rate, left, shape);
        let (values, state) = rule.step(values, gradient, state, update);
        let Some((old_values, old_state)) = before else {
            self.state[index] = state;
            return values;
        };
        let pairs = state.into_iter().zip(old_state);
        self.state[index] = pairs.map(|(new, old)| scale.unless_failed(new, || old)).collect();
        scale.unless_failed(values, || old_values)
    }

    /// Takes out what is remembered of a parameter, or what it begins with.
    fn take_state(&mut self, index: usize, values: &Tensor<1>, shape: &[usize]) -> Vec<Tensor<1>> {
        if self.state.len() <= index {
            self.state.resize(index + 1, Vec::new());
        }
        if self.shared.is_empty() {
            let device = values.device();
            let first = self.kind.rule().shared().iter();
            self.shared = first.map(|(_, value)| Tensor::full([1], *value, &device)).collect();
        }
        let state = std::mem::take(&mut self.state[index]);
        match state.is_empty() {
            false => state,
            true => self.kind.rule().begin(&self.numbers, values, shape),
        }
    }

    /// A parameter's share of this step.
    fn share<'a>(&'a self, name: &str, rate: f64, scale: f64, shape: &'a [usize]) -> Update<'a> {
        let numbers = self.numbers;
        let decay = if decays(name) { numbers.weight_decay } else { 0.0 };
        Update { rate, step: self.steps, scale, decay, numbers, shape, shared: &self.shared }
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
        self.expects(shape).into_iter().map(|(name, _)| name).zip(state).collect()
    }

    /// What is remembered of all parameters together, by name, each `[1]`; nothing before the first
    /// step.
    pub fn shared(&self) -> Vec<(&'static str, Tensor<1>)> {
        self.expects_shared().into_iter().zip(self.shared.clone()).collect()
    }

    /// What [`Optimizer::restore`] will ask for of a parameter: names and lengths.
    pub fn expects(&self, shape: &[usize]) -> Vec<(&'static str, usize)> {
        self.kind.rule().slots(&self.numbers, shape)
    }

    /// What it will ask for of all together: names.
    pub fn expects_shared(&self) -> Vec<&'static str> {
        self.kind.rule().shared().iter().map(|(name, _)| *name).collect()
    }

    /// Goes on from a saved state: of each parameter its tensors in the order of
    /// [`Optimizer::expects`], and those of all together.
    pub fn restore(&mut self, steps: usize, state: Vec<Vec<Tensor<1>>>, shared: Vec<Tensor<1>>) {
        (self.steps, self.state, self.shared) = (steps, state, shared);
    }
}

/// One of several numbers, `[1]`.
fn number(numbers: &Tensor<1>, place: usize) -> Tensor<1> {
    numbers.clone().narrow(0, place, 1)
}

/// As is usual for transformers: norms are not drawn towards zero.
fn decays(name: &str) -> bool {
    !name.contains("layer_norm")
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
