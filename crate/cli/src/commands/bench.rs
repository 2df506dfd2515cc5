use std::{
    io,
    process::{Command, Stdio},
};

use flantune::{
    config::Dtype,
    lab::bench::{self, Case, Report},
};

use super::{configuration, host};
use crate::{args::BenchArguments, failure::Failure, printer::Printer};

/// Times the cases, each in a process of its own: memory that one has taken would count for the
/// next, and threads and caches that one has warmed would help it.
pub(crate) async fn bench(arguments: &BenchArguments, printer: &Printer) -> Result<(), Failure> {
    let report = if arguments.in_this_process {
        in_this_process(arguments, printer).await?
    } else {
        let mut whole: Option<Report> = None;
        for (case, dtype) in bench::pairs(&arguments.case, &arguments.dtype) {
            printer.note(&format!("Timing {case}, {dtype}"));
            let part = in_a_process(arguments, case, dtype)?;
            match &mut whole {
                Some(whole) => whole.cases.extend(part.cases),
                None => whole = Some(part),
            }
        }
        whole.ok_or_else(|| Failure::Usage("there is no case to time".to_owned()))?
    };
    if printer.is_json() { printer.object(&report) } else { printer.text(&table(&report)) }
}

async fn in_this_process(arguments: &BenchArguments, printer: &Printer) -> Result<Report, Failure> {
    let config = configuration(&arguments.settings, printer)?;
    let options = bench::Options {
        cases: arguments.case.clone(),
        dtypes: arguments.dtype.clone(),
        shape: arguments.shape.clone(),
        source: arguments.source,
        target: arguments.target,
        steps: arguments.steps,
    };
    Ok(bench::run(&host(), &config, &options).await?)
}

fn in_a_process(arguments: &BenchArguments, case: &str, dtype: Dtype) -> Result<Report, Failure> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "--json", "--in-this-process", "--case", case])
        .args(["--dtype", dtype.name(), "--shape", &arguments.shape])
        .args(["--source", &arguments.source.to_string()])
        .args(["--target", &arguments.target.to_string()])
        .args(["--steps", &arguments.steps.to_string()])
        .args(arguments.settings.options())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(Failure::child(output.status.code(), &output.stdout));
    }
    Ok(serde_json::from_slice(&output.stdout).map_err(io::Error::from)?)
}

fn table(report: &Report) -> String {
    let mut text = format!(
        "{:<10} {:<6} {:>12} {:>12} {:>12} {:>12}\n",
        "case", "dtype", "step", "first step", "tokens/s", "peak memory"
    );
    for Case { name, dtype, seconds, first_seconds, tokens_per_second, peak_bytes, .. } in
        &report.cases
    {
        let memory = peak_bytes.map_or_else(String::new, |bytes| format!("{} MiB", bytes >> 20));
        text += &format!(
            "{name:<10} {dtype:<6} {:>10.3} s {:>10.3} s {tokens_per_second:>12.0} {memory:>12}\n",
            seconds, first_seconds
        );
    }
    text
}
