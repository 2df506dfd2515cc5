//! What is trained, and the defaults that depend on it.

use super::target::TargetModule;
use crate::{named::named, optimizer::OptimizerKind};

named! {
    /// What is trained.
    Method {
        /// Low-rank matrices beside frozen ones (Hu et al. 2021, arXiv:2106.09685).
        Lora = "lora",
        /// Scales beside frozen matrices (Liu et al. 2022, arXiv:2205.05638).
        Ia3 = "ia3",
        /// A soft prompt before the encoder's input (Lester et al. 2021, arXiv:2104.08691).
        Prompt = "prompt",
        /// Every weight.
        Full = "full",
    }
}

/// The defaults of a method.
pub(super) struct Defaults {
    pub(super) optimizer: OptimizerKind,
    /// At the schedule's highest point.
    pub(super) learning_rate: f64,
    /// What is trained beside, where something is.
    pub(super) target_modules: &'static [&'static str],
}

impl Method {
    pub(super) fn defaults(self) -> Defaults {
        let (adamw, queries_values) = (OptimizerKind::Adamw, ["q", "v"].as_slice());
        let (optimizer, learning_rate, target_modules) = match self {
            Method::Lora => (adamw, 1e-3, queries_values),
            // peft's layers for T5, and the paper's rate.
            Method::Ia3 => (adamw, 8e-3, ["k", "v", "wo"].as_slice()),
            Method::Prompt => (OptimizerKind::Adafactor, 0.3, queries_values),
            Method::Full => (adamw, 3e-4, queries_values),
        };
        Defaults { optimizer, learning_rate, target_modules }
    }

    /// The layers of T5 that something is trained beside by default.
    pub(super) fn target_modules(self) -> Vec<TargetModule> {
        let names = self.defaults().target_modules;
        names.iter().filter_map(|name| TargetModule::new(name)).collect()
    }
}
