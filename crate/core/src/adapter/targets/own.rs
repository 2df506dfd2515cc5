//! Which linear maps of a model adapters stand beside.

use super::rules::{Modules, last_parts};
use crate::{
    config::TargetModule,
    error::{Error, Result},
    model::{T5, linear::Linear},
};

/// The linear maps of the model that have these names, in the order of the walk.
///
/// # Errors
/// [`Error::Setting`] where no map has one of the names.
pub(in crate::adapter) fn targets(model: &T5, names: &[TargetModule]) -> Result<Vec<Linear>> {
    let Modules { maps: mut linears, .. } = Modules::of(model);
    for target in names {
        if !linears.iter().any(|linear| target.names(&linear.name)) {
            let message = format!("the model has no `{target}`; it has {}", last_parts(&linears));
            return Err(Error::setting("target_modules", message));
        }
    }
    linears.retain(|linear| names.iter().any(|target| target.names(&linear.name)));
    Ok(linears)
}

/// The names beside each other, for people.
pub(in crate::adapter) fn list(names: &[TargetModule]) -> String {
    names.iter().map(TargetModule::as_str).collect::<Vec<_>>().join(", ")
}
