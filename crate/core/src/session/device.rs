//! From a device that is named to one that computes.

#[cfg(not(feature = "cuda"))]
use crate::error::Error;
use crate::{config::DeviceChoice, device::Device, error::Result};

/// The device that is asked for.
pub async fn device(choice: DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto => Ok(Device::auto().await),
        DeviceChoice::Cpu => Ok(Device::cpu()),
        DeviceChoice::Webgpu => Device::webgpu().await,
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda => Ok(Device::cuda()),
        #[cfg(not(feature = "cuda"))]
        DeviceChoice::Cuda => {
            let message = "this build has no CUDA; build with the feature `cuda`";
            Err(Error::setting("device", message))
        }
    }
}
