//! Scoring a model on rows: the loss of each row, and what its text scores.

use serde_json::{Value, json};

use super::{event::Sample, trainer::losses};
use crate::{
    adapter::Adapter,
    config::EvalConfig,
    device,
    error::Result,
    generate::{Generator, Options, Sequence},
    metric::{
        Metric, Metrics,
        score::{self, Scorer},
    },
    model::Pass,
    ops::{cross_entropy::Smoothing, denormal},
    text::{
        batch::{Batch, batches_by_length},
        dataset::Dataset,
        example::Example,
        tokenizer::Tokenizer,
    },
};

/// The mean loss over all target tokens of all rows, as training has it, beside `loss`, which is the mean
/// over rows of their own means.
pub const LOSS_PER_TOKEN: &str = "loss_per_token";

/// Scores rows by a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Evaluator<'a> {
    /// The model and its adapter.
    pub generator: Generator<'a>,
    /// From tokens to text.
    pub tokenizer: &'a Tokenizer,
    /// What to measure.
    pub config: &'a EvalConfig,
    /// How many rows go through the model together.
    pub batch_size: usize,
}

/// What came of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowResult {
    /// Its number in the file, from 0.
    pub row: usize,
    /// The mean loss over its target tokens.
    pub loss: Option<f64>,
    /// How many target tokens it has.
    pub target_tokens: usize,
    /// The text that the model wrote.
    pub prediction: Option<String>,
    /// What the text scored, by metric.
    pub scores: Metrics,
}

impl RowResult {
    /// The row as it is told, of the example that it came of: its number, source, prediction, references
    /// and loss, then its scores by metric. What was not measured is not there.
    pub fn told(self, example: Example) -> Metrics {
        let mut row = Metrics::new();
        let mut tell = |key: &str, value: Value| row.insert(key.to_owned(), value);
        tell("row", self.row.into());
        tell("source", example.source_text.into());
        if let Some(prediction) = self.prediction {
            tell("prediction", prediction.into());
        }
        tell("references", example.references.into());
        if let Some(loss) = self.loss {
            tell("loss", loss.into());
        }
        row.extend(self.scores);
        row
    }
}

impl Evaluator<'_> {
    /// Scores the examples at these places of a data set, which are read when it is their turn.
    /// `progress` is told how many are done. The rows come back in the order of the places; the
    /// metrics are of all of them together, and of each set of a mixture as `SET/METRIC`.
    pub async fn evaluate(
        &self,
        data: &Dataset,
        places: &[usize],
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Metrics, Vec<RowResult>)> {
        let mut results = vec![RowResult::default(); places.len()];
        let mut references = vec![Vec::new(); places.len()];
        let wants_loss = self.config.metrics.contains(&Metric::Loss);
        let wants_text = self.config.scores_texts();
        let mut done = 0;
        let lengths = places.iter().map(|&place| data.length(place).0);
        for batch in batches_by_length(lengths, self.batch_size) {
            let of_data: Vec<usize> = batch.iter().map(|&index| places[index]).collect();
            let examples = data.examples(&of_data).await?;
            let rows: Vec<&Example> = examples.iter().collect();
            if wants_loss {
                for (&index, loss) in batch.iter().zip(self.losses(&rows).await?) {
                    results[index].loss = Some(loss);
                }
            }
            if wants_text {
                for (&index, text) in batch.iter().zip(self.predictions(&rows).await?) {
                    results[index].prediction = Some(text);
                }
            }
            for (&index, example) in batch.iter().zip(examples) {
                (results[index].row, results[index].target_tokens) =
                    (example.row, example.target.len());
                if wants_text {
                    // Predictions are without them.
                    let plain = |text: &String| self.tokenizer.without_special(text).into_owned();
                    references[index] = example.references.iter().map(plain).collect();
                }
            }
            done += batch.len();
            progress(done);
            self.generator.turn.turn().await?;
        }
        let mut metrics = self.score(&references, &mut results);
        if data.sets().count() > 1 {
            for (name, of_set) in data.sets() {
                let is_in = |index: &usize| of_set.contains(&places[*index]);
                let indices: Vec<usize> = (0..places.len()).filter(is_in).collect();
                let mut rows: Vec<RowResult> =
                    indices.iter().map(|&index| results[index].clone()).collect();
                let references: Vec<Vec<String>> =
                    indices.iter().map(|&index| references[index].clone()).collect();
                if !rows.is_empty() {
                    let of_set = self.score(&references, &mut rows).into_iter();
                    metrics
                        .extend(of_set.map(|(metric, value)| (format!("{name}/{metric}"), value)));
                }
            }
        }
        Ok((metrics, results))
    }

    /// What the model writes for the examples at these places.
    pub async fn samples(&self, data: &Dataset, places: &[usize]) -> Result<Vec<Sample>> {
        let examples = data.examples(places).await?;
        let rows: Vec<&Example> = examples.iter().collect();
        let predictions = self.predictions(&rows).await?;
        let sample = |(example, prediction): (&Example, String)| Sample {
            source: example.source_text.clone(),
            reference: example.target_text.clone(),
            prediction,
        };
        Ok(examples.iter().zip(predictions).map(sample).collect())
    }

    /// The mean loss of each row over its own target tokens.
    async fn losses(&self, rows: &[&Example]) -> Result<Vec<f64>> {
        let _flushed = denormal::flushed();
        let batch = Batch::collate(rows);
        let Generator { model, adapter, arithmetic, .. } = self.generator;
        let pass = Pass::evaluate(adapter.map(Adapter::beside), arithmetic);
        let tokens = losses(model, &batch, Smoothing::default(), &pass);
        let tokens = device::read(tokens).await?;
        let mean = |(losses, row): (&[f32], &&Example)| {
            losses.iter().copied().map(f64::from).sum::<f64>() / row.target.len().max(1) as f64
        };
        Ok(tokens.chunks(batch.target_length.max(1)).zip(rows).map(mean).collect())
    }

    /// Scores what the model wrote, each row and all together, beside the mean of their losses.
    fn score(&self, references: &[Vec<String>], results: &mut [RowResult]) -> Metrics {
        let stemmer = self.config.stemmer;
        let options = score::Options { stemmer, ..score::Options::default() };
        let mut scorer = Scorer::new(&self.config.metrics, options);
        for (references, result) in references.iter().zip(results.iter_mut()) {
            if let Some(prediction) = &result.prediction {
                result.scores = scorer.add(prediction, references);
            }
        }
        let mut metrics = Metrics::new();
        let losses: Vec<(f64, f64)> = (results.iter())
            .filter_map(|row| Some((row.loss?, row.target_tokens as f64)))
            .collect();
        if !losses.is_empty() {
            let of_rows: f64 = losses.iter().map(|(loss, _)| loss).sum();
            let of_tokens: f64 = losses.iter().map(|(loss, tokens)| loss * tokens).sum();
            let tokens: f64 = losses.iter().map(|(_, tokens)| tokens).sum();
            metrics.insert(Metric::Loss.name().to_owned(), json!(of_rows / losses.len() as f64));
            metrics.insert(LOSS_PER_TOKEN.to_owned(), json!(of_tokens / tokens));
        }
        metrics.extend(scorer.metrics());
        metrics
    }

    async fn predictions(&self, rows: &[&Example]) -> Result<Vec<String>> {
        // The best text of a row is what it is judged by.
        let options = Options { num_return_sequences: 1, ..Options::from(self.config) };
        let batch = Batch::collate(rows);
        let numbers: Vec<usize> = rows.iter().map(|example| example.row).collect();
        let texts = self.generator.generate(&batch, &numbers, &options, &mut |_, _| ()).await?;
        let text = |texts: &Vec<Sequence>| {
            self.tokenizer.decode(texts.first().map_or(&[], |best| &best.ids))
        };
        texts.iter().map(text).collect()
    }
}

/// The number by which a metric ranks models: F1 for ROUGE.
pub fn value(metrics: &Metrics, metric: Metric) -> Option<f64> {
    let value = metrics.get(metric.name())?;
    if value.is_null() && metric != Metric::Loss {
        // A correlation that has no value, say: no score is worse. A loss that is no number is none.
        return Some(if metric.lower_is_better() { f64::MAX } else { f64::MIN });
    }
    value.as_f64().or_else(|| value.get("f1")?.as_f64())
}
