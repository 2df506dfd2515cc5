//! A proof is made once for a device, its driver and a build, and kept.

use sha2::{Digest, Sha256};

use super::{Proof, build};
use crate::{device::Device, exact, host::Host, storage::join, train::checkpoint::hexadecimal};

/// The most bytes of a file.
const LIMIT: u64 = 1 << 16;

/// The proof of a device, which holds for this program from now on: the one that was kept, else a new one.
/// One that is damaged, or is of another driver or build, is as none; and one that cannot be kept is made
/// again the next time.
pub async fn proof(device: &Device, host: &Host) -> Proof {
    if let Some(kept) = read(device, host).await {
        kept.take_effect();
        return kept;
    }
    let proof = Proof::make(device, &*host.clock).await;
    // What went wrong once may have had other reasons, such as a device that was lost.
    if proof.right
        && let Some((storage, directory)) = &host.devices
        && let Ok(bytes) = serde_json::to_vec_pretty(&proof)
    {
        let _ = storage.write(&join(directory, &name(device)), &bytes).await;
    }
    proof
}

async fn read(device: &Device, host: &Host) -> Option<Proof> {
    let (storage, directory) = host.devices.as_ref()?;
    let bytes = storage.read_all(&join(directory, &name(device)), LIMIT).await.ok()?;
    let proof: Proof = exact::from_str(std::str::from_utf8(&bytes).ok()?).ok()?;
    let same = proof.device == device.name() && proof.driver == device.driver();
    (same && proof.build == build() && proof.right).then_some(proof)
}

/// A directory for each device and driver: another build's file is written over.
fn name(device: &Device) -> String {
    let mut hasher = Sha256::new();
    hasher.update(device.name());
    hasher.update([0]);
    hasher.update(device.driver());
    format!("{}/proof.json", hexadecimal(&hasher.finalize()[..8]))
}
