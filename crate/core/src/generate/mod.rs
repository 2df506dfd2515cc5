//! Text from a model.

mod beam;
mod decoder;
mod greedy;
mod options;
mod own;
mod processors;
mod sample;
mod scores;
mod single;

use crate::{
    adapter::Adapter,
    error::Result,
    host::Turn,
    model::{GenerationConfig, Pass, T5},
    ops::{Arithmetic, denormal},
    text::batch::Batch,
};

pub use beam::BeamSearch;
pub use options::{Options, Strategy};
pub use own::Own;
pub use processors::Processors;
pub use sample::Sampling;

/// What is told of each token as it is made: the row in the batch, and the token.
pub type OnToken<'a> = dyn FnMut(usize, u32) + 'a;

/// A text that was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Its tokens, up to and with the end token if it came.
    pub ids: Vec<u32>,
    /// By which beam search ranks it: the logarithm of its probability over a power of its length.
    pub score: Option<f64>,
}

/// A model with what it needs to write.
#[derive(Clone, Copy, Debug)]
pub struct Generator<'a> {
    /// The base.
    pub model: &'a T5,
    /// What was trained beside it.
    pub adapter: Option<&'a Adapter>,
    /// Start and end tokens.
    pub config: &'a GenerationConfig,
    /// How numbers are made.
    pub arithmetic: Arithmetic,
    /// Taken after each token.
    pub turn: &'a dyn Turn,
}

/// What is to be written, with what.
struct Task<'a> {
    model: &'a T5,
    pass: &'a Pass<'a>,
    config: &'a GenerationConfig,
    options: &'a Options,
    batch: &'a Batch,
    numbers: &'a [usize],
    turn: &'a dyn Turn,
}

impl Task<'_> {
    /// The number that a row goes by.
    fn number(&self, row: usize) -> usize {
        self.numbers.get(row).copied().unwrap_or(row)
    }
}

impl Generator<'_> {
    /// The texts of each row, best first: as many as the options ask for, except where beam search
    /// finds fewer, but at least one. Labels of the batch are not looked at.
    ///
    /// `numbers` are the rows' own numbers, by which sampling draws, whatever batch they are in; a
    /// row without one goes by its place. `on_token` is told the tokens of each row's text: as they
    /// come where there is one text that only grows, else those of the best at the end.
    pub async fn generate(
        &self,
        batch: &Batch,
        numbers: &[usize],
        options: &Options,
        on_token: &mut OnToken<'_>,
    ) -> Result<Vec<Vec<Sequence>>> {
        if options.max_new_tokens == 0 || batch.rows == 0 {
            return Ok(vec![vec![Sequence::default()]; batch.rows]);
        }
        let _flushed = denormal::flushed();
        let pass = &Pass::evaluate(self.adapter.map(Adapter::beside), self.arithmetic);
        let Generator { model, config, turn, .. } = *self;
        let task = &Task { model, pass, config, options, batch, numbers, turn };
        let (texts, told) = match &options.strategy {
            Strategy::Greedy => (single(greedy::greedy(task, on_token).await?, 1), true),
            Strategy::Sampling(sampling) => {
                let copies = options.num_return_sequences.max(1);
                let texts = sample::sample(task, sampling, on_token).await?;
                (single(texts, copies), copies == 1)
            }
            Strategy::Beams(beams) => (beam::search(task, beams).await?, false),
        };
        if !told {
            for (row, texts) in texts.iter().enumerate() {
                let ids = texts.first().map_or(&[][..], |best| &best.ids);
                ids.iter().for_each(|&token| on_token(row, token));
            }
        }
        Ok(texts)
    }
}

/// Sequences by row, `copies` of each.
fn single(texts: Vec<Vec<u32>>, copies: usize) -> Vec<Vec<Sequence>> {
    let sequence = |ids: &Vec<u32>| Sequence { ids: ids.clone(), score: None };
    texts.chunks(copies).map(|texts| texts.iter().map(sequence).collect()).collect()
}
