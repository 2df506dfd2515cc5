//! Every parser of files that strangers write, fed with damaged ones.
//!
//! A target is a parser with what it should hold to, its seeds and its words. [`Target::find`] says
//! what is wrong with an input: a panic, a broken promise, or memory out of all proportion to what was
//! read. The ordinary test (`fuzz.rs`) and libFuzzer (`guided.rs`) run the same targets and share the
//! mutations that know about structure.

mod limits;
mod mutate;
mod seeds;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use limits::{Limits, Usage, measured};
pub use mutate::mutate;
pub use targets::TARGETS;

/// The longest input, in bytes; beyond it, time goes into copying.
pub const MAX_INPUT: usize = 1 << 16;

/// One parser.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// What it goes by: the folder of its seeds, and an argument of scripts/fuzz.sh.
    pub name: &'static str,
    /// Fixtures in `tests` to start from, beside those in `tests/fuzz/seeds/NAME`.
    fixtures: &'static [&'static str],
    /// What the format gives a meaning to.
    pub words: &'static [&'static str],
    /// The memory that it may take.
    pub limits: Limits,
    run: fn(&[u8]),
}

impl Target {
    /// What is wrong with how the target takes an input; none if nothing is.
    pub fn find(&self, input: &[u8]) -> Option<String> {
        let (result, usage) =
            limits::measured(|| catch_unwind(AssertUnwindSafe(|| (self.run)(input))));
        if let Err(panic) = result {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            return Some(text.unwrap_or_else(|| "a panic without a message".to_owned()));
        }
        usage.excess(&self.limits, input.len())
    }

    /// Takes an input, and panics where something is wrong.
    pub fn run(&self, input: &[u8]) {
        let ((), usage) = limits::measured(|| (self.run)(input));
        if let Some(excess) = usage.excess(&self.limits, input.len()) {
            panic!("{excess}");
        }
    }

    /// What to start from, by name.
    pub fn seeds(&self) -> Vec<(String, Vec<u8>)> {
        seeds::read(self)
    }
}

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
