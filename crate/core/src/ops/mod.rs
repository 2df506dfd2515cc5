//! The fused operations: each with its definition in plain tensors, which every kernel must equal,
//! and the kernels for the devices that have one.
//!
//! A kernel runs where there is one for the device and [`Context::kernels`] is on;
//! everywhere else the definition does. On the CPU a kernel saves passes over memory, on a GPU
//! dispatches.

pub mod argmax;
pub mod attention;
pub mod block;
pub mod context;
pub mod cpu;
pub mod cross_entropy;
pub mod denormal;
pub mod gated_gelu;
pub mod gpu;
pub mod gradient;
pub mod integers;
pub mod linear;
pub mod matrix;
pub mod packed;
pub mod rms_norm;
pub mod rows;
pub mod weight;

pub use argmax::argmax;
pub use context::{Arithmetic, Context, Dropout};
pub use integers::Products;
pub use matrix::Matrix;
pub use packed::{Format, Packed, Packer};
pub use weight::Weight;
