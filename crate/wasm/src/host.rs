//! What the worker gives the core: `EngineHost` of `web/src/engine.ts`.

use std::{cell::Cell, fmt, ops::Range, rc::Rc};

use async_trait::async_trait;
use flantune::{
    Error, Result,
    host::{Clock, Host, Turn},
    storage::{Storage, Writer},
};
use js_sys::{Array, JsString, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// An object of `EngineHost`.
    #[wasm_bindgen(typescript_type = "EngineHost")]
    #[derive(Clone)]
    pub type EngineHost;

    #[wasm_bindgen(method, catch)]
    async fn length(this: &EngineHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn read(this: &EngineHost, path: &str, start: f64, end: f64) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn create(this: &EngineHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn append(this: &EngineHost, path: &str, bytes: Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn list(this: &EngineHost, directory: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    async fn remove(this: &EngineHost, path: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    pub(crate) fn shown(this: &EngineHost, path: &str) -> String;
    #[wasm_bindgen(method)]
    fn seconds(this: &EngineHost) -> f64;
    #[wasm_bindgen(method, catch)]
    async fn turn(this: &EngineHost) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method)]
    pub(crate) fn progress(this: &EngineHost, id: u32, value: &JsValue);

    #[derive(Clone)]
    type EngineWriter;

    #[wasm_bindgen(method, catch, js_name = write)]
    async fn write_bytes(this: &EngineWriter, bytes: Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch, js_name = finish)]
    async fn finish_file(this: &EngineWriter) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn abandon(this: &EngineWriter) -> Result<(), JsValue>;
}

/// What `web/src/worker/runs.ts` keeps in a run's directory: its record, and copies of what it reads.
const KEPT: [&str; 3] = ["page.json", "rows", "initial"];

/// Where what was found out about devices is kept, in the page's storage.
const DEVICES: &str = "devices";

/// The surroundings of a session in a worker.
pub(crate) fn host(host: &EngineHost) -> Host {
    let surroundings = Rc::new(Surroundings(host.clone()));
    Host {
        storage: surroundings.clone(),
        devices: Some((surroundings.clone(), DEVICES.to_owned())),
        clock: surroundings.clone(),
        turn: surroundings,
        kept: &KEPT,
    }
}

struct Surroundings(EngineHost);

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Surroundings")
    }
}

#[async_trait(?Send)]
impl Storage for Surroundings {
    async fn length(&self, path: &str) -> Result<u64> {
        let length = self.0.length(path).await.map_err(|reason| refused(path, &reason))?;
        // Up to 2⁵³ a float counts exactly.
        length.as_f64().map(|length| length as u64).ok_or_else(|| broken(path))
    }

    async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let (start, end) = (range.start as f64, range.end as f64);
        let bytes = self.0.read(path, start, end).await.map_err(|reason| refused(path, &reason))?;
        let bytes = bytes.dyn_into::<Uint8Array>().map_err(|_| broken(path))?.to_vec();
        if bytes.len() as u64 == range.end - range.start {
            return Ok(bytes);
        }
        let message = format!(
            "found {} bytes at {}, expected {}; was the file changed?",
            bytes.len(),
            range.start,
            range.end - range.start
        );
        Err(Error::Storage { path: path.to_owned(), message })
    }

    async fn create(&self, path: &str) -> Result<Box<dyn Writer>> {
        let writer = self.0.create(path).await.map_err(|reason| refused(path, &reason))?;
        let (writer, path) = (writer.unchecked_into(), path.to_owned());
        Ok(Box::new(FileWriter { writer, path, finished: Cell::new(false) }))
    }

    async fn append(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let bytes = Uint8Array::from(bytes);
        self.0.append(path, bytes).await.map_err(|reason| refused(path, &reason))?;
        Ok(())
    }

    /// What is written is with the browser, which has no more to give.
    async fn sync(&self, _path: &str) -> Result<()> {
        Ok(())
    }

    async fn list(&self, directory: &str) -> Result<Vec<String>> {
        let names = self.0.list(directory).await.map_err(|reason| refused(directory, &reason))?;
        let names = names.dyn_into::<Array>().map_err(|_| broken(directory))?;
        Ok(names.iter().filter_map(|name| name.as_string()).collect())
    }

    fn shown(&self, path: &str) -> String {
        self.0.shown(path)
    }

    async fn remove(&self, path: &str) -> Result<()> {
        self.0.remove(path).await.map_err(|reason| refused(path, &reason))?;
        Ok(())
    }
}

impl Clock for Surroundings {
    fn seconds(&self) -> f64 {
        self.0.seconds()
    }

    /// The memory's length: it never shrinks.
    fn peak_bytes(&self) -> Option<u64> {
        const PAGE: u64 = 1 << 16;
        Some(core::arch::wasm32::memory_size(0) as u64 * PAGE)
    }
}

#[async_trait(?Send)]
impl Turn for Surroundings {
    async fn turn(&self) -> Result<()> {
        self.0.turn().await.map(drop).map_err(|_| Error::Cancelled)
    }
}

/// A file that is being written.
struct FileWriter {
    writer: EngineWriter,
    path: String,
    finished: Cell<bool>,
}

#[async_trait(?Send)]
impl Writer for FileWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let bytes = Uint8Array::from(bytes);
        let written = self.writer.write_bytes(bytes).await;
        written.map(drop).map_err(|reason| refused(&self.path, &reason))
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        self.finished.set(true);
        let finished = self.writer.finish_file().await;
        finished.map(drop).map_err(|reason| refused(&self.path, &reason))
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if !self.finished.get() {
            // Nobody is left to tell when this fails, and nothing was to be kept.
            let _ = self.writer.abandon();
        }
    }
}

/// What the worker rejected with.
fn refused(path: &str, reason: &JsValue) -> Error {
    let field = |name: &str| {
        let value = Reflect::get(reason, &JsValue::from_str(name)).ok()?;
        value.dyn_into::<JsString>().ok().map(String::from)
    };
    match field("code").as_deref() {
        Some("not_found") => Error::NotFound { path: path.to_owned() },
        Some("cancelled") => Error::Cancelled,
        _ => {
            let message = field("message").unwrap_or_else(|| format!("{reason:?}"));
            Error::Storage { path: path.to_owned(), message }
        }
    }
}

/// What the worker answered is not what was asked for.
fn broken(path: &str) -> Error {
    let message = "the storage gave an answer of the wrong kind".to_owned();
    Error::Storage { path: path.to_owned(), message }
}
