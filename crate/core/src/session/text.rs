//! What a base, with or without an adapter, writes, and what that scores.

use super::Session;
use crate::{
    adapter::Adapter,
    config::EvalConfig,
    error::Result,
    generate::{Generator, Options, Sequence},
    metric::Metrics,
    text::{
        batch::{Batch, batches_by_length},
        dataset::Dataset,
        example::Example,
        tokenizer::TextStream,
    },
    train::evaluate::{Evaluator, RowResult},
};

/// What the model wrote for a prompt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The texts, best first: at least one, and as many as `num_return_sequences` asks for, except
    /// where beam search finds fewer.
    pub texts: Vec<String>,
    /// By which beam search ranks them: the logarithm of a text's probability, divided by its
    /// number of tokens to the power of `length_penalty`. Empty without beams.
    pub scores: Vec<f64>,
}

impl Answer {
    /// The best of the texts.
    pub fn best(&self) -> &str {
        self.texts.first().map_or("", String::as_str)
    }
}

impl Session {
    /// Answers each example, `batch_size` of like length together, as `config` says. `on_part` is
    /// told the pieces of the best text where there is a single example: as they come, unless several
    /// texts are weighed against each other.
    pub async fn generate(
        &self,
        examples: &[Example],
        adapter: Option<&Adapter>,
        config: &EvalConfig,
        batch_size: usize,
        on_part: &mut dyn FnMut(&str),
    ) -> Result<Vec<Answer>> {
        let (generator, tokenizer) = (self.generator(adapter), &self.base.tokenizer);
        let options = Options::from(config);
        let mut answers = vec![Answer::default(); examples.len()];
        let mut stream = (examples.len() == 1).then(|| tokenizer.stream());
        let lengths = examples.iter().map(|example| example.source.len());
        for places in batches_by_length(lengths, batch_size) {
            let rows: Vec<&Example> = places.iter().map(|&place| &examples[place]).collect();
            let numbers: Vec<usize> = rows.iter().map(|example| example.row).collect();
            let sequences = generator
                .generate(&Batch::collate(&rows), &numbers, &options, &mut |_, token| {
                    tell(&mut stream, token, on_part);
                })
                .await?;
            for (place, sequences) in places.into_iter().zip(sequences) {
                let text = |sequence: &Sequence| tokenizer.decode(&sequence.ids);
                answers[place] = Answer {
                    texts: sequences.iter().map(text).collect::<Result<_>>()?,
                    scores: sequences.iter().filter_map(|sequence| sequence.score).collect(),
                };
            }
        }
        Ok(answers)
    }

    /// Scores the model on a data set, `batch_size` examples of like length together.
    ///
    /// # Errors
    /// [`Error::Format`] where the data set is empty; those of the files and the device.
    pub async fn evaluate(
        &self,
        data: &Dataset,
        adapter: Option<&Adapter>,
        config: &EvalConfig,
        batch_size: usize,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Metrics, Vec<RowResult>)> {
        data.check_not_empty()?;
        let places: Vec<usize> = (0..data.len()).collect();
        self.evaluate_at(data, &places, adapter, config, batch_size, progress).await
    }

    /// As [`Session::evaluate`], of the examples at these places alone.
    pub async fn evaluate_at(
        &self,
        data: &Dataset,
        places: &[usize],
        adapter: Option<&Adapter>,
        config: &EvalConfig,
        batch_size: usize,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Metrics, Vec<RowResult>)> {
        let generator = self.generator(adapter);
        let tokenizer = &self.base.tokenizer;
        let evaluator = Evaluator { generator, tokenizer, config, batch_size };
        evaluator.evaluate(data, places, progress).await
    }

    fn generator<'a>(&'a self, adapter: Option<&'a Adapter>) -> Generator<'a> {
        let config = &self.base.generation;
        let (arithmetic, turn) = (self.arithmetic, &*self.host.turn);
        Generator { model: &self.model, adapter, config, arithmetic, turn }
    }
}

fn tell(stream: &mut Option<TextStream<'_>>, token: u32, on_part: &mut dyn FnMut(&str)) {
    if let Some(Ok(part)) = stream.as_mut().map(|stream| stream.push(token)) {
        on_part(&part);
    }
}
