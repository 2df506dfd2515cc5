//! Models whose matrices rest packed.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    adapter::{Adapter, merge::merge},
    config::{Dtype, Method},
    device::{self, Device, DeviceKind},
    model::{
        T5,
        convert::convert,
        parameter::{Parameter, Parameters},
    },
    ops::{Arithmetic, Products},
    storage::{Storage, join},
    text::batch::Batch,
    train::trainer::{Trainer, TrainerSettings},
};

use super::{
    Failure,
    adapters::probe,
    compare::{Fixture, close, gradient_tolerance, load, loss_tolerance, model, near},
    forward::{settings, values},
};

/// What is trained beside the packed weights here.
pub(super) const ADAPTERS: [&str; 3] = ["lora-all", "dora", "prompt"];

/// The types that models are kept in, each with what rounding may change the logits by, over their greatest
/// magnitude: a few times what it does to these models, whose few weights hardly average their errors out.
const TYPES: [(Dtype, f64); 3] = [(Dtype::Int8, 0.05), (Dtype::Int4, 0.5), (Dtype::F16, 0.003)];

/// All is as in a model of floats that were rounded by the definition: logits, the gradients of
/// adapters, and what merging makes. And the logits are near those without rounding.
pub(super) async fn check(
    storage: &dyn Storage,
    name: &str,
    dtype: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let known = TYPES.iter().find(|(known, _)| known.to_string() == dtype);
    let (dtype, error) = *known.ok_or("there is no such type")?;
    let directory = format!("tiny/{name}");
    let packed = load(storage, &directory, device, dtype).await?;
    let rounded = rounded(model(storage, &directory, device).await?, dtype).await?;
    if rounded.dtype != Dtype::F32 || packed.dtype != dtype {
        return Err("the weights are not kept in what was asked for".into());
    }
    let fixture = Fixture::open(storage, &format!("{directory}/forward.safetensors")).await?;
    let batch = fixture.batch().await?;
    let found = probe(&packed, None, &batch, kernels).await?;
    close("logits", &found, &probe(&rounded, None, &batch, kernels).await?, 1e-5)?;
    close("logits, rounded", &found, &fixture.floats("logits").await?, error)?;

    if dtype != Dtype::F16 {
        directories(storage, &directory, dtype, device, &found, &batch, kernels).await?;
        let mut floats = model(storage, "floats", device).await?;
        if values(&mut floats).await? != values(&mut rounded.clone()).await? {
            return Err("floats made of integers are others".into());
        }
    }

    for name in ADAPTERS {
        let path = format!("{directory}/adapters/{name}/trained");
        let adapter = Adapter::load(storage, &path, &packed, None).await?;
        let beside = Adapter::load(storage, &path, &rounded, None).await?;
        let method = if name == "prompt" { Method::Prompt } else { Method::Lora };
        let settings = settings(method, kernels);
        let batches = std::slice::from_ref(&batch);
        let mut trainer = Trainer::new(packed.clone(), Some(adapter.clone()), settings);
        let (loss, found) = trainer.gradients(batches).await?;
        if dtype == Dtype::Int8 && kernels && device.kind() == DeviceKind::Cpu {
            let settings = TrainerSettings {
                arithmetic: Arithmetic { kernels, products: Products::Int16 },
                ..settings
            };
            let mut trainer = Trainer::new(packed.clone(), Some(adapter.clone()), settings);
            let (by_integers, gradients) = trainer.gradients(batches).await?;
            near(&format!("the loss by integers with {name}"), by_integers, loss, 1e-4)?;
            for (index, (gradient, exact)) in gradients.into_iter().zip(&found).enumerate() {
                let what = format!("{name}, by integers: gradient {index}");
                let (gradient, exact) =
                    (device::read(gradient).await?, device::read(exact.clone()).await?);
                if gradient == exact {
                    return Err(format!("{what} is made of floats").into());
                }
                close(&what, &gradient, &exact, 3e-3)?;
            }
        }
        let mut trainer = Trainer::new(rounded.clone(), Some(beside.clone()), settings);
        let (expected_loss, expected) = trainer.gradients(batches).await?;
        near(&format!("the loss with {name}"), loss, expected_loss, loss_tolerance(device))?;
        for (index, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            let what = format!("{name}: gradient {index}");
            let (found, expected) = (device::read(found).await?, device::read(expected).await?);
            close(&what, &found, &expected, gradient_tolerance(device))?;
        }
        if method == Method::Lora {
            let merged = merge(&packed, &adapter, &path)?;
            let found = probe(&merged, None, &batch, kernels).await?;
            let expected = merge(&rounded, &beside, &path)?;
            let expected = probe(&expected, None, &batch, kernels).await?;
            close(&format!("{name}, merged"), &found, &expected, 1e-5)?;
        }
    }
    Ok(())
}

/// A directory of integers is what quantising at load time makes, to the bit; and what is made of it.
async fn directories(
    storage: &dyn Storage,
    directory: &str,
    dtype: Dtype,
    device: &Device,
    logits: &[f32],
    batch: &Batch,
    kernels: bool,
) -> Result<(), Failure> {
    for directory in ["once", "twice", "floats"] {
        storage.remove(directory).await?;
    }
    convert(storage, directory, dtype, "once").await?;
    // Whatever is asked for.
    let once = load(storage, "once", device, Dtype::F32).await?;
    if once.dtype != dtype || probe(&once, None, batch, kernels).await? != logits {
        return Err("a directory of integers gives other logits".into());
    }
    convert(storage, "once", Dtype::F32, "floats").await?;
    convert(storage, "once", dtype, "twice").await?;
    for file in storage.list("once").await? {
        let read = async |directory| storage.read_all(&join(directory, &file), 1 << 24).await;
        if read("once").await? != read("twice").await? {
            return Err(format!("{file} changes when integers are made of integers").into());
        }
    }
    Ok(())
}

/// The model with its matrices rounded as docs/guide/formats.md has it.
async fn rounded(mut model: T5, dtype: Dtype) -> Result<T5, Failure> {
    let mut all = values(&mut model).await?.into_iter();
    let device = model.device().burn().clone();
    model.visit(&mut |name, parameter| {
        let (shape, Some((_, values))) = (parameter.shape(), all.next()) else { return };
        if let Parameter::Weight(weight) = parameter {
            let is_map = !["shared.weight", "lm_head.weight"].contains(&name);
            let round: fn(&[f32]) -> Vec<f32> = match dtype {
                Dtype::F16 => {
                    |row| row.iter().map(|value| half(*value, f64::round_ties_even)).collect()
                }
                Dtype::Int4 if is_map && shape[1].is_multiple_of(32) => {
                    |row| row.chunks(32).flat_map(four_bits).collect()
                }
                _ => eight_bits,
            };
            let rounded: Vec<f32> = values.chunks(shape[1]).flat_map(round).collect();
            let data = TensorData::new(rounded, [shape[0], shape[1]]);
            *weight = Tensor::<2>::from_data(data, &device).into();
        }
    });
    Ok(model)
}

fn greatest(row: &[f32]) -> f32 {
    row.iter().fold(0.0f32, |most, value| if value.abs() > most.abs() { *value } else { most })
}

/// Whole multiples of a scale, by which the greatest of the row is 127.
fn eight_bits(row: &[f32]) -> Vec<f32> {
    let scale = greatest(row).abs() / 127.0;
    let whole = |value: &f32| (f64::from(*value) / f64::from(scale)).round_ties_even();
    row.iter().map(|value| whole(value) as f32 * scale).collect()
}

/// Whole multiples of a scale, by which the greatest of the block is -8, or ±7 where another is beyond 7.5 then.
fn four_bits(block: &[f32]) -> Vec<f32> {
    let greatest = greatest(block);
    let up = |value: f32| half(value, |steps| steps.signum() * steps.abs().ceil());
    let scale = up(greatest / -8.0);
    let fits = block.iter().all(|value| value / scale <= 7.5);
    let scale = if fits { scale } else { up(greatest.abs() / 7.0) };
    let whole = |value: &f32| (f64::from(*value) / f64::from(scale)).round_ties_even();
    block.iter().map(|value| whole(value).clamp(-8.0, 7.0) as f32 * scale).collect()
}

/// A float of 16 bits: a whole number of steps, of which there are 1024 from one power of two to the next.
fn half(value: f32, whole: impl Fn(f64) -> f64) -> f32 {
    let exponent = f64::from(value.abs()).log2().floor().max(-14.0);
    let step = (exponent - 10.0).exp2();
    (whole(f64::from(value) / step) * step) as f32
}
