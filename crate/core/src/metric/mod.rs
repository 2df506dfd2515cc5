//! Scores of predictions against references.

pub mod bleu;
pub mod chrf;
pub mod classify;
mod ngram;
pub mod rouge;
pub mod score;

use serde_json::{Map, Value};

/// Metrics by name. ROUGE is an object of `precision`, `recall` and `f1` in 0..1; the loss is a
/// number; BLEU and chrF are in 0..100.
pub type Metrics = Map<String, Value>;

/// What a library gave, from the oracles of text.
#[cfg(test)]
fn oracle(name: &str) -> Value {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/text");
    serde_json::from_slice(&std::fs::read(format!("{directory}/{name}.json")).unwrap()).unwrap()
}

#[cfg(test)]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[cfg(test)]
fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[cfg(test)]
fn columns(value: &Value) -> Vec<Vec<&str>> {
    value.as_array().unwrap().iter().map(texts).collect()
}
