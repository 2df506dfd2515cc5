use flantune::device::{Device, Limits, devices};
use serde_json::{Value, json};

use crate::{failure::Failure, printer::Printer};

/// Shows the devices of this machine.
pub(crate) async fn doctor(printer: &Printer) -> Result<(), Failure> {
    let devices = devices().await;
    if printer.is_json() {
        let devices: Vec<Value> = devices.iter().map(object).collect();
        return printer.object(&json!({ "devices": devices }));
    }
    for device in &devices {
        printer.line(&format!("{:<8}{}", device.kind().name(), description(device)))?;
        for (name, limit) in limits(device.limits()) {
            printer.line(&format!("        {name}: {limit}"))?;
        }
    }
    Ok(())
}

fn description(device: &Device) -> String {
    match device.is_software() {
        true => format!("{} (imitated on the processor; used only when asked for)", device.name()),
        false => device.name().to_owned(),
    }
}

/// The limits that there are, for people.
fn limits(limits: Limits) -> Vec<(&'static str, String)> {
    let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
    let number = |number: u32| number.to_string();
    let kibibytes = |bytes: u32| format!("{} KiB", bytes >> 10);
    [
        ("largest buffer", limits.max_buffer_size.map(mebibytes)),
        ("largest binding", limits.max_binding_size.map(mebibytes)),
        ("storage buffers of a shader", limits.max_storage_buffers.map(number)),
        ("invocations of a workgroup", limits.max_workgroup_invocations.map(number)),
        ("memory of a workgroup", limits.max_workgroup_memory.map(kibibytes)),
    ]
    .into_iter()
    .filter_map(|(name, limit)| Some((name, limit?)))
    .collect()
}

fn object(device: &Device) -> Value {
    let limits = device.limits();
    json!({
        "kind": device.kind().name(),
        "name": device.name(),
        "software": device.is_software(),
        "limits": {
            "max_buffer_size": limits.max_buffer_size,
            "max_binding_size": limits.max_binding_size,
            "max_storage_buffers": limits.max_storage_buffers,
            "max_workgroup_invocations": limits.max_workgroup_invocations,
            "max_workgroup_memory": limits.max_workgroup_memory,
        },
    })
}
