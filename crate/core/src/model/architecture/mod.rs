//! What is computed: the layers of a T5, and the whole of it.

pub mod attention;
pub mod beside;
pub mod feed_forward;
pub mod linear;
pub mod parameter;
pub mod pass;
pub mod relative_position;
pub mod t5;
