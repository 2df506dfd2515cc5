use flantune::{config::RunConfig, session::Session};

use super::{configuration_over, host, require};
use crate::{
    args::TrainArguments, failure::Failure, interrupt, printer::Printer, progress::Progress,
};

/// No configuration is longer.
const CONFIG_LIMIT: u64 = 1 << 20;

/// Trains until the run is done or the user stops it.
pub(crate) async fn train(arguments: &TrainArguments, printer: &Printer) -> Result<(), Failure> {
    let host = host();
    let file = match &arguments.config {
        Some(path) => {
            let bytes = host.storage.read_all(path, CONFIG_LIMIT).await?;
            RunConfig::from_file(path, &bytes)?
        }
        None => RunConfig::default(),
    };
    let config = configuration_over(file, &arguments.settings, printer)?;
    let data = &config.data;
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
