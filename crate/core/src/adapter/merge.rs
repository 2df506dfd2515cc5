//! Folding an adapter into its base.

use super::Adapter;
use crate::{
    error::{Error, Result},
    model::{
        T5,
        parameter::{Parameter, Parameters},
    },
};

/// The base with the adapter folded in. [`Error::Adapter`] for a kind that is not weights. `path`
/// names the adapter in errors.
pub fn merge(model: &T5, adapter: &Adapter, path: &str) -> Result<T5> {
    if let Some(why) = adapter.unmergeable() {
        return Err(Error::Adapter { path: path.to_owned(), message: why.to_owned() });
    }
    let mut merged = model.clone();
    merged.visit(&mut |name, parameter| {
        if let (Some(module), Parameter::Weight(weight)) = (name.strip_suffix(".weight"), parameter)
            && let Some(sum) = adapter.merged(module, weight)
        {
            *weight = sum.into();
        }
    });
    Ok(merged)
}
