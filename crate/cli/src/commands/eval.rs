use flantune::{
    config::{RunConfig, Task},
    host::Host,
    metric::Metrics,
    output::check_file,
    train::event::{Done, Event},
};
use serde_json::Value;

use super::{configuration_over, from_file, host, load_adapter, open, require, take_own, warn};
use crate::{args::EvalArguments, failure::Failure, printer::Printer, progress};

/// Measures a model, or an adapter, on rows.
pub(crate) async fn eval(arguments: &EvalArguments, printer: &Printer) -> Result<(), Failure> {
    let host = host();
    let file = from_file(&host, arguments.config.as_ref()).await?;
    let mut config = configuration_over(file, &arguments.settings, printer)?;
    let template = config.data.template_file.as_ref();
    require(&host, [&arguments.data].into_iter().chain(template)).await?;

    check_output(arguments, &config, &host).await?;

    let session = open(&host, &mut config, arguments.base, printer).await?;
    take_own(&session, &mut config, Task::Evaluate, printer)?;
    let adapter = match &arguments.adapter {
        Some(directory) => Some(load_adapter(&session, directory, printer).await?),
        None => None,
    };
    let rows = session.dataset(&arguments.data, &config.data, config.train.seed).await?;
    rows.check_not_empty()?;
    warn(&rows, printer)?;
    if let Some(file) = &arguments.output_rows {
        // So that a place that cannot be written is not found after the work.
        drop(host.storage.create(file).await?);
    }

    let bar = progress::counter(*printer, rows.len());
    let mut on_rows = |done: usize| bar.set_position(done as u64);
    let (adapter, batch_size) = (adapter.as_ref(), config.train.batch_size);
    let (metrics, results) =
        session.evaluate(&rows, adapter, &config.eval, batch_size, &mut on_rows).await?;
    bar.finish_and_clear();
    if let Some(file) = &arguments.output_rows {
        check_output(arguments, &config, &host).await?;
        let mut writer = host.storage.create(file).await?;
        for (place, result) in results.into_iter().enumerate() {
            let row = Value::Object(result.told(rows.example(place).await?));
            writer.write(format!("{row}\n").as_bytes()).await?;
        }
        writer.finish().await?;
    }
    if printer.is_json() {
        printer.event(&Event::Done(Done { metrics, ..Done::default() }))
    } else {
        printer.text(&table(&metrics))
    }
}

/// That the rows' file is none that is read, and none of somebody else's.
async fn check_output(
    arguments: &EvalArguments,
    config: &RunConfig,
    host: &Host,
) -> Result<(), Failure> {
    let Some(file) = &arguments.output_rows else { return Ok(()) };
    let EvalArguments { data, adapter, config: of_run, .. } = arguments;
    let read = [Some(data), adapter.as_ref(), of_run.as_ref(), config.data.template_file.as_ref()];
    let read: Vec<&str> = read.into_iter().flatten().map(String::as_str).collect();
    let is_ours = |first: &[u8]| first.starts_with(b"{\"row\":");
    Ok(check_file(&*host.storage, "output_rows", file, &read, is_ours).await?)
}

/// Metrics below each other; those with three numbers after those with one.
pub(super) fn table(metrics: &Metrics) -> String {
    let columns = ["precision", "recall", "f1"];
    let number = |value: &Value| match value.as_f64() {
        Some(number) => format!("{number:.4}"),
        None => "none".to_owned(),
    };
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
