//! The WGSL kernels, one file each.
