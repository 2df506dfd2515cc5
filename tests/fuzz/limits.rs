//! An allocator that counts, thread by thread.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The largest single allocation that a target may make, in bytes. A template may make a text of 32 MB,
/// and the engine's message about it may hold that text once more while it grows.
const MAX_SINGLE: usize = 64 << 20;
/// The most bytes that a target may hold at a time.
const MAX_HELD: isize = 256 << 20;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn took(bytes: usize) {
    LARGEST.set(LARGEST.get().max(bytes));
    HELD.set(HELD.get() + bytes as isize);
    PEAK.set(PEAK.get().max(HELD.get()));
}

fn gave(bytes: usize) {
    HELD.set(HELD.get() - bytes as isize);
}

// SAFETY: everything is passed on to the system's allocator; the counters neither allocate nor have
// destructors, so they can be used while a thread starts and ends.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        gave(layout.size());
        took(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What a piece of work took on its thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    largest: usize,
    peak: isize,
}

impl Usage {
    /// A word about what is too much.
    pub(crate) fn excess(&self) -> Option<String> {
        if self.largest > MAX_SINGLE {
            return Some(format!("{} bytes were allocated at once", self.largest));
        }
        (self.peak > MAX_HELD).then(|| format!("{} bytes were held at a time", self.peak))
    }
}

/// Does a piece of work, and counts.
pub(crate) fn measured<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let before = HELD.get();
    PEAK.set(before);
    LARGEST.set(0);
    let result = work();
    (result, Usage { largest: LARGEST.get(), peak: PEAK.get() - before })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_told() {
        let held = |count: usize, bytes: usize| {
            let work = || (0..count).map(|_| Vec::<u8>::with_capacity(bytes)).collect::<Vec<_>>();
            measured(|| drop(work())).1.excess()
        };
        assert_eq!(held(3, 1 << 20), None);
        assert_eq!(held(1, MAX_SINGLE + 1).unwrap(), "67108865 bytes were allocated at once");
        assert!(held(9, MAX_SINGLE / 2).unwrap().ends_with(" bytes were held at a time"));
    }
}
