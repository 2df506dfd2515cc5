//! Configurations of runs, and what runs leave behind.

use std::{cell::RefCell, rc::Rc};

use flantune::{
    config::RunConfig,
    host::{Clock, Host},
    session::Session,
    storage::{MemoryStorage, Storage},
    text::Dataset,
};
use pollster::block_on;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{checked, fixture};
use crate::{Limits, Target};

const KEYS: &[&str] = &[
    "model",
    "data",
    "method",
    "train",
    "eval",
    "[train]",
    "[data]",
    "[[set]]",
    "rank",
    "alpha",
    "target_modules",
    "validation_fraction",
    "max_steps",
    "epochs",
    "learning_rate",
    "metrics",
    "temperature",
    "lora",
    "prompt",
    "full",
    "dora",
    "true",
    "false",
    "inf",
    "nan",
    "\"\"\"",
    "'''",
    "0x10",
    "1979-05-27T07:32:00Z",
    "a.b.c = ",
    "{ a = 1 }",
    "[\"q\", \"v\"]",
];

fn read(path: &str, input: &[u8]) {
    let Some(config) = checked(RunConfig::from_file(path, input)) else { return };
    let Some(resolved) = checked(config.resolve()) else { return };
    // A record repeats its run.
    let record = json!({"config": resolved}).to_string();
    let again = RunConfig::from_file("run.json", record.as_bytes()).expect("what is written");
    assert_eq!(again.resolve().expect("what is valid"), resolved);
}

pub(super) const CONFIG_TOML: Target = Target {
    name: "config_toml",
    limits: Limits::DENSE,
    fixtures: &[],
    words: KEYS,
    run: |input| read("config.toml", input),
};

pub(super) const RUN_JSON: Target = Target {
    name: "run_json",
    limits: Limits::PROPORTIONAL,
    words: KEYS,
    run: |input| read("run.json", input),
    ..CONFIG_TOML
};

/// A run that stopped after the second of four steps.
struct Stopped {
    session: Session,
    storage: Rc<MemoryStorage>,
    config: RunConfig,
    rows: Dataset,
    /// What it left, by path.
    files: Vec<(String, Vec<u8>)>,
}

struct Still;

impl Clock for Still {
    fn seconds(&self) -> f64 {
        0.0
    }
}

const STATE_FILE: &str = "out/checkpoints/step-2/state.json";
const WEIGHTS_FILE: &str = "out/checkpoints/step-2/weights.safetensors";
const OPTIMIZER_FILE: &str = "out/checkpoints/step-2/optimizer.safetensors";
const EVENTS_FILE: &str = "out/events.jsonl";
const RECORD_FILE: &str = "out/run.json";

impl Stopped {
    async fn new() -> flantune::Result<Self> {
        let storage = Rc::new(MemoryStorage::new());
        for name in ["config.json", "model.safetensors"] {
            storage.insert(format!("model/{name}"), fixture(&format!("oracle/tiny/gated/{name}")));
        }
        storage.insert("model/tokenizer.json", fixture("oracle/tiny/gated/tokenizer.json"));
        storage.insert("rows.jsonl", fixture("fuzz/seeds/rows/rows.jsonl"));
        let host = Host::new(storage.clone(), Rc::new(Still));
        let mut config = RunConfig::default();
        for (key, value) in [
            ("model", json!("model")),
            ("device", json!("cpu")),
            ("train", json!("rows.jsonl")),
            ("validation_fraction", json!(0)),
            ("rank", json!(1)),
            ("max_steps", json!(4)),
            ("batch_size", json!(2)),
            ("checkpoint_every", json!(1)),
            ("keep_checkpoints", json!(1)),
        ] {
            config.set(key, value)?;
        }
        let session = Session::open(&host, &config.model).await?;
        let (rows, _) = session.datasets(&config).await?;
        let mut run = session.train(&config, rows.clone(), None, "out", false).await?;
        while run.steps_made() < 2 {
            run.step().await?;
        }
        let mut files = Vec::new();
        for path in [STATE_FILE, WEIGHTS_FILE, OPTIMIZER_FILE, EVENTS_FILE, RECORD_FILE] {
            files.push((path.to_owned(), storage.read_all(path, u64::MAX).await?));
        }
        Ok(Stopped { session, storage, config, rows, files })
    }

    /// Goes on with the run, with other content for some of its files: for one step, or not at all.
    async fn resume(&self, others: &[(&str, &[u8])]) -> flantune::Result<()> {
        self.storage.remove("out").await?;
        for (path, bytes) in &self.files {
            self.storage.insert(path.as_str(), bytes.as_slice());
        }
        for (path, bytes) in others {
            self.storage.insert(*path, *bytes);
        }
        let rows = self.rows.clone();
        let mut run = self.session.train(&self.config, rows, None, "out", true).await?;
        run.step().await.map(drop)
    }

    /// `state.json`, changed.
    fn state(&self, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let (_, bytes) = &self.files[0];
        let mut state = serde_json::from_slice(bytes).expect("what was written");
        change(&mut state);
        state.to_string().into_bytes()
    }
}

fn with_stopped(work: impl FnOnce(&Stopped)) {
    thread_local! {
        static STOPPED: RefCell<Option<Stopped>> = const { RefCell::new(None) };
    }
    STOPPED.with_borrow_mut(|stopped| {
        work(stopped.get_or_insert_with(|| block_on(Stopped::new()).expect("fixtures")));
    });
}

pub(super) const STATE: Target = Target {
    name: "state",
    limits: Limits::BOUNDED,
    fixtures: &[],
    words: &["step", "best", "config", "hashes", "weights.safetensors", "metrics", "value"],
    run: |input| {
        with_stopped(|stopped| {
            // The hashes are those of this run's files, so that what stands beside them counts.
            let mut bytes = input.to_vec();
            if let Ok(Value::Object(mut state)) = serde_json::from_slice(input) {
                let own: Value = serde_json::from_slice(&stopped.files[0].1).expect("JSON");
                for key in ["hashes", "base", "data"] {
                    if state.contains_key(key) {
                        state.insert(key.to_owned(), own[key].clone());
                    }
                }
                bytes = Value::Object(state).to_string().into_bytes();
            }
            checked(block_on(stopped.resume(&[(STATE_FILE, &bytes)])));
        });
    },
};

pub(super) const CHECKPOINT: Target = Target {
    name: "checkpoint",
    limits: Limits::BOUNDED,
    fixtures: &["oracle/tiny/gated/adapters/lora/trained/adapter_model.safetensors"],
    words: &["lora_A", "lora_B", "weight", "F32", "shape", "data_offsets", "dtype"],
    run: |input| {
        with_stopped(|stopped| {
            let hash: String = Sha256::digest(input).iter().map(|b| format!("{b:02x}")).collect();
            for path in [WEIGHTS_FILE, OPTIMIZER_FILE] {
                let name = path.rsplit('/').next().unwrap_or(path);
                let state = stopped.state(|state| state["hashes"][name] = json!(hash));
                checked(block_on(stopped.resume(&[(STATE_FILE, &state), (path, input)])));
            }
        });
    },
};

pub(super) const EVENTS: Target = Target {
    name: "events",
    limits: Limits::BOUNDED,
    fixtures: &[],
    words: &["event", "step", "eval", "checkpoint", "start", "done", "loss", "NaN", "1e999"],
    run: |input| {
        with_stopped(|stopped| {
            checked(block_on(stopped.resume(&[(EVENTS_FILE, input)])));
        });
    },
};
