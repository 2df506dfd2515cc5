//! Models whose matrices rest as 8-bit integers.

use burn::tensor::{Tensor, TensorData};
use flantune::{
    adapter::{Adapter, merge::merge},
    config::{Dtype, Method},
    device::{self, Device},
    model::{
        T5,
        convert::convert,
        files::is_quantised,
        parameter::{Parameter, Parameters},
    },
    storage::{Storage, join},
    train::trainer::Trainer,
};

use super::{
    Failure,
    adapters::probe,
    compare::{Fixture, close, gradient_tolerance, load, loss_tolerance, model, near},
    forward::{settings, values},
};

/// What quantisation may change the logits by, over their greatest magnitude: a few times what it
/// does to these models, whose few weights hardly average their errors out.
const ERROR: f64 = 0.05;
/// What is trained beside the integers here.
pub(super) const ADAPTERS: [&str; 3] = ["lora-all", "dora", "prompt"];

/// All is as in a model of floats that were rounded by the definition: logits, the gradients of
/// adapters, and what merging makes. And the logits are near those without rounding.
pub(super) async fn check(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let directory = format!("tiny/{name}");
    let int8 = load(storage, &directory, device, Dtype::Int8).await?;
    let rounded = rounded(model(storage, &directory, device).await?).await?;
    if rounded.is_int8() || !int8.is_int8() {
        return Err("the weights are not kept in what was asked for".into());
    }
    let fixture = Fixture::open(storage, &format!("{directory}/forward.safetensors")).await?;
    let batch = fixture.batch().await?;
    let found = probe(&int8, None, &batch, kernels).await?;
    close("logits", &found, &probe(&rounded, None, &batch, kernels).await?, 1e-5)?;
    close("logits, rounded", &found, &fixture.floats("logits").await?, ERROR)?;

    // A directory of integers is what quantising at load time makes, to the bit; and floats made of
    // it are those that the definition rounds to.
    for directory in ["int8", "int8-again", "f32"] {
        storage.remove(directory).await?;
    }
    convert(storage, &directory, Dtype::Int8, "int8").await?;
    let again = load(storage, "int8", device, Dtype::F32).await?;
    if !again.is_int8() || probe(&again, None, &batch, kernels).await? != found {
        return Err("a directory of integers gives other logits".into());
    }
    convert(storage, "int8", Dtype::F32, "f32").await?;
    let mut floats = model(storage, "f32", device).await?;
    if values(&mut floats).await? != values(&mut rounded.clone()).await? {
        return Err("floats made of integers are others".into());
    }
    convert(storage, "int8", Dtype::Int8, "int8-again").await?;
    for file in storage.list("int8").await? {
        let read = async |directory| storage.read_all(&join(directory, &file), 1 << 24).await;
        if read("int8").await? != read("int8-again").await? {
            return Err(format!("{file} changes when integers are made of integers").into());
        }
    }

    for name in ADAPTERS {
        let path = format!("{directory}/adapters/{name}/trained");
        let adapter = Adapter::load(storage, &path, &int8, None).await?;
        let beside = Adapter::load(storage, &path, &rounded, None).await?;
        let method = if name == "prompt" { Method::Prompt } else { Method::Lora };
        let settings = settings(method, kernels);
        let batches = std::slice::from_ref(&batch);
        let mut trainer = Trainer::new(int8.clone(), Some(adapter.clone()), settings);
        let (loss, found) = trainer.gradients(batches).await?;
        let mut trainer = Trainer::new(rounded.clone(), Some(beside.clone()), settings);
        let (expected_loss, expected) = trainer.gradients(batches).await?;
        near(&format!("the loss with {name}"), loss, expected_loss, loss_tolerance(device))?;
        for (index, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            let what = format!("{name}: gradient {index}");
            let (found, expected) = (device::read(found).await?, device::read(expected).await?);
            close(&what, &found, &expected, gradient_tolerance(device))?;
        }
        if method == Method::Lora {
            let merged = merge(&int8, &adapter, &path)?;
            let found = probe(&merged, None, &batch, kernels).await?;
            let expected = merge(&rounded, &beside, &path)?;
            let expected = probe(&expected, None, &batch, kernels).await?;
            close(&format!("{name}, merged"), &found, &expected, 1e-5)?;
        }
    }
    Ok(())
}

/// The model with each row of its matrices rounded to whole multiples of a scale, by which the
/// greatest of them is 127.
async fn rounded(mut model: T5) -> Result<T5, Failure> {
    let mut all = values(&mut model).await?.into_iter();
    let device = model.device().burn().clone();
    model.visit(&mut |name, parameter| {
        let (shape, Some((_, values))) = (parameter.shape(), all.next()) else { return };
        if let (true, Parameter::Weight(weight)) = (is_quantised(name, &shape), parameter) {
            let mut rounded = Vec::with_capacity(values.len());
            for row in values.chunks(shape[1]) {
                let scale = row.iter().fold(0.0f32, |most, value| most.max(value.abs())) / 127.0;
                let whole = |value: &f32| (f64::from(*value) / f64::from(scale)).round_ties_even();
                rounded.extend(row.iter().map(|value| whole(value) as f32 * scale));
            }
            let data = TensorData::new(rounded, [shape[0], shape[1]]);
            *weight = Tensor::<2>::from_data(data, &device).into();
        }
    });
    Ok(model)
}
