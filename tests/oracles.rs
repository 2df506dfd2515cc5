//! The oracles, natively: every check on the CPU, and on WebGPU where this machine has an adapter
//! (Mesa's lavapipe in CI).

use std::{
    io::Write,
    path::Path,
    rc::Rc,
    sync::atomic::{AtomicUsize, Ordering},
};

use flantune::{
    config::{Dtype, RunConfig},
    device::Device,
    host::{Clock, Host},
    lab::bench,
    storage::MemoryStorage,
};
use flantune_tests::checks::{Check, checks, run};
use log::{LevelFilter, Log, Metadata, Record};

/// The fixtures of a check, in memory.
fn fixtures(check: &Check) -> MemoryStorage {
    let storage = MemoryStorage::new();
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle");
    for file in &check.files {
        let bytes = std::fs::read(oracle.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        storage.insert(file.as_str(), bytes);
    }
    storage
}

/// Runs all checks, or those whose names begin with what `FLANTUNE_ONLY` says, and fails with the names
/// of those that failed.
fn all(device: &Device) {
    let mut failed = Vec::new();
    let only = std::env::var("FLANTUNE_ONLY").unwrap_or_default();
    for check in checks().into_iter().filter(|check| check.name.starts_with(&only)) {
        if let Err(error) = pollster::block_on(run(&check.name, &fixtures(&check), device)) {
            failed.push(format!("{}: {error}", check.name));
        }
    }
    assert!(failed.is_empty(), "on {}:\n{}", device.name(), failed.join("\n"));
}

#[test]
fn on_the_cpu() {
    all(&Device::cpu());
}

#[test]
fn on_webgpu() {
    match pollster::block_on(Device::webgpu()) {
        Ok(device) => {
            all(&device);
            // Here, because launches are counted for the whole program: nothing else may launch meanwhile.
            if std::env::var_os("FLANTUNE_ONLY").is_none() {
                a_step_is_few_dispatches(&device);
            }
        }
        // CI must have an adapter; a laptop may not.
        Err(error) if std::env::var_os("CI").is_some() => panic!("{error}"),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "skipped: the oracles on WebGPU: {error}");
        }
    }
}

/// Counts what is submitted to a GPU, by what wgpu says of it.
struct Submits(AtomicUsize);

static SUBMITS: Submits = Submits(AtomicUsize::new(0));

impl Log for Submits {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.target().starts_with("wgpu_core")
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata())
            && record.args().to_string().starts_with("Queue::submit returned")
        {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// Where nobody looks at how long it takes, but at each moment at what was submitted so far.
struct NoTime;

impl Clock for NoTime {
    fn seconds(&self) -> f64 {
        SUBMITS.0.load(Ordering::Relaxed) as f64
    }
}

/// What FLAN-T5-small's shape has a GPU do for each token of a text, and in a step of training. How long texts are
/// changes nothing of it.
fn a_step_is_few_dispatches(device: &Device) {
    const EVERY_MAP: &str = "q,k,v,o,wi_0,wi_1,wo";
    let _ = log::set_logger(&SUBMITS);
    log::set_max_level(LevelFilter::Trace);
    let (short, long) = (count(device, "generate", "q,v", 8), count(device, "generate", "q,v", 24));
    let of_token = (long.dispatches.unwrap() - short.dispatches.unwrap()) / (24 - 8);
    assert!(of_token <= 75, "{of_token} dispatches for a token: {:?}", long.kernels);

    for (case, maps, dispatches, pipelines) in
        [("lora", "q,v", 430, 40), ("lora", EVERY_MAP, 550, 45), ("prompt", "q,v", 400, 60)]
    {
        let found = count(device, case, maps, 8);
        let counted = (found.dispatches, found.pipelines, found.new_pipelines);
        let (Some(of_step), Some(of_all), Some(of_other)) = counted else {
            panic!("{case}: nothing was counted");
        };
        let kernels = &found.kernels;
        assert!(of_step <= dispatches, "{case} on {maps}: {of_step} dispatches: {kernels:?}");
        assert!(of_all <= pipelines, "{case} on {maps}: {of_all} pipelines: {kernels:?}");
        assert_eq!(of_other, 0, "{case} on {maps}: pipelines for other lengths: {kernels:?}");
        // The clock counts submits.
        assert!(found.seconds <= 3.0, "{case} on {maps}: {} submits", found.seconds);
    }
}

/// A case of `bench`: two rows, with targets of so many tokens.
fn count(device: &Device, case: &str, maps: &str, target: usize) -> bench::Case {
    let mut config = RunConfig::default();
    config.train.batch_size = 2;
    config.set("target_modules", maps.split(',').collect::<Vec<_>>().into()).unwrap();
    let options = bench::Options {
        cases: vec![case.to_owned()],
        dtypes: vec![Dtype::F32],
        shape: "small".to_owned(),
        source: 12,
        target,
        steps: 1,
    };
    let host = Host::new(Rc::new(MemoryStorage::new()), Rc::new(NoTime));
    let report = pollster::block_on(bench::run_on(device, &host, &config, &options));
    let mut report = report.unwrap_or_else(|error| panic!("{case}: {error}"));
    report.cases.remove(0)
}
