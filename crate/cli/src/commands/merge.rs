use flantune::session::Session;

use super::Machine;
use crate::{args::MergeArguments, failure::Failure, printer::Printer};
use flantune::train::event::{Done, Event};

/// Writes a model directory in which the adapter is a part of the weights.
pub(crate) async fn merge(arguments: &MergeArguments, printer: &Printer) -> Result<(), Failure> {
    let config = arguments.settings.config()?;
    let machine = Machine::new();

    let host = machine.host();
    let session = Session::open(&host, &config.model).await?;
    let adapter = session.load_adapter(&host, &arguments.adapter).await?;
    session.merge(&host, &adapter, &arguments.output).await?;
    printer.note(&format!("Wrote `{}`", arguments.output));
    let output = Some(arguments.output.clone());
    printer.event(&Event::Done(Done { output, ..Done::default() }))
}
