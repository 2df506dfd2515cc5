//! A launch of a shader, with what cubecl does not look at: a wrong bind group drops the rest of a batch,
//! and reads then return what was there before, as if all were well. So whatever is wrong with a launch
//! ends the program here, where it is made.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use burn_cubecl::tensor::CubeTensor;
use cubecl::{
    CubeCount, CubeKernel, PrecompiledSource,
    ir::{AddressType, ElemType, Scope, UIntKind, metadata::Info, settings::KernelSettings},
    prelude::{CubeDim, ExecutionMode, KernelDefinition, KernelId, KernelMetadata},
    server::{BufferBinding, KernelArguments, MetadataBindingInfo},
};
use flantune_shaders::{Shader, Variant};

use super::fault::{self, Fault};

/// A uniform is bound in multiples of so many words.
const UNIFORM_WORDS: usize = 4;
/// The most workgroups of a dimension that WebGPU guarantees.
const GROUPS: u32 = 65_535;

/// What makes a variant: the shader's name, its constants in their order, whether it is hostile, and what was
/// made wrong in it.
type Key = (&'static str, Vec<(&'static str, u32)>, bool, Option<Fault>);

/// A launch that is being put together. Buffers are bound in the order in which they are named, sizes after
/// them.
#[derive(Debug)]
#[must_use = "nothing runs before `run`"]
pub struct Launch<'a> {
    shader: &'static Shader,
    constants: Vec<(&'static str, u32)>,
    /// None where nothing is read.
    buffers: Vec<Option<&'a CubeTensor>>,
    words: Vec<u32>,
}

impl<'a> Launch<'a> {
    /// Of this shader.
    pub fn new(shader: &'static Shader) -> Self {
        Launch { shader, constants: Vec::new(), buffers: Vec::new(), words: Vec::new() }
    }

    /// A constant of the variant.
    pub fn constant(mut self, name: &'static str, value: impl Into<u32>) -> Self {
        self.constants.push((name, value.into()));
        self
    }

    /// A buffer that is read.
    pub fn read(mut self, tensor: &'a CubeTensor) -> Self {
        self.buffers.push(Some(tensor));
        self
    }

    /// A buffer that is read, if there is one; sizes tell the shader where there is none.
    pub fn maybe(mut self, tensor: Option<&'a CubeTensor>) -> Self {
        self.buffers.push(tensor);
        self
    }

    /// A buffer that is written, or read and written.
    pub fn write(mut self, tensor: &'a CubeTensor) -> Self {
        self.buffers.push(Some(tensor));
        self
    }

    /// A size.
    pub fn size(mut self, size: usize) -> Self {
        self.words.push(u32::try_from(size).expect("a size fits 32 bits"));
        self
    }

    /// A number among the sizes.
    pub fn number(mut self, number: f32) -> Self {
        self.words.push(number.to_bits());
        self
    }

    /// Launches so many workgroups. Where there are none, nothing runs.
    ///
    /// # Panics
    /// Where buffers or sizes are not those of the shader: a fault of the program.
    pub fn run(self, groups: [u32; 3]) {
        if groups.contains(&0) {
            return;
        }
        let name = self.shader.name;
        let key = (name, self.constants, super::is_hostile(), fault::of(name));
        let variant = variant(self.shader, &key);
        assert_eq!(self.buffers.len(), variant.buffers, "buffers of {name}");
        assert_eq!(self.words.len(), variant.words, "sizes of {name}");
        assert!(groups.iter().all(|groups| *groups <= GROUPS), "{groups:?} workgroups of {name}");
        let first = self.buffers.iter().copied().flatten().next().expect("a buffer");
        let bindings = bindings(name, &self.buffers, first);
        let client = first.client.clone();
        let kernel = Kernel { key, variant };
        let arguments = KernelArguments::new().with_buffers(bindings).with_info(info(self.words));
        let [x, y, z] = groups;
        client.launch(Box::new(kernel), CubeCount::Static(x, y, z), arguments);
    }
}

fn bindings(name: &str, buffers: &[Option<&CubeTensor>], first: &CubeTensor) -> Vec<BufferBinding> {
    for (place, tensor) in buffers.iter().enumerate() {
        let Some(tensor) = tensor else { continue };
        assert!(tensor.is_contiguous(), "buffer {place} of {name} is not contiguous");
        let bytes = tensor.meta.shape().num_elements() * tensor.dtype.size();
        let size = tensor.handle.size_in_used();
        assert!(bytes as u64 <= size, "buffer {place} of {name}: {size} bytes");
        // Also of two that are only read: all are declared as written, and browsers go by that.
        for (other, tensor_there) in buffers.iter().enumerate().skip(place + 1) {
            let Some(tensor_there) = tensor_there else { continue };
            let (a, b) = (super::place(tensor), super::place(tensor_there));
            let apart = a.0 != b.0 || a.2 <= b.1 || b.2 <= a.1;
            assert!(apart, "buffers {place} and {other} of {name} overlap");
        }
    }
    let handle = |tensor: &Option<&CubeTensor>| match tensor {
        Some(tensor) => tensor.handle.clone(),
        None => super::empty(first, [0]).handle,
    };
    buffers.iter().map(|tensor| handle(tensor).binding()).collect()
}

/// Workgroups of `size` threads for so many of them, in rows where a dimension does not hold all.
pub fn groups(threads: usize, size: usize) -> [u32; 3] {
    let all = threads.div_ceil(size);
    let rows = all.div_ceil(GROUPS as usize);
    [all.div_ceil(rows.max(1)) as u32, rows as u32, 1]
}

/// Sizes as cubecl takes them: two in each word of 64 bits.
fn info(mut words: Vec<u32>) -> MetadataBindingInfo {
    words.resize(words.len().next_multiple_of(UNIFORM_WORDS), 0);
    let pairs = words.chunks_exact(2).map(|pair| u64::from(pair[0]) | u64::from(pair[1]) << 32);
    MetadataBindingInfo::custom(pairs.collect())
}

/// The variant, written out once.
fn variant(shader: &'static Shader, key: &Key) -> Arc<Variant> {
    static KNOWN: LazyLock<Mutex<HashMap<Key, Arc<Variant>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, constants, hostile, fault) = key;
    let variant = known.entry(key.clone()).or_insert_with(|| {
        let variant = match Variant::new(shader, constants) {
            Ok(variant) if *hostile => variant.permuted(),
            Ok(variant) => variant,
            Err(error) => panic!("{error}"),
        };
        Arc::new(fault.map_or(variant.clone(), |fault| fault.put_into(variant)))
    });
    variant.clone()
}

/// A variant as cubecl knows it.
#[derive(Debug)]
struct Kernel {
    key: Key,
    variant: Arc<Variant>,
}

impl KernelMetadata for Kernel {
    fn name(&self) -> &'static str {
        self.key.0
    }

    fn id(&self) -> KernelId {
        // Unchecked: else loops are given bounds, which costs, and indices are guarded in the shaders.
        KernelId::new::<Self>().info(self.key.clone()).mode(ExecutionMode::Unchecked)
    }

    fn address_type(&self) -> ElemType {
        UIntKind::U32.into()
    }
}

impl CubeKernel for Kernel {
    /// Not compiled, because there is a source.
    fn define(&self) -> KernelDefinition {
        let settings = KernelSettings::new(
            CubeDim::new_single().0,
            ExecutionMode::Unchecked,
            AddressType::U32,
        );
        KernelDefinition { body: Scope::root(settings.clone()), settings, info: Info::default() }
    }

    fn source(&self) -> Option<PrecompiledSource> {
        Some(PrecompiledSource {
            source: self.variant.source.clone(),
            entrypoint_name: "main".to_owned(),
            lang: "wgsl",
        })
    }
}
