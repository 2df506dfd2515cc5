use flantune::{
    session::{EvalOptions, RowResult, Session},
    storage::Storage,
    train::event::{Done, Event, Metrics},
};
use serde_json::Value;

use super::{Machine, warn_of_escapes};
use crate::{args::EvalArguments, failure::Failure, printer::Printer, progress};

/// Measures a model, or an adapter, on rows.
pub(crate) async fn eval(arguments: &EvalArguments, printer: &Printer) -> Result<(), Failure> {
    let config = arguments.settings.config()?;
    warn_of_escapes(&config, printer);
    let machine = Machine::new();
    let template = config.data.template_file.as_ref();
    machine.require([&arguments.data].into_iter().chain(template)).await?;

    let host = machine.host();
    let session = Session::open(&host, &config.model).await?;
    let adapter = match &arguments.adapter {
        Some(directory) => Some(session.load_adapter(&host, directory).await?),
        None => None,
    };
    let rows = session.dataset(&host, &arguments.data, &config.data).await?;
    // Made before the work, so that a place that cannot be written is not found after it.
    let mut writer = match &arguments.output_rows {
        Some(file) => Some(machine.storage.create(file).await?),
        None => None,
    };

    let bar = progress::counter(*printer, rows.len());
    let mut lines = Vec::new();
    let mut on_row = |row: RowResult| {
        bar.inc(1);
        lines.extend(serde_json::to_vec(&row).unwrap_or_default());
        lines.push(b'\n');
    };
    let options = EvalOptions::from(&config);
    let metrics = session.evaluate(&rows, adapter.as_ref(), &options, &mut on_row).await?;
    bar.finish_and_clear();
    if let Some(mut writer) = writer.take() {
        writer.write(&lines).await?;
        writer.finish().await?;
    }
    if printer.is_json() {
        printer.event(&Event::Done(Done { metrics, ..Done::default() }))
    } else {
        printer.text(&table(&metrics))
    }
}

/// Metrics below each other; those with three numbers after those with one.
fn table(metrics: &Metrics) -> String {
    let columns = ["precision", "recall", "f1"];
    let number = |value: &Value| value.as_f64().map_or_else(String::new, |n| format!("{n:.4}"));
    let width = metrics.keys().map(String::len).max().unwrap_or(0);
    let (several, single): (Vec<_>, Vec<_>) =
        metrics.iter().partition(|(_, value)| value.is_object());
    let mut text = String::new();
    for (name, value) in single {
        text += &format!("{name:width$}  {:>9}\n", number(value));
    }
    if !several.is_empty() {
        let [precision, recall, f1] = columns;
        text += &format!("{:width$}  {precision:>9}  {recall:>9}  {f1:>9}\n", "");
    }
    for (name, value) in several {
        let cells = columns.map(|column| format!("{:>9}", number(&value[column])));
        text += &format!("{name:width$}  {}\n", cells.join("  "));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metrics_stand_in_columns() {
        let rouge = json!({"precision": 0.5, "recall": 0.25, "f1": 0.33333});
        let metrics = json!({"rouge1": rouge, "loss": 1.59961, "rougeLsum": rouge});
        let expected = "\
loss          1.5996
           precision     recall         f1
rouge1        0.5000     0.2500     0.3333
rougeLsum     0.5000     0.2500     0.3333
";
        assert_eq!(table(metrics.as_object().unwrap()), expected);
    }
}
