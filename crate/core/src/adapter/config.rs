//! An adapter's `adapter_config.json`, as peft 0.21 reads and writes it.
//!
//! Keys of newer versions are tolerated where they are unknown, and refused where they are known to
//! change what the adapter computes: an adapter is never applied otherwise than peft would.

use serde_json::{Map, Value, json};

use super::kind::Settings;
use crate::{
    config::TargetModule,
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

/// The bytes of an `adapter_config.json`: the keys that peft writes, sorted.
pub(super) fn to_json<S: Settings>(settings: &S) -> Vec<u8> {
    let (mut keys, base) = (settings.keys(), settings.base());
    let id = base.id.as_deref().filter(|id| is_hub_id(id));
    keys.insert("auto_mapping".to_owned(), Value::Null);
    keys.insert("base_model_name_or_path".to_owned(), json!(id));
    keys.insert("inference_mode".to_owned(), json!(true));
    keys.insert("modules_to_save".to_owned(), Value::Null);
    keys.insert("peft_type".to_owned(), json!(S::PEFT_TYPE));
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
    /// Names of linear maps.
    pub(super) fn target_modules(&self, key: &str) -> Result<Vec<TargetModule>> {
        let names = match self.fields.need(key, self.fields.get(key))? {
            Value::Array(names) => names,
            other => {
                let expected = "a list of names, not a pattern";
                return Err(self.unsupported(key, short(other), expected));
            }
        };
        if names.is_empty() || names.len() > 1 << 12 {
            return Err(self.fields.error(key, "expected between 1 and 4096 names"));
        }
        let name = |value: &Value| {
            value.as_str().and_then(TargetModule::new).ok_or_else(|| {
                let expected = format!("linear maps of T5: {}", TargetModule::NAMES.join(", "));
                self.unsupported(key, short(value), &expected)
            })
        };
        names.iter().map(name).collect()
    }

    /// The task, which may be missing.
    pub(super) fn expect_task(&self) -> Result<()> {
        self.expect("task_type", TASK)
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

    /// A key that must not be set: absent, or what Python counts as false.
    pub(super) fn refuse(&self, key: &str) -> Result<()> {
        let set = match self.fields.get(key) {
            None | Some(Value::Bool(false)) => false,
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

#[cfg(test)]
mod tests;
