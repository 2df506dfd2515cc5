//! A run's state on disk: the trained weights, the optimiser's state, and `state.json`, written last
//! with the other files' hashes. A directory without a matching one does not count, so a run that is
//! killed while it writes goes on from the checkpoint before.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::trainer::Trainer;
use crate::{
    config::{FILE_LIMIT, RunConfig},
    error::{Error, Result},
    exact,
    metric::Metrics,
    model::{
        safetensors::{Dtype, MODEL_HEADER_LIMIT, SafetensorsFile, TensorSpec},
        weights::write_tensors,
    },
    ops::gpu::product::Tiles,
    output::CHECKPOINTS,
    storage::{Storage, join},
};

const STATE: &str = "state.json";
const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
/// Bytes hashed at a time.
const CHUNK: u64 = 1 << 20;

/// What a run must know to go on, besides tensors. Random draws are functions of the seed and the
/// step, so they need nothing here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Steps made.
    pub step: usize,
    /// The best evaluation so far.
    pub best: Option<Best>,
    /// Evaluations since the best one.
    pub without_better: usize,
    /// The run's configuration, resolved.
    pub config: RunConfig,
    /// The base's hash.
    pub base: String,
    /// A hash of the examples.
    pub data: String,
    /// How products are made, on a GPU: the other way may round otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<Tiles>,
    /// SHA-256 of the other files, by name.
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

/// The best evaluation of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its step.
    pub step: usize,
    /// By what it is the best.
    pub value: f64,
    /// All that was measured then.
    pub metrics: Metrics,
}

impl State {
    /// Before the first step.
    pub fn new(config: RunConfig, base: String, data: String) -> Self {
        let (best, hashes) = (None, BTreeMap::new());
        State { step: 0, best, without_better: 0, config, base, data, tiles: None, hashes }
    }
}

/// Where the checkpoint of a step lies.
pub fn path(run: &str, step: usize) -> String {
    join(&directory(run), &format!("step-{step}"))
}

fn directory(run: &str) -> String {
    join(run, CHECKPOINTS)
}

/// The checkpoints of a run: what is known of those in its directory.
#[derive(Debug)]
pub(super) struct Checkpoints {
    run: String,
    /// The steps whose checkpoints are whole, because this process has read or written them.
    whole: BTreeSet<usize>,
}

impl Checkpoints {
    /// Those in a run's directory, of which nothing is known yet.
    pub(super) fn of(run: &str) -> Self {
        Checkpoints { run: run.to_owned(), whole: BTreeSet::new() }
    }

    /// The newest whole checkpoint, with its path.
    pub(super) async fn newest(
        &mut self,
        storage: &dyn Storage,
    ) -> Result<Option<(String, State)>> {
        for step in steps(storage, &self.run).await? {
            let path = path(&self.run, step);
            if let Some(state) = read(storage, &path).await?.filter(|state| state.step == step) {
                self.whole.insert(step);
                return Ok(Some((path, state)));
            }
        }
        Ok(None)
    }

    /// Removes what lies above a step: of a run that goes on from there, nothing else is worth keeping.
    pub(super) async fn remove_above(&self, storage: &dyn Storage, step: usize) -> Result<()> {
        for above in steps(storage, &self.run).await?.into_iter().filter(|above| *above > step) {
            storage.remove(&path(&self.run, above)).await?;
        }
        Ok(())
    }

    /// Writes the checkpoint of a state and returns its path. A whole one of the same step holds the
    /// same, and stays as it is.
    pub(super) async fn write(
        &mut self,
        storage: &dyn Storage,
        state: &State,
        trainer: &mut Trainer,
    ) -> Result<String> {
        let path = path(&self.run, state.step);
        if self.whole.contains(&state.step) && storage.exists(&join(&path, STATE)).await? {
            return Ok(path);
        }
        self.whole.remove(&state.step);
        // What an earlier attempt left is not to be taken for this one.
        storage.remove(&path).await?;
        if let Err(error) = write(storage, &path, state, trainer).await {
            // A part of a checkpoint is of no use, and takes room. Why it is one says more than why
            // it cannot be removed.
            let _ = storage.remove(&path).await;
            return Err(error);
        }
        self.whole.insert(state.step);
        Ok(path)
    }

    /// Removes all but the newest `keep` whole checkpoints. Those that nobody has looked into are
    /// removed only where `keep` newer ones are known to be whole.
    pub(super) async fn prune(&mut self, storage: &dyn Storage, keep: usize) -> Result<()> {
        let Some(&oldest) = self.whole.iter().rev().nth(keep.max(1) - 1) else { return Ok(()) };
        for step in steps(storage, &self.run).await?.into_iter().filter(|step| *step < oldest) {
            storage.remove(&path(&self.run, step)).await?;
            self.whole.remove(&step);
        }
        Ok(())
    }

    /// Removes all: the run is done.
    pub(super) async fn remove_all(&mut self, storage: &dyn Storage) -> Result<()> {
        self.whole.clear();
        storage.remove(&directory(&self.run)).await
    }
}

/// Writes the files of a checkpoint into its directory.
async fn write(
    storage: &dyn Storage,
    path: &str,
    state: &State,
    trainer: &mut Trainer,
) -> Result<()> {
    let (mut weights, mut optimizer) = (Tensors::default(), Tensors::default());
    let mut tensors = Vec::new();
    trainer.trained().visit(&mut |name, parameter| {
        tensors.push((name.to_owned(), parameter.shape()));
        weights.add(name.to_owned(), parameter.shape(), parameter.flat());
    });
    for (index, (name, shape)) in tensors.iter().enumerate() {
        for (slot, tensor) in trainer.remembered(index, shape) {
            optimizer.add(format!("{name}.{slot}"), tensor.dims().to_vec(), tensor);
        }
    }
    for (name, number) in trainer.optimizer.shared() {
        optimizer.add(shared(name), vec![1], number);
    }
    let mut state = state.clone();
    state.hashes.clear();
    for (name, tensors) in [(WEIGHTS, weights), (OPTIMIZER, optimizer)] {
        let file = join(path, name);
        write_tensors(storage, &file, Vec::new(), tensors.specs, tensors.values).await?;
        state.hashes.insert(name.to_owned(), hash(storage, &file).await?);
    }
    let file = join(path, STATE);
    let failure = |message| Error::Storage { path: file.clone(), message };
    let json = serde_json::to_vec_pretty(&state).map_err(|error| failure(error.to_string()))?;
    if json.len() as u64 > FILE_LIMIT {
        let length = json.len();
        return Err(failure(format!(
            "it would have {length} bytes, more than the {FILE_LIMIT} that are read back"
        )));
    }
    storage.write(&file, &json).await
}

/// The state of a checkpoint, if it is whole.
async fn read(storage: &dyn Storage, path: &str) -> Result<Option<State>> {
    let bytes = match storage.read_all(&join(path, STATE), FILE_LIMIT).await {
        Ok(bytes) => bytes,
        Err(Error::NotFound { .. } | Error::Format { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&bytes);
    let Ok(state) = exact::from_str::<State>(&text) else { return Ok(None) };
    for name in [WEIGHTS, OPTIMIZER] {
        let found = match hash(storage, &join(path, name)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if state.hashes.get(name) != Some(&found) {
            return Ok(None);
        }
    }
    Ok(Some(state))
}

/// Puts a checkpoint's weights and optimiser state into a trainer.
pub async fn restore(
    storage: &dyn Storage,
    path: &str,
    state: &State,
    trainer: &mut Trainer,
) -> Result<()> {
    let weights = join(path, WEIGHTS);
    let weights = SafetensorsFile::open(storage, &weights, MODEL_HEADER_LIMIT).await?;
    let optimizer = join(path, OPTIMIZER);
    let optimizer = SafetensorsFile::open(storage, &optimizer, MODEL_HEADER_LIMIT).await?;
    let device = trainer.model.device().burn().clone();
    let mut shapes = Vec::new();
    trainer.trained().visit(&mut |name, parameter| {
        shapes.push((name.to_owned(), parameter.shape()));
    });
    let (mut values, mut states) = (Vec::new(), Vec::new());
    for (name, shape) in &shapes {
        values.push(row(storage, &weights, name, shape.iter().product(), &device).await?);
        let mut slots = Vec::new();
        if state.step > 0 {
            for (slot, length) in trainer.optimizer.expects(shape) {
                let name = format!("{name}.{slot}");
                slots.push(row(storage, &optimizer, &name, length, &device).await?);
            }
        }
        states.push(slots);
    }
    let mut of_all = Vec::new();
    if state.step > 0 {
        for name in trainer.optimizer.expects_shared() {
            of_all.push(row(storage, &optimizer, &shared(name), 1, &device).await?);
        }
    }
    let mut values = values.into_iter();
    trainer.trained().visit(&mut |_, mut parameter| {
        if let Some(value) = values.next() {
            parameter.replace(|_| value);
        }
    });
    trainer.remember(state.step, states, of_all);
    Ok(())
}

/// The name of a number that an optimiser keeps of all tensors together. No tensor is called so.
fn shared(name: &str) -> String {
    format!("optimizer.{name}")
}

async fn row(
    storage: &dyn Storage,
    file: &SafetensorsFile,
    name: &str,
    length: usize,
    device: &burn::tensor::Device,
) -> Result<Tensor<1>> {
    let values = file.read_f32(storage, name).await?;
    if values.len() != length {
        let message = format!("it has {} numbers, but the run needs {length}", values.len());
        return Err(Error::tensor(file.path(), name, message));
    }
    Ok(Tensor::from_data(TensorData::new(values, [length]), device))
}

/// The steps that have a directory, newest first.
async fn steps(storage: &dyn Storage, run: &str) -> Result<Vec<usize>> {
    let names = storage.list(&directory(run)).await?;
    let step = |name: &String| {
        let step = name.strip_prefix("step-")?.parse::<usize>().ok()?;
        (*name == format!("step-{step}")).then_some(step)
    };
    let mut steps: Vec<usize> = names.iter().filter_map(step).collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    Ok(steps)
}

/// SHA-256 of a file, in hexadecimal.
async fn hash(storage: &dyn Storage, path: &str) -> Result<String> {
    let length = storage.length(path).await?;
    let mut hasher = Sha256::new();
    let mut at = 0;
    while at < length {
        let end = length.min(at + CHUNK);
        hasher.update(storage.read(path, at..end).await?);
        at = end;
    }
    Ok(hexadecimal(&hasher.finalize()))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tensors to be written.
#[derive(Default)]
struct Tensors {
    specs: Vec<TensorSpec>,
    values: BTreeMap<String, Tensor<1>>,
}

impl Tensors {
    fn add(&mut self, name: String, shape: Vec<usize>, values: Tensor<1>) {
        self.specs.push(TensorSpec { name: name.clone(), shape, dtype: Dtype::F32 });
        self.values.insert(name, values);
    }
}
