//! One loaded base model with its data sets, runs and adapters: all that a front end sees.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    adapter::{Adapter, Beginning, merge::merge, peft::WEIGHTS},
    config::{DataConfig, DeviceChoice, Dtype, EvalConfig, Method, ModelConfig, RunConfig, Task},
    device::Device,
    error::{Error, Result},
    generate::{Generator, Options, Own, Sequence},
    host::Host,
    metric::Metrics,
    model::{
        Base, BaseModel, GenerationConfig, T5, T5Config,
        files::{BASE_HASH, WeightFiles, other_precision},
        folder,
        parameter::Parameters,
        safetensors::{ADAPTER_HEADER_LIMIT, SafetensorsFile},
    },
    output,
    storage::{Storage, join},
    text::{
        batch::Batch,
        dataset::{Dataset, Warning},
        example::Example,
        reader::Reader,
        tokenizer::{TextStream, Tokenizer},
    },
    train::{
        evaluate::{Evaluator, RowResult},
        memory::{Demand, estimate},
        run::{Parts, Run},
    },
};

/// The tokenizer's file in a model's directory.
const TOKENIZER: &str = "tokenizer.json";
/// No tokenizer is longer.
const TOKENIZER_LIMIT: u64 = 64 << 20;

/// A base model that is ready to be put to work.
#[derive(Clone, Debug)]
pub struct Session {
    base: Base,
    model: T5,
    adapters: BTreeMap<String, Adapter>,
    host: Host,
    kernels: bool,
}

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
    /// Loads the base that the configuration names onto its device.
    ///
    /// # Errors
    /// Those of the files, each named; [`Error::Device`] where the device is not to be had.
    pub async fn open(host: &Host, config: &ModelConfig) -> Result<Self> {
        let Some(directory) = &config.model else {
            return Err(Error::setting("model", "expected a directory, found nothing"));
        };
        Self::open_in(host, config, directory, BaseModel::default()).await
    }

    /// As [`Session::open`], with the base's files in `directory`, which the configuration does not
    /// name, and `id` as what adapters say of their base.
    pub async fn open_in(
        host: &Host,
        config: &ModelConfig,
        directory: &str,
        id: BaseModel,
    ) -> Result<Self> {
        let device = device(config.device).await?;
        Self::open_on(&device, host, config, directory, id).await
    }

    /// As [`Session::open_in`], on a device that is there already, whatever the configuration says.
    pub async fn open_on(
        device: &Device,
        host: &Host,
        config: &ModelConfig,
        directory: &str,
        id: BaseModel,
    ) -> Result<Self> {
        let storage = &*host.storage;
        let model_config = T5Config::open(storage, directory).await?;
        let generation = GenerationConfig::open(storage, directory, &model_config).await?;
        let tokenizer = tokenizer(storage, directory).await?;
        let (tokens, rows) = (tokenizer.vocabulary_size(), model_config.vocab_size);
        if tokens > rows {
            let message = format!("it has {tokens} tokens, but config.json's vocab_size is {rows}");
            return Err(Error::format(join(directory, TOKENIZER), message));
        }
        let files = WeightFiles::open(storage, directory).await?;
        let model = T5::load(storage, &files, model_config, device, config.dtype).await?;
        let base = Base {
            tokenizer: Arc::new(tokenizer),
            generation,
            hash: files.hash(storage).await?,
            id,
            directory: directory.to_owned(),
        };
        let adapters = BTreeMap::new();
        Ok(Session { base, model, adapters, host: host.clone(), kernels: config.kernels })
    }

    /// The base.
    pub fn base(&self) -> &Base {
        &self.base
    }

    /// Where it computes.
    pub fn device(&self) -> &Device {
        self.model.device()
    }

    /// The base's shape.
    pub fn config(&self) -> &T5Config {
        &self.model.config
    }

    /// How many numbers its weights are.
    pub fn parameters(&self) -> u64 {
        self.model.clone().count() as u64
    }

    /// What its weights take, in bytes.
    pub fn weight_bytes(&self) -> u64 {
        // Those of an adapter without numbers.
        let mut config = RunConfig::default();
        (config.method.method, config.method.num_virtual_tokens) = (Method::Prompt, 0);
        config.model.dtype = if self.is_int8() { Dtype::Int8 } else { Dtype::F32 };
        let mut demand = Demand::new(&config, true);
        demand.has_head = Some(self.model.head.is_some());
        estimate(self.config(), &demand).weights
    }

    /// Whether its matrices rest as 8-bit integers.
    pub fn is_int8(&self) -> bool {
        self.model.is_int8()
    }

    /// Sets what a configuration leaves open of how texts are made to what the base's own
    /// generation_config.json says. What a user should know of that is returned.
    pub fn take_own(&self, config: &mut RunConfig, task: Task) -> Option<Warning> {
        let message = Own::fill(&self.base.generation.file, config, task).message()?;
        Some(Warning { code: "generation_config", message, count: 1 })
    }

    /// Reads data sets for this base.
    pub fn reader(&self) -> Reader {
        let (storage, tokenizer) = (self.host.storage.clone(), self.base.tokenizer.clone());
        Reader { storage, tokenizer: Some(tokenizer) }
    }

    /// The rows of a file, rendered and tokenised. The seed decides which template takes which row.
    pub async fn dataset(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        self.reader().dataset(path, config, seed).await
    }

    /// The rows of a file as prompts: only the source side is rendered.
    pub async fn prompts(&self, path: &str, config: &DataConfig, seed: u64) -> Result<Dataset> {
        self.reader().prompts(path, config, seed).await
    }

    /// Texts as prompts, as they are.
    pub fn texts(&self, texts: Vec<String>, config: &DataConfig) -> Result<Vec<Example>> {
        self.reader().texts(texts, config)
    }

    /// The rows to learn from, and those to judge by: a file of their own, or a part drawn with the
    /// seed. `train` may be a mixture.
    pub async fn datasets(&self, config: &RunConfig) -> Result<(Dataset, Option<Dataset>)> {
        self.reader().datasets(config).await
    }

    /// Begins a run in the directory `output`, or goes on with the one there. Drop the session
    /// before full training, or the untrained weights stay in memory beside the trained ones.
    pub async fn train(
        &self,
        config: &RunConfig,
        train: Dataset,
        validation: Option<Dataset>,
        output: &str,
        resume: bool,
    ) -> Result<Run> {
        let mut config = config.resolve()?;
        let notes = self.take_own(&mut config, Task::Train);
        let makes_texts = validation.is_some() && config.eval.makes_texts();
        let notes = notes.filter(|_| makes_texts).into_iter().collect();
        let adapter = self.initial_adapter(&mut config).await?;
        let (base, model) = (self.base.clone(), self.model.clone());
        let parts = Parts { base, model, adapter, train, validation, notes };
        Run::open(&self.host, &config, parts, output, resume).await
    }

    /// The adapter that a run begins with: a saved one, whose settings are taken over, or a fresh
    /// one; none where the whole model is trained.
    async fn initial_adapter(&self, config: &mut RunConfig) -> Result<Option<Adapter>> {
        let method = config.method.method;
        if method == Method::Full && self.model.is_int8() {
            let message = "found full, but the weights are int8, which cannot be trained; train \
                           `lora` or `prompt` beside them, or make floats of them: `flantune \
                           quantize --to f32`";
            return Err(Error::setting("method", message));
        }
        if method == Method::Full {
            return match &config.method.init_adapter {
                Some(_) => Err(Error::setting("init_adapter", "full training has no adapter")),
                None => Ok(None),
            };
        }
        if let Some(directory) = config.method.init_adapter.clone() {
            let mut adapter = self.load_adapter(&directory).await?;
            if adapter.method() != method {
                let message =
                    format!("{directory} holds {}, but the method is {method}", adapter.method());
                return Err(Error::setting("init_adapter", message));
            }
            adapter.take_over(config);
            return Ok(Some(adapter));
        }
        Adapter::fresh(&Beginning::of(&self.base, config)?, &self.model, config)
    }

    /// An adapter from its directory, for this base.
    pub async fn load_adapter(&self, directory: &str) -> Result<Adapter> {
        let (storage, hash) = (&*self.host.storage, Some(self.base.hash.as_str()));
        match Adapter::load(storage, directory, &self.model, hash).await {
            Err(error @ Error::NotFound { .. }) => {
                match folder::instead_of_adapter(storage, directory).await {
                    Some(message) => Err(Error::format(directory, message)),
                    None => Err(error),
                }
            }
            loaded => loaded,
        }
    }

    /// What to know of an adapter's base: that it was this one in another precision.
    ///
    /// # Errors
    /// Those of the adapter's file.
    pub async fn adapter_note(&self, directory: &str) -> Result<Option<Warning>> {
        let storage = &*self.host.storage;
        let path = join(directory, WEIGHTS);
        let file = SafetensorsFile::open(storage, &path, ADAPTER_HEADER_LIMIT).await?;
        let recorded = file.metadata().get(BASE_HASH).map_or("", String::as_str);
        Ok(other_precision(recorded, &self.base.hash).map(|(was, is)| {
            let message = format!(
                "{directory}: the adapter was trained beside this base in {was}, which here is in {is}: \
                 losses differ a little"
            );
            Warning { code: "other_precision", message, count: 1 }
        }))
    }

    /// Keeps an adapter beside the base, to be had by this name. Returns the one that had it.
    pub fn hold(&mut self, name: impl Into<String>, adapter: Adapter) -> Option<Adapter> {
        self.adapters.insert(name.into(), adapter)
    }

    /// Lets go of an adapter. Returns it, if there was one of this name.
    pub fn release(&mut self, name: &str) -> Option<Adapter> {
        self.adapters.remove(name)
    }

    /// The adapter of this name among those that are held.
    ///
    /// # Errors
    /// [`Error::Setting`], which lists the names that there are.
    pub fn adapter(&self, name: &str) -> Result<&Adapter> {
        self.adapters.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.adapters.keys().map(String::as_str).collect();
            let names = match names.as_slice() {
                [] => "nothing, because no adapter is held".to_owned(),
                names => format!("one of {}", names.join(", ")),
            };
            Error::setting("adapter", format!("found `{name}`, expected {names}"))
        })
    }

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
        for places in crate::train::evaluate::batches(lengths, batch_size) {
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
        let (kernels, turn) = (self.kernels, &*self.host.turn);
        Generator { model: &self.model, adapter, config, kernels, turn }
    }

    /// Folds the adapter in `adapter` into the base and writes a whole model into another directory.
    ///
    /// # Errors
    /// [`Error::Setting`] where that directory holds anything; [`Error::Adapter`] for a soft prompt.
    /// Nothing is left in it then.
    pub async fn merge(&self, adapter: &str, into: &str) -> Result<()> {
        let storage = &*self.host.storage;
        let _claim =
            output::claim_directory(storage, into, &[&self.base.directory, adapter]).await?;
        let mut merged = merge(&self.model, &self.load_adapter(adapter).await?, adapter)?;
        let written = self.base.write_model(storage, into, &mut merged).await;
        if written.is_err() {
            output::clear(storage, into).await;
        }
        written
    }
}

/// The tokenizer in a model's directory, without the model.
///
/// # Errors
/// As [`Tokenizer::from_bytes`].
pub async fn tokenizer(storage: &dyn Storage, directory: &str) -> Result<Tokenizer> {
    let path = join(directory, TOKENIZER);
    match storage.read_all(&path, TOKENIZER_LIMIT).await {
        Ok(bytes) => Tokenizer::from_bytes(path, &bytes),
        Err(error @ Error::NotFound { .. }) => {
            match folder::instead(storage, directory, TOKENIZER).await {
                Some(message) => Err(Error::format(directory, message)),
                None => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// The device that is asked for.
pub async fn device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto => Ok(Device::auto().await),
        DeviceChoice::Cpu => Ok(Device::cpu()),
        DeviceChoice::Webgpu => Device::webgpu().await,
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda => Ok(Device::cuda()),
        #[cfg(not(feature = "cuda"))]
        DeviceChoice::Cuda => {
            let message = "this build has no CUDA; build with the feature `cuda`";
            Err(Error::setting("device", message))
        }
    }
}

fn tell(stream: &mut Option<TextStream<'_>>, token: u32, on_part: &mut dyn FnMut(&str)) {
    if let Some(Ok(part)) = stream.as_mut().map(|stream| stream.push(token)) {
        on_part(&part);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        adapter::AdapterConfig,
        config::Kind,
        rng::{Purpose, Random},
        storage::MemoryStorage,
    };

    /// A number of any size, with those at the ends of ranges among them.
    fn drawn(random: &mut Random, kind: Kind) -> Value {
        let ends = [0.0, 1.0, 0.99, 0.995, 4096.0, 4097.0, 65_536.0, 1e6, 2e6, 1e-9, 1e300];
        let number = match random.below(3) {
            0 => ends[random.below(ends.len() as u64) as usize],
            1 => random.uniform_f64(),
            _ => 10f64.powf(random.uniform_f64() * 16.0 - 8.0),
        };
        match kind {
            Kind::Integer => json!(number as u64),
            _ => json!(number),
        }
    }

    #[test]
    fn whatever_settings_are_accepted_their_adapter_reads_back() {
        let mut random = Random::new(0, Purpose::Synthetic, 0, 0);
        let (mut made, mut refused) = (0, 0);
        let storage = MemoryStorage::new();
        for name in ["config.json", "model.safetensors"] {
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/tiny/gated/");
            storage.insert(join("base", name), std::fs::read(format!("{root}{name}")).unwrap());
        }
        let model = pollster::block_on(async {
            let config = T5Config::open(&storage, "base").await?;
            let files = WeightFiles::open(&storage, "base").await?;
            T5::load(&storage, &files, config, &Device::cpu(), Dtype::F32).await
        });
        let (model, base) = (model.unwrap(), BaseModel::default());
        let keys: Vec<_> =
            RunConfig::keys().into_iter().filter(|key| key.section == "method").collect();
        for _ in 0..600 {
            let mut config = RunConfig::default();
            for key in &keys {
                let value = match key.kind {
                    Kind::Integer | Kind::Number => drawn(&mut random, key.kind),
                    Kind::Choice(names) => json!(names[random.below(names.len() as u64) as usize]),
                    Kind::List(names) if !names.is_empty() => {
                        let count = random.below(3) * (1 + random.below(9));
                        let name = |_| names[random.below(names.len() as u64) as usize];
                        json!((0..count).map(name).collect::<Vec<_>>())
                    }
                    Kind::Text if key.name == "init_text" => {
                        json!("the cat ".repeat(10usize.pow(random.below(6) as u32)))
                    }
                    _ => continue,
                };
                if random.below(3) == 0 {
                    config.set(key.name, value).unwrap();
                }
            }
            if config.validate().is_err() {
                refused += 1;
                continue;
            }
            let text = match &config.method.init_text {
                Some(_) => vec![5, 6, 7],
                None => Vec::new(),
            };
            let beginning = Beginning { base: &base, vocabulary: 96, text };
            let adapter = match Adapter::fresh(&beginning, &model, &config) {
                Ok(Some(adapter)) => adapter.config(),
                // No layer of this base has that name.
                Ok(None) | Err(_) => continue,
            };
            made += 1;
            let read = AdapterConfig::from_json("adapter_config.json", &adapter.to_json());
            let read = read.unwrap_or_else(|error| panic!("{:?}: {error}", config.method));
            assert_eq!(read.method(), adapter.method());
        }
        assert!(made > 60 && refused > 60, "{made} made, {refused} refused");
    }
}
