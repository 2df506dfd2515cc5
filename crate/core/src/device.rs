//! Where tensors live: the CPU (burn's flex) or a GPU through WebGPU (WGSL through wgpu: browsers,
//! and natively Vulkan, Metal and DX12).

use std::sync::atomic::{AtomicBool, Ordering};

use burn::{
    backend::DispatchDevice,
    tensor::{
        Device as BurnDevice,
        wgpu::{WgpuBackend, WgpuSetup, wgpu},
    },
};

use crate::error::{Error, Result};

/// The graphics interfaces that are tried, the best first. OpenGL is none of them: on a machine without
/// a display even looking for it writes complaints to standard error, and it lacks what shaders need.
const APIS: &[WgpuBackend] = if cfg!(target_family = "wasm") {
    &[WgpuBackend::WebGpu]
} else if cfg!(target_vendor = "apple") {
    &[WgpuBackend::Metal]
} else if cfg!(windows) {
    &[WgpuBackend::Vulkan, WgpuBackend::Dx12]
} else {
    &[WgpuBackend::Vulkan]
};

/// How many dispatches are put together before they are submitted: a step of training is one or two
/// submits, which cost more than a dispatch does.
const TASKS: usize = 512;

/// Whether the GPU of this program is only imitated on the processor.
static IMITATED: AtomicBool = AtomicBool::new(false);

/// Whether the GPU that was asked for last is only imitated on the processor: then workgroup memory and
/// barriers cost, and spare nothing.
pub fn gpu_is_imitated() -> bool {
    IMITATED.load(Ordering::Relaxed)
}

/// Whether what is read of a GPU is wrong.
static WRONG: AtomicBool = AtomicBool::new(false);

/// Has all that is read of a GPU be wrong, in tests, as if whatever computed it were.
pub fn set_wrong(wrong: bool) {
    WRONG.store(wrong, Ordering::Relaxed);
}

/// What kind of device this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor, through burn's flex backend.
    Cpu,
    /// A GPU (or a software rasteriser) through WGSL and wgpu.
    Webgpu,
}

impl DeviceKind {
    /// The name that the `device` key takes.
    pub fn name(self) -> &'static str {
        match self {
            DeviceKind::Cpu => "cpu",
            DeviceKind::Webgpu => "webgpu",
        }
    }
}

/// A device that is ready to compute.
#[derive(Clone, Debug)]
pub struct Device {
    kind: DeviceKind,
    name: String,
    driver: String,
    software: bool,
    limits: Limits,
    inner: BurnDevice,
}

/// What a device allows. Bytes, or counts; `None` where only memory limits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The largest buffer, in bytes.
    pub max_buffer_size: Option<u64>,
    /// The largest part of a buffer that a shader sees at once, in bytes.
    pub max_binding_size: Option<u64>,
    /// The most storage buffers that a shader may use.
    pub max_storage_buffers: Option<u32>,
    /// The most invocations of a workgroup.
    pub max_workgroup_invocations: Option<u32>,
    /// The workgroup memory, in bytes.
    pub max_workgroup_memory: Option<u32>,
}

impl Device {
    /// The processor. Always there.
    pub fn cpu() -> Self {
        Device {
            kind: DeviceKind::Cpu,
            name: "CPU".to_owned(),
            driver: String::new(),
            software: false,
            limits: Limits::default(),
            inner: BurnDevice::flex(),
        }
    }

    /// The GPU that wgpu prefers, a hardware one where there is one. [`Error::Device`] where there is
    /// none at all.
    pub async fn webgpu() -> Result<Self> {
        let mut found = Self::webgpu_through(APIS[0]).await;
        for api in &APIS[1..] {
            if found.as_ref().is_ok_and(|device| !device.software) {
                break;
            }
            match Self::webgpu_through(*api).await {
                Ok(device) if found.is_err() || !device.software => found = Ok(device),
                _ => {}
            }
        }
        found
    }

    async fn webgpu_through(api: WgpuBackend) -> Result<Self> {
        let options = BurnDevice::wgpu_options().graphics_api(api).tasks_max(TASKS);
        let (inner, setup) = options.init_with_setup_async().await.map_err(|error| {
            Error::Device { message: format!("WebGPU is unavailable: {error}") }
        })?;
        let WgpuSetup { adapter, device, .. } = setup;
        let (info, limits) = (adapter.get_info(), device.limits());
        let name = match info.name.as_str() {
            "" => format!("{:?} adapter", info.backend),
            name => format!("{name} ({:?})", info.backend),
        };
        let software = info.device_type == wgpu::DeviceType::Cpu;
        IMITATED.store(software, Ordering::Relaxed);
        Ok(Device {
            kind: DeviceKind::Webgpu,
            name,
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            software,
            limits: Limits {
                max_buffer_size: Some(limits.max_buffer_size),
                max_binding_size: Some(limits.max_storage_buffer_binding_size),
                max_storage_buffers: Some(limits.max_storage_buffers_per_shader_stage),
                max_workgroup_invocations: Some(limits.max_compute_invocations_per_workgroup),
                max_workgroup_memory: Some(limits.max_compute_workgroup_storage_size),
            },
            inner,
        })
    }

    /// What kind of device this is.
    pub fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// The device's own name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its driver, as far as that tells of itself: browsers say nothing.
    pub fn driver(&self) -> &str {
        &self.driver
    }

    /// The same device, as a browser's page knows it, which is told more than the module in it.
    #[must_use]
    pub fn known_as(self, name: &str, driver: &str) -> Self {
        Device { name: name.to_owned(), driver: driver.to_owned(), ..self }
    }

    /// Whether a GPU is only imitated on the processor.
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// What it allows.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Has it give back memory that nothing is in. By itself a GPU keeps what it ever had, for tensors that fit there.
    pub fn give_back(&self) {
        self.inner.memory_cleanup();
    }

    /// The device as burn knows it, without automatic differentiation.
    pub fn burn(&self) -> &BurnDevice {
        &self.inner
    }
}

/// The devices of this machine: the processor, and the GPU that wgpu prefers, if there is one.
pub async fn devices() -> Vec<Device> {
    std::iter::once(Device::cpu()).chain(Device::webgpu().await.ok()).collect()
}

/// Reads a tensor's values back, in row-major order.
pub async fn read<const D: usize>(tensor: burn::tensor::Tensor<D>) -> Result<Vec<f32>> {
    let wrong = WRONG.load(Ordering::Relaxed) && is_gpu(&tensor.device());
    let data = tensor.into_data_async().await.map_err(|error| lost(&format!("{error:?}")))?;
    let values = data.try_into_vec::<f32>().map_err(|error| lost(&format!("{error:?}")))?;
    Ok(if wrong { values.into_iter().map(|value| 1.5 * value + 0.5).collect() } else { values })
}

/// Whether what is on this device is on a GPU.
pub fn is_gpu(device: &BurnDevice) -> bool {
    matches!(device.clone().without_autodiff().as_dispatch(), DispatchDevice::Cube(_))
}

/// Reads tokens back.
pub async fn read_ids(tokens: burn::tensor::Tensor<1, burn::tensor::Int>) -> Result<Vec<u32>> {
    let data = tokens.into_data_async().await.map_err(|error| lost(&format!("{error:?}")))?;
    Ok(data.iter::<i64>().map(|token| token as u32).collect())
}

fn lost(message: &str) -> Error {
    Error::Device { message: format!("a tensor could not be read: {message}") }
}
