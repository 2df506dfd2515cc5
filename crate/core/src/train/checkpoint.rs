//! A run's state on disk: the trained weights, the optimiser's state, and `state.json`, written last
//! with the other files' hashes. A directory without a matching one does not count, so a run that is
//! killed while it writes goes on from the checkpoint before.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{event::Metrics, trainer::Trainer};
use crate::{
    config::RunConfig,
    error::{Error, Result},
    exact,
    model::{
        safetensors::{Dtype, MODEL_HEADER_LIMIT, SafetensorsFile, TensorSpec},
        weights::write_tensors,
    },
    storage::{Storage, join},
};

const STATE: &str = "state.json";
const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
/// No state is this long.
const STATE_LIMIT: u64 = 1 << 20;
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
        State { step: 0, best, without_better: 0, config, base, data, hashes }
    }
}

/// Where the checkpoint of a step lies.
pub fn path(run: &str, step: usize) -> String {
    join(&directory(run), &format!("step-{step}"))
}

fn directory(run: &str) -> String {
    join(run, "checkpoints")
}

/// Writes the checkpoint of a run and returns its path.
pub async fn write(
    storage: &dyn Storage,
    run: &str,
    state: &State,
    trainer: &mut Trainer,
) -> Result<String> {
    let path = path(run, state.step);
    // What an earlier attempt left is not to be taken for this one.
    storage.remove(&path).await?;
    let (mut weights, mut optimizer) = (Tensors::default(), Tensors::default());
    let steps = trainer.optimizer.clone();
    let mut index = 0;
    trainer.trained().visit(&mut |name, parameter| {
        let shape = parameter.shape();
        for (slot, tensor) in steps.state(index, &shape) {
            optimizer.add(format!("{name}.{slot}"), tensor.dims().to_vec(), tensor);
        }
        weights.add(name.to_owned(), shape, parameter.flat());
        index += 1;
    });
    drop(steps);
    let mut state = state.clone();
    state.hashes.clear();
    for (name, tensors) in [(WEIGHTS, weights), (OPTIMIZER, optimizer)] {
        let file = join(&path, name);
        write_tensors(storage, &file, Vec::new(), tensors.specs, tensors.values).await?;
        state.hashes.insert(name.to_owned(), hash(storage, &file).await?);
    }
    let json = serde_json::to_vec_pretty(&state)
        .map_err(|error| Error::Storage { path: path.clone(), message: error.to_string() })?;
    storage.write(&join(&path, STATE), &json).await?;
    Ok(path)
}

/// Removes all but the newest `keep` checkpoints.
pub async fn prune(storage: &dyn Storage, run: &str, keep: usize) -> Result<()> {
    for step in steps(storage, run).await?.into_iter().skip(keep.max(1)) {
        storage.remove(&path(run, step)).await?;
    }
    Ok(())
}

/// The newest whole checkpoint of a run, with its path.
pub async fn newest(storage: &dyn Storage, run: &str) -> Result<Option<(String, State)>> {
    for step in steps(storage, run).await? {
        let path = path(run, step);
        if let Some(state) = read(storage, &path).await? {
            return Ok(Some((path, state)));
        }
    }
    Ok(None)
}

/// The state of a checkpoint, if it is whole.
async fn read(storage: &dyn Storage, path: &str) -> Result<Option<State>> {
    let bytes = match storage.read_all(&join(path, STATE), STATE_LIMIT).await {
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
    let mut values = values.into_iter();
    trainer.trained().visit(&mut |_, mut parameter| {
        if let Some(value) = values.next() {
            parameter.replace(|_| value);
        }
    });
    trainer.optimizer.restore(state.step, states);
    Ok(())
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
    let mut steps: Vec<usize> =
        names.iter().filter_map(|name| name.strip_prefix("step-")?.parse().ok()).collect();
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
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
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
