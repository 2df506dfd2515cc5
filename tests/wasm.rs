//! The checks for JavaScript: `tests/browser/run.mjs` calls them.

use std::cell::RefCell;

// Its start function readies this module too.
use flantune_wasm as _;

use flantune::{device::Device, storage::MemoryStorage};
use js_sys::{Map, Uint8Array};
use log::{LevelFilter, Log, Metadata, Record};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::checks;

thread_local! {
    // The runtime of a kind of device can be started only once.
    static WEBGPU: RefCell<Option<Device>> = const { RefCell::new(None) };
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// All checks: a JSON array of `{"name", "files"}`.
#[wasm_bindgen]
pub fn list_checks() -> String {
    let list = checks::checks().into_iter();
    let list = list.map(|check| serde_json::json!({ "name": check.name, "files": check.files }));
    serde_json::Value::Array(list.collect()).to_string()
}

/// Runs a check on the device `cpu` or `webgpu`. `files` maps paths below `tests/oracle` to the
/// `Uint8Array`s of their bytes. The error is what the check says, or what was logged meanwhile.
#[wasm_bindgen]
pub async fn run_check(name: String, device: String, files: Map) -> Result<(), String> {
    // Ignored when it is set already.
    let _ = log::set_logger(&Errors);
    log::set_max_level(LevelFilter::Error);
    LOGGED.take();

    let storage = MemoryStorage::new();
    files.for_each(&mut |bytes, path| {
        let path = path.as_string().unwrap_or_default();
        storage.insert(path, Uint8Array::new(&bytes).to_vec());
    });
    let device = open(&device).await?;
    let failed =
        checks::run(&name, &storage, &device).await.err().map(|failure| failure.to_string());
    let messages: Vec<String> = failed.into_iter().chain(LOGGED.take()).collect();
    if messages.is_empty() { Ok(()) } else { Err(messages.join("\n")) }
}

async fn open(kind: &str) -> Result<Device, String> {
    match kind {
        "cpu" => Ok(Device::cpu()),
        "webgpu" => {
            if let Some(device) = WEBGPU.with_borrow(Clone::clone) {
                return Ok(device);
            }
            let device = Device::webgpu().await.map_err(|error| error.to_string())?;
            WEBGPU.set(Some(device.clone()));
            Ok(device)
        }
        _ => Err(format!("there is no device {kind:?}: cpu or webgpu")),
    }
}

/// Keeps what is logged as an error. In a browser a kernel that fails to compile or to launch is
/// reported there and nowhere else.
struct Errors;

impl Log for Errors {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{}: {}", record.target(), record.args());
        LOGGED.with_borrow_mut(|logged| logged.push(line));
    }

    fn flush(&self) {}
}
