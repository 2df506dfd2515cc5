//! What the front end gives: files, a clock, and its turn.

use std::{fmt, rc::Rc};

use async_trait::async_trait;

use crate::{error::Result, storage::Storage};

/// Time and memory, as the front end measures them.
pub trait Clock {
    /// Seconds since some moment; never less than before.
    fn seconds(&self) -> f64;

    /// The most memory that was in use, in bytes, where that is known.
    fn peak_bytes(&self) -> Option<u64> {
        None
    }
}

/// The front end's chance to do something else. Long work takes it between tokens and between batches.
#[async_trait(?Send)]
pub trait Turn: fmt::Debug {
    /// Lets the front end hear what has come up meanwhile.
    ///
    /// # Errors
    /// [`Error::Cancelled`](crate::Error::Cancelled) where the work was called off.
    async fn turn(&self) -> Result<()>;
}

/// Works straight on, for front ends with threads.
#[derive(Clone, Copy, Debug)]
pub struct Straight;

#[async_trait(?Send)]
impl Turn for Straight {
    async fn turn(&self) -> Result<()> {
        Ok(())
    }
}

/// The surroundings of a session.
#[derive(Clone)]
pub struct Host {
    /// Where files are.
    pub storage: Rc<dyn Storage>,
    /// What time it is.
    pub clock: Rc<dyn Clock>,
    /// When to let others work.
    pub turn: Rc<dyn Turn>,
    /// Where what was found out about devices is kept, if anywhere: a storage, and a directory of it.
    pub devices: Option<(Rc<dyn Storage>, String)>,
    /// Names that the front end keeps in a run's directory beside what the run writes.
    pub kept: &'static [&'static str],
}

impl Host {
    /// Files and a clock, and work that goes straight on.
    pub fn new(storage: Rc<dyn Storage>, clock: Rc<dyn Clock>) -> Self {
        Host { storage, clock, turn: Rc::new(Straight), devices: None, kept: &[] }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}
