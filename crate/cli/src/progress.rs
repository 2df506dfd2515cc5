//! A run as a person sees it: a bar on a terminal, plain lines elsewhere, both on standard error.

use std::{
    collections::VecDeque,
    io::IsTerminal,
    time::{Duration, Instant},
};

use flantune::{
    metric::Metrics,
    train::event::{Done, Event, Sample, Start, Step},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::printer::Printer;

/// The loss shown is the mean of as many steps: single batches differ too much to see a trend.
const STEPS_OF_MEAN: usize = 20;

/// Without a terminal, a line stands for at least as many seconds, so that logs stay readable.
const SECONDS_A_LINE: f64 = 10.0;

/// Shows events as they come.
pub(crate) struct Progress {
    printer: Printer,
    bar: ProgressBar,
    losses: VecDeque<f64>,
    steps: usize,
    last_line: Option<f64>,
}

impl Progress {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { printer, bar: bar(printer), losses: VecDeque::new(), steps: 0, last_line: None }
    }

    /// Shows an event. With `--json` nothing is shown here; the event itself is the output.
    pub(crate) fn show(&mut self, event: &Event) {
        match event {
            Event::Start(start) => self.start(start),
            Event::Step(step) => self.step(step),
            Event::Eval { step, metrics, samples } => self.eval(*step, metrics, samples),
            Event::Checkpoint { path, .. } if self.printer.is_verbose() => {
                self.note(&format!("Wrote the checkpoint `{path}`"));
            }
            Event::Checkpoint { .. } => {}
            Event::Warning { message, .. } => {
                self.bar.suspend(|| self.printer.warning(message));
            }
            Event::Done(done) => self.done(done),
            // The command fails with the same error, which is printed then.
            Event::Error { .. } => self.bar.finish_and_clear(),
        }
    }

    fn start(&mut self, start: &Start) {
        self.steps = start.steps;
        let share = 100.0 * start.trainable_parameters as f64 / start.total_parameters as f64;
        self.note(&format!(
            "Training {} of {} parameters ({share:.2} %) on {} examples, {} steps, on {}",
            grouped(start.trainable_parameters),
            grouped(start.total_parameters),
            grouped(start.examples as u64),
            grouped(start.steps as u64),
            start.device,
        ));
        for set in &start.sets {
            let (examples, rate) = (grouped(set.examples as u64), 100.0 * set.rate);
            self.note(&format!("  {rate:5.1} % of {}, which has {examples} examples", set.name));
        }
        if let Some(step) = start.resumed_from {
            self.note(&format!("Going on after step {step}"));
        }
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(start.steps as u64);
        self.bar.set_position(start.resumed_from.unwrap_or(0) as u64);
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    fn step(&mut self, step: &Step) {
        self.losses.push_back(step.loss);
        if self.losses.len() > STEPS_OF_MEAN {
            self.losses.pop_front();
        }
        let loss = self.losses.iter().sum::<f64>() / self.losses.len() as f64;
        let mut message = format!("loss {loss:.4}  {:.0} tokens/s", step.tokens_per_second);
        if let Some(seconds) = step.eta_seconds.filter(|seconds| *seconds > 0.0) {
            message += &format!("  {} left", estimate(seconds));
        }
        self.bar.set_position(step.step as u64);
        let due = self.last_line.is_none_or(|last| step.seconds - last >= SECONDS_A_LINE);
        if self.bar.is_hidden() && (due || step.step == self.steps) {
            self.last_line = Some(step.seconds);
            self.note(&format!("Step {}/{}  {message}", step.step, self.steps));
        }
        self.bar.set_message(message);
    }

    fn eval(&self, step: usize, metrics: &Metrics, samples: &[Sample]) {
        let scores: Vec<String> = metrics.iter().map(|(name, value)| score(name, value)).collect();
        self.note(&format!("After step {step}: {}", scores.join("  ")));
        for sample in samples {
            self.note(&format!("  expected: {}", sample.reference));
            self.note(&format!("  written:  {}", sample.prediction));
        }
    }

    fn done(&self, done: &Done) {
        self.bar.finish_and_clear();
        if let (Some(steps), Some(seconds)) = (done.steps, done.seconds) {
            self.note(&format!("Trained {} steps in {}", grouped(steps as u64), duration(seconds)));
        }
        if let Some(output) = &done.output {
            self.note(&format!("Wrote `{output}`"));
        }
    }

    /// A line above the bar.
    fn note(&self, text: &str) {
        self.bar.suspend(|| self.printer.note(text));
    }
}

/// A download as a person sees it.
#[derive(Debug)]
pub(crate) struct Transfer {
    printer: Printer,
    bar: ProgressBar,
    total: u64,
    /// Bytes of the files that are complete, and of the one that is on its way.
    complete: u64,
    current: u64,
    last_line: Instant,
}

impl Transfer {
    pub(crate) fn new(printer: Printer) -> Self {
        let bar = styled(
            printer,
            "{bar:24} {decimal_bytes}/{decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left",
        );
        Self { printer, bar, total: 0, complete: 0, current: 0, last_line: Instant::now() }
    }

    /// That as many further bytes are to come, and what that is about.
    pub(crate) fn expect(&mut self, size: u64, what: &str) {
        self.total += size;
        self.bar.set_length(self.total);
        self.bar.suspend(|| self.printer.note(what));
    }

    /// That the next file begins, or the same one again, with as many bytes that are there.
    pub(crate) fn begin(&mut self, length: u64) {
        self.current = length;
        self.bar.set_position(self.complete + length);
        self.bar.reset_eta();
    }

    /// That bytes have come.
    pub(crate) fn advance(&mut self, count: u64) {
        self.current += count;
        let done = self.complete + self.current;
        self.bar.set_position(done);
        let due = self.last_line.elapsed().as_secs_f64() >= SECONDS_A_LINE;
        if self.bar.is_hidden() && due {
            self.last_line = Instant::now();
            self.printer.note(&format!("  {} of {}", bytes(done), bytes(self.total)));
        }
    }

    /// That a file is complete.
    pub(crate) fn end(&mut self) {
        self.complete += self.current;
        self.current = 0;
    }

    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Counts up to `length` on a terminal, and shows nothing elsewhere.
pub(crate) fn counter(printer: Printer, length: usize) -> ProgressBar {
    let bar = bar(printer);
    bar.set_length(length as u64);
    bar.set_message("rows");
    bar
}

/// A bar on standard error; a hidden one unless that is a terminal and nothing else writes there.
/// Log lines and a bar would tear each other apart.
fn bar(printer: Printer) -> ProgressBar {
    styled(printer, "{bar:24} {pos}/{len}  {msg}")
}

fn styled(printer: Printer, template: &str) -> ProgressBar {
    let visible = printer.is_talkative() && !printer.is_verbose();
    if !visible || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// A metric in a line of text; of ROUGE the F1.
pub(crate) fn score(name: &str, value: &Value) -> String {
    let number = value.get("f1").unwrap_or(value);
    number
        .as_f64()
        .map_or_else(|| format!("{name} {number}"), |number| format!("{name} {number:.4}"))
}

/// `1h 02m`, `1m 05s`, `1.23s`, `45ms`: two parts at most.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        3600.. => format!("{}h {:02}m", whole / 3600, whole / 60 % 60),
        60.. => format!("{}m {:02}s", whole / 60, whole % 60),
        _ if seconds >= 1.0 => format!("{seconds:.2}s"),
        _ => format!("{:.0}ms", seconds * 1000.0),
    }
}

/// `308 MB`, `1.2 GB`: three digits at most, in the units in which files are listed.
pub(crate) fn bytes(count: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value < 9.95);
    format!("{value:.digits$} {}", units[unit])
}

/// Whole seconds, as an estimate has no more precision.
fn estimate(seconds: f64) -> String {
    if seconds < 59.5 { format!("{seconds:.0}s") } else { duration(seconds) }
}

/// `76,961,152`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_parts() {
        let shown = [0.0449, 1.234, 65.0, 59.996, 3720.0, 90_000.0].map(duration);
        assert_eq!(shown, ["45ms", "1.23s", "1m 05s", "1m 00s", "1h 02m", "25h 00m"]);
    }

    #[test]
    fn estimates_are_whole_seconds() {
        assert_eq!([2.95, 59.4, 59.6].map(estimate), ["3s", "59s", "1m 00s"]);
    }

    #[test]
    fn bytes_have_a_unit() {
        let shown = [0, 999, 1000, 9_960_000, 307_867_048, 2_349_999_999, u64::MAX].map(bytes);
        let expected = ["0 B", "999 B", "1.0 kB", "10 MB", "308 MB", "2.3 GB", "18446744 TB"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([7, 999, 1000, 76_961_152].map(grouped), ["7", "999", "1,000", "76,961,152"]);
    }
}
