//! An adapter's `adapter_config.json`, as peft 0.21 reads and writes it.
//!
//! Keys that are not known are passed over, as peft does it, and those that change what the adapter
//! computes in a way that is not supported are refused by name: an adapter is never applied otherwise
//! than peft would.

use serde_json::{Map, Value, json};

use super::targets::{Layers, Names, Targets};
use crate::{
    error::{Error, Result, short},
    model::{
        BaseModel,
        config::{Fields, to_bytes},
        hub::is_hub_id,
    },
};

/// The version of peft whose keys are written.
const PEFT_VERSION: &str = "0.21.2";

const TASK: &str = "SEQ_2_SEQ_LM";

/// No list of an adapter's configuration is longer: a T5 of 11 billion numbers has 432 linear maps.
const MOST_NAMES: usize = 1 << 12;

/// T5 knows one name for its blocks.
const MOST_LAYER_PATTERNS: usize = 16;

/// The bytes of an `adapter_config.json` of this type: its own keys and those of all, as peft writes
/// them, sorted.
pub(super) fn to_json(peft_type: &str, base: &BaseModel, mut keys: Map<String, Value>) -> Vec<u8> {
    let id = base.id.as_deref().filter(|id| is_hub_id(id));
    keys.insert("auto_mapping".to_owned(), Value::Null);
    keys.insert("base_model_name_or_path".to_owned(), json!(id));
    keys.insert("inference_mode".to_owned(), json!(true));
    keys.insert("modules_to_save".to_owned(), Value::Null);
    keys.insert("peft_type".to_owned(), json!(peft_type));
    keys.insert("peft_version".to_owned(), json!(PEFT_VERSION));
    keys.insert("revision".to_owned(), json!(base.revision.as_ref().filter(|_| id.is_some())));
    keys.insert("task_type".to_owned(), json!(TASK));
    keys.sort_keys();
    to_bytes(&Value::Object(keys))
}

/// The keys of a configuration that is being read.
pub(crate) struct Keys<'a> {
    path: &'a str,
    pub(super) fields: Fields<'a>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(path: &'a str, bytes: &[u8]) -> Result<Self> {
        Ok(Keys { path, fields: Fields::parse(path, bytes)? })
    }
}

impl Keys<'_> {
    /// Modules by a list of names or a pattern. None where the key is missing.
    pub(super) fn names(&self, key: &str) -> Result<Option<Names>> {
        Ok(match self.fields.get(key) {
            None => None,
            Some(Value::String(text)) if text.eq_ignore_ascii_case("all-linear") => {
                Some(Names::AllLinear)
            }
            Some(Value::String(text)) => Some(Names::Pattern(text.clone())),
            Some(_) => Some(Names::List(self.list(key)?)),
        })
    }

    /// A list of names.
    fn list(&self, key: &str) -> Result<Vec<String>> {
        let wrong = || {
            let found = self.fields.get(key).map_or_else(String::new, short);
            let message = format!("found {found}; expected a list of at most {MOST_NAMES} names");
            self.fields.error(key, message)
        };
        let Some(Value::Array(names)) = self.fields.get(key) else { return Err(wrong()) };
        if names.len() > MOST_NAMES {
            return Err(wrong());
        }
        let name = |value: &Value| value.as_str().map(str::to_owned);
        names.iter().map(name).collect::<Option<_>>().ok_or_else(wrong)
    }

    /// Which modules an adapter stands beside; `names` where none are named, as peft has it for a T5.
    /// `layers` is whether the kind knows layers.
    pub(super) fn targets(&self, names: &[&str], layers: bool) -> Result<Targets> {
        let key = "target_modules";
        let named = self.names(key)?;
        let names = named
            .unwrap_or_else(|| Names::List(names.iter().map(|&name| name.to_owned()).collect()));
        if names == Names::List(Vec::new()) {
            return Err(self.fields.error(key, "expected at least one name"));
        }
        let excluded = self.names("exclude_modules")?.filter(|names| !names.is_empty());
        let layers = if layers { self.layers(&names)? } else { None };
        Ok(Targets { names, excluded, layers })
    }

    /// `layers_to_transform` and `layers_pattern`.
    fn layers(&self, names: &Names) -> Result<Option<Layers>> {
        let (key, pattern) = ("layers_to_transform", "layers_pattern");
        let patterns = match self.fields.get(pattern) {
            None => Vec::new(),
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(Value::String(text)) => vec![text.clone()],
            Some(_) => self.list(pattern)?,
        };
        if patterns.len() > MOST_LAYER_PATTERNS {
            let message = format!("expected at most {MOST_LAYER_PATTERNS} patterns");
            return Err(self.fields.error(pattern, message));
        }
        let numbers = match self.fields.get(key) {
            None if patterns.is_empty() => return Ok(None),
            None => {
                let message = "it goes with `layers_to_transform`, which is missing";
                return Err(self.fields.error(pattern, message));
            }
            Some(Value::Array(list)) if list.len() <= MOST_NAMES => list.iter().collect(),
            Some(one) => vec![one],
        };
        let number = |value: &Value| {
            let wrong = || format!("found {}; expected whole numbers", short(value));
            value.as_i64().ok_or_else(|| self.fields.error(key, wrong()))
        };
        let numbers = numbers.into_iter().map(number).collect::<Result<Vec<_>>>()?;
        // peft takes no layers where the names are a pattern, and all of them where none is numbered.
        match names {
            _ if numbers.is_empty() => Ok(None),
            Names::List(_) => Ok(Some(Layers { numbers, patterns })),
            Names::Pattern(_) | Names::AllLinear => {
                let expected = "a list of names as `target_modules` with it";
                Err(self.unsupported(key, short(&self.fields.map[key]), expected))
            }
        }
    }

    /// Values by patterns, in the file's order, each of which `read` makes of its key and value.
    pub(super) fn by_pattern<T>(
        &self,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
        expected: &str,
    ) -> Result<Vec<(String, T)>> {
        let map = match self.fields.get(key) {
            None => return Ok(Vec::new()),
            Some(Value::Object(map)) if map.len() <= MOST_NAMES => map,
            Some(other) => {
                let message = format!(
                    "found {}; expected an object of at most {MOST_NAMES} patterns",
                    short(other)
                );
                return Err(self.fields.error(key, message));
            }
        };
        let each = |(pattern, value): (&String, &Value)| {
            let wrong = || {
                let found = short(value);
                let message = format!("found {found} for {}; expected {expected}", short(pattern));
                self.fields.error(key, message)
            };
            Ok((pattern.clone(), read(value).ok_or_else(wrong)?))
        };
        map.iter().map(each).collect()
    }

    /// The task of what stands beside linear maps: it only chooses the class that peft wraps the model
    /// in, which computes the same but where it adds a head of its own.
    pub(super) fn expect_any_text_task(&self) -> Result<()> {
        let key = "task_type";
        match self.fields.text(key)? {
            None | Some(TASK | "CAUSAL_LM" | "FEATURE_EXTRACTION") => Ok(()),
            Some(other) => {
                let expected = format!("`{TASK}`, `CAUSAL_LM`, `FEATURE_EXTRACTION` or null");
                Err(self.unsupported(key, short(other), &expected))
            }
        }
    }

    /// The task of what goes before a source, which may be missing.
    pub(super) fn expect_task(&self) -> Result<()> {
        self.expect("task_type", TASK)
    }

    /// That no module of a T5 is saved whole beside the adapter. Modules that a T5 does not have may be
    /// named, as peft names the heads of classifiers.
    pub(super) fn expect_nothing_saved(&self) -> Result<()> {
        let key = "modules_to_save";
        if self.fields.get(key).is_none() {
            return Ok(());
        }
        let there = modules::of_any_t5();
        for name in self.list(key)? {
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            let name_of_block = modules::in_the_first_block(&name);
            if !plain || there.iter().any(|module| module.ends_with(&name_of_block)) {
                let expected = "no module of a T5 to be saved whole beside the adapter";
                return Err(self.unsupported(key, short(&name), expected));
            }
        }
        Ok(())
    }

    /// The base, if a hub id names it; a path says nothing on another machine.
    pub(super) fn base(&self) -> Result<BaseModel> {
        let id = self.fields.text("base_model_name_or_path")?.filter(|id| is_hub_id(id));
        let revision = self.fields.text("revision")?.filter(|_| id.is_some());
        Ok(BaseModel { id: id.map(str::to_owned), revision: revision.map(str::to_owned) })
    }

    pub(super) fn need_text(&self, key: &str) -> Result<&str> {
        self.fields.need(key, self.fields.text(key)?)
    }

    /// A key which, where it is there, must be this.
    pub(super) fn expect(&self, key: &str, expected: &str) -> Result<()> {
        match self.fields.text(key)? {
            Some(found) if found != expected => {
                Err(self.unsupported(key, short(found), &format!("`{expected}`")))
            }
            _ => Ok(()),
        }
    }

    /// A key which, where it is there, must be one of these.
    pub(super) fn expect_one_of(&self, key: &str, expected: &[&str]) -> Result<()> {
        match self.fields.text(key)? {
            Some(found) if !expected.contains(&found) => {
                let expected: Vec<_> = expected.iter().map(|one| format!("`{one}`")).collect();
                Err(self.unsupported(key, short(found), &expected.join(" or ")))
            }
            _ => Ok(()),
        }
    }

    /// A key that must not be set: absent, or what Python counts as false.
    pub(super) fn refuse(&self, key: &str) -> Result<()> {
        let set = match self.fields.get(key) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Object(map)) => !map.is_empty(),
            Some(_) => true,
        };
        match set {
            true => Err(self.unsupported(key, short(&self.fields.map[key]), "it not to be set")),
            false => Ok(()),
        }
    }

    pub(super) fn unsupported(&self, key: &str, found: String, expected: &str) -> Error {
        let message = format!("`{key}`: {found} is not supported; expected {expected}");
        Error::Adapter { path: self.path.to_owned(), message }
    }
}

/// A number as Python writes it: alpha is a whole number for peft wherever it can be.
pub(super) fn number(value: f64) -> Value {
    match value as i64 as f64 == value {
        true => json!(value as i64),
        false => json!(value),
    }
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

mod modules;

#[cfg(test)]
mod tests;
