//! Rows: what is in a file, what a model sees of it.

use flantune::{Result, train::event::Event};
use serde_json::Value;

use super::{State, value};
use crate::{options::configuration, request::Options};

impl State {
    pub(super) async fn inspect(
        &self,
        path: &str,
        options: &Options,
        count: usize,
    ) -> Result<Value> {
        let config = configuration(options)?;
        value(self.reader(None)?.inspect(path, &config.data, count).await?)
    }

    pub(super) async fn preview(
        &self,
        model: Option<&str>,
        path: &str,
        options: &Options,
        first: usize,
        count: usize,
    ) -> Result<Value> {
        let config = configuration(options)?;
        let (reader, seed) = (self.reader(model)?, config.train.seed);
        value(reader.preview(path, &config.data, seed, first, count).await?)
    }

    pub(super) async fn lengths(
        &self,
        model: &str,
        path: &str,
        options: &Options,
    ) -> Result<Value> {
        let config = configuration(options)?;
        let reader = self.reader(Some(model))?;
        let (rows, lengths) = reader.lengths(path, &config.data, config.train.seed).await?;
        // The last is of all together; a file has no others.
        let mut answer = value(lengths.last())?;
        let told = rows.warnings().into_iter().map(Event::from).collect::<Vec<_>>();
        if let Value::Object(fields) = &mut answer {
            fields.insert("warnings".to_owned(), value(told)?);
        }
        Ok(answer)
    }
}
