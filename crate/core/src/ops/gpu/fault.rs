//! What tests make wrong on purpose: shaders that compute something else.

use std::sync::{Mutex, PoisonError};

use flantune_shaders::Variant;

/// A shader that computes wrong numbers, as it would by a fault of a driver's compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fault {
    /// The shader's name.
    pub shader: &'static str,
    /// A text of it.
    pub text: &'static str,
    /// What stands there instead.
    pub wrong: &'static str,
}

impl Fault {
    pub(super) fn put_into(self, variant: Variant) -> Variant {
        Variant { source: variant.source.replace(self.text, self.wrong), ..variant }
    }
}

static FAULTS: Mutex<Vec<Fault>> = Mutex::new(Vec::new());

/// Makes these shaders wrong from now on, and no others.
pub fn set_faults(faults: &[Fault]) {
    *FAULTS.lock().unwrap_or_else(PoisonError::into_inner) = faults.to_vec();
}

pub(super) fn of(shader: &str) -> Option<Fault> {
    let faults = FAULTS.lock().unwrap_or_else(PoisonError::into_inner);
    faults.iter().copied().find(|fault| fault.shader == shader)
}
