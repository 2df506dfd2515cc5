//! The `flantune` command.
fn main() {}
