//! From a device that is named to one that computes.

use crate::{config::DeviceChoice, device::Device, error::Result};

/// The device that is asked for.
///
/// # Errors
/// [`Error::Device`](crate::Error::Device) where it is unavailable.
pub async fn device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto => Ok(Device::auto().await),
        DeviceChoice::Cpu => Ok(Device::cpu()),
        DeviceChoice::Webgpu => Device::webgpu().await,
    }
}
