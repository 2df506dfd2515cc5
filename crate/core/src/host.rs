//! What the front end gives: files and a clock.

use std::rc::Rc;

use crate::storage::Storage;

/// Time and memory, as the front end measures them.
pub trait Clock {
    /// Seconds since some moment; never less than before.
    fn seconds(&self) -> f64;

    /// The most memory that was in use, in bytes, where that is known.
    fn peak_bytes(&self) -> Option<u64> {
        None
    }
}

/// The surroundings of a session.
#[derive(Clone)]
pub struct Host {
    /// Where files are.
    pub storage: Rc<dyn Storage>,
    /// What time it is.
    pub clock: Rc<dyn Clock>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host")
    }
}
