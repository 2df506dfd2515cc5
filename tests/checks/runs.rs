//! Runs whose losses are asked for several steps at a time tell the same as those that ask each time.

use std::rc::Rc;

use flantune::{
    Error,
    config::RunConfig,
    device::{Device, DeviceKind},
    host::{Clock, Host},
    model::BaseModel,
    ops::gpu::{
        fault::{Fault, set_faults},
        product::{self, Tiles},
    },
    session::Session,
    storage::{MemoryStorage, Storage},
    train::event::{Event, Step},
};
use serde_json::json;

use super::Failure;

/// What a run reads of a model.
const FILES: [&str; 4] =
    ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
const ROWS: &str = r#"{"source": "the mat and the", "target": "the and"}
{"source": "red cat on red red", "target": "red on red"}
{"source": "dog blue the dog dog the", "target": "dog the dog"}
{"source": "the cat sat", "target": "the sat"}
"#;
/// So many steps are asked for together; the checkpoint is due in between.
const TOGETHER: usize = 3;
const STEPS: usize = 5;
const CHECKPOINT: usize = 4;

struct Still;

impl Clock for Still {
    fn seconds(&self) -> f64 {
        0.0
    }
}

/// What a run has told and left.
#[derive(Debug, PartialEq)]
struct Told {
    /// Of each step its loss, the norm and the tokens.
    steps: Vec<(usize, f64, f64, u64)>,
    /// How many steps each call told of.
    calls: Vec<usize>,
    /// What was trained; of a run that failed, its last good checkpoint.
    weights: Vec<u8>,
    /// Why it failed, if it did.
    failure: Option<String>,
    /// How often it told that it goes on elsewhere.
    warnings: usize,
}

/// Fails unless the numbers, the weights and a failure are the same either way.
pub(super) async fn together(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    for rate in [1e-2, f64::from(f32::MAX)] {
        let one_by_one = run(storage, name, device, kernels, rate, 1).await?;
        let told = run(storage, name, device, kernels, rate, TOGETHER).await?;
        let expected = Told { calls: told.calls.clone(), ..one_by_one };
        if told != expected {
            return Err(format!("at rate {rate}: {told:?}, expected {expected:?}").into());
        }
        let calls: &[usize] = match told.failure {
            // Three together, one before the checkpoint, the last one.
            None => &[3, 1, 1],
            // The first step leaves nothing finite behind: the next call tells of the failure.
            Some(_) => &[1],
        };
        if told.calls != calls {
            return Err(format!("found calls {:?}, expected {calls:?}", told.calls).into());
        }
    }
    Ok(())
}

/// Fails unless a run whose GPU makes losses that are not finite goes on on the processor, and tells so; its
/// steps are those of a run that was there from the beginning.
pub(super) async fn on_the_processor(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    // There is nothing to go on from; and a fault is one of the whole program's, in which a GPU may be at work.
    if device.kind() == DeviceKind::Cpu {
        return Ok(());
    }
    let expected = run(storage, name, &Device::cpu(), kernels, 1e-2, 1).await?;
    set_faults(&[Fault {
        shader: "settle",
        text: "let loss = lanes[0].x;",
        wrong: "let loss = lanes[0].x * 3e38 * 3e38;",
    }]);
    let found = run(storage, name, device, kernels, 1e-2, TOGETHER).await;
    set_faults(&[]);
    let found = found?;
    if found.warnings != 1 || found.failure.is_some() {
        return Err(format!("{found:?}, expected a warning and no failure").into());
    }
    match found.steps == expected.steps && found.weights == expected.weights {
        true => Ok(()),
        false => Err(format!("{found:?}, expected {expected:?}").into()),
    }
}

async fn run(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
    rate: f64,
    read_every: usize,
) -> Result<Told, Failure> {
    let (memory, session, config) = prepare(storage, name, device, kernels, rate).await?;
    let (train, validation) = session.datasets(&config).await?;
    let mut run = session.train(&config, train, validation, "out", false).await?;
    run.read_every(read_every);
    let (mut steps, mut calls, mut failure, mut warnings) = (Vec::new(), Vec::new(), None, 0);
    while !run.is_done() {
        let events = match run.step().await {
            Ok(events) => events,
            Err(error @ Error::NotFinite { .. }) => {
                failure = Some(error.to_string());
                break;
            }
            Err(error) => return Err(error.into()),
        };
        let before = steps.len();
        steps.extend(events.into_iter().filter_map(|event| match event {
            Event::Step(Step { step, loss, gradient_norm, tokens, .. }) => {
                Some((step, loss, gradient_norm, tokens))
            }
            Event::Warning { code, .. } if code == "wrong_numbers" => {
                warnings += 1;
                None
            }
            _ => None,
        }));
        calls.extend(Some(steps.len() - before).filter(|told| *told > 0));
    }
    let weights = match failure {
        None => "out/adapter_model.safetensors".to_owned(),
        Some(_) => format!("out/checkpoints/step-{}/state.json", steps.len()),
    };
    // Weights that are not finite are no checkpoint; then nothing is left, either way.
    let weights = match memory.read_all(&weights, 1 << 30).await {
        Err(Error::NotFound { .. }) => Vec::new(),
        weights => weights?,
    };
    Ok(Told { steps, calls, weights, failure, warnings })
}

/// Fails unless a run that is gone on with makes products as before, whatever this program would choose now.
pub(super) async fn tiles(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    // The way is one of the whole program's.
    if device.kind() == DeviceKind::Cpu {
        return Ok(());
    }
    let (memory, session, config) = prepare(storage, name, device, kernels, 1e-2).await?;
    let begin = async |resume: bool| {
        let (train, validation) = session.datasets(&config).await?;
        session.train(&config, train, validation, "out", resume).await
    };
    let gone_on = async || -> Result<Tiles, Failure> {
        product::set_tiles(Tiles::None);
        let mut run = begin(false).await?;
        run.step().await?;
        run.step().await?;
        run.checkpoint().await?;
        drop(run);
        product::set_tiles(Tiles::Shared);
        begin(true).await?.step().await?;
        Ok(product::tiles())
    };
    let found = gone_on().await;
    product::set_tiles(Tiles::Fitting);
    let record = memory.read_all("out/run.json", 1 << 20).await?;
    let recorded = serde_json::from_slice::<serde_json::Value>(&record)?["tiles"].clone();
    let (found, expected) = ((found?, recorded), (Tiles::None, json!("none")));
    match found == expected {
        true => Ok(()),
        false => Err(format!("found {found:?}, expected {expected:?}").into()),
    }
}

/// A model and rows, and what a run of them is.
async fn prepare(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
    rate: f64,
) -> Result<(MemoryStorage, Session, RunConfig), Failure> {
    let memory = MemoryStorage::new();
    for file in FILES {
        let bytes = storage.read_all(&format!("tiny/{name}/{file}"), 1 << 30).await?;
        memory.insert(format!("model/{file}"), bytes);
    }
    memory.insert("rows.jsonl", ROWS);
    let host = Host::new(Rc::new(memory.clone()), Rc::new(Still));
    let mut config = RunConfig::default();
    for (key, value) in [
        ("train", json!("rows.jsonl")),
        ("validation_fraction", json!(0)),
        ("kernels", json!(kernels)),
        ("rank", json!(2)),
        ("batch_size", json!(2)),
        ("max_steps", json!(STEPS)),
        ("checkpoint_every", json!(CHECKPOINT)),
        ("learning_rate", json!(rate)),
        ("schedule", json!("constant")),
    ] {
        config.set(key, value)?;
    }
    let base = BaseModel::default();
    let session = Session::open_on(device, &host, &config.model, "model", base).await?;
    Ok((memory, session, config))
}
