use flantune::text::reader::files;

use super::{configuration_over, from_file, host, open, require};
use crate::{
    args::TrainArguments, failure::Failure, interrupt, printer::Printer, progress::Progress,
};

/// Trains until the run is done or the user stops it.
pub(crate) async fn train(arguments: &TrainArguments, printer: &Printer) -> Result<(), Failure> {
    let host = host();
    let file = from_file(&host, arguments.config.as_ref()).await?;
    let mut config = configuration_over(file, &arguments.settings, printer)?;
    require(&host, &files(&*host.storage, &config.data).await?).await?;

    let session = open(&host, &mut config, arguments.base, printer).await?;
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
