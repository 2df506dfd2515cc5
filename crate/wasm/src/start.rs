//! How a module starts in a browser.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/timestamp_query.js")]
extern "C" {
    #[wasm_bindgen(js_name = claimTimestampQuery)]
    fn claim_timestamp_query();
}

unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// Readies the module. Runs by itself, once, when it is loaded.
#[wasm_bindgen(start)]
pub(crate) fn start() {
    // Thousands of entries of cubecl's compiler register themselves in constructors. If nothing in
    // the module calls them, the linker wraps every export in a call of all of them: a training
    // step of half a second then takes six.
    // SAFETY: the linker defines it, and this is its only call, before any other export's.
    unsafe { __wasm_call_ctors() };
    console_error_panic_hook::set_once();
    claim_timestamp_query();
}
