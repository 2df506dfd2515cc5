//! Which linear maps of a model an adapter stands beside: by the names of a run's configuration, or by
//! all that peft's may say.

mod own;
mod pattern;
mod rules;

pub use self::rules::{Layers, Names, Targets};
pub(super) use self::{
    own::{list, targets},
    pattern::{PatternBudget, per_map},
    rules::{Chosen, Matcher, at},
};
