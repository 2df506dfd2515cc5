//! Texts that a model writes, and what they score.

use flantune::{
    Result,
    config::{RunConfig, Task},
    metric::score::{self, Scorer},
};

use super::State;
use crate::{
    options::configuration,
    protocol::{Answer, Evaluated, Options, Split, Texts},
};

impl State {
    pub(super) async fn generate(
        &self,
        id: u32,
        model: &str,
        adapter: Option<&str>,
        prompts: Vec<String>,
        options: &Options,
    ) -> Result<Answer> {
        let mut config = configuration(options)?;
        config.validate()?;
        let session = self.session(model)?;
        session.take_own(&mut config, Task::Generate);
        let adapter = adapter.map(|name| session.adapter(name)).transpose()?;
        let examples = session.texts(prompts, &config.data)?;
        let mut tell = |part: &str| self.javascript.progress(id, &part.into());
        let answers = session
            .generate(&examples, adapter, &config.eval, config.train.batch_size, &mut tell)
            .await?;
        let answers = answers.into_iter();
        let texts = answers.map(|answer| Texts { texts: answer.texts, scores: answer.scores });
        Ok(Answer::Texts(texts.collect()))
    }

    pub(super) async fn evaluate(
        &self,
        id: u32,
        model: &str,
        adapter: Option<&str>,
        path: &str,
        options: &Options,
        (split, most): (Split, Option<usize>),
    ) -> Result<Answer> {
        let mut config = configuration(options)?;
        config.validate()?;
        let session = self.session(model)?;
        session.take_own(&mut config, Task::Evaluate);
        let adapter = adapter.map(|name| session.adapter(name)).transpose()?;
        let data = match split {
            Split::All => session.dataset(path, &config.data, config.train.seed).await?,
            Split::Validation => {
                let mut config: RunConfig = config.clone();
                config.data.train = Some(path.to_owned());
                let (train, validation) = session.datasets(&config).await?;
                validation.unwrap_or(train)
            }
        };
        let places = data.first(most.unwrap_or(data.len()));
        let mut tell = |rows: usize| self.javascript.progress(id, &(rows as f64).into());
        let batch_size = config.train.batch_size;
        let (metrics, results) = session
            .evaluate_at(&data, &places, adapter, &config.eval, batch_size, &mut tell)
            .await?;
        let mut rows = Vec::with_capacity(results.len());
        for (place, result) in places.into_iter().zip(results) {
            rows.push(result.told(data.example(place).await?));
        }
        Ok(Answer::Evaluated(Evaluated { metrics, rows }))
    }
}

pub(super) fn score(
    predictions: Vec<String>,
    references: Vec<Vec<String>>,
    options: &Options,
) -> Result<Answer> {
    let config = configuration(options)?;
    let mut scorer = Scorer::new(
        &config.eval.metrics,
        score::Options { stemmer: config.eval.stemmer, ..score::Options::default() },
    );
    for (prediction, references) in predictions.iter().zip(&references) {
        scorer.add(prediction, references);
    }
    Ok(Answer::Metrics(scorer.metrics()))
}
