//! Which linear maps of a model adapters stand beside.

use std::collections::BTreeSet;

use crate::{
    config::TargetModule,
    error::{Error, Result},
    model::{
        T5,
        linear::Linear,
        parameter::{Parameter, Parameters},
    },
};

/// The linear maps of the model that have these names, in the order of the walk.
///
/// # Errors
/// [`Error::Setting`] where no map has one of the names.
pub(in crate::adapter) fn targets(model: &T5, names: &[TargetModule]) -> Result<Vec<Linear>> {
    let mut linears = Vec::new();
    model.clone().visit(&mut |name, parameter| {
        let module = name.strip_suffix(".weight").unwrap_or(name);
        if let (Some(_), Parameter::Weight(weight)) = (TargetModule::new(module), parameter) {
            linears.push(Linear { name: module.to_owned(), weight: weight.clone() });
        }
    });
    for target in names {
        if !linears.iter().any(|linear| target.names(&linear.name)) {
            let names: BTreeSet<&str> =
                linears.iter().filter_map(|linear| linear.name.rsplit('.').next()).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("the model has no `{target}`; it has {names}");
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
