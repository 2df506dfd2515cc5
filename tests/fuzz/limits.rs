//! An allocator that counts, thread by thread.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// What a target may take of memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest single allocation.
    pub largest: usize,
    /// The most that is held at a time, whatever the input.
    pub held: usize,
    /// How much more for each byte of the input.
    pub factor: usize,
    /// All that is ever allocated: work leaves its traces in memory.
    pub made: usize,
}

impl Limits {
    /// For what is read from a file: in proportion to it. SECURITY.md states the factors.
    pub const PROPORTIONAL: Self =
        Self { largest: 16 << 20, held: 2 << 20, factor: 64, made: 1 << 30 };
    /// For TOML, which may have 256 KB.
    pub const DENSE: Self = Self { factor: 160, ..Self::PROPORTIONAL };
    /// For what is bounded, but not by the input. A template may make a text of 32 MB, and the engine's
    /// message about it may hold that text once more while it grows.
    pub const BOUNDED: Self = Self { largest: 64 << 20, held: 256 << 20, factor: 0, made: 8 << 30 };
}

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
    static MADE: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn took(bytes: usize) {
    LARGEST.set(LARGEST.get().max(bytes));
    MADE.set(MADE.get() + bytes);
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
pub struct Usage {
    /// The largest single allocation.
    pub largest: usize,
    /// The most that was held at a time.
    pub held: usize,
    /// All allocations together.
    pub made: usize,
}

impl Usage {
    /// A word about what is too much for an input of so many bytes.
    pub(crate) fn excess(&self, limits: &Limits, input: usize) -> Option<String> {
        let held = limits.held + limits.factor * input;
        if self.largest > limits.largest.max(held) {
            return Some(format!("{} bytes were allocated at once", self.largest));
        }
        if self.held > held {
            return Some(format!("{} bytes were held at a time, not {held}", self.held));
        }
        (self.made > limits.made).then(|| format!("{} bytes were allocated in all", self.made))
    }
}

/// Does a piece of work, and counts.
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    let before = HELD.get();
    PEAK.set(before);
    LARGEST.set(0);
    MADE.set(0);
    let result = work();
    let held = (PEAK.get() - before).unsigned_abs();
    (result, Usage { largest: LARGEST.get(), held, made: MADE.get() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_told() {
        let limits = Limits { largest: 100, held: 1_000, factor: 2, made: 5_000 };
        let used = |count: usize, bytes: usize, input: usize| {
            let work = || (0..count).map(|_| Vec::<u8>::with_capacity(bytes)).collect::<Vec<_>>();
            measured(|| drop(work())).1.excess(&limits, input)
        };
        assert_eq!(used(3, 50, 0), None);
        assert!(used(1, 1_500, 0).unwrap().ends_with(" bytes were allocated at once"));
        assert!(used(9, 150, 0).unwrap().ends_with(" bytes were held at a time, not 1000"));
        assert_eq!(used(9, 150, 1_000), None);
        let often = || (0..100).for_each(|_| drop(Vec::<u8>::with_capacity(90)));
        let excess = measured(often).1.excess(&limits, 0);
        assert_eq!(excess.unwrap(), "9000 bytes were allocated in all");
    }
}
