//! The `flantune` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    flantune_cli::run(std::env::args_os())
}
