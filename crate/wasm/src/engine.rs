//! The class that the worker holds: requests in, answers out, both as JSON.

mod adapters;
mod bench;
mod data;
mod hub;
mod models;
mod runs;
mod texts;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use flantune::{
    Error, Result,
    device::{Device, Limits},
    error::Names,
    host::Host,
    lab::bench::Options as Timed,
    proof::proof,
    session::Session,
    text::reader::Reader,
    train::run::Run,
};
use serde_json::{Map, Value, json};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use crate::{
    hint,
    host::{EngineHost, host},
    options,
    protocol::{self, Answer, DeviceName, Request},
};

/// A device, the models on it, their adapters and runs.
#[wasm_bindgen]
pub struct Engine(Rc<State>);

/// What there is, by the names that JavaScript gives. Nothing is borrowed while something is awaited:
/// a session is cloned (a few hundred pointers), a run is taken out and put back.
struct State {
    javascript: EngineHost,
    host: Host,
    device: RefCell<Option<Device>>,
    models: RefCell<BTreeMap<String, Session>>,
    runs: RefCell<BTreeMap<String, Run>>,
}

#[wasm_bindgen]
impl Engine {
    /// An engine with nothing loaded.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new(javascript: EngineHost) -> Engine {
        Engine(Rc::new(State {
            host: host(&javascript),
            javascript,
            device: RefCell::default(),
            models: RefCell::default(),
            runs: RefCell::default(),
        }))
    }

    /// Answers a request (`Requests` in `web/src/engine.ts`). `id` is what progress is told with.
    ///
    /// # Errors
    /// An object with `code`, `message` and perhaps `hint`.
    pub async fn call(&self, id: u32, request: String) -> Result<String, JsValue> {
        let state = self.0.clone();
        let answer = match serde_json::from_str(&request) {
            Ok(request) => state.answer(id, request).await,
            Err(error) => Err(Error::setting("request", error.to_string())),
        };
        let answer = answer.and_then(|answer| {
            let text = serde_json::to_string(&answer);
            text.map_err(|error| Error::setting("answer", error.to_string()))
        });
        let names = Names { path: &|path| state.javascript.shown(path), key: &options::camel };
        answer.map_err(|error| thrown(&error.written(&names)))
    }
}

impl State {
    async fn answer(&self, id: u32, request: Request) -> Result<Answer> {
        match request {
            Request::Keys {} => Ok(Answer::Keys(options::keys())),
            Request::Demos {} => Ok(Answer::Demos(options::demos())),
            Request::Plan { options, model, rows } => self.plan(&options, model.as_deref(), rows),
            Request::OpenDevice { device } => self.open_device(device).await,
            Request::ProveDevice { name, driver } => self.prove_device(&name, &driver).await,
            Request::Estimate { directory, options } => self.estimate(&directory, &options).await,
            Request::LoadModel { model, directory, base, dtype } => {
                self.load_model(model, &directory, base, dtype).await
            }
            Request::DropModel { model } => {
                self.models.borrow_mut().remove(&model);
                Ok(Answer::Done(()))
            }
            Request::Inspect { path, options, count } => self.inspect(&path, &options, count).await,
            Request::Preview { model, path, options, first, count } => {
                self.preview(model.as_deref(), &path, &options, first, count).await
            }
            Request::Lengths { model, path, options } => {
                self.lengths(&model, &path, &options).await
            }
            Request::OpenRun { run, model, output, options, resume } => {
                self.open_run(run, &model, &output, &options, resume).await
            }
            Request::Step { run } => self.step(&run).await,
            Request::Checkpoint { run } => self.checkpoint(&run).await,
            Request::WriteAdapter { run } => self.write_adapter(&run).await,
            Request::SplitBatches { run, rows } => self.split_batches(&run, rows),
            Request::CloseRun { run } => {
                self.runs.borrow_mut().remove(&run);
                Ok(Answer::Done(()))
            }
            Request::HoldAdapter { model, adapter, directory } => {
                self.hold_adapter(&model, adapter, &directory).await
            }
            Request::DropAdapter { model, adapter } => self.drop_adapter(&model, &adapter),
            Request::DescribeAdapter { directory } => self.describe_adapter(&directory).await,
            Request::Fits { model, bases } => self.fits(&model, &bases),
            Request::Generate { model, adapter, prompts, options } => {
                self.generate(id, &model, adapter.as_deref(), prompts, &options).await
            }
            Request::Evaluate { model, adapter, path, options, split, rows } => {
                let which = (split, rows);
                self.evaluate(id, &model, adapter.as_deref(), &path, &options, which).await
            }
            Request::Score { predictions, references, options } => {
                texts::score(predictions, references, &options)
            }
            Request::Bench { cases, dtypes, shape, source, target, steps, options } => {
                let what = Timed { cases, dtypes, shape, source, target, steps };
                self.bench(&what, &options).await
            }
            Request::Merge { model, adapter, output } => {
                self.session(&model)?.merge(&adapter, &output).await?;
                Ok(Answer::Done(()))
            }
            Request::HubModel { id, endpoint } => hub::model(&id, &endpoint),
            Request::HubFiles { id, endpoint, listing } => hub::files(&id, &endpoint, &listing),
            Request::HubShards { id, endpoint, commit, directory } => {
                hub::shards(&*self.host.storage, &id, &endpoint, &commit, &directory).await
            }
        }
    }

    async fn open_device(&self, name: DeviceName) -> Result<Answer> {
        let device = match name {
            DeviceName::Cpu => Device::cpu(),
            DeviceName::Webgpu => Device::webgpu().await?,
        };
        let described = protocol::Device {
            kind: device.kind().name(),
            name: device.name().to_owned(),
            software: device.is_software(),
            limits: limits(device.limits()),
        };
        *self.device.borrow_mut() = Some(device);
        Ok(Answer::Device(described))
    }

    /// The page is told more of the device than the module in it.
    async fn prove_device(&self, name: &str, driver: &str) -> Result<Answer> {
        let device = self.device()?.known_as(name, driver);
        let proof = proof(&device, &self.host).await;
        *self.device.borrow_mut() = Some(device);
        Ok(Answer::Proof(Box::new(proof)))
    }

    fn device(&self) -> Result<Device> {
        self.device.borrow().clone().ok_or_else(|| Error::Device {
            message: "none was opened before it was needed".to_owned(),
        })
    }

    /// The model of this name.
    fn session(&self, name: &str) -> Result<Session> {
        self.models
            .borrow()
            .get(name)
            .cloned()
            .ok_or_else(|| Error::setting("model", format!("found `{name}`, which is not loaded")))
    }

    /// Reads data sets: with the tokens of a model, if there is one.
    fn reader(&self, model: Option<&str>) -> Result<Reader> {
        match model {
            Some(model) => Ok(self.session(model)?.reader()),
            None => Ok(Reader { storage: self.host.storage.clone(), tokenizer: None }),
        }
    }
}

/// Limits by their names in WebGPU's style, those that there are.
fn limits(limits: Limits) -> Map<String, Value> {
    let limits = [
        ("maxBufferSize", limits.max_buffer_size),
        ("maxBindingSize", limits.max_binding_size),
        ("maxStorageBuffers", limits.max_storage_buffers.map(u64::from)),
        ("maxWorkgroupInvocations", limits.max_workgroup_invocations.map(u64::from)),
        ("maxWorkgroupMemory", limits.max_workgroup_memory.map(u64::from)),
    ];
    let there =
        limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into())));
    there.collect()
}

/// An error as JavaScript gets it.
fn thrown(error: &Error) -> JsValue {
    let mut object = json!({ "code": error.code(), "message": error.to_string() });
    if let Some(hint) = error.hint() {
        object["hint"] = hint::words(&hint).into();
    }
    js_sys::JSON::parse(&object.to_string()).unwrap_or_else(|_| error.code().into())
}
