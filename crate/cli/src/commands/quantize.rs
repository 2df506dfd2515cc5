use flantune::{
    config::RunConfig,
    metric::Metrics,
    model::convert::convert,
    session::Session,
    train::event::{Done, Event},
};
use serde_json::json;

use super::{configuration, host, require};
use crate::{args::QuantizeArguments, failure::Failure, hub, memory, printer::Printer};

/// Writes a model directory of another type, and says what that costs.
pub(crate) async fn quantize(
    arguments: &QuantizeArguments,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut config = configuration(&arguments.settings, printer)?;
    let host = host();
    require(&host, arguments.data.iter().chain(&config.data.template_file)).await?;
    let model = config.model.model.clone().unwrap_or_default();
    let located = hub::locate(&model, arguments.base.offline, *printer)?;
    config.model.model = Some(located.directory.clone());

    let mut metrics = Metrics::new();
    // First, so that rows that are no use are not found after the work.
    if let Some(data) = &arguments.data {
        printer.note(&format!("Measuring the loss of `{model}`"));
        metrics.insert("loss_before".to_owned(), json!(loss(&config, data).await?));
    }
    let output = &arguments.output;
    let converted = convert(&*host.storage, &located.directory, arguments.to, output).await?;
    printer.note(&format!("Wrote `{output}`"));
    if let Some(data) = &arguments.data {
        printer.note(&format!("Measuring the loss of `{output}`"));
        config.model.model = Some(output.clone());
        metrics.insert("loss".to_owned(), json!(loss(&config, data).await?));
    }

    metrics.insert("bytes_before".to_owned(), json!(converted.bytes_before));
    metrics.insert("bytes".to_owned(), json!(converted.bytes));
    metrics.insert("relative_error_mean".to_owned(), json!(converted.mean()));
    let worst = converted.worst();
    if let Some((tensor, error)) = worst {
        metrics.insert("relative_error_worst".to_owned(), json!(error));
        metrics.insert("worst_tensor".to_owned(), json!(tensor));
    }
    if printer.is_json() {
        metrics.insert("relative_errors".to_owned(), json!(converted.relative_errors));
        let (output, peak_bytes) = (Some(output.clone()), memory::peak_bytes());
        return printer.event(&Event::Done(Done {
            output,
            peak_bytes,
            metrics,
            ..Done::default()
        }));
    }
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let (before, after) = (megabytes(converted.bytes_before), megabytes(converted.bytes));
    let mut text = format!("size            {before:.1} MB before, {after:.1} MB after\n");
    if let Some((tensor, error)) = worst {
        let (count, mean) = (converted.relative_errors.len(), converted.mean());
        text += &format!("relative error  {mean:.2e} in the mean of {count} tensors\n");
        text += &format!("                {error:.2e} at worst, in {tensor}\n");
    }
    if let (Some(before), Some(after)) = (metrics.get("loss_before"), metrics.get("loss")) {
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
        text +=
            &format!("loss            {:.4} before, {:.4} after\n", number(before), number(after));
    }
    printer.text(&text)
}

/// The mean loss over the rows. The model is gone from memory after it.
async fn loss(config: &RunConfig, data: &str) -> Result<f64, Failure> {
    let session = Session::open(&host(), &config.model).await?;
    let (seed, batch_size) = (config.train.seed, config.train.batch_size);
    let rows = session.dataset(data, &config.data, seed).await?;
    let (metrics, _) = session.evaluate(&rows, None, &config.eval, batch_size, &mut |_| ()).await?;
    Ok(metrics.get("loss").and_then(serde_json::Value::as_f64).unwrap_or(f64::NAN))
}
