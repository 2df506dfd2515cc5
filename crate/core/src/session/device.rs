//! From a device that is named to one that computes.

use crate::{
    config::DeviceChoice,
    device::{Device, DeviceKind},
    error::{Error, Result},
    host::Host,
    proof::{Proof, proof},
    text::Warning,
};

/// A device that was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The device.
    pub device: Device,
    /// What was found of it, where it is a GPU.
    pub proof: Option<Proof>,
    /// Why it is another than it would have been.
    pub warning: Option<Warning>,
}

impl From<Device> for Chosen {
    fn from(device: Device) -> Self {
        Chosen { device, proof: None, warning: None }
    }
}

/// The device that is asked for, whatever it computes. `auto` is a hardware GPU, else the processor: a
/// software rasteriser is slower than that, so it is taken only when it is asked for.
///
/// # Errors
/// [`Error::Device`] where it is unavailable.
pub async fn device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto => match Device::webgpu().await {
            Ok(device) if !device.is_software() => Ok(device),
            _ => Ok(Device::cpu()),
        },
        DeviceChoice::Cpu => Ok(Device::cpu()),
        DeviceChoice::Webgpu => Device::webgpu().await,
    }
}

/// The device that is asked for, a GPU only where it computes right.
///
/// # Errors
/// [`Error::Device`] where it is unavailable, [`Error::WrongNumbers`] where a GPU that was asked for by its
/// name computes wrong numbers.
pub async fn proven_device(host: &Host, choice: DeviceChoice) -> Result<Chosen> {
    let device = device(choice).await?;
    match device.kind() {
        DeviceKind::Cpu => Ok(device.into()),
        DeviceKind::Webgpu => prove(host, device, choice).await,
    }
}

/// As [`proven_device`], of a GPU that is there already.
///
/// # Errors
/// [`Error::WrongNumbers`].
pub async fn prove(host: &Host, device: Device, choice: DeviceChoice) -> Result<Chosen> {
    let proof = proof(&device, host).await;
    if proof.right {
        return Ok(Chosen { device, proof: Some(proof), warning: None });
    }
    let name = [device.name(), device.driver()].join(" ").trim().to_owned();
    match choice {
        DeviceChoice::Auto => {
            let message = "this graphics driver computes wrong numbers; training on the processor";
            let warning =
                Warning { code: "wrong_numbers", message: format!("{message} ({name})"), count: 1 };
            Ok(Chosen { warning: Some(warning), ..Device::cpu().into() })
        }
        DeviceChoice::Cpu | DeviceChoice::Webgpu => Err(Error::WrongNumbers { device: name }),
    }
}
