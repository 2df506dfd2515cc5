use std::rc::Rc;

use flantune::{
    Error,
    config::RunConfig,
    host::Host,
    lab::demo::{self, Demo, DemoEvent, Scored},
    metric::Metric,
    model::BaseModel,
    session::Session,
    storage::{MemoryStorage, Storage, join},
    train::{
        evaluate::value,
        event::{Done, Event},
    },
};
use indicatif::ProgressBar;

use super::{configuration_over, host, tell_of_device};
use crate::{
    args::DemoArguments,
    embedded::{BUILTIN, DATA, Embedded, MODEL},
    failure::Failure,
    printer::Printer,
    progress::{Progress, bytes, counter, duration, grouped},
};

/// Rows whose texts are shown, and the most characters of each source.
const SHOWN: usize = 3;
const WIDTH: usize = 160;

/// Trains adapters beside the built-in model, and shows what that changes.
pub(crate) async fn demo(arguments: &DemoArguments, printer: &Printer) -> Result<(), Failure> {
    let demo = Demo::named(&arguments.data)?;
    let mut config = configuration_over(RunConfig::default(), &arguments.settings, printer)?;
    config.model.model = Some(BUILTIN.to_owned());
    // Without a directory for them, adapters are made in memory only.
    let host = match &arguments.output {
        Some(_) => host(),
        None => {
            let storage: Rc<dyn Storage> = Rc::new(Embedded(MemoryStorage::new()));
            Host { storage, ..host() }
        }
    };
    let output = arguments.output.as_deref().unwrap_or("demo");
    let session = Session::open_in(&host, &config.model, MODEL, BaseModel::default()).await?;
    tell_of_device(&session, printer)?;
    let (numbers, about) = (grouped(session.parameters()), demo.about);
    printer.note(&format!("A T5 of {numbers} parameters is to write {about}."));

    let (data, seed) = (join(DATA, demo.name), config.train.seed);
    let mut show = Show::new(*printer, arguments.output.is_some());
    let mut failure = None;
    let mut tell = |moment: DemoEvent<'_>| {
        show.show(&moment).map_err(|error| {
            failure = Some(error);
            Error::Cancelled
        })
    };
    let runs = demo.run(&host, &session, &data, output, seed, &mut tell).await;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let runs = runs?;
    if printer.is_json() {
        return printer.object(&demo::done(&runs));
    }
    printer.text(&table(&runs))?;
    printer.text(&samples(&runs))?;
    if let Some(output) = &arguments.output {
        printer.note(&format!("Wrote `{output}/lora` and `{output}/prompt`"));
    }
    printer.note(NEXT);
    Ok(())
}

const NEXT: &str = "
Next:
  flantune demo --data dialogues --seed 1     # another set
  flantune demo --output adapters             # keep the adapters, then ask them:
  flantune generate --model builtin --adapter adapters/lora \"Write a title for this review. …\"
  flantune train --help                       # your own rows, and FLAN-T5 itself";

/// What is shown while it works.
struct Show {
    printer: Printer,
    /// Whether adapters are kept, which are worth the work even where nobody reads of it.
    keeps: bool,
    progress: Progress,
    /// While rows are scored.
    rows: Option<ProgressBar>,
}

impl Show {
    fn new(printer: Printer, keeps: bool) -> Self {
        Self { printer, keeps, progress: Progress::new(printer), rows: None }
    }

    fn show(&mut self, moment: &DemoEvent<'_>) -> Result<(), Failure> {
        match moment {
            DemoEvent::Begun(name) => {
                self.printer.note(&format!("\n{}", title(name)));
                self.progress = Progress::new(self.printer);
            }
            // The run's own end is not the demo's.
            DemoEvent::Event(Event::Done(done)) => {
                self.progress.show(&Event::Done(Done { output: None, ..done.clone() }))
            }
            DemoEvent::Event(event) => {
                match self.printer.event(event) {
                    Err(failure) if failure.is_broken_pipe() && self.keeps => {}
                    told => told?,
                }
                self.progress.show(event);
            }
            DemoEvent::Scoring(rows, all) => {
                let bar = self.rows.get_or_insert_with(|| counter(self.printer, *all));
                bar.set_position(*rows as u64);
            }
            DemoEvent::Scored(Scored { metrics, .. }) => {
                if let Some(bar) = self.rows.take() {
                    bar.finish_and_clear();
                }
                if let Some(score) = value(metrics, Metric::RougeL) {
                    let percent = 100.0 * score;
                    self.printer.note(&format!("ROUGE-L {percent:.1} on rows it has not seen"));
                }
            }
        }
        Ok(())
    }
}

/// What a reader knows a method by.
fn title(name: &str) -> &str {
    match name {
        "base" => "The base, as it is",
        "lora" => "LoRA",
        _ => "Prompt tuning",
    }
}

/// The runs below each other, ROUGE in points.
fn table(runs: &[Scored]) -> String {
    let mut text = format!(
        "\n{:13}{:>8}{:>9}{:>9}{:>9}{:>12}{:>9}\n",
        "", "loss", "ROUGE-1", "ROUGE-2", "ROUGE-L", "trained", "time"
    );
    for run in runs {
        let points = |metric| value(&run.metrics, metric).map_or(f64::NAN, |score| 100.0 * score);
        let loss = value(&run.metrics, Metric::Loss).unwrap_or(f64::NAN);
        text += &format!(
            "{:13}{loss:>8.3}{:>9.1}{:>9.1}{:>9.1}{:>12}{:>9}\n",
            run.name,
            points(Metric::Rouge1),
            points(Metric::Rouge2),
            points(Metric::RougeL),
            grouped(run.trainable_parameters),
            duration(run.seconds),
        );
    }
    if let Some(peak) = runs.iter().filter_map(|run| run.peak_bytes).max() {
        text += &format!("\nMemory at most {}\n", bytes(peak));
    }
    text
}

/// What was written for a few rows, before and after.
fn samples(runs: &[Scored]) -> String {
    let mut text = String::new();
    let Some((base, _)) = runs.split_first() else { return text };
    for (place, sample) in base.samples.iter().enumerate().take(SHOWN) {
        text += &format!("\n{}\n", in_short(&sample.source));
        text += &format!("  {:9}{}\n", "expected", sample.reference);
        for run in runs {
            let written = run.samples.get(place).map_or("", |sample| &sample.prediction);
            text += &format!("  {:9}{written}\n", run.name);
        }
    }
    text
}

/// A source in one line, its end left out where it is long.
fn in_short(source: &str) -> String {
    let line = source.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
