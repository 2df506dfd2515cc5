//! A run whose storage fails, or loses its power, at any call: whatever call that is, a resume loses no
//! more than the steps since the last checkpoint, and ends with the bytes of a run that nothing befell.

#[path = "faults/storage.rs"]
mod storage;

use std::{fs, path::Path, rc::Rc};

use flantune::{
    Error,
    config::RunConfig,
    device::Device,
    host::{Clock, Host},
    model::BaseModel,
    session::Session,
    storage::MemoryStorage,
    train::{
        Run,
        event::{Event, Step},
    },
};
use pollster::block_on;
use serde_json::{Value, json};
use storage::{Fault, Loss, Unreliable};

const FILES: [&str; 4] =
    ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"];
const ROWS: &str = r#"{"source": "the mat and the", "target": "the and"}
{"source": "red cat on red red", "target": "red on red"}
{"source": "dog blue the dog dog the", "target": "dog the dog"}
{"source": "the cat sat", "target": "the sat"}
"#;
const RESULTS: [&str; 3] = ["adapter_model.safetensors", "adapter_config.json", "README.md"];
const STEPS: usize = 7;
const INTERVAL: usize = 2;

struct Still;

impl Clock for Still {
    fn seconds(&self) -> f64 {
        0.0
    }
}

/// What the runs of a test have in common.
struct Place {
    /// The model and the rows.
    given: MemoryStorage,
    config: RunConfig,
}

impl Place {
    fn new(keep: usize, method: &str) -> Self {
        let given = MemoryStorage::new();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/tiny/gated");
        for file in FILES {
            given.insert(format!("model/{file}"), fs::read(model.join(file)).unwrap());
        }
        given.insert("rows.jsonl", ROWS);
        let mut config = RunConfig::default();
        for (key, value) in [
            ("train", json!("rows.jsonl")),
            ("validation_fraction", json!(0.25)),
            ("method", json!(method)),
            ("batch_size", json!(2)),
            ("max_steps", json!(STEPS)),
            ("checkpoint_every", json!(INTERVAL)),
            ("keep_checkpoints", json!(keep)),
            ("eval_every", json!(3)),
            ("eval_samples", json!(1)),
            ("max_new_tokens", json!(2)),
            ("dropout", json!(0.1)),
        ] {
            config.set(key, value).unwrap();
        }
        Place { given, config }
    }

    /// Opens the run in `out`, to begin it or to go on with it.
    fn open(&self, storage: &Unreliable) -> flantune::Result<Run> {
        block_on(async {
            let host = Host::new(Rc::new(storage.clone()), Rc::new(Still));
            let (device, base) = (Device::cpu(), BaseModel::default());
            let session =
                Session::open_on(&device, &host, &self.config.model, "model", base).await?;
            let (train, validation) = session.datasets(&self.config).await?;
            session.train(&self.config, train, validation, "out", true).await
        })
    }

    fn storage(&self) -> Unreliable {
        Unreliable::over(self.given.clone())
    }
}

/// Works until the run is done, or fails, and counts the steps that were told.
fn work(run: &mut Run) -> (usize, Result<(), Error>) {
    let mut steps = 0;
    while !run.is_done() {
        match block_on(run.step()) {
            Ok(events) => {
                for event in events {
                    if let Event::Step(Step { step, .. }) = event {
                        steps = step;
                    }
                }
            }
            Err(error) => return (steps, Err(error)),
        }
    }
    (steps, Ok(()))
}

/// The steps that the record tells of, in its order.
fn steps(storage: &Unreliable) -> Vec<usize> {
    let events = storage.file("out/events.jsonl").unwrap();
    let step = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        (event["event"] == "step").then(|| event["step"].as_u64().unwrap() as usize)
    };
    String::from_utf8(events).unwrap().lines().filter_map(step).collect()
}

fn check(place: &Place, fault: Fault) {
    let whole = place.storage();
    assert!(work(&mut place.open(&whole).unwrap()).1.is_ok());
    let expected = RESULTS.map(|name| whole.file(&format!("out/{name}")));
    let calls = whole.calls();
    assert!(calls > 100, "{calls}");
    for call in 0..calls {
        let storage = place.storage();
        storage.fail_at(call, fault);
        // Opening may be what fails: then nothing was begun.
        let made = match place.open(&storage) {
            Ok(mut run) => {
                let (made, ended) = work(&mut run);
                if let Err(error) = &ended {
                    let says = matches!(error, Error::Stopped { .. } | Error::Write { .. });
                    assert!(says, "call {call}: {error:?}");
                }
                made
            }
            Err(_) => 0,
        };
        storage.repair();
        let context = format!("call {call} of {calls}, {fault:?}, after {made} steps");
        match place.open(&storage) {
            Ok(mut run) => {
                let from = run.steps_made();
                assert!(made - made.min(from) <= INTERVAL, "{context}: from {from}");
                let (_, ended) = work(&mut run);
                assert!(ended.is_ok(), "{context}: {ended:?}");
            }
            // It is only not gone on with where nothing is left to do.
            Err(error) => {
                assert!(error.to_string().contains("is done"), "{context}: {error}");
            }
        }
        for (name, expected) in RESULTS.iter().zip(&expected) {
            let same = storage.file(&format!("out/{name}")) == *expected;
            assert!(same, "{context}: {name} differs");
        }
        assert_eq!(steps(&storage), (1..=STEPS).collect::<Vec<_>>(), "{context}");
    }
}

#[test]
fn a_call_that_fails() {
    check(&Place::new(1, "lora"), Fault::Once);
    check(&Place::new(2, "lora"), Fault::Once);
}

#[test]
fn a_disk_that_is_full() {
    check(&Place::new(1, "lora"), Fault::Full);
}

#[test]
fn a_power_cut_that_takes_what_was_not_synchronised() {
    check(&Place::new(1, "lora"), Fault::Power(Loss::All));
    check(&Place::new(2, "lora"), Fault::Power(Loss::All));
    check(&Place::new(1, "prompt"), Fault::Power(Loss::All));
}

#[test]
fn a_power_cut_that_leaves_parts() {
    check(&Place::new(2, "lora"), Fault::Power(Loss::Parts));
}

#[test]
fn a_power_cut_that_leaves_everything() {
    check(&Place::new(1, "lora"), Fault::Power(Loss::Nothing));
}
