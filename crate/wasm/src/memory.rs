//! Says when memory is refused. Where an allocation fails, Rust ends the program without a word here:
//! it would write to a standard error that there is not, then traps, and panic hooks never hear of it.
//! The worker hears what is said (`web/src/worker/crash.ts`), and knows why the trap that follows came.

use std::alloc::{GlobalAlloc, Layout, System};

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    // Nothing is allocated by the call: the text is static, the number is a number.
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn say(text: &str, bytes: f64);
}

/// The system's allocator, which does not keep a refusal to itself.
struct Telling;

#[global_allocator]
static ALLOCATOR: Telling = Telling;

// SAFETY: every call is the system allocator's, with what it was called with and what it gave.
unsafe impl GlobalAlloc for Telling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        told(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        told(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        told(unsafe { System.realloc(pointer, layout, size) }, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) };
    }
}

fn told(pointer: *mut u8, bytes: usize) -> *mut u8 {
    if pointer.is_null() {
        say("memory allocation failed, bytes:", bytes as f64);
    }
    pointer
}
