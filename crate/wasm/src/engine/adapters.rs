//! Adapters beside their bases.

use flantune::{Error, Result, adapter::Summary};
use serde_json::Value;

use super::{State, value};

impl State {
    pub(super) async fn hold_adapter(
        &self,
        model: &str,
        name: String,
        directory: &str,
    ) -> Result<Value> {
        let adapter = self.session(model)?.load_adapter(directory).await?;
        match self.models.borrow_mut().get_mut(model) {
            Some(session) => drop(session.hold(name, adapter)),
            None => {
                return Err(Error::setting("model", format!("`{model}` was dropped meanwhile")));
            }
        }
        self.describe_adapter(directory).await
    }

    pub(super) fn drop_adapter(&self, model: &str, name: &str) -> Result<Value> {
        if let Some(session) = self.models.borrow_mut().get_mut(model) {
            drop(session.release(name));
        }
        Ok(Value::Null)
    }

    pub(super) async fn describe_adapter(&self, directory: &str) -> Result<Value> {
        value(Summary::open(&*self.host.storage, directory).await?)
    }
}
