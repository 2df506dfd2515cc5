//! The oracles, natively: every check on the CPU, and on WebGPU where this machine has an adapter
//! (Mesa's lavapipe in CI).

use std::{io::Write, path::Path};

use flantune::{device::Device, storage::MemoryStorage};
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
        Ok(device) => all(&device),
        // CI must have an adapter; a laptop may not.
        Err(error) if std::env::var_os("CI").is_some() => panic!("{error}"),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "skipped: the oracles on WebGPU: {error}");
        }
    }
}
