//! What to know of an adapter from elsewhere that is read all the same.

use serde_json::{Map, Value};

use super::{
    AdapterConfig,
    peft::{CONFIG, CONFIG_LIMIT},
    targets::PatternBudget,
};
use crate::{
    error::{Result, short},
    model::T5,
    storage::{Storage, join},
    text::Warning,
};

/// What of an adapter's settings has no meaning for this model, or none here.
///
/// # Errors
/// Those of [`Adapter::load`](super::Adapter::load) that the settings alone make.
pub async fn notes(storage: &dyn Storage, directory: &str, model: &T5) -> Result<Vec<Warning>> {
    let path = join(directory, CONFIG);
    let bytes = storage.read_all(&path, CONFIG_LIMIT).await?;
    let config = AdapterConfig::from_json(&path, &bytes)?;
    let path = storage.shown(&path);
    let mut notes = Vec::new();
    let chosen = config.targets().map(|all| all.choose(model, &mut PatternBudget::default()));
    if let Some(Ok(chosen)) = chosen
        && !chosen.unmatched.is_empty()
    {
        let names = quoted(&chosen.unmatched);
        let message = format!(
            "{path}: `target_modules` names {names}, which the model does not have; it is ignored, \
             as in peft"
        );
        notes.push(Warning { code: "target_modules", message, count: chosen.unmatched.len() });
    }
    let unknown = unknown(&bytes, &config);
    if !unknown.is_empty() {
        let names = quoted(&unknown);
        let message = format!("{path}: {names} is unknown, and ignored, as in peft 0.21");
        notes.push(Warning { code: "adapter_keys", message, count: unknown.len() });
    }
    Ok(notes)
}

/// Keys that say something and that nothing here reads.
fn unknown(bytes: &[u8], config: &AdapterConfig) -> Vec<String> {
    let object =
        |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes).unwrap_or_default();
    let known = object(&config.to_json());
    let says = |value: &Value| match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    };
    let unknown =
        object(bytes).into_iter().filter(|(key, value)| !known.contains_key(key) && says(value));
    unknown.map(|(key, _)| key).collect()
}

/// The first of these, for people.
fn quoted(names: &[String]) -> String {
    let more = if names.len() > 5 { ", …" } else { "" };
    let first: Vec<_> = names.iter().take(5).map(|name| format!("`{}`", short(name))).collect();
    format!("{}{more}", first.join(", "))
}
