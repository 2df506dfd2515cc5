use flantune::{
    adapter,
    config::{DeviceChoice, RunConfig},
    device::{Device, DeviceKind},
    model::T5Config,
    session::device,
    train::memory::{Demand, Estimate, Obstacle, estimate},
};
use serde_json::json;

use super::{configuration_over, from_file, host};
use crate::{
    args::MemoryArguments,
    failure::Failure,
    hub, memory,
    printer::Printer,
    progress::{bytes, grouped},
};

/// Estimates what a run takes, from the model's configuration alone.
pub(crate) async fn memory(arguments: &MemoryArguments, printer: &Printer) -> Result<(), Failure> {
    let host = host();
    let file = from_file(&host, arguments.config.as_ref()).await?;
    let config = configuration_over(file, &arguments.settings, printer)?;
    let model = match (&arguments.shape, &config.model.model) {
        (Some(shape), _) => T5Config::flan(shape)?,
        (None, Some(model)) => {
            let path = hub::locate_config(model, arguments.base.offline, *printer)?;
            let path = path.to_string_lossy();
            let bytes = host.storage.read_all(&path, flantune::config::FILE_LIMIT).await?;
            T5Config::from_json(&path, &bytes)?
        }
        (None, None) => {
            let message = "give --model, --shape or --config, to say what is trained";
            return Err(Failure::Usage(message.to_owned()));
        }
    };
    let device = Asked::new(config.model.device).await;
    let estimate = estimate(&model, &Demand::new(&config, device.kind == DeviceKind::Cpu));
    let obstacle = device
        .device
        .as_ref()
        .and_then(|device| estimate.obstacle(&device.limits(), memory::of(device)));
    if printer.is_json() {
        let mut object = json!(estimate);
        object["device"] = json!(device.kind.name());
        object["memory"] = json!(device.device.as_ref().and_then(memory::of));
        object["obstacle"] = json!(obstacle.map(Obstacle::code));
        return printer.object(&object);
    }
    printer.text(&table(&config, &estimate, device.kind))?;
    if let Some(obstacle) = obstacle {
        printer.warning(&told(obstacle));
    }
    Ok(())
}

/// The device that is asked for, as far as it is there: what another machine's device would take can
/// be asked too.
struct Asked {
    kind: DeviceKind,
    device: Option<Device>,
}

impl Asked {
    async fn new(choice: DeviceChoice) -> Self {
        let there = device(choice).await.ok();
        let kind = match (choice, &there) {
            (_, Some(device)) => device.kind(),
            (DeviceChoice::Webgpu, None) => DeviceKind::Webgpu,
            (DeviceChoice::Auto | DeviceChoice::Cpu, None) => DeviceKind::Cpu,
        };
        Asked { kind, device: there }
    }
}

fn table(config: &RunConfig, estimate: &Estimate, kind: DeviceKind) -> String {
    let Estimate { weights, gradients, optimizer, activations, logits, buffers, total, .. } =
        *estimate;
    let (data, train) = (&config.data, &config.train);
    let mut text = format!(
        "Training {} ({} of {} parameters) with {} on {}, in batches of {} with up to {} and \
         {} tokens, at its highest:\n",
        adapter::describe(config),
        grouped(estimate.trainable_parameters),
        grouped(estimate.total_parameters),
        config.optimizer(),
        kind.name(),
        train.batch_size,
        data.max_source_tokens,
        data.max_target_tokens,
    );
    for (name, size) in [
        ("weights", weights),
        ("gradients", gradients),
        ("optimizer state", optimizer),
        ("activations", activations),
        ("logits and loss", logits),
        ("buffers and process", buffers),
        ("total", total),
    ] {
        text += &format!("  {name:<20}{:>9}\n", bytes(size));
    }
    text
}

/// An obstacle in words.
fn told(obstacle: Obstacle) -> String {
    match obstacle {
        Obstacle::Memory { there } => format!(
            "this machine has {}; a smaller batch_size, max_source_tokens or model takes less",
            bytes(there)
        ),
        Obstacle::Binding { tensor, limit } => format!(
            "its largest tensor takes {}, and the device sees no more than {} at once",
            bytes(tensor),
            bytes(limit)
        ),
    }
}
