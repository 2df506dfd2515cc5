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

    /// The same with the invocations of a workgroup in another order: where one reads what another writes
    /// without a barrier between, the results differ. A rasteriser that runs invocations in their order hides
    /// that.
    #[must_use]
    pub fn permuted(mut self) -> Self {
        const GIVEN: &str = "@builtin(local_invocation_id) local: vec3<u32>";
        let square = self.source.contains("@workgroup_size(8, 8)");
        // An odd factor: each of the 64 places once.
        let place = "(37u * (8u * given.y + given.x) + 11u) % 64u";
        let row = "(37u * given.x + 11u) % 64u";
        let local = match square {
            true => format!("let local = vec3<u32>({place} % 8u, {place} / 8u, 0u);"),
            false => format!("let local = vec3<u32>({row}, 0u, 0u);"),
        };
        let Some((before, after)) = self.source.split_once(GIVEN) else { return self };
        let Some((parameters, body)) = after.split_once(") {") else { return self };
        let given = GIVEN.replace("local:", "given:");
        self.source = format!("{before}{given}{parameters}) {{\n  {local}\n{body}");
        self
    }
}
