//! The targets: each parser, and what must hold whatever it is given.

mod adapters;
mod models;
mod runs;
mod texts;
mod work;

use flantune::Error;

use crate::Target;

/// All of them.
pub const TARGETS: &[Target] = &[
    models::CONFIG,
    models::GENERATION_CONFIG,
    models::SAFETENSORS,
    models::INDEX,
    adapters::ADAPTER_CONFIG,
    adapters::ADAPTER,
    adapters::ADAPTER_RULES,
    texts::TOKENIZER,
    texts::ROWS,
    texts::TEMPLATE,
    texts::PROMPTSOURCE,
    work::TEMPLATE_WORK,
    work::SCORES,
    texts::PREDICTIONS,
    texts::MIXTURE,
    runs::CONFIG_TOML,
    runs::RUN_JSON,
    runs::STATE,
    runs::CHECKPOINT,
    runs::EVENTS,
];

/// The longest message that anybody reads.
const MAX_MESSAGE: usize = 10_000;

/// Passes on what was read; of an error, checks that it can be shown: short, and without characters
/// that move a terminal's cursor.
fn checked<T>(result: flantune::Result<T>) -> Option<T> {
    result.map_err(|error| check(&error)).ok()
}

fn check(error: &Error) {
    let message = error.to_string();
    assert!(message.len() <= MAX_MESSAGE, "a message of {} bytes: {message:.200}", message.len());
    assert!(
        !message.contains(|c: char| c.is_control() && c != '\n' && c != '\t'),
        "a message with control characters: {message:?}"
    );
}

/// A fixture of the tests.
fn fixture(path: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
