//! Folding a LoRA adapter into its base.

use super::{Adapter, LoraAdapter};
use crate::{
    error::{Error, Result},
    model::{
        T5,
        parameter::{Parameter, Parameters},
    },
};

/// The base with the adapter folded in. [`Error::Adapter`] for a soft prompt, which is input and
/// not weights. `path` names the adapter in errors.
pub fn merge(model: &T5, adapter: &Adapter, path: &str) -> Result<T5> {
    let Adapter::Lora(LoraAdapter { layers, .. }) = adapter else {
        let message = "a soft prompt cannot be merged: it is input, not weights".to_owned();
        return Err(Error::Adapter { path: path.to_owned(), message });
    };
    let mut merged = model.clone();
    merged.visit(&mut |name, parameter| {
        let layer = name.strip_suffix(".weight").and_then(|module| layers.get(module));
        if let (Some(layer), Parameter::Weight(weight)) = (layer, parameter) {
            *weight = layer.merged(weight).into();
        }
    });
    Ok(merged)
}
