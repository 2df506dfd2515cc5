//! Ctrl-C and SIGTERM. At first a signal ends the process; once there is something to save, the
//! first one asks and the second one insists.

use std::{
    process,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::failure::Failure;

/// Whether the next signal ends the process, because nothing is to be saved or it is the second. A
/// signal handler has no other way to speak to the rest of a process.
static INSIST: AtomicBool = AtomicBool::new(true);

/// From now on a signal ends the process with the exit code of an interruption.
pub(crate) fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        if INSIST.swap(true, Ordering::Relaxed) {
            process::exit(130);
        }
    })
    .map_err(|error| Failure::Usage(format!("signals cannot be handled: {error}")))
}

/// From now on the first signal only makes [`asked`] true.
pub(crate) fn ask_first() {
    INSIST.store(false, Ordering::Relaxed);
}

/// Whether a signal has come since [`ask_first`].
pub(crate) fn asked() -> bool {
    INSIST.load(Ordering::Relaxed)
}
