//! The checks against the oracles: each runs natively and in a browser, on any device.
//!
//! A check names the fixtures it reads, so that a browser can fetch them first. Tolerances are those
//! that the project promises: float32 torch itself is within a tenth of them.

mod adapters;
mod compare;
mod elsewhere;
mod forward;
mod full;
mod generate;
mod load;
mod operations;
mod optimizers;
mod packed;
mod proof;
mod runs;
mod training;
mod written;

use flantune::{device::Device, storage::Storage};

pub use elsewhere::rewritten;
pub use written::{Written, make};

/// Why a check failed.
pub type Failure = Box<dyn std::error::Error>;

/// A check: what it is called, and what it reads.
#[derive(Clone, Debug)]
pub struct Check {
    /// Such as `gated/forward`.
    pub name: String,
    /// Paths below `tests/oracle`.
    pub files: Vec<String>,
}

/// The models of the oracles.
pub const MODELS: [&str; 3] = ["gated", "relu", "odd"];
/// The adapters of each.
pub const ADAPTERS: [&str; 6] = ["lora", "lora-all", "rslora", "dora", "ia3", "prompt"];
/// The optimisers that train each whole.
const OPTIMIZERS: [&str; 4] = ["adamw", "adafactor", "adafactor-scaled", "sgd"];

/// All checks.
pub fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name: String, model: &str, files: &[String]| {
        let base = ["config.json", "model.safetensors", "generation_config.json"];
        let base = base.iter().map(|file| format!("tiny/{model}/{file}"));
        let files = base.chain(files.iter().map(|file| format!("tiny/{model}/{file}"))).collect();
        checks.push(Check { name, files });
    };
    for model in MODELS {
        let forward = "forward.safetensors".to_owned();
        add(format!("{model}/forward"), model, std::slice::from_ref(&forward));
        let gradients = "gradients.safetensors".to_owned();
        add(format!("{model}/gradients"), model, &[forward, gradients]);
        for optimizer in OPTIMIZERS {
            let mut files: Vec<String> =
                (0..3).map(|index| format!("full/batches/{index}.safetensors")).collect();
            files.push(format!("full/{optimizer}.json"));
            files.push(format!("full/{optimizer}.safetensors"));
            add(format!("{model}/full/{optimizer}"), model, &files);
        }
        for adapter in ADAPTERS {
            let mut files: Vec<String> =
                (0..5).map(|index| format!("adapters/batches/{index}.safetensors")).collect();
            let mut names = vec!["gradients.safetensors", "logits.safetensors", "steps.json"];
            if adapter != "prompt" {
                names.push("merged.safetensors");
            }
            for directory in ["initial", "trained"] {
                for file in ["adapter_config.json", "adapter_model.safetensors"] {
                    files.push(format!("adapters/{adapter}/{directory}/{file}"));
                }
            }
            files.extend(names.iter().map(|file| format!("adapters/{adapter}/{file}")));
            add(format!("{model}/adapters/{adapter}"), model, &files);
        }
        let files = ["generate.json".to_owned(), "generate.safetensors".to_owned()];
        add(format!("{model}/generate"), model, &files);
        let files = ["adapter_config.json", "adapter_model.safetensors"];
        let files = packed::ADAPTERS
            .iter()
            .flat_map(|adapter| files.map(|file| format!("adapters/{adapter}/trained/{file}")))
            .chain(["forward.safetensors".to_owned()])
            .collect::<Vec<_>>();
        for dtype in ["int8", "int4", "f16"] {
            // No row of `relu` is whole blocks, as none of `odd`.
            if (model, dtype) != ("relu", "int4") {
                add(format!("{model}/{dtype}"), model, &files);
            }
        }
    }
    for form in ["f16", "bf16", "int8"] {
        let mut files: Vec<String> = ["config.json", "model.safetensors", "logits.safetensors"]
            .iter()
            .map(|file| format!("as/{form}/{file}"))
            .collect();
        files.push("forward.safetensors".to_owned());
        add(format!("gated/as/{form}"), "gated", &files);
    }
    let mut files: Vec<String> =
        (1..=5).map(|part| format!("as/sharded/model-{part:05}-of-00005.safetensors")).collect();
    files.push("as/sharded/config.json".to_owned());
    files.push("as/sharded/model.safetensors.index.json".to_owned());
    files.push("forward.safetensors".to_owned());
    add("gated/as/sharded".to_owned(), "gated", &files);
    let batch = "adapters/batches/0.safetensors".to_owned();
    add("gated/accumulate".to_owned(), "gated", std::slice::from_ref(&batch));
    let initial = ["adapter_config.json", "adapter_model.safetensors"];
    let initial = initial.iter().map(|file| format!("adapters/lora/initial/{file}"));
    let files: Vec<String> = initial.chain([batch]).collect();
    add("gated/dropout".to_owned(), "gated", &files);
    add("gated/put_off".to_owned(), "gated", &files);
    for run in ["together", "on_the_processor", "tiles"] {
        add(format!("gated/{run}"), "gated", &["tokenizer.json".to_owned()]);
    }
    for model in MODELS {
        for adapter in ADAPTERS {
            let base = ["config.json", "model.safetensors", "adapters/batches/0.safetensors"];
            let own = ["adapter_config.json", "adapter_model.safetensors", "logits.safetensors"];
            let base = base.iter().map(|file| format!("tiny/{model}/{file}"));
            let name = format!("written/{model}/{adapter}");
            let files = base.chain(own.iter().map(|file| format!("{name}/{file}"))).collect();
            checks.push(Check { name, files });
        }
    }
    for model in MODELS {
        let base = ["config.json", "model.safetensors", "adapters/batches/0.safetensors"];
        let base = base.iter().map(|file| format!("tiny/{model}/{file}"));
        let own = elsewhere::kinds(model).into_iter().flat_map(|(kind, _)| {
            ["adapter_config.json", "adapter_model.safetensors"]
                .map(|file| format!("elsewhere/{kind}/{file}"))
        });
        let files = base.chain(own).collect();
        checks.push(Check { name: format!("elsewhere/{model}"), files });
    }
    let lora = checks.iter().find(|check| check.name == "gated/adapters/lora");
    let files = lora.map(|check| check.files.clone()).unwrap_or_default();
    let proof = |name| Check { name: format!("proof/{name}"), files: files.clone() };
    checks.extend(proof::PROOFS.map(proof));
    let operations = operations::OPERATIONS.map(|name| format!("operations/{name}"));
    let optimizers = optimizers::OPTIMIZERS.map(|name| format!("optimizers/{name}"));
    let without = operations.into_iter().chain(optimizers);
    checks.extend(without.map(|name| Check { name, files: Vec::new() }));
    checks
}

/// Runs a check on fixtures that lie in `storage` under the names that it asked for.
///
/// # Errors
/// What differs, and by how much.
pub async fn run(name: &str, storage: &dyn Storage, device: &Device) -> Result<(), Failure> {
    match name.split_once('/') {
        Some(("operations", operation)) => return operations::check(operation, device).await,
        Some(("proof", what)) => return proof::check(what, storage, device).await,
        Some(("optimizers", optimizer)) => return optimizers::check(optimizer, device).await,
        _ => {}
    }
    // Where there are kernels, their definitions must pass too.
    let kernels: &[bool] = match device.kind() {
        flantune::device::DeviceKind::Cpu => &[true, false],
        _ => &[true],
    };
    for &kernels in kernels {
        let parts: Vec<&str> = name.split('/').collect();
        let done = match parts.as_slice() {
            [model, "forward"] => forward::forward(storage, model, device, kernels).await,
            [model, "gradients"] => forward::gradients(storage, model, device, kernels).await,
            [model, "full", optimizer] => {
                full::steps(storage, model, optimizer, device, kernels).await
            }
            [model, "adapters", adapter] => {
                adapters::steps(storage, model, adapter, device, kernels).await
            }
            [model, "accumulate"] => training::accumulate(storage, model, device, kernels).await,
            [model, "dropout"] => training::dropout(storage, model, device, kernels).await,
            [model, "together"] => runs::together(storage, model, device, kernels).await,
            [model, "on_the_processor"] => {
                runs::on_the_processor(storage, model, device, kernels).await
            }
            [model, "tiles"] => runs::tiles(storage, model, device, kernels).await,
            [model, "put_off"] => training::put_off(storage, model, device, kernels).await,
            [model, dtype @ ("int8" | "int4" | "f16")] => {
                packed::check(storage, model, dtype, device, kernels).await
            }
            [model, "generate"] => generate::modes(storage, model, device, kernels).await,
            ["written", model, adapter] => {
                written::read(storage, model, adapter, device, kernels).await
            }
            ["elsewhere", model] => elsewhere::read(storage, model, device, kernels).await,
            [model, "as", form] => load::form(storage, model, form, device, kernels).await,
            _ => Err(format!("there is no check `{name}`").into()),
        };
        done.map_err(|error| format!("kernels {kernels}: {error}"))?;
    }
    Ok(())
}
