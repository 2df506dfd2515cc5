use flantune::session::Session;

use super::{Machine, warn_of_escapes};
use crate::{
    args::TrainArguments, failure::Failure, interrupt, printer::Printer, progress::Progress,
};

/// Trains until the run is done or the user stops it.
pub(crate) async fn train(arguments: &TrainArguments, printer: &Printer) -> Result<(), Failure> {
    let config = arguments.settings.config()?;
    warn_of_escapes(&config, printer);
    let machine = Machine::new();
    let data = &config.data;
    machine
        .require([&data.train, &data.validation, &data.template_file].into_iter().flatten())
        .await?;

    let host = machine.host();
    let session = Session::open(&host, &config.model).await?;
    let (training, validation) = session.datasets(&host, &config.data, config.train.seed).await?;
    let output = &arguments.output;
    let mut run =
        session.train(&host, config, training, validation, output, arguments.resume).await?;

    interrupt::ask_first();
    let mut progress = Progress::new(*printer);
    while !run.is_done() {
        for event in run.step().await? {
            printer.event(&event)?;
            progress.show(&event);
        }
        if interrupt::asked() && !run.is_done() {
            for event in run.checkpoint().await? {
                printer.event(&event)?;
                progress.show(&event);
            }
            return Err(Failure::Interrupted(format!(
                "Stopped; a checkpoint is written. To go on: the same command with --resume \
                 (output directory `{output}`)"
            )));
        }
    }
    Ok(())
}
