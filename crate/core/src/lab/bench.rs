//! Times training, generation and loading on seeded random weights.

use serde::{Deserialize, Serialize};

use crate::{
    adapter::{Adapter, Beginning},
    config::{Dtype, Method, RunConfig},
    device,
    error::{Error, Result},
    generate::{self, Generator},
    host::{Host, Straight},
    model::{
        BaseModel, GenerationConfig, Pass, T5, T5Config, files::WeightFiles, weights::weights_path,
    },
    ops::cross_entropy::Smoothing,
    rng::{Purpose, Random},
    session,
    storage::MemoryStorage,
    text::batch::Batch,
    train::trainer::{Trainer, TrainerSettings, losses},
};

/// Of all random numbers here: two measurements are of the same thing.
const SEED: u64 = 0;
/// Fewer steps have no median worth the name.
const MIN_STEPS: usize = 5;
/// Padding, `</s>` and the unknown token stand first.
const SPECIAL: u64 = 3;

/// What can be timed.
pub const CASES: [&str; 6] = ["lora", "prompt", "full", "generate", "eval", "load"];
/// The shapes of models, by FLAN-T5's names.
pub const SHAPES: [&str; 2] = ["small", "base"];

/// What to time.
#[derive(Clone, Debug)]
pub struct Options {
    /// Some of [`CASES`].
    pub cases: Vec<String>,
    /// What the weights are kept in: each case is timed with each of these that it can have.
    pub dtypes: Vec<Dtype>,
    /// One of [`SHAPES`].
    pub shape: String,
    /// Tokens of a source.
    pub source: usize,
    /// Tokens of a target.
    pub target: usize,
    /// Steps to time, after the first.
    pub steps: usize,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The device's kind.
    pub device: String,
    /// Threads of the processor.
    pub threads: usize,
    /// What was timed.
    pub shape: Shape,
    /// Each case.
    pub cases: Vec<Case>,
}

/// The sizes that decide how long a step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The model's width.
    pub d_model: usize,
    /// Blocks of the encoder, and as many of the decoder.
    pub layers: usize,
    /// Rows.
    pub batch: usize,
    /// Tokens of each source.
    pub source: usize,
    /// Tokens of each target.
    pub target: usize,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// One of [`CASES`].
    pub name: String,
    /// What the weights are kept in.
    pub dtype: String,
    /// Seconds a step: the median.
    pub seconds: f64,
    /// Seconds of the first step, which warms everything up.
    pub first_seconds: f64,
    /// Source and target tokens a second.
    pub tokens_per_second: f64,
    /// The most memory that was in use, in bytes.
    pub peak_bytes: Option<u64>,
    /// Kernels started a step, where a device counts them.
    pub dispatches: Option<u64>,
}

/// Times the cases, one after the other. A front end that wants each one's memory apart gives each a
/// process of its own.
///
/// # Errors
/// [`Error::Setting`] for a case or a type that is not supported; those of the device.
pub async fn run(host: &Host, config: &RunConfig, options: &Options) -> Result<Report> {
    let device = session::device(config.model.device).await?;
    let model_config = T5Config::flan(&options.shape)?;
    let shape = Shape {
        d_model: model_config.d_model,
        layers: model_config.num_layers,
        batch: config.train.batch_size,
        source: options.source,
        target: options.target,
    };
    let mut report = Report {
        device: device.kind().name().to_owned(),
        threads: threads(),
        shape,
        cases: vec![],
    };
    let bench = Bench { host, config, steps: options.steps.max(MIN_STEPS), shape };
    for (name, dtype) in pairs(&options.cases, &options.dtypes) {
        if !matches!(dtype, Dtype::F32 | Dtype::Int8) {
            return Err(Error::setting("dtype", format!("`{dtype}` is not supported yet")));
        }
        let model = || T5::random(model_config.clone(), &device, dtype, SEED);
        let times = match name {
            "generate" => bench.generate(model()).await?,
            "eval" => bench.eval(model()).await?,
            "load" => {
                let model = T5::random(model_config.clone(), &device, Dtype::F32, SEED);
                bench.load(model, dtype).await?
            }
            name => match Method::named(name) {
                Some(method) => bench.train(model(), method).await?,
                None => {
                    let message = format!("`{name}` is none: there are {}", CASES.join(", "));
                    return Err(Error::setting("case", message));
                }
            },
        };
        report.cases.push(bench.case(name, dtype, times));
    }
    Ok(report)
}

/// Each case with each type, but for full training of integers, which there is not.
pub fn pairs<'a>(cases: &'a [String], dtypes: &[Dtype]) -> Vec<(&'a str, Dtype)> {
    let pair = |case: &'a String| dtypes.iter().map(|dtype| (case.as_str(), *dtype));
    let can = |pair: &(&str, Dtype)| *pair != ("full", Dtype::Int8);
    cases.iter().flat_map(pair).filter(can).collect()
}

/// One set of sizes, timed.
struct Bench<'a> {
    host: &'a Host,
    config: &'a RunConfig,
    steps: usize,
    shape: Shape,
}

/// Seconds of each step, and the tokens that one goes through.
struct Times {
    first: f64,
    rest: Vec<f64>,
    tokens: usize,
}

impl Bench<'_> {
    async fn train(&self, model: T5, method: Method) -> Result<Times> {
        let mut config = self.config.clone();
        config.method.method = method;
        config.train.seed = SEED;
        let (base, vocabulary) = (BaseModel::default(), model.config.vocab_size);
        let beginning = Beginning { base: &base, vocabulary, text: Vec::new() };
        let adapter = Adapter::fresh(&beginning, &model, &config)?;
        let settings = TrainerSettings::of(&config, &model);
        let rate = config.learning_rate();
        let batch = self.batch(model.config.vocab_size);
        let mut trainer = Trainer::new(model, adapter, settings);
        self.time(batch.source_tokens() + batch.target_tokens(), async || {
            trainer.step(std::slice::from_ref(&batch), rate).await.map(|_| ())
        })
        .await
    }

    /// As many tokens for each row as a target has; the end token does not end a row.
    async fn generate(&self, model: T5) -> Result<Times> {
        let batch = self.batch(model.config.vocab_size);
        let mut generation = GenerationConfig::from(&model.config);
        generation.eos_token_ids.clear();
        let kernels = self.config.model.kernels;
        let generator = Generator {
            model: &model,
            adapter: None,
            config: &generation,
            kernels,
            turn: &Straight,
        };
        let options =
            generate::Options { max_new_tokens: self.shape.target, ..generate::Options::default() };
        self.time(self.shape.batch * self.shape.target, async || {
            generator.generate(&batch, &[], &options, &mut |_, _| ()).await.map(|_| ())
        })
        .await
    }

    /// The loss of each row, as evaluation has it.
    async fn eval(&self, model: T5) -> Result<Times> {
        let batch = self.batch(model.config.vocab_size);
        let kernels = self.config.model.kernels;
        self.time(batch.source_tokens() + batch.target_tokens(), async || {
            let pass = Pass::evaluate(None, kernels);
            let losses = losses(&model, &batch, Smoothing::default(), &pass);
            device::read(losses).await.map(|_| ())
        })
        .await
    }

    /// From a file's bytes in memory to tensors on the device. The file is there all the while, so
    /// memory is at least twice the weights'.
    async fn load(&self, mut model: T5, dtype: Dtype) -> Result<Times> {
        let storage = MemoryStorage::new();
        model.save(&storage, &weights_path("model")).await?;
        let (config, device) = (model.config.clone(), model.device().clone());
        drop(model);
        self.time(0, async || {
            let files = WeightFiles::open(&storage, "model").await?;
            T5::load(&storage, &files, config.clone(), &device, dtype).await.map(|_| ())
        })
        .await
    }

    async fn time(
        &self,
        tokens: usize,
        mut step: impl AsyncFnMut() -> Result<()>,
    ) -> Result<Times> {
        let mut seconds = Vec::with_capacity(self.steps + 1);
        for _ in 0..=self.steps {
            let begun = self.host.clock.seconds();
            step().await?;
            seconds.push(self.host.clock.seconds() - begun);
        }
        Ok(Times { first: seconds.remove(0), rest: seconds, tokens })
    }

    /// Rows of random tokens, none of them padding or an end.
    fn batch(&self, vocabulary: usize) -> Batch {
        let Shape { batch: rows, source, target, .. } = self.shape;
        let mut random = Random::new(SEED, Purpose::Synthetic, 1, 0);
        let mut draw = |count: usize| -> Vec<i32> {
            (0..count)
                .map(|_| (SPECIAL + random.below(vocabulary as u64 - SPECIAL)) as i32)
                .collect()
        };
        Batch {
            rows,
            source_length: source,
            target_length: target,
            input_ids: draw(rows * source),
            attention_mask: vec![1; rows * source],
            labels: draw(rows * target),
        }
    }

    fn case(&self, name: &str, dtype: Dtype, times: Times) -> Case {
        let seconds = median(times.rest);
        Case {
            name: name.to_owned(),
            dtype: dtype.name().to_owned(),
            seconds,
            first_seconds: times.first,
            tokens_per_second: times.tokens as f64 / seconds,
            peak_bytes: self.host.clock.peak_bytes(),
            dispatches: None,
        }
    }
}

/// Of an even number of them the upper one.
fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(not(target_family = "wasm"))]
fn threads() -> usize {
    rayon::current_num_threads()
}

#[cfg(target_family = "wasm")]
fn threads() -> usize {
    1
}
