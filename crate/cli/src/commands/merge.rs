use flantune::train::event::{Done, Event};

use super::{configuration, host, open};
use crate::{args::MergeArguments, failure::Failure, printer::Printer};

/// Writes a model directory in which the adapter is a part of the weights.
pub(crate) async fn merge(arguments: &MergeArguments, printer: &Printer) -> Result<(), Failure> {
    let mut config = configuration(&arguments.settings, printer)?;
    let session = open(&host(), &mut config, arguments.base, printer).await?;
    session.merge(&arguments.adapter, &arguments.output).await?;
    printer.note(&format!("Wrote `{}`", arguments.output));
    let output = Some(arguments.output.clone());
    printer.event(&Event::Done(Done { output, ..Done::default() }))
}
