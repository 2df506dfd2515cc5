//! A variant of a kernel, written out, with what a launch must give it.

use crate::{Constants, Shader, expand};

/// A variant of a kernel.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The WGSL.
    pub source: String,
    /// How many buffers it binds, from binding 0 on; the sizes are bound after them.
    pub buffers: usize,
    /// How many words of 32 bits its sizes are.
    pub words: usize,
}

impl Variant {
    /// Writes out a shader with these constants.
    ///
    /// # Errors
    /// What is wrong with the source, with its line.
    pub fn new(shader: &Shader, constants: &Constants) -> Result<Self, String> {
        let source = expand(shader.source, constants)
            .map_err(|error| format!("{}.wgsl, {constants:?}: {error}", shader.name))?;
        let buffers = source.matches("var<storage, read_write>").count();
        let sizes = source.split("struct Sizes {").nth(1).and_then(|rest| rest.split("};").next());
        let words = sizes.map_or(0, |fields| fields.matches(": ").count());
        Ok(Variant { source, buffers, words })
    }
}
