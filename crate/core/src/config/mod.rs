//! The configuration of a run: every key, its default, its help, and what values it takes.
//!
//! A key is declared once, in [`sections`]: its Rust field, its place in a configuration file, its
//! row of [`RunConfig::keys`] (from which the command line makes options and the page makes forms)
//! and its help. Names are unique across sections, so front ends set a key without its section.

mod arithmetic;
mod choices;
mod file;
mod method;
mod row;
mod schedule;
mod section;
mod sections;
mod setting;
mod target;
mod validate;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use choices::{
    DeviceChoice, Dropout, Dtype, EarlyStopping, OnTooLong, PromptInit, Separator, Variant,
};
pub use method::Method;
pub use row::{Group, Place, Range, Row, Task};
pub use schedule::Schedule;
pub use section::Key;
pub use sections::{DataConfig, EvalConfig, MethodConfig, ModelConfig, TrainConfig};
pub use setting::ValueKind;
pub use target::TargetModule;
pub(crate) use {file::from_toml, setting::show};

use crate::{
    error::{Error, Message, Result},
    optimizer::OptimizerKind,
};
use section::Section;

/// No configuration's file is longer, in bytes, nor the record of a run.
pub const FILE_LIMIT: u64 = 4 << 20;

/// All that decides a run, beside the files it names.
///
/// Where a default depends on another key (`learning_rate` on `method`, say), the field is `None`
/// until somebody sets it; the methods of this type give the value in force, and
/// [`RunConfig::resolve`] writes all of them down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// The base model and where it is computed.
    pub model: ModelConfig,
    /// Rows, and how they become examples.
    pub data: DataConfig,
    /// What is trained.
    pub method: MethodConfig,
    /// How it is trained.
    pub train: TrainConfig,
    /// How it is judged, and how text is generated.
    pub eval: EvalConfig,
}

impl RunConfig {
    /// Every key with its section, kind, default and help, in the order of the sections.
    pub fn keys() -> Vec<Key> {
        let defaults = Self::default();
        let keys: Vec<Key> = defaults.sections().into_iter().flat_map(Section::keys).collect();
        let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        keys.into_iter().map(|key| key.marked(&names)).collect()
    }

    /// Sets a key to a typed value, as a configuration file or JavaScript gives it; `null` gives it
    /// back to its default where that depends on other keys.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a value of the wrong kind, and for an unknown key, which it answers
    /// with the nearest known one.
    pub fn set(&mut self, key: &str, value: Value) -> Result<()> {
        for section in self.sections_mut() {
            if let Some(result) = section.set(key, &value) {
                return result;
            }
        }
        Err(unknown(key))
    }

    /// Sets a key to a value written as text, as a command line or a form gives it. Parts of a list
    /// stand between commas.
    ///
    /// # Errors
    ///
    /// As [`RunConfig::set`].
    pub fn set_text(&mut self, key: &str, text: &str) -> Result<()> {
        let keys = Self::keys();
        let known = keys.iter().find(|known| known.name == key).ok_or_else(|| unknown(key))?;
        // "all", "2 · rank": a default that has no value of its own goes by its description.
        if known.optional && text == known.default {
            return self.set(key, Value::Null);
        }
        self.set(key, known.kind.read(text))
    }

    /// The value of a key as it stands; `null` where it is left to its default.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.sections().into_iter().find_map(|section| section.get(key))
    }

    /// The same configuration with every default written out, checked by [`RunConfig::validate`].
    ///
    /// # Errors
    ///
    /// As [`RunConfig::validate`].
    pub fn resolve(&self) -> Result<Self> {
        self.validate()?;
        let mut resolved = self.clone();
        resolved.data.validation_fraction = Some(self.validation_fraction());
        resolved.method.alpha = Some(self.alpha());
        resolved.method.target_modules = Some(self.target_modules());
        resolved.train.optimizer = Some(self.optimizer());
        resolved.train.learning_rate = Some(self.learning_rate());
        Ok(resolved)
    }

    /// The part of the training rows held out for validation: 0.1 unless there is a file of them.
    pub fn validation_fraction(&self) -> f64 {
        let without = if self.data.validation.is_some() { 0.0 } else { 0.1 };
        self.data.validation_fraction.unwrap_or(without)
    }

    /// What LoRA's product is multiplied by, before it is divided by the rank: twice the rank.
    pub fn alpha(&self) -> f64 {
        self.method.alpha.unwrap_or(2.0 * self.method.rank as f64)
    }

    /// The linear maps that something is trained beside.
    pub fn target_modules(&self) -> Vec<TargetModule> {
        let given = self.method.target_modules.clone();
        given.unwrap_or_else(|| self.method.method.target_modules())
    }

    /// Whether something is trained beside the linear map at this path.
    pub fn stands_beside(&self, module: &str) -> bool {
        self.target_modules().iter().any(|target| target.names(module))
    }

    /// The optimizer: the method's, where none is given.
    pub fn optimizer(&self) -> OptimizerKind {
        self.train.optimizer.unwrap_or(self.method.method.defaults().optimizer)
    }

    /// The largest learning rate of the schedule: the one that the optimizer is made for, or else
    /// the method's.
    pub fn learning_rate(&self) -> f64 {
        let given = self.train.learning_rate.or(self.optimizer().rule().rate());
        given.unwrap_or(self.method.method.defaults().learning_rate)
    }

    fn sections(&self) -> [&dyn Section; 5] {
        [&self.model, &self.data, &self.method, &self.train, &self.eval]
    }

    fn sections_mut(&mut self) -> [&mut dyn Section; 5] {
        [&mut self.model, &mut self.data, &mut self.method, &mut self.train, &mut self.eval]
    }
}

fn unknown(key: &str) -> Error {
    let keys = RunConfig::keys();
    let message = Message::from("there is no such key");
    let message = match nearest(key, keys.iter().map(|known| known.name)) {
        Some(name) => message.text("; did you mean ").key(name).text("?"),
        None => message,
    };
    Error::setting(key, message)
}

/// The name fewest edits away from `word`, unless all are so far that it would be a guess.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.replace('-', "_").to_lowercase();
    let within = word.chars().count().div_ceil(3).max(1);
    names
        .into_iter()
        .map(|name| (edits(&word, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= within)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance: the characters to insert, remove or replace.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests;
