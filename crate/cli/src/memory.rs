//! What this process has taken, and what this machine has.

use std::{fs, process::Command};

use flantune::device::{Device, DeviceKind};

/// Where Linux tells how much the containers allow that this process is in: of the newer kind, and of
/// the older one.
const LIMITS: [&str; 2] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

/// The most memory that this process has held at once, in bytes; `None` where the system does not
/// tell.
pub(crate) fn peak_bytes() -> Option<u64> {
    kibibytes("/proc/self/status", "VmHWM:")
}

/// The memory that a device computes in, in bytes. WebGPU does not tell how much a graphics card has.
pub(crate) fn of(device: &Device) -> Option<u64> {
    (device.kind() == DeviceKind::Cpu || device.is_software()).then(machine).flatten()
}

/// This machine's memory, or less where a container allows less; `None` where the system does not tell.
fn machine() -> Option<u64> {
    let total = match cfg!(target_os = "macos") {
        true => {
            let output = Command::new("sysctl").args(["-n", "hw.memsize"]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        }
        false => kibibytes("/proc/meminfo", "MemTotal:"),
    };
    // A limit that is none is a word, or a number beyond all memory.
    let limit = |path: &&str| fs::read_to_string(path).ok()?.trim().parse().ok();
    total.into_iter().chain(LIMITS.iter().filter_map(limit)).min()
}

/// The number behind a name in one of Linux's files, which counts in kB of 1,024 bytes.
fn kibibytes(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
