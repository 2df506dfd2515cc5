//! Times training, generation and loading on seeded random weights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::block;
use crate::{
    adapter::{Adapter, Beginning},
    config::{Dtype, Method, RunConfig},
    device::{self, Device, DeviceKind},
    error::{Error, Result},
    generate::{self, Generator},
    host::{Host, Straight},
    model::{
        BaseModel, GenerationConfig, Pass, T5, T5Config, files::WeightFiles, weights::weights_path,
    },
    ops::{
        cross_entropy::Smoothing,
        gpu::count::{Counter, Launches, bytes_reserved},
    },
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
pub const CASES: [&str; 7] = ["lora", "prompt", "full", "generate", "eval", "load", "block"];
/// The shapes of models, by FLAN-T5's names, and that of the model that ships.
pub const SHAPES: [&str; 5] = ["small", "base", "large", "xl", BUILTIN];
/// The shape of the model that ships.
const BUILTIN: &str = "builtin";

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
    /// Bytes that were set aside on a GPU.
    pub device_bytes: Option<u64>,
    /// Dispatches of a step, on a GPU.
    pub dispatches: Option<u64>,
    /// Pipelines that were needed, on a GPU.
    pub pipelines: Option<u64>,
    /// Pipelines that a step with other lengths needs beside them, on a GPU.
    pub new_pipelines: Option<u64>,
    /// Dispatches of a step by kernel, on a GPU.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kernels: BTreeMap<String, u64>,
}

/// Times the cases, one after the other. A front end that wants each one's memory apart gives each a
/// process of its own.
///
/// # Errors
/// [`Error::Setting`] for a case or a type that is not supported; those of the device.
pub async fn run(host: &Host, config: &RunConfig, options: &Options) -> Result<Report> {
    let chosen = session::proven_device(host, config.model.device).await?;
    run_on(&chosen.device, host, config, options).await
}

/// The same on a device that is open already.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    device: &Device,
    host: &Host,
    config: &RunConfig,
    options: &Options,
) -> Result<Report> {
    let model_config = match &*options.shape {
        BUILTIN => {
            let config = include_bytes!("../../../../models/builtin/config.json");
            T5Config::from_json(BUILTIN, config)?
        }
        size => T5Config::flan(size)?,
    };
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
    let gpu = device.kind() == DeviceKind::Webgpu;
    let bench = Bench { device, host, config, steps: options.steps.max(MIN_STEPS), shape, gpu };
    for (name, dtype) in pairs(&options.cases, &options.dtypes) {
        if dtype == Dtype::Bf16 {
            return Err(Error::setting("dtype", format!("`{dtype}` is not supported yet")));
        }
        let model = || T5::random(model_config.clone(), device, dtype, SEED);
        let times = match name {
            "generate" => bench.generate(model()).await?,
            "block" => {
                let model = T5::random(block::config()?, device, dtype, SEED);
                bench.block(model).await?
            }
            "eval" => bench.eval(model()).await?,
            "load" => {
                let model = T5::random(model_config.clone(), device, Dtype::F32, SEED);
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

/// Each case with each type, but for full training, which there is of 32-bit floats alone.
pub fn pairs<'a>(cases: &'a [String], dtypes: &[Dtype]) -> Vec<(&'a str, Dtype)> {
    let pair = |case: &'a String| dtypes.iter().map(|dtype| (case.as_str(), *dtype));
    let can = |(case, dtype): &(&str, Dtype)| *case != "full" || *dtype == Dtype::F32;
    cases.iter().flat_map(pair).filter(can).collect()
}

/// One set of sizes, timed.
struct Bench<'a> {
    device: &'a Device,
    host: &'a Host,
    config: &'a RunConfig,
    steps: usize,
    shape: Shape,
    gpu: bool,
}

/// Seconds of each step, and the tokens that one goes through.
struct Times {
    first: f64,
    rest: Vec<f64>,
    tokens: usize,
    launches: Option<StepLaunches>,
    device_bytes: Option<u64>,
}

/// What is launched on a GPU.
struct StepLaunches {
    /// In all steps together.
    all: Launches,
    /// In one step.
    step: Launches,
    /// In a step with other lengths.
    other: Option<Launches>,
}

impl Bench<'_> {
    async fn train(&self, model: T5, method: Method) -> Result<Times> {
        let mut config = self.config.clone();
        config.method.method = method;
        config.train.seed = SEED;
        let (base, vocabulary) = (BaseModel::default(), model.config.vocab_size);
        let beginning = Beginning { base: &base, vocabulary, text: Vec::new() };
        let adapter = Adapter::fresh(&beginning, &model, &config)?;
        let settings = TrainerSettings::of(&config, &model)?;
        let rate = config.learning_rate();
        let (batch, other) = (self.batch(vocabulary), self.other_lengths().batch(vocabulary));
        let mut trainer = Trainer::new(model, adapter, settings);
        let tokens = batch.source_tokens() + batch.target_tokens();
        let mut times = self
            .time(tokens, async || {
                trainer.step(std::slice::from_ref(&batch), rate).await.map(|_| ())
            })
            .await?;
        if let Some(launches) = &mut times.launches {
            let counter = Counter::default();
            trainer.step(&[other], rate).await?;
            launches.other = Some(counter.finish());
        }
        Ok(times)
    }

    /// The same with other lengths, odd ones.
    fn other_lengths(&self) -> Self {
        let other = |length: usize| length * 3 / 4 + 1;
        let (source, target) = (other(self.shape.source), other(self.shape.target));
        Bench { shape: Shape { source, target, ..self.shape }, ..*self }
    }

    /// The gradients of one small block, whatever the shape is.
    async fn block(&self, model: T5) -> Result<Times> {
        let [rows, tokens] = block::SIZES;
        let shape = Shape { batch: rows, source: tokens, target: 1, ..self.shape };
        let batch = Bench { shape, ..*self }.batch(model.config.vocab_size);
        let arithmetic = self.config.model.arithmetic(model.dtype, self.device.kind())?;
        let mut adapter = block::adapter(&model)?;
        self.time(rows * tokens, async || {
            block::step(&model, &mut adapter, &batch, arithmetic).await
        })
        .await
    }

    /// As many tokens for each row as a target has; the end token does not end a row.
    async fn generate(&self, model: T5) -> Result<Times> {
        let batch = self.batch(model.config.vocab_size);
        let mut generation = GenerationConfig::from(&model.config);
        generation.eos_token_ids.clear();
        let arithmetic = self.config.model.arithmetic(model.dtype, self.device.kind())?;
        let generator = Generator {
            model: &model,
            adapter: None,
            config: &generation,
            arithmetic,
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
        let arithmetic = self.config.model.arithmetic(model.dtype, self.device.kind())?;
        self.time(batch.source_tokens() + batch.target_tokens(), async || {
            let pass = Pass::evaluate(None, arithmetic);
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
        let counter = self.gpu.then(Counter::default);
        for _ in 0..=self.steps {
            let begun = self.host.clock.seconds();
            step().await?;
            seconds.push(self.host.clock.seconds() - begun);
        }
        // Counted beside what is timed.
        let launches = match counter.map(Counter::finish) {
            Some(all) => {
                let counter = Counter::default();
                step().await?;
                Some(StepLaunches { all, step: counter.finish(), other: None })
            }
            None => None,
        };
        let device_bytes = bytes_reserved(self.device.burn()).filter(|_| self.gpu);
        Ok(Times { first: seconds.remove(0), rest: seconds, tokens, launches, device_bytes })
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
        let launches = times.launches.as_ref();
        let mut kernels = BTreeMap::<String, u64>::new();
        for (name, count) in launches.iter().flat_map(|launches| &launches.step.kernels) {
            *kernels.entry(short(name)).or_default() += count;
        }
        Case {
            name: name.to_owned(),
            dtype: dtype.name().to_owned(),
            seconds,
            first_seconds: times.first,
            tokens_per_second: times.tokens as f64 / seconds,
            peak_bytes: self.host.clock.peak_bytes(),
            device_bytes: times.device_bytes,
            dispatches: launches.map(|launches| launches.step.dispatches()),
            pipelines: launches.map(|launches| launches.all.pipelines() as u64),
            new_pipelines: launches.and_then(|launches| {
                Some(launches.other.as_ref()?.new_since(&launches.all) as u64)
            }),
            kernels,
        }
    }
}

/// A kernel's name: of cubecl's own kernels it is a type, with the whole of its path and its arguments.
fn short(name: &str) -> String {
    let name = name.split(['<', '(']).next().unwrap_or(name);
    let parts: Vec<&str> = name.split("::").collect();
    parts[parts.len().saturating_sub(2)..].join("::")
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
