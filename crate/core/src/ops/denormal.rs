//! Numbers next to zero. Below about 1e-38 a float's bits no longer suffice, and arithmetic on such
//! denormal numbers takes a hundred times as long; training meets them in saturated gradients. With
//! this they are zero, as GPUs have it.

/// Makes this thread take denormal numbers for zero, going in and coming out. Every thread that
/// computes must do so, or results depend on which thread took which part. Does nothing where the
/// processor has no such mode (in a browser).
pub fn flush() {
    #[cfg(target_arch = "x86_64")]
    {
        /// Flush to zero, and denormals are zero.
        const MODE: u32 = 1 << 15 | 1 << 6;
        let mut control = 0u32;
        // SAFETY: reads and writes the control register of this thread's floating-point unit, whose
        // rounding and traps stay as they are.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack));
            control |= MODE;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, readonly));
        }
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; bit 24 is flush to zero.
    unsafe {
        let mut control: u64;
        std::arch::asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack));
        control |= 1 << 24;
        std::arch::asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_denormal_product_is_zero() {
        let small = std::hint::black_box(1e-30f32);
        assert!(std::hint::black_box(small * 1e-10) > 0.0);
        let flushed = std::thread::spawn(|| {
            super::flush();
            let small = std::hint::black_box(1e-30f32);
            std::hint::black_box(small * std::hint::black_box(1e-10))
        });
        assert_eq!(flushed.join().unwrap(), 0.0);
    }
}
