//! The command line of Flantune: arguments, files, progress. The work itself is in `flantune`.

mod args;
mod cache;
mod clock;
mod commands;
mod embedded;
mod failure;
mod hint;
mod hub;
mod interrupt;
mod memory;
mod printer;
mod progress;
mod storage;

use std::{env, ffi::OsString, panic, process::ExitCode};

use clap::{Parser, error::ErrorKind};

use crate::{
    args::{Arguments, Command},
    failure::Failure,
    printer::Printer,
};

/// Runs a command line, its first part the program's name, to its exit code: 0 done; 1 a failure
/// while working; 2 bad input or usage, nothing written; 130 interrupted.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    report_panics();
    quieten_drivers();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let code = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => {
            let printer = Printer::new(&arguments.output);
            trace(&printer);
            match pollster::block_on(execute(&arguments.command, &printer)) {
                Ok(()) => 0,
                Err(failure) => printer.failure(&failure),
            }
        }
        Err(error) => refuse(&error, &arguments),
    };
    ExitCode::from(code)
}

async fn execute(command: &Command, printer: &Printer) -> Result<(), Failure> {
    interrupt::listen()?;
    match command {
        Command::Train(arguments) => commands::train(arguments, printer).await,
        Command::Generate(arguments) => commands::generate(arguments, printer).await,
        Command::Eval(arguments) => commands::eval(arguments, printer).await,
        Command::Score(arguments) => commands::score(arguments, printer).await,
        Command::Data(command) => commands::data(command, printer).await,
        Command::Merge(arguments) => commands::merge(arguments, printer).await,
        Command::Quantize(arguments) => commands::quantize(arguments, printer).await,
        Command::Memory(arguments) => commands::memory(arguments, printer).await,
        Command::Bench(arguments) => commands::bench(arguments, printer).await,
        Command::Demo(arguments) => commands::demo(arguments, printer).await,
        Command::Doctor => commands::doctor(printer).await,
        Command::Completions(arguments) => commands::completions(arguments, printer),
        Command::Man(arguments) => commands::man(arguments, printer).await,
    }
}

/// Shows help and version, and what is wrong with a command line that clap refuses.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let asked_for = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    // The options are not known yet, but a program that asked for events gets its error as one.
    if !asked_for && arguments.iter().any(|argument| argument == "--json") {
        return Printer::json().failure(&Failure::Usage(in_one_line(error)));
    }
    // Nobody is left to tell when this fails.
    let _ = error.print();
    if asked_for { 0 } else { 2 }
}

/// What clap says, with its tip and without its usage.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let (text, _) = text.split_once("\n\nUsage:").unwrap_or((&text, ""));
    let (text, _) = text.split_once("\n\nFor more information").unwrap_or((text, ""));
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// With `--verbose`, what the libraries and the core log goes to standard error.
fn trace(printer: &Printer) {
    if printer.is_verbose() {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(std::io::stderr)
            .with_ansi(printer.colours())
            .init();
    }
}

fn report_panics() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        default(info);
        Printer::crash(concat!(
            "Flantune crashed, which is a bug. Please report the lines above at ",
            env!("CARGO_PKG_REPOSITORY"),
            "/issues"
        ));
    }));
}

/// Has Mesa's drivers not look for a display where there is none, of which they complain on standard
/// error.
fn quieten_drivers() {
    #[cfg(target_os = "linux")]
    if env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: nothing has started a thread yet that could read the environment meanwhile.
        unsafe { env::set_var("NODEVICE_SELECT", "1") };
    }
}
