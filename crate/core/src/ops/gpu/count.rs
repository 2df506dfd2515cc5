//! What a piece of work has a GPU do: dispatches, and the pipelines that they need.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use burn::{
    backend::Cube,
    tensor::{DType, Device, Tensor},
};
use cubecl::{
    MemoryScope,
    launched::LaunchedKernels,
    logging::{LaunchObservation, LaunchObserver},
};

/// What was launched.
#[derive(Clone, Debug, Default)]
pub struct Launches {
    /// How often each kernel was, by name: a shader's, or the type that cubecl has for its own.
    pub kernels: BTreeMap<&'static str, u64>,
    /// The variants.
    pipelines: HashSet<u128>,
}

impl Launches {
    /// How many dispatches there were.
    pub fn dispatches(&self) -> u64 {
        self.kernels.values().sum()
    }

    /// How many pipelines they need.
    pub fn pipelines(&self) -> usize {
        self.pipelines.len()
    }

    /// How many of them are not among those of earlier work.
    pub fn new_since(&self, earlier: &Launches) -> usize {
        self.pipelines.difference(&earlier.pipelines).count()
    }
}

/// Counts all launches of this program, from now on.
#[derive(Debug)]
#[must_use = "counts until `finish`"]
pub struct Counter {
    counts: Arc<Counts>,
    pipelines: LaunchedKernels,
    _observation: LaunchObservation,
}

#[derive(Debug, Default)]
struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl LaunchObserver for Counts {
    fn launched(&self, kernel: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kernel).or_default() += 1;
    }
}

impl Default for Counter {
    fn default() -> Self {
        let counts = Arc::<Counts>::default();
        let _observation = LaunchObservation::new(counts.clone());
        Counter { counts, pipelines: LaunchedKernels::new(), _observation }
    }
}

impl Counter {
    /// What was launched meanwhile.
    pub fn finish(self) -> Launches {
        let kernels = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pipelines = self.pipelines.finish().into_iter().collect();
        Launches { kernels, pipelines }
    }
}

/// Bytes that a GPU has set aside for this program. It gives none back by itself, so this is the most that was in use
/// at once, in whole pages. None where the device is no GPU.
pub fn bytes_reserved(device: &Device) -> Option<u64> {
    let tensor = Tensor::<1>::empty([1], (device, DType::F32)).try_into_primitive::<Cube>().ok()?;
    Some(tensor.client.memory_report(MemoryScope::Device).usage().bytes_reserved)
}
