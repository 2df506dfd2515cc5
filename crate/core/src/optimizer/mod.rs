//! How gradients become steps, as torch, transformers and the papers' authors compute them: the
//! arithmetic of each optimiser on one tensor, which comes as one row. A new one is a file here and a
//! line in [`OptimizerKind`].

mod adafactor;
mod adamw;
mod lion;
mod prodigy;
mod sgd;

use burn::tensor::Tensor;

use crate::named::named;

/// `Name = "name", rule;` for each: the enum, and where its arithmetic is.
macro_rules! optimizers {
    ($($(#[$meaning:meta])+ $variant:ident = $text:literal, $rule:expr;)+) => {
        named! {
            /// How gradients become steps.
            OptimizerKind { $($(#[$meaning])+ $variant = $text,)+ }
        }

        impl OptimizerKind {
            /// The names of those that read a number.
            pub fn who_read(number: &str) -> Vec<&'static str> {
                let readers = Self::ALL.iter().filter(|kind| kind.rule().reads().contains(&number));
                readers.map(|kind| kind.name()).collect()
            }

            /// Its arithmetic.
            pub fn rule(self) -> &'static dyn Rule {
                match self {
                    $(OptimizerKind::$variant => &$rule,)+
                }
            }
        }
    };
}

optimizers! {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2017, arXiv:1711.05101).
    Adamw = "adamw", adamw::AdamW;
    /// Factored second moments (Shazeer & Stern 2018, arXiv:1804.04235).
    Adafactor = "adafactor", adafactor::Adafactor;
    /// Stochastic gradient descent.
    Sgd = "sgd", sgd::Sgd;
    /// The sign of a momentum (Chen et al. 2023, arXiv:2302.06675).
    Lion = "lion", lion::Lion;
    /// Adam that finds its learning rate itself (Mishchenko & Defazio 2023, arXiv:2306.06101).
    Prodigy = "prodigy", prodigy::Prodigy;
}

/// The numbers that an optimiser goes by; the defaults stand in the run's configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    /// The decay of the first moment.
    pub beta1: f64,
    /// The decay of the second moment; Lion's momentum.
    pub beta2: f64,
    /// What is added to the divisor.
    pub epsilon: f64,
    /// The share of the last step that is kept.
    pub momentum: f64,
    /// Whether steps grow with the size of the weights.
    pub scale_parameter: bool,
    /// The share of a weight that each step at rate 1 takes away; never of a norm's.
    pub weight_decay: f64,
}

/// One tensor's part of a step.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The learning rate.
    pub rate: f64,
    /// The number of this step, from 1.
    pub step: usize,
    /// What the gradient is multiplied by: clipping.
    pub scale: f64,
    /// The weight decay, 0 for norms.
    pub decay: f64,
    /// The optimiser's numbers.
    pub numbers: Numbers,
    /// The tensor's shape.
    pub shape: &'a [usize],
    /// What is remembered of all tensors together, as [`Rule::shared`] names it: each `[1]`.
    pub shared: &'a [Tensor<1>],
}

impl Update<'_> {
    /// The gradient as it is applied.
    fn scaled(&self, gradient: Tensor<1>) -> Tensor<1> {
        if self.scale == 1.0 { gradient } else { gradient * self.scale }
    }
}

/// The arithmetic of an optimiser.
pub trait Rule: Sync {
    /// Which of the [`Numbers`] it goes by, beside the weight decay: the keys of the configuration, whose
    /// help names those who read them.
    fn reads(&self) -> &'static [&'static str];

    /// The names and lengths of what is remembered of a tensor of this shape. Names are torch's.
    fn slots(&self, numbers: &Numbers, shape: &[usize]) -> Vec<(&'static str, usize)>;

    /// What is remembered of a tensor before its first step: zeros, unless something else.
    fn begin(&self, numbers: &Numbers, values: &Tensor<1>, shape: &[usize]) -> Vec<Tensor<1>> {
        let device = values.device();
        let slots = self.slots(numbers, shape).into_iter();
        slots.map(|(_, length)| Tensor::zeros([length], &device)).collect()
    }

    /// Moves a tensor against its gradient.
    fn step(
        &self,
        values: Tensor<1>,
        gradient: Tensor<1>,
        state: Vec<Tensor<1>>,
        update: Update,
    ) -> (Tensor<1>, Vec<Tensor<1>>);

    /// Whether there is a kernel for [`Rule::step_on_gpu`].
    fn has_gpu_kernel(&self) -> bool {
        false
    }

    /// The step in one kernel, where there is one, of what [`settle`](crate::ops::gpu::settle::settle) has come
    /// to: the gradient is multiplied first, and where the step failed nothing changes.
    fn step_on_gpu(
        &self,
        values: Tensor<1>,
        _gradient: Tensor<1>,
        state: Vec<Tensor<1>>,
        _update: Update,
        _settled: &Tensor<1>,
    ) -> (Tensor<1>, Vec<Tensor<1>>) {
        (values, state)
    }

    /// Whether each number is treated by itself, wherever in a tensor it is.
    fn is_by_number(&self) -> bool {
        true
    }

    /// The names and first values of what is remembered of all tensors together. Where there is any,
    /// each tensor is observed before the first one is moved.
    fn shared(&self) -> &'static [(&'static str, f32)] {
        &[]
    }

    /// Takes in a tensor's gradient. Returns its state, and numbers that are added up over all
    /// tensors, each `[1]`.
    fn observe(
        &self,
        _values: &Tensor<1>,
        _gradient: Tensor<1>,
        state: Vec<Tensor<1>>,
        _update: Update,
    ) -> (Vec<Tensor<1>>, Vec<Tensor<1>>) {
        (state, Vec::new())
    }

    /// What is remembered of all tensors together, once all are observed.
    fn conclude(
        &self,
        shared: Vec<Tensor<1>>,
        _sums: Vec<Tensor<1>>,
        _update: Update,
    ) -> Vec<Tensor<1>> {
        shared
    }

    /// The learning rate that it is made for, whatever is trained.
    fn rate(&self) -> Option<f64> {
        None
    }

    /// Whether a step on the CPU takes no memory beside what is remembered.
    fn works_in_place(&self) -> bool {
        false
    }
}
