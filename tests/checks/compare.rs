//! Comparing with a fixture, and reading one.

use flantune::{
    config::Dtype,
    device::{Device, DeviceKind},
    model::{T5, T5Config, files::WeightFiles, safetensors::SafetensorsFile},
    storage::Storage,
    text::batch::Batch,
};

use super::Failure;

/// A fixture of named tensors.
pub(super) struct Fixture<'a> {
    storage: &'a dyn Storage,
    pub(super) file: SafetensorsFile,
}

impl<'a> Fixture<'a> {
    pub(super) async fn open(storage: &'a dyn Storage, path: &str) -> Result<Self, Failure> {
        Ok(Fixture { storage, file: SafetensorsFile::open(storage, path, 1 << 20).await? })
    }

    pub(super) async fn floats(&self, name: &str) -> Result<Vec<f32>, Failure> {
        Ok(self.file.read_f32(self.storage, name).await?)
    }

    pub(super) async fn integers(&self, name: &str) -> Result<Vec<i32>, Failure> {
        let values = self.file.read_i64(self.storage, name).await?;
        Ok(values.into_iter().map(|value| value as i32).collect())
    }

    /// The batch of a fixture; one without labels gets masked ones.
    pub(super) async fn batch(&self) -> Result<Batch, Failure> {
        let [rows, source_length] = self.file.info("input_ids")?.shape[..] else {
            return Err("input_ids is not a matrix".into());
        };
        let labels = match self.file.tensors().contains_key("labels") {
            true => self.integers("labels").await?,
            false => vec![-100; rows],
        };
        Ok(Batch {
            rows,
            source_length,
            target_length: labels.len() / rows,
            input_ids: self.integers("input_ids").await?,
            attention_mask: self.integers("attention_mask").await?,
            labels,
        })
    }
}

/// The batch that the adapters beside a tiny model were given.
pub(super) async fn batch(storage: &dyn Storage, name: &str) -> Result<Batch, Failure> {
    let path = format!("tiny/{name}/adapters/batches/0.safetensors");
    Fixture::open(storage, &path).await?.batch().await
}

/// A model's directory, on the device.
pub(super) async fn model(
    storage: &dyn Storage,
    directory: &str,
    device: &Device,
) -> Result<T5, Failure> {
    load(storage, directory, device, Dtype::F32).await
}

/// A model's directory, on the device, kept in `dtype`.
pub(super) async fn load(
    storage: &dyn Storage,
    directory: &str,
    device: &Device,
    dtype: Dtype,
) -> Result<T5, Failure> {
    let config = T5Config::open(storage, directory).await?;
    let files = WeightFiles::open(storage, directory).await?;
    Ok(T5::load(storage, &files, config, device, dtype).await?)
}

/// The tolerance of a gradient: rounding goes through more products on a GPU.
pub(super) fn gradient_tolerance(device: &Device) -> f64 {
    if device.kind() == DeviceKind::Cpu { 1e-4 } else { 1e-3 }
}

/// The tolerance of a loss.
pub(super) fn loss_tolerance(device: &Device) -> f64 {
    if device.kind() == DeviceKind::Cpu { 1e-5 } else { 1e-4 }
}

/// Fails unless all numbers are within `tolerance` of the fixture's greatest magnitude.
pub(super) fn close(
    what: &str,
    found: &[f32],
    expected: &[f32],
    tolerance: f64,
) -> Result<(), Failure> {
    if found.len() != expected.len() {
        return Err(format!("{what}: {} numbers, not {}", found.len(), expected.len()).into());
    }
    let greatest = expected.iter().fold(0.0f64, |most, x| most.max(f64::from(x.abs())));
    let limit = tolerance * greatest;
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(*found) - f64::from(*expected)).abs();
        if difference > limit || difference.is_nan() {
            let message = format!(
                "{what}: number {index} is {found}, not {expected}: {difference:e} away, {limit:e} allowed"
            );
            return Err(message.into());
        }
    }
    Ok(())
}

/// Fails unless the number is within `tolerance` of the expected one, relative to it.
pub(super) fn near(what: &str, found: f64, expected: f64, tolerance: f64) -> Result<(), Failure> {
    if (found - expected).abs() <= tolerance * expected.abs() {
        return Ok(());
    }
    Err(format!("{what} is {found}, not {expected}").into())
}

/// Fails unless weights that have made `steps` steps of AdamW at this rate are where they must be:
/// 98 % within a hundredth of the way, all within twice the way. AdamW moves a weight by its rate
/// whatever the gradient's size, so where a gradient is rounding the direction is too.
pub(super) fn moved(
    what: &str,
    found: &[f32],
    expected: &[f32],
    rate: f64,
    steps: usize,
) -> Result<(), Failure> {
    let way = rate * steps as f64;
    let differences: Vec<f64> = (found.iter().zip(expected))
        .map(|(found, expected)| (f64::from(*found) - f64::from(*expected)).abs())
        .collect();
    let near = differences.iter().filter(|difference| **difference <= 0.01 * way).count();
    let all = differences.iter().all(|difference| *difference <= 2.0 * way);
    if found.len() == expected.len() && all && near as f64 >= 0.98 * found.len() as f64 {
        return Ok(());
    }
    let most = differences.iter().copied().fold(0.0, f64::max);
    let message =
        format!("{what}: {near} of {} within 1 % of {way}, the farthest {most}", found.len());
    Err(message.into())
}
