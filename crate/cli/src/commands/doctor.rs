use flantune::{
    config::{Method, RunConfig},
    device::{Device, DeviceKind, Limits, devices},
    host::Host,
    model::{T5Config, sizes::SIZES},
    ops::gpu::product::Tiles,
    proof::{Proof, Way, proof},
    train::memory::{Demand, Estimate, Obstacle, estimate},
};
use serde_json::{Value, json};

use super::host;
use crate::{failure::Failure, memory, printer::Printer, progress::bytes};

/// Shows the devices of this machine, whether they compute right, and what each can train.
pub(crate) async fn doctor(printer: &Printer) -> Result<(), Failure> {
    let (host, devices) = (host(), devices().await);
    if printer.is_json() {
        let mut objects = Vec::new();
        for device in &devices {
            objects.push(object(device, proven(device, &host).await)?);
        }
        return printer.object(&json!({ "devices": objects }));
    }
    for device in &devices {
        printer.line(&format!("{:<8}{}", device.kind().name(), description(device)))?;
        for (name, limit) in limits(device.limits()) {
            printer.line(&format!("        {name}: {limit}"))?;
        }
        if let Some(there) = memory::of(device) {
            printer.line(&format!("        memory: {}", bytes(there)))?;
        }
        if let Some(proof) = proven(device, &host).await {
            printer.line(&format!("        computes: {}", computes(&proof)))?;
            printer.line(&format!("        products: {}", products(&proof)))?;
        }
        printer.text(&table(&possible(device)?))?;
    }
    let config = RunConfig::default();
    let (rows, data) = (config.train.batch_size, &config.data);
    let (source, target) = (data.max_source_tokens, data.max_target_tokens);
    printer.line(&format!(
        "Memory for batches of {rows} with {source} and {target} tokens; in brackets what is not \
         there. `flantune memory` estimates other settings."
    ))
}

/// What a GPU was found to compute, now or before.
async fn proven(device: &Device, host: &Host) -> Option<Proof> {
    match device.kind() {
        DeviceKind::Cpu => None,
        DeviceKind::Webgpu => Some(proof(device, host).await),
    }
}

fn computes(proof: &Proof) -> String {
    if !proof.right {
        return "wrong numbers, so it is not used".to_owned();
    }
    let wrong: Vec<&str> = proof.wrong.iter().map(|family| family.name()).collect();
    match wrong[..] {
        [] => "right, compared with the processor".to_owned(),
        _ => format!("right, without the kernels for {}, which are wrong", wrong.join(", ")),
    }
}

fn products(proof: &Proof) -> String {
    let way = |way: &Way| {
        let name = match way.tiles {
            Tiles::Shared => "by tiles",
            Tiles::None | Tiles::Fitting => "straight from memory",
        };
        let found = match way.seconds {
            Some(seconds) => format!("{:.2} ms", 1e3 * seconds),
            None => "wrong".to_owned(),
        };
        let taken = if way.tiles == proof.tiles { ", taken" } else { "" };
        format!("{name} ({found}{taken})")
    };
    proof.products.iter().map(way).collect::<Vec<_>>().join(", ")
}

/// What training a size by a method takes, and what is in the way.
struct Possible {
    size: &'static str,
    method: Method,
    estimate: Estimate,
    obstacle: Option<Obstacle>,
}

/// Each size by each method, with the settings that a run has by default.
fn possible(device: &Device) -> Result<Vec<Possible>, Failure> {
    let mut all = Vec::new();
    for size in SIZES {
        let model = T5Config::flan(size)?;
        for &method in Method::ALL {
            let mut config = RunConfig::default();
            config.method.method = method;
            let estimate =
                estimate(&model, &Demand::new(&config, device.kind() == DeviceKind::Cpu));
            let obstacle = estimate.obstacle(&device.limits(), memory::of(device));
            all.push(Possible { size, method, estimate, obstacle });
        }
    }
    Ok(all)
}

fn table(possible: &[Possible]) -> String {
    let mut text = format!("        {:<18}", "can train");
    Method::ALL.iter().for_each(|method| text += &format!("{:>12}", method.name()));
    for row in possible.chunks(Method::ALL.len()) {
        text += &format!("\n          {:<16}", row.first().map_or("", |cell| cell.size));
        for Possible { estimate, obstacle, .. } in row {
            let size = bytes(estimate.total);
            let cell = if obstacle.is_some() { format!("({size})") } else { format!("{size} ") };
            text += &format!("{cell:>12}");
        }
    }
    text + "\n"
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

fn object(device: &Device, proof: Option<Proof>) -> Result<Value, Failure> {
    let limits = device.limits();
    let trains: Vec<Value> = (possible(device)?.iter())
        .map(|Possible { size, method, estimate, obstacle }| {
            json!({
                "size": size,
                "method": method.name(),
                "bytes": estimate.total,
                "fits": obstacle.is_none(),
                "obstacle": obstacle.map(Obstacle::code),
            })
        })
        .collect();
    Ok(json!({
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
        "memory": memory::of(device),
        "proof": proof,
        "trains": trains,
    }))
}
