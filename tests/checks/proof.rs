//! A device proves itself: what is wrong on purpose is found, left out, and training is right without it.

use std::{cell::Cell, rc::Rc};

use flantune::{
    Error,
    config::DeviceChoice,
    device::{Device, DeviceKind, set_wrong},
    host::{Clock, Host},
    ops::gpu::{
        family::{Family, leave_out},
        fault::{Fault, set_faults},
        product::{Tiles, leave_out_tiles, set_tiles},
    },
    proof::Proof,
    session::{prove, proven_device},
    storage::{MemoryStorage, Storage},
};

use super::{Failure, adapters};

/// What is checked here.
pub(super) const PROOFS: [&str; 4] = ["right", "faults", "refused", "kept"];

/// Each as it would be by a slip of a driver's compiler, and far from what any shape would hide.
const GELU: Fault =
    Fault { shader: "gated_gelu", text: "y[place] = 0.5 *", wrong: "y[place] = 0.52 *" };
const KEYS: Fault =
    Fault { shader: "attention_keys", text: "change * q_", wrong: "1.05 * change * q_" };
const MASK: Fault = Fault { shader: "dropout", text: ">> 8u", wrong: ">> 7u" };
const STEP: Fault =
    Fault { shader: "attention_step", text: "sum * (1.0 / total)", wrong: "sum * (1.1 / total)" };
const SETTLE: Fault =
    Fault { shader: "settle", text: "numbers[2] = scale", wrong: "numbers[2] = 0.9 * scale" };
const LOW_RANK: Fault =
    Fault { shader: "low_rank", text: "low[place] = sum", wrong: "low[place] = 1.1 * sum" };
const TILES: Fault = Fault { shader: "product_tiled", text: ".x * right_0", wrong: ".y * right_0" };
const STRAIGHT: Fault =
    Fault { shader: "product", text: "sizes.alpha", wrong: "(0.9 * sizes.alpha)" };
const GATHER: Fault = Fault { shader: "gather", text: "= value;", wrong: "= value + 8388608u;" };

pub(super) async fn check(
    what: &str,
    storage: &dyn Storage,
    device: &Device,
) -> Result<(), Failure> {
    if device.kind() == DeviceKind::Cpu {
        // There is nothing to prove of it.
        let chosen = proven_device(&host(), DeviceChoice::Cpu).await?;
        return same("the processor", (chosen.proof, chosen.device.kind()), (None, device.kind()));
    }
    let _as_before = AsBefore;
    match what {
        "right" => right(device).await,
        "faults" => faults(storage, device).await,
        "refused" => refused(device).await,
        "kept" => kept(device).await,
        _ => Err(format!("there is no proof `{what}`").into()),
    }
}

/// Whatever comes, what follows finds the device as it is.
struct AsBefore;

impl Drop for AsBefore {
    fn drop(&mut self) {
        set_faults(&[]);
        set_wrong(false);
        leave_out(&[]);
        leave_out_tiles(None);
        set_tiles(Tiles::Fitting);
    }
}

/// A second passes between any two looks at it.
#[derive(Default)]
struct Ticks(Cell<u32>);

impl Clock for Ticks {
    fn seconds(&self) -> f64 {
        self.0.set(self.0.get() + 1);
        f64::from(self.0.get())
    }
}

fn host() -> Host {
    Host::new(Rc::new(MemoryStorage::new()), Rc::new(Ticks::default()))
}

async fn proof(device: &Device) -> Proof {
    Proof::make(device, &Ticks::default()).await
}

/// All that there is, is right: what is left out elsewhere is there by a fault.
async fn right(device: &Device) -> Result<(), Failure> {
    let proof = proof(device).await;
    let ways: Vec<_> = proof.products.iter().map(|way| (way.tiles, way.right)).collect();
    same("products", ways, vec![(Tiles::Shared, true), (Tiles::None, true)])?;
    same("what is left out", (proof.right, proof.wrong), (true, vec![]))
}

/// Faults are found, each in its family, and training without these has the oracle's numbers.
async fn faults(storage: &dyn Storage, device: &Device) -> Result<(), Failure> {
    for (faults, wrong, tiles) in [
        (
            &[GELU, KEYS, MASK, STEP, SETTLE, TILES][..],
            &[
                Family::GatedGelu,
                Family::Attention,
                Family::Dropout,
                Family::Generation,
                Family::Update,
            ][..],
            Tiles::None,
        ),
        (&[LOW_RANK], &[Family::Block], Tiles::Shared),
        // Odd sizes go straight in either way, and attention joins its biases. Without moved rows there is
        // no kernel at all.
        (&[STRAIGHT, GATHER], &[Family::Rows, Family::Product, Family::Attention], Tiles::Fitting),
    ] {
        let name =
            format!("with faults in {:?}", faults.iter().map(|it| it.shader).collect::<Vec<_>>());
        set_faults(faults);
        let proof = proof(device).await;
        same(&name, (proof.right, &proof.wrong[..], proof.tiles), (true, wrong, tiles))?;
        let steps = adapters::steps(storage, "gated", "lora", device, true).await;
        steps.map_err(|error| format!("{name}, left out: {error}"))?;
    }
    // Not left out, a fault is one.
    set_faults(&[GELU]);
    leave_out(&[]);
    match adapters::steps(storage, "gated", "lora", device, true).await {
        Err(_) => Ok(()),
        Ok(()) => Err("training has the oracle's numbers with a wrong GELU".into()),
    }
}

/// A GPU on which nothing is right is not trained on.
async fn refused(device: &Device) -> Result<(), Failure> {
    set_wrong(true);
    let chosen = prove(&host(), device.clone(), DeviceChoice::Auto).await?;
    same("the device", chosen.device.kind(), DeviceKind::Cpu)?;
    let warning = chosen.warning.ok_or("there is no warning")?;
    let sentence = "this graphics driver computes wrong numbers; training on the processor";
    same("the warning", warning.message.contains(sentence), true)?;
    match prove(&host(), device.clone(), DeviceChoice::Webgpu).await {
        Err(error @ Error::WrongNumbers { .. }) => same("an input", error.is_input(), false),
        other => Err(format!("expected an error, found {other:?}").into()),
    }
}

/// What was found once is read the next time; not where it is damaged, or of another driver.
async fn kept(device: &Device) -> Result<(), Failure> {
    let storage = MemoryStorage::new();
    let host = Host { devices: Some((Rc::new(storage.clone()), "devices".to_owned())), ..host() };
    let proven = async |device: &Device| {
        let chosen = prove(&host, device.clone(), DeviceChoice::Auto).await;
        chosen.map(|chosen| chosen.device.kind())
    };
    same("at first", proven(device).await?, DeviceKind::Webgpu)?;
    let files = storage.list("devices").await?;
    same("files", files.len(), 1)?;
    // From now on only what was kept can be right.
    set_wrong(true);
    same("again", proven(device).await?, DeviceKind::Webgpu)?;
    let other = device.clone().known_as(device.name(), "another driver");
    same("another driver", proven(&other).await?, DeviceKind::Cpu)?;
    let path = format!("devices/{}/proof.json", files[0]);
    let whole = storage.read_all(&path, 1 << 16).await?;
    for damaged in [&whole[..whole.len() / 2], b"", b"{}", b"[1]"] {
        storage.write(&path, damaged).await?;
        same("damaged", proven(device).await?, DeviceKind::Cpu)?;
    }
    // Nor is kept what found nothing right, which may have had other reasons.
    same("what is kept", storage.read_all(&path, 1 << 16).await?, b"[1]".to_vec())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Failure> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{what}: found {found:?}, expected {expected:?}").into()),
    }
}
