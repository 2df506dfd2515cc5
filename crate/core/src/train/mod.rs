//! Training: a step machine that whoever drives it may pause, stop, save and show.

mod card;
pub mod checkpoint;
mod epochs;
pub mod evaluate;
pub mod event;
mod joined;
mod log;
pub mod memory;
pub mod optimizer;
pub mod plan;
mod record;
pub mod run;
pub mod trainer;

pub use event::Event;
pub use run::Run;
pub use trainer::Trainer;
