//! Numbers next to zero. Below about 1e-38 a float's bits no longer suffice, and arithmetic on such
//! denormal numbers takes a hundred times as long; training meets them in saturated gradients. While
//! products and fused passes run they are zero, as GPUs have it.

/// Denormal numbers are zero on all threads that compute, as long as this is kept.
///
/// The compiler takes the processor's floating-point mode for the default one, which it is again when
/// the last of these is dropped. What is computed meanwhile are sums, products and comparisons of
/// numbers from memory, whose only difference is the one that is wanted.
#[derive(Debug)]
#[must_use = "the mode is over when this is dropped"]
pub struct Flushed(());

/// Has denormal numbers taken for zero, going in and coming out. Does nothing where the processor has
/// no such mode (in a browser).
pub fn flushed() -> Flushed {
    #[cfg(not(target_family = "wasm"))]
    native::begin();
    Flushed(())
}

impl Drop for Flushed {
    fn drop(&mut self) {
        #[cfg(not(target_family = "wasm"))]
        native::end();
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::{
        cell::Cell,
        sync::{Mutex, PoisonError},
    };

    /// How many scopes there are in the process: the first sets the mode on the threads of the pool,
    /// the last gives the default back.
    static SCOPES: Mutex<usize> = Mutex::new(0);

    thread_local! {
        /// How many scopes there are on this thread.
        static HERE: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn begin() {
        HERE.with(|here| {
            if here.replace(here.get() + 1) == 0 {
                set(true);
            }
        });
        let mut scopes = SCOPES.lock().unwrap_or_else(PoisonError::into_inner);
        if *scopes == 0 {
            rayon::broadcast(|_| set(true));
        }
        *scopes += 1;
    }

    pub(super) fn end() {
        let mut scopes = SCOPES.lock().unwrap_or_else(PoisonError::into_inner);
        *scopes -= 1;
        if *scopes == 0 {
            rayon::broadcast(|_| set(false));
        }
        drop(scopes);
        HERE.with(|here| {
            here.set(here.get() - 1);
            if here.get() == 0 {
                set(false);
            }
        });
    }

    /// Sets the mode of this thread, or gives it back.
    fn set(flushes: bool) {
        #[cfg(target_arch = "x86_64")]
        {
            /// Flush to zero, and denormals are zero.
            const MODE: u32 = 1 << 15 | 1 << 6;
            let mut control = 0u32;
            // SAFETY: reads and writes the control register of this thread's floating-point unit,
            // whose rounding and traps stay as they are. See `Flushed` for what is computed in it.
            unsafe {
                std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack));
                control = if flushes { control | MODE } else { control & !MODE };
                std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, readonly));
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            /// Flush to zero.
            const MODE: u64 = 1 << 24;
            let mut control: u64;
            // SAFETY: as above.
            unsafe {
                std::arch::asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack));
                control = if flushes { control | MODE } else { control & !MODE };
                std::arch::asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack));
            }
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let _ = flushes;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_denormal_product_is_zero_as_long_as_the_scope_lasts() {
        use std::hint::black_box;
        let product = || black_box(black_box(1e-30f32) * black_box(1e-10));
        let everywhere = |zero: bool| {
            assert!((product() == 0.0) == zero);
            assert!(rayon::broadcast(|_| product()).iter().all(|found| (*found == 0.0) == zero));
        };
        everywhere(false);
        let outer = super::flushed();
        let inner = super::flushed();
        everywhere(true);
        drop(outer);
        everywhere(true);
        drop(inner);
        everywhere(false);
    }
}
