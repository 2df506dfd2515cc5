use flantune::{
    output::{EVENTS, check_run},
    storage::join,
    text::reader::files,
    train::{Run, event::Event},
};

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
    let (output, resume) = (&arguments.output, arguments.resume);
    let inputs: Vec<&str> = config.model.model.iter().map(String::as_str).collect();
    // Again when the run is opened, but a large model need not be loaded to find this out.
    check_run(&*host.storage, output, &inputs, resume, host.kept).await?;

    let session = open(&host, &mut config, arguments.base, printer).await?;
    let (training, validation) = session.datasets(&config).await?;
    let run = session.train(&config, training, validation, output, resume).await?;
    // It would keep the untrained weights beside the trained ones.
    drop(session);

    interrupt::ask_first();
    let mut teller = Teller { printer: *printer, progress: Progress::new(*printer), heard: true };
    drive(run, &mut teller, output).await
}

async fn drive(mut run: Run, teller: &mut Teller, output: &str) -> Result<(), Failure> {
    while !run.is_done() {
        let events = run.step().await?;
        if let Err(failure) = teller.tell(&events, output) {
            // Whoever reads the events is at fault, and not the run: it can go on from here.
            return Err(match run.is_done() || run.checkpoint().await.is_err() {
                true => failure,
                false => failure.with_checkpoint(output),
            });
        }
        if interrupt::asked() && !run.is_done() {
            let events = run.checkpoint().await?;
            teller.tell(&events, output)?;
            return Err(Failure::Interrupted(format!(
                "Stopped; a checkpoint is written. To go on: the same command with --resume \
                 (output directory `{output}`)"
            )));
        }
    }
    Ok(())
}

/// Tells of a run to whoever listens.
struct Teller {
    printer: Printer,
    progress: Progress,
    /// Whether events are still read.
    heard: bool,
}

impl Teller {
    fn tell(&mut self, events: &[Event], output: &str) -> Result<(), Failure> {
        for event in events {
            if self.heard {
                match self.printer.event(event) {
                    // As without `--json`, the run is what counts.
                    Err(failure) if failure.is_broken_pipe() => {
                        self.heard = false;
                        let events = join(output, EVENTS);
                        self.printer.remark(&format!(
                            "Nobody reads the events any more; the run goes on, and writes them to \
                             `{events}`"
                        ));
                    }
                    told => told?,
                }
            }
            self.progress.show(event);
        }
        Ok(())
    }
}
