//! Rows: what is in a file, what a model sees of it.

use flantune::{Result, train::event::Event};

use super::State;
use crate::{
    options::configuration,
    protocol::{Answer, DataLengths, Options},
};

impl State {
    pub(super) async fn inspect(
        &self,
        path: &str,
        options: &Options,
        count: usize,
    ) -> Result<Answer> {
        let config = configuration(options)?;
        Ok(Answer::Inspection(self.reader(None)?.inspect(path, &config.data, count).await?))
    }

    pub(super) async fn preview(
        &self,
        model: Option<&str>,
        path: &str,
        options: &Options,
        first: usize,
        count: usize,
    ) -> Result<Answer> {
        let config = configuration(options)?;
        let (reader, seed) = (self.reader(model)?, config.train.seed);
        Ok(Answer::Previews(reader.preview(path, &config.data, seed, first, count).await?))
    }

    pub(super) async fn lengths(
        &self,
        model: &str,
        path: &str,
        options: &Options,
    ) -> Result<Answer> {
        let config = configuration(options)?;
        let reader = self.reader(Some(model))?;
        let (rows, mut lengths) = reader.lengths(path, &config.data, config.train.seed).await?;
        let warnings = rows.warnings().into_iter().map(Event::from).collect();
        // The last is of all together; a file has no others.
        Ok(Answer::Lengths(Box::new(DataLengths { lengths: lengths.pop(), warnings })))
    }
}
