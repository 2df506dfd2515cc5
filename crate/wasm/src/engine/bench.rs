//! How long things take on the device that was opened, with made-up weights.

use flantune::{Result, lab::bench};

use super::State;
use crate::{
    options::configuration,
    protocol::{Answer, Options},
};

impl State {
    pub(super) async fn bench(&self, what: &bench::Options, options: &Options) -> Result<Answer> {
        let config = configuration(options)?;
        config.validate()?;
        let device = self.device()?;
        Ok(Answer::Bench(bench::run_on(&device, &self.host, &config, what).await?))
    }
}
