//! The oracles, natively: every check on the CPU, and on WebGPU where this machine has an adapter
//! (Mesa's lavapipe in CI).

use std::{io::Write, path::Path, rc::Rc};

use flantune::{
    config::{Dtype, RunConfig},
    device::Device,
    host::{Clock, Host},
    lab::bench,
    storage::MemoryStorage,
};
use flantune_tests::checks::{Check, checks, run};

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

/// Where nobody looks at how long it takes.
struct NoTime;

impl Clock for NoTime {
    fn seconds(&self) -> f64 {
        0.0
    }
}

/// What a step of FLAN-T5-small's shape has a GPU do. How long texts are changes nothing of it.
fn a_step_is_few_dispatches(device: &Device) {
    const EVERY_MAP: &str = "q,k,v,o,wi_0,wi_1,wo";
    for (case, maps, dispatches, pipelines) in
        [("lora", "q,v", 450, 40), ("lora", EVERY_MAP, 620, 45), ("prompt", "q,v", 450, 60)]
    {
        let mut config = RunConfig::default();
        config.train.batch_size = 2;
        config.set("target_modules", maps.split(',').collect::<Vec<_>>().into()).unwrap();
        let options = bench::Options {
            cases: vec![case.to_owned()],
            dtypes: vec![Dtype::F32],
            shape: "small".to_owned(),
            source: 12,
            target: 4,
            steps: 1,
        };
        let host = Host::new(Rc::new(MemoryStorage::new()), Rc::new(NoTime));
        let report = pollster::block_on(bench::run_on(device, &host, &config, &options));
        let report = report.unwrap_or_else(|error| panic!("{case}: {error}"));
        let found = &report.cases[0];
        let counted = (found.dispatches, found.pipelines, found.new_pipelines);
        let (Some(of_step), Some(of_all), Some(of_other)) = counted else {
            panic!("{case}: nothing was counted");
        };
        let kernels = &found.kernels;
        assert!(of_step <= dispatches, "{case} on {maps}: {of_step} dispatches: {kernels:?}");
        assert!(of_all <= pipelines, "{case} on {maps}: {of_all} pipelines: {kernels:?}");
        assert_eq!(of_other, 0, "{case} on {maps}: pipelines for other lengths: {kernels:?}");
    }
}
