//! `events.jsonl`: what has happened in a run, an event a line.

use std::rc::Rc;

use super::event::{Event, Step};
use crate::{
    error::{Error, Result},
    exact,
    output::EVENTS,
    storage::{Storage, join},
};

/// Bytes that are read at a time.
const CHUNK: u64 = 1 << 20;
/// No event is longer, in bytes.
const LINE_LIMIT: usize = 64 << 20;

/// The events of the run in a directory.
pub(super) struct Log {
    storage: Rc<dyn Storage>,
    path: String,
}

impl Log {
    pub(super) fn of(storage: Rc<dyn Storage>, run: &str) -> Self {
        Log { storage, path: join(run, EVENTS) }
    }

    /// Begins it anew. It is written, not removed: a file that was removed may be there again after
    /// a power cut, with the events of another try.
    pub(super) async fn begin(&self) -> Result<()> {
        self.storage.write(&self.path, b"").await
    }

    /// Adds events to its end.
    pub(super) async fn add(&self, events: &[Event]) -> Result<()> {
        let lines: String = (events.iter())
            .filter_map(|event| serde_json::to_string(event).ok())
            .flat_map(|line| [line, "\n".to_owned()])
            .collect();
        match lines.as_str() {
            "" => Ok(()),
            lines => self.storage.append(&self.path, lines.as_bytes()).await,
        }
    }

    /// Returns when all events last through a power cut.
    pub(super) async fn sync(&self) -> Result<()> {
        self.storage.sync(&self.path).await
    }

    /// Whether the run has come to a checkpoint.
    pub(super) async fn has_checkpoint(&self) -> Result<bool> {
        let mut found = false;
        let mut lines = Lines::of(&*self.storage, &self.path).await?;
        while let Some(line) = lines.next().await? {
            found |= matches!(parse(&line), Some(Event::Checkpoint { .. }));
        }
        Ok(found)
    }

    /// Drops the events after a step, which will happen again, and tells those that stay.
    pub(super) async fn go_back_to(&self, step: usize, tell: &mut dyn FnMut(Event)) -> Result<()> {
        let mut lines = Lines::of(&*self.storage, &self.path).await?;
        let mut writer = self.storage.create(&self.path).await?;
        while let Some(mut line) = lines.next().await? {
            // A process that is killed while it writes leaves a part of a line.
            let Some(event) = parse(&line) else { continue };
            let at = match &event {
                Event::Step(Step { step, .. })
                | Event::Eval { step, .. }
                | Event::Checkpoint { step, .. } => *step,
                // It was not done after all.
                Event::Done(_) => continue,
                _ => 0,
            };
            if at <= step {
                line.push(b'\n');
                writer.write(&line).await?;
                tell(event);
            }
        }
        writer.finish().await
    }
}

fn parse(line: &[u8]) -> Option<Event> {
    exact::from_str(std::str::from_utf8(line).ok()?).ok()
}

/// The lines of a file, a chunk of it in memory.
struct Lines<'a> {
    storage: &'a dyn Storage,
    path: &'a str,
    length: u64,
    at: u64,
    read: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// None where there is no such file.
    async fn of(storage: &'a dyn Storage, path: &'a str) -> Result<Self> {
        let length = match storage.length(path).await {
            Err(Error::NotFound { .. }) => 0,
            length => length?,
        };
        Ok(Lines { storage, path, length, at: 0, read: Vec::new() })
    }

    /// The next line, without its end.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let mut line: Vec<u8> = self.read.drain(..=end).collect();
                line.pop();
                return Ok(Some(line));
            }
            if self.at == self.length || self.read.len() > LINE_LIMIT {
                let rest = std::mem::take(&mut self.read);
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
            let end = self.length.min(self.at + CHUNK);
            self.read.extend(self.storage.read(self.path, self.at..end).await?);
            self.at = end;
        }
    }
}
