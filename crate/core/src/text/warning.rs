//! What a user should know, and no reason to stop.

/// Something about rows, or about what they are used with, that a user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A short name for programs.
    pub code: &'static str,
    /// What it is.
    pub message: String,
    /// How many rows it is about.
    pub count: usize,
}
