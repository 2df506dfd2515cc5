//! Adapters beside their bases.

use flantune::{
    Error, Result,
    adapter::Summary,
    model::files::{other_precision, same_base},
    train::Event,
};

use super::State;
use crate::protocol::{Answer, Fit, HeldAdapter, OtherPrecision};

impl State {
    pub(super) async fn hold_adapter(
        &self,
        model: &str,
        name: String,
        directory: &str,
    ) -> Result<Answer> {
        let session = self.session(model)?;
        let adapter = session.load_adapter(directory).await?;
        let notes = session.adapter_notes(directory).await?;
        match self.models.borrow_mut().get_mut(model) {
            Some(session) => drop(session.hold(name, adapter)),
            None => {
                return Err(Error::setting("model", format!("`{model}` was dropped meanwhile")));
            }
        }
        Ok(Answer::Held(Box::new(HeldAdapter {
            adapter: Summary::open(&*self.host.storage, directory).await?,
            warnings: notes.into_iter().map(Event::from).collect(),
        })))
    }

    pub(super) fn drop_adapter(&self, model: &str, name: &str) -> Result<Answer> {
        if let Some(session) = self.models.borrow_mut().get_mut(model) {
            drop(session.release(name));
        }
        Ok(Answer::Done(()))
    }

    pub(super) async fn describe_adapter(&self, directory: &str) -> Result<Answer> {
        Ok(Answer::Adapter(Summary::open(&*self.host.storage, directory).await?))
    }

    /// Whether adapters of these bases belong to a model.
    pub(super) fn fits(&self, model: &str, bases: &[String]) -> Result<Answer> {
        let session = self.session(model)?;
        let base = &session.base().hash;
        let fit = |recorded: &String| Fit {
            fits: same_base(recorded, base),
            other_precision: other_precision(recorded, base)
                .map(|(was, is)| OtherPrecision { was, is }),
        };
        Ok(Answer::Fits(bases.iter().map(fit).collect()))
    }
}
