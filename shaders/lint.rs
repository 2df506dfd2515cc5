//! What every variant of every kernel must be, as naga reads it.

use naga::{
    AddressSpace, ShaderStage,
    proc::Layouter,
    valid::{Capabilities, ValidationFlags, Validator},
};

use crate::{ALL, Shader, Variant};

/// WebGPU's least limits.
const BUFFERS: usize = 8;
const INVOCATIONS: u32 = 256;
const WORKGROUP_BYTES: u32 = 16_384;

/// All that a kernel's constants may be.
fn variants(shader: &Shader) -> Vec<Vec<(&'static str, u32)>> {
    let mut all = vec![Vec::new()];
    for (name, values) in shader.constants {
        let longer = |constants: Vec<_>| {
            values.iter().map(move |value| [&constants[..], &[(*name, *value)]].concat())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all.retain(|constants| (shader.goes)(constants));
    all
}

#[test]
fn each_variant_keeps_to_the_least_that_a_device_has() {
    for shader in ALL {
        let variants = variants(shader);
        assert!(!variants.is_empty(), "{}", shader.name);
        for constants in variants {
            let variant = Variant::new(shader, &constants).unwrap();
            for variant in [variant.clone(), variant.permuted()] {
                if let Err(error) = check(&variant) {
                    panic!("{}.wgsl, {constants:?}: {error}", shader.name);
                }
            }
        }
    }
}

fn check(variant: &Variant) -> Result<(), String> {
    let source = &variant.source;
    let module =
        naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
    // Nothing that a browser must be asked for: of what naga calls capabilities, `unpack2x16float` alone is WGSL's
    // own.
    let capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|error| error.emit_to_string(source))?;
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).map_err(|error| error.to_string())?;

    let [entry] = &module.entry_points[..] else {
        return Err("one entry point is expected".to_owned());
    };
    let invocations: u32 = entry.workgroup_size.iter().product();
    expect(
        entry.stage == ShaderStage::Compute && entry.name == "main",
        "the entry point is `main`",
    )?;
    expect(invocations <= INVOCATIONS, "too many invocations")?;

    let (mut memory, mut bound) = (0, Vec::new());
    for (handle, global) in module.global_variables.iter() {
        let size = layouter[global.ty].size;
        let name = global.name.as_deref().unwrap_or_default();
        expect(
            !info.get_entry_point(0)[handle].is_empty(),
            &format!("`{name}` is declared and not used, so it would have no place in the layout"),
        )?;
        match global.space {
            AddressSpace::WorkGroup => memory += size,
            AddressSpace::Storage { .. } => {
                bound.push(global.binding.as_ref().map(|binding| binding.binding));
            }
            AddressSpace::Uniform => {
                let place = global.binding.as_ref().map(|binding| binding.binding);
                expect(place == Some(variant.buffers as u32), "the sizes come after the buffers")?;
                expect(size == 4 * variant.words as u32, "the sizes are words of 32 bits")?;
            }
            _ => return Err(format!("`{name}` is in another place")),
        }
    }
    let expected: Vec<_> = (0..variant.buffers as u32).map(Some).collect();
    expect(bound == expected, &format!("buffers are bound in their order, not {bound:?}"))?;
    expect(bound.len() <= BUFFERS, "too many buffers")?;
    expect(memory <= WORKGROUP_BYTES, "too much workgroup memory")
}

fn expect(holds: bool, message: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| message.to_owned())
}
