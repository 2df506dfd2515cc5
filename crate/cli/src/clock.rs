//! Time and memory, as the core wants them.

use std::time::Instant;

use flantune::host::Clock;

use crate::memory;

/// Seconds since it was made.
#[derive(Debug)]
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    fn peak_bytes(&self) -> Option<u64> {
        memory::peak_bytes()
    }
}
