use flantune::session::Session;

use super::{configuration, host, require};
use crate::{
    args::TrainArguments, failure::Failure, interrupt, printer::Printer, progress::Progress,
};

/// Trains until the run is done or the user stops it.
pub(crate) async fn train(arguments: &TrainArguments, printer: &Printer) -> Result<(), Failure> {
    let config = configuration(&arguments.settings, printer)?;
    let (host, data) = (host(), &config.data);
    let files = [&data.train, &data.validation, &data.template_file];
    require(&host, files.into_iter().flatten()).await?;

    let session = Session::open(&host, &config.model).await?;
    let (training, validation) = session.datasets(&config).await?;
    let output = &arguments.output;
    let mut run = session.train(&config, training, validation, output, arguments.resume).await?;
    // It would keep the untrained weights beside the trained ones.
    drop(session);

    interrupt::ask_first();
    let mut progress = Progress::new(*printer);
    while !run.is_done() {
        for event in run.step().await? {
            printer.event(&event)?;
            progress.show(&event);
        }
        if interrupt::asked() && !run.is_done() {
            let event = run.checkpoint().await?;
            printer.event(&event)?;
            progress.show(&event);
            return Err(Failure::Interrupted(format!(
                "Stopped; a checkpoint is written. To go on: the same command with --resume \
                 (output directory `{output}`)"
            )));
        }
    }
    Ok(())
}
