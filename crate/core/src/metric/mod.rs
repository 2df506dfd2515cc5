//! Scores of predictions against references.

pub mod rouge;
