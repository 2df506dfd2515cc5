//! Training, a step at a time.

use flantune::{Error, Result, train::run::Run};
use serde_json::{Value, json};

use super::{State, value};
use crate::{
    options::{configuration, in_camel_case},
    request::Options,
};

impl State {
    pub(super) async fn open_run(
        &self,
        name: String,
        model: &str,
        output: &str,
        options: &Options,
        resume: bool,
    ) -> Result<Value> {
        let config = configuration(options)?;
        let session = self.session(model)?;
        config.validate().map_err(in_camel_case)?;
        let (train, validation) = session.datasets(&config).await.map_err(in_camel_case)?;
        let run = session.train(&config, train, validation, output, resume).await;
        let mut run = run.map_err(in_camel_case)?;
        let parameters = run.parameters();
        let answer =
            json!({ "steps": run.steps(), "step": run.steps_made(), "parameters": parameters });
        self.runs.borrow_mut().insert(name, run);
        Ok(answer)
    }

    pub(super) async fn step(&self, name: &str) -> Result<Value> {
        let mut run = self.take(name)?;
        let events = run.step().await;
        let (step, steps, done) = (run.steps_made(), run.steps(), run.is_done());
        self.runs.borrow_mut().insert(name.to_owned(), run);
        Ok(json!({ "events": value(events?)?, "step": step, "steps": steps, "done": done }))
    }

    pub(super) async fn checkpoint(&self, name: &str) -> Result<Value> {
        let mut run = self.take(name)?;
        let events = run.checkpoint().await;
        self.runs.borrow_mut().insert(name.to_owned(), run);
        value(events?)
    }

    pub(super) async fn write_adapter(&self, name: &str) -> Result<Value> {
        let mut run = self.take(name)?;
        let written = run.write_result().await;
        self.runs.borrow_mut().insert(name.to_owned(), run);
        written.map(|()| Value::Null)
    }

    pub(super) fn split_batches(&self, name: &str, rows: usize) -> Result<Value> {
        let mut run = self.take(name)?;
        run.split_batches(rows);
        self.runs.borrow_mut().insert(name.to_owned(), run);
        Ok(Value::Null)
    }

    fn take(&self, name: &str) -> Result<Run> {
        self.runs.borrow_mut().remove(name).ok_or_else(|| {
            Error::setting("run", format!("found `{name}`, which is not open, or busy"))
        })
    }
}
