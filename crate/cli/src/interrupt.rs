//! Ctrl-C, SIGTERM and SIGHUP. At first a signal ends the process; once there is something to save,
//! the first one asks and the second one insists.

use std::{
    process,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{failure::Failure, storage::remove_unfinished};

/// Whether the next signal ends the process, because nothing is to be saved or it is the second. A
/// signal handler has no other way to speak to the rest of a process.
static INSIST: AtomicBool = AtomicBool::new(true);

/// From now on a signal ends the process with the exit code of an interruption.
pub(crate) fn listen() -> Result<(), Failure> {
    #[cfg(unix)]
    let ignored = ignored::signals();
    ctrlc::set_handler(|| {
        if INSIST.swap(true, Ordering::Relaxed) {
            remove_unfinished();
            process::exit(130);
        }
    })
    .map_err(|error| Failure::Usage(format!("signals cannot be handled: {error}")))?;
    #[cfg(unix)]
    ignored::keep(&ignored);
    Ok(())
}

/// From now on the first signal only makes [`asked`] true.
pub(crate) fn ask_first() {
    INSIST.store(false, Ordering::Relaxed);
}

/// Whether a signal has come since [`ask_first`].
pub(crate) fn asked() -> bool {
    INSIST.load(Ordering::Relaxed)
}

/// Signals that whoever started this process has it ignore: `nohup` does so with SIGHUP, and a shell
/// with SIGINT where it runs a script's command in the background.
#[cfg(unix)]
mod ignored {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

    const ALL: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

    /// Those that are ignored now.
    pub(super) fn signals() -> Vec<Signal> {
        let is_ignored = |signal: &Signal| matches!(set(*signal, None), Some(SigHandler::SigIgn));
        ALL.into_iter().filter(is_ignored).collect()
    }

    /// Has these ignored again.
    pub(super) fn keep(signals: &[Signal]) {
        for signal in signals {
            set(*signal, Some(SigHandler::SigIgn));
        }
    }

    /// Ignores a signal from now on, and returns what was done with it before; with `None` that is
    /// done again.
    fn set(signal: Signal, handler: Option<SigHandler>) -> Option<SigHandler> {
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: no function of ours is installed, only what the system does by itself, or what was
        // installed before.
        unsafe {
            let before = sigaction(signal, &ignore).ok()?;
            if handler.is_none() {
                sigaction(signal, &before).ok()?;
            }
            Some(before.handler())
        }
    }
}
