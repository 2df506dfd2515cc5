//! Training, a step at a time.

use flantune::{Error, Result, train::run::Run};

use super::State;
use crate::{
    options::configuration,
    protocol::{Answer, Opened, Options, Stepped},
};

impl State {
    pub(super) async fn open_run(
        &self,
        name: String,
        model: &str,
        output: &str,
        options: &Options,
        resume: bool,
    ) -> Result<Answer> {
        let config = configuration(options)?;
        let session = self.session(model)?;
        config.validate()?;
        let (train, validation) = session.datasets(&config).await?;
        let mut run = session.train(&config, train, validation, output, resume).await?;
        let parameters = run.parameters();
        let opened = Opened { steps: run.steps(), step: run.steps_made(), parameters };
        self.runs.borrow_mut().insert(name, run);
        Ok(Answer::Opened(opened))
    }

    pub(super) async fn step(&self, name: &str) -> Result<Answer> {
        let mut run = self.take(name)?;
        let events = run.step().await;
        let (step, steps, done) = (run.steps_made(), run.steps(), run.is_done());
        self.runs.borrow_mut().insert(name.to_owned(), run);
        Ok(Answer::Stepped(Stepped { events: events?, step, steps, done }))
    }

    pub(super) async fn checkpoint(&self, name: &str) -> Result<Answer> {
        let mut run = self.take(name)?;
        let events = run.checkpoint().await;
        self.runs.borrow_mut().insert(name.to_owned(), run);
        Ok(Answer::Events(events?))
    }

    pub(super) async fn write_adapter(&self, name: &str) -> Result<Answer> {
        let mut run = self.take(name)?;
        let written = run.write_result().await;
        self.runs.borrow_mut().insert(name.to_owned(), run);
        written.map(Answer::Done)
    }

    pub(super) fn split_batches(&self, name: &str, rows: usize) -> Result<Answer> {
        let mut run = self.take(name)?;
        run.split_batches(rows);
        self.runs.borrow_mut().insert(name.to_owned(), run);
        Ok(Answer::Done(()))
    }

    fn take(&self, name: &str) -> Result<Run> {
        self.runs.borrow_mut().remove(name).ok_or_else(|| {
            Error::setting("run", format!("found `{name}`, which is not open, or busy"))
        })
    }
}
