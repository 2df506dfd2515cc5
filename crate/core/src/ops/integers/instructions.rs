//! What a tile needs of a processor, and the processors that have it.

/// Vectors of 32-bit integers and floats, a column of a tile in each lane. All of these do the same.
pub(super) trait Instructions: Copy {
    /// Columns of a vector.
    const LANES: usize;
    /// 16-bit integers, two for each lane.
    type Pairs: Copy;
    /// 32-bit integers.
    type Integers: Copy;
    /// Floats.
    type Floats: Copy;

    /// Zeros.
    fn zero(self) -> Self::Integers;
    /// Pairs of 8-bit integers, one for each lane.
    ///
    /// # Safety
    /// There are so many.
    unsafe fn widen(self, from: *const i8) -> Self::Pairs;
    /// The same pair for each lane.
    ///
    /// # Safety
    /// There is one.
    unsafe fn pair(self, from: *const i16) -> Self::Pairs;
    /// `sum + a₀ · b₀ + a₁ · b₁` in each lane.
    fn add_products(self, sum: Self::Integers, a: Self::Pairs, b: Self::Pairs) -> Self::Integers;
    /// The nearest floats.
    fn floats(self, integers: Self::Integers) -> Self::Floats;
    /// The same float for each lane.
    fn float(self, value: f32) -> Self::Floats;
    /// `a · b + c`, each rounded.
    fn multiply_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// `a · b`.
    fn multiply(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// Floats from memory.
    ///
    /// # Safety
    /// There are so many.
    unsafe fn load(self, from: *const f32) -> Self::Floats;
    /// Floats to memory.
    ///
    /// # Safety
    /// There is room for them.
    unsafe fn store(self, to: *mut f32, floats: Self::Floats);
}

/// Work that is compiled for some instructions.
pub(super) trait Work {
    /// Does it.
    fn run<I: Instructions>(self, instructions: I);
}

/// Does the work by the best instructions that there are.
pub(super) fn dispatch(work: impl Work) {
    #[cfg(target_arch = "wasm32")]
    work.run(wasm::Simd128);
    #[cfg(target_arch = "x86_64")]
    x86::dispatch(work);
    #[cfg(not(any(target_arch = "wasm32", target_arch = "x86_64")))]
    work.run(Plain);
}

/// Plain Rust, of which a compiler makes what it can.
#[cfg(any(test, not(target_arch = "wasm32")))]
#[derive(Clone, Copy)]
pub(super) struct Plain;

#[cfg(any(test, not(target_arch = "wasm32")))]
impl Instructions for Plain {
    const LANES: usize = 4;
    type Pairs = [[i16; 2]; 4];
    type Integers = [i32; 4];
    type Floats = [f32; 4];

    #[inline(always)]
    fn zero(self) -> [i32; 4] {
        [0; 4]
    }
    #[inline(always)]
    unsafe fn widen(self, from: *const i8) -> [[i16; 2]; 4] {
        // SAFETY: the caller's promise.
        let pairs: [[i8; 2]; 4] = unsafe { from.cast::<[[i8; 2]; 4]>().read() };
        pairs.map(|pair| pair.map(i16::from))
    }
    #[inline(always)]
    unsafe fn pair(self, from: *const i16) -> [[i16; 2]; 4] {
        // SAFETY: the caller's promise.
        [unsafe { from.cast::<[i16; 2]>().read() }; 4]
    }
    #[inline(always)]
    fn add_products(self, sum: [i32; 4], a: [[i16; 2]; 4], b: [[i16; 2]; 4]) -> [i32; 4] {
        let product =
            |lane: usize, place: usize| i32::from(a[lane][place]) * i32::from(b[lane][place]);
        std::array::from_fn(|lane| sum[lane] + product(lane, 0) + product(lane, 1))
    }
    #[inline(always)]
    fn floats(self, integers: [i32; 4]) -> [f32; 4] {
        integers.map(|integer| integer as f32)
    }
    #[inline(always)]
    fn float(self, value: f32) -> [f32; 4] {
        [value; 4]
    }
    #[inline(always)]
    fn multiply_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    fn multiply(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; 4] {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[f32; 4]>().read() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, floats: [f32; 4]) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; 4]>().write(floats) }
    }
}

/// Vectors of 128 bits in Wasm.
#[cfg(target_arch = "wasm32")]
mod wasm {
    use core::arch::wasm32::*;

    use super::Instructions;

    #[derive(Clone, Copy)]
    pub(super) struct Simd128;

    impl Instructions for Simd128 {
        const LANES: usize = 4;
        type Pairs = v128;
        type Integers = v128;
        type Floats = v128;

        #[inline(always)]
        fn zero(self) -> v128 {
            i32x4_splat(0)
        }
        #[inline(always)]
        unsafe fn widen(self, from: *const i8) -> v128 {
            // SAFETY: the caller's promise.
            unsafe { i16x8_load_extend_i8x8(from) }
        }
        #[inline(always)]
        unsafe fn pair(self, from: *const i16) -> v128 {
            // SAFETY: the caller's promise.
            unsafe { v128_load32_splat(from.cast()) }
        }
        #[inline(always)]
        fn add_products(self, sum: v128, a: v128, b: v128) -> v128 {
            i32x4_add(sum, i32x4_dot_i16x8(a, b))
        }
        #[inline(always)]
        fn floats(self, integers: v128) -> v128 {
            f32x4_convert_i32x4(integers)
        }
        #[inline(always)]
        fn float(self, value: f32) -> v128 {
            f32x4_splat(value)
        }
        #[inline(always)]
        fn multiply_add(self, a: v128, b: v128, c: v128) -> v128 {
            f32x4_add(c, f32x4_mul(a, b))
        }
        #[inline(always)]
        fn multiply(self, a: v128, b: v128) -> v128 {
            f32x4_mul(a, b)
        }
        #[inline(always)]
        unsafe fn load(self, from: *const f32) -> v128 {
            // SAFETY: the caller's promise.
            unsafe { v128_load(from.cast()) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32, floats: v128) {
            // SAFETY: the caller's promise.
            unsafe { v128_store(to.cast(), floats) }
        }
    }
}

/// x86-64: vectors of 256 bits with AVX2, of 512 with AVX-512 and its integer products (VNNI).
#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    use core::arch::x86_64::*;

    use super::{Instructions, Plain, Work};

    /// Does the work by the best instructions that this processor has.
    pub(super) fn dispatch(work: impl Work) {
        if let Some(vnni) = Vnni::new() {
            // SAFETY: the processor has them.
            unsafe { by_vnni(vnni, work) }
        } else if let Some(avx2) = Avx2::new() {
            // SAFETY: the processor has them.
            unsafe { by_avx2(avx2, work) }
        } else {
            work.run(Plain);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    fn by_vnni(vnni: Vnni, work: impl Work) {
        work.run(vnni);
    }

    #[target_feature(enable = "avx2")]
    pub(in crate::ops::integers) fn by_avx2(avx2: Avx2, work: impl Work) {
        work.run(avx2);
    }

    /// There is one where the processor has AVX-512 VNNI.
    #[derive(Clone, Copy)]
    pub(in crate::ops::integers) struct Vnni(());

    impl Vnni {
        pub(in crate::ops::integers) fn new() -> Option<Self> {
            let has = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            has.then_some(Vnni(()))
        }
    }

    /// There is one where the processor has AVX2.
    #[derive(Clone, Copy)]
    pub(in crate::ops::integers) struct Avx2(());

    impl Avx2 {
        pub(in crate::ops::integers) fn new() -> Option<Self> {
            is_x86_feature_detected!("avx2").then_some(Avx2(()))
        }
    }

    // Each function below is called where the instructions are, which its type is the proof of.
    impl Instructions for Vnni {
        const LANES: usize = 16;
        type Pairs = __m512i;
        type Integers = __m512i;
        type Floats = __m512;

        #[inline(always)]
        fn zero(self) -> __m512i {
            // SAFETY: the processor has the instruction.
            unsafe { _mm512_setzero_si512() }
        }
        #[inline(always)]
        unsafe fn widen(self, from: *const i8) -> __m512i {
            // SAFETY: as above; the rest is the caller's promise.
            unsafe { _mm512_cvtepi8_epi16(_mm256_loadu_si256(from.cast())) }
        }
        #[inline(always)]
        unsafe fn pair(self, from: *const i16) -> __m512i {
            // SAFETY: as above.
            unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
        }
        #[inline(always)]
        fn add_products(self, sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
            // SAFETY: as above.
            unsafe { _mm512_dpwssd_epi32(sum, a, b) }
        }
        #[inline(always)]
        fn floats(self, integers: __m512i) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_cvtepi32_ps(integers) }
        }
        #[inline(always)]
        fn float(self, value: f32) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        fn multiply_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_add_ps(c, _mm512_mul_ps(a, b)) }
        }
        #[inline(always)]
        fn multiply(self, a: __m512, b: __m512) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn load(self, from: *const f32) -> __m512 {
            // SAFETY: as above.
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32, floats: __m512) {
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(to, floats) }
        }
    }

    impl Instructions for Avx2 {
        const LANES: usize = 8;
        type Pairs = __m256i;
        type Integers = __m256i;
        type Floats = __m256;

        #[inline(always)]
        fn zero(self) -> __m256i {
            // SAFETY: the processor has the instruction.
            unsafe { _mm256_setzero_si256() }
        }
        #[inline(always)]
        unsafe fn widen(self, from: *const i8) -> __m256i {
            // SAFETY: as above; the rest is the caller's promise.
            unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast())) }
        }
        #[inline(always)]
        unsafe fn pair(self, from: *const i16) -> __m256i {
            // SAFETY: as above.
            unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
        }
        #[inline(always)]
        fn add_products(self, sum: __m256i, a: __m256i, b: __m256i) -> __m256i {
            // SAFETY: as above.
            unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)) }
        }
        #[inline(always)]
        fn floats(self, integers: __m256i) -> __m256 {
            // SAFETY: as above.
            unsafe { _mm256_cvtepi32_ps(integers) }
        }
        #[inline(always)]
        fn float(self, value: f32) -> __m256 {
            // SAFETY: as above.
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        fn multiply_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: as above.
            unsafe { _mm256_add_ps(c, _mm256_mul_ps(a, b)) }
        }
        #[inline(always)]
        fn multiply(self, a: __m256, b: __m256) -> __m256 {
            // SAFETY: as above.
            unsafe { _mm256_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn load(self, from: *const f32) -> __m256 {
            // SAFETY: as above.
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32, floats: __m256) {
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(to, floats) }
        }
    }
}
