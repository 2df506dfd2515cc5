//! A model's directory written again in another type, a part of a tensor at a time: memory holds a
//! few megabytes of a model of any size.

use std::collections::BTreeMap;

use half::{bf16, f16};
use serde::Serialize;

use crate::model::{
    config::{T5Config, expected_tensors},
    files::{BASE_HASH, WeightFiles, is_quantised, scale_name},
    safetensors::{self, Dtype, Out, TensorSpec},
    weights::weights_path,
};
use crate::{
    config,
    error::{Error, Result},
    ops::int8::{multiply_out, quantise, scale},
    output,
    storage::{Storage, join},
};

/// What of a model's directory, beside weights and config.json, goes with a copy of it.
const COMPANIONS: [&str; 5] = [
    "tokenizer.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "spiece.model",
];
/// No such file is longer.
const COMPANION_LIMIT: u64 = 64 << 20;

/// What a conversion has cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Converted {
    /// Bytes of all tensors before.
    pub bytes_before: u64,
    /// Bytes of all tensors after.
    pub bytes: u64,
    /// ‖ŵ − w‖ / ‖w‖ of each tensor that is written in another type than it was read in.
    pub relative_errors: BTreeMap<String, f64>,
}

impl Converted {
    /// The mean of the tensors' errors; 0 where none has changed.
    pub fn mean(&self) -> f64 {
        let count = self.relative_errors.len().max(1);
        self.relative_errors.values().sum::<f64>() / count as f64
    }

    /// The tensor with the greatest error, and that error.
    pub fn worst(&self) -> Option<(&str, f64)> {
        let errors = self.relative_errors.iter().map(|(name, error)| (name.as_str(), *error));
        errors.max_by(|(_, a), (_, b)| a.total_cmp(b))
    }
}

/// Writes the model in `directory` into another one with weights of this type. The tokenizer and the
/// generation's settings go with it; shards become one file. The same weights give the same bytes.
///
/// # Errors
/// [`Error::Setting`] where `into` holds files, [`Error::Tensor`] for weights that are faulty, or
/// not finite in that type. Nothing is left in `into` then.
pub async fn convert(
    storage: &dyn Storage,
    directory: &str,
    to: config::Dtype,
    into: &str,
) -> Result<Converted> {
    let config = T5Config::open(storage, directory).await?;
    let files = WeightFiles::open(storage, directory).await?;
    let tied = files.tied(&config);
    let expected = expected_tensors(&config, tied);
    match config.int8 {
        true => files.check_int8(&expected)?,
        false => files.check(&expected, &[])?,
    }
    let _claim = output::claim_directory(storage, into, &[directory]).await?;
    let source = Source { storage, files: &files, int8: config.int8, to };
    let written = async {
        let converted = source.write(&expected, &weights_path(into)).await?;
        carry_over(storage, directory, into).await?;
        let mut config = config.clone();
        config.int8 = to == config::Dtype::Int8;
        config.tie_word_embeddings = tied;
        config.set_dtype(match to {
            config::Dtype::F16 => "float16",
            config::Dtype::Bf16 => "bfloat16",
            // What integers are dequantized to.
            config::Dtype::F32 | config::Dtype::Int8 => "float32",
        });
        // Last: a directory without it is no model.
        storage.write(&join(into, "config.json"), &config.to_json()).await?;
        Ok(converted)
    };
    match written.await {
        Err(error) => {
            output::clear(storage, into).await;
            Err(error)
        }
        converted => converted,
    }
}

/// Copies the files that go with a model, as far as they are there.
pub async fn carry_over(storage: &dyn Storage, from: &str, to: &str) -> Result<()> {
    for name in COMPANIONS {
        match storage.read_all(&join(from, name), COMPANION_LIMIT).await {
            Ok(bytes) => storage.write(&join(to, name), &bytes).await?,
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A model to be read, and what it is to become.
struct Source<'a> {
    storage: &'a dyn Storage,
    files: &'a WeightFiles,
    /// Whether its matrices are integers.
    int8: bool,
    to: config::Dtype,
}

impl Source<'_> {
    async fn write(&self, expected: &[(String, Vec<usize>)], path: &str) -> Result<Converted> {
        let mut converted = Converted::default();
        let mut specs = Vec::new();
        // The scales to be written, and the matrices that they are of.
        let mut scales = BTreeMap::new();
        for (name, shape) in expected {
            let dtype = match self.to {
                config::Dtype::Int8 if is_quantised(name, shape) => Dtype::I8,
                config::Dtype::Int8 | config::Dtype::F32 => Dtype::F32,
                config::Dtype::F16 => Dtype::F16,
                config::Dtype::Bf16 => Dtype::BF16,
            };
            if dtype == Dtype::I8 {
                let (scale, shape) = (scale_name(name), vec![shape[0]]);
                scales.insert(scale.clone(), name.as_str());
                specs.push(TensorSpec { name: scale, shape, dtype: Dtype::F32 });
            }
            specs.push(TensorSpec { name: name.clone(), shape: shape.clone(), dtype });
        }
        let bytes = |elements: usize, dtype: Dtype| (elements * dtype.size()) as u64;
        for spec in &specs {
            converted.bytes += bytes(spec.shape.iter().product(), spec.dtype);
        }
        for file in self.files.files() {
            let tensors = file.tensors().values();
            converted.bytes_before +=
                tensors.map(|info| bytes(info.elements(), info.dtype)).sum::<u64>();
        }
        // An adapter of the model is one of all its forms.
        let hash = self.files.hash(self.storage).await?;
        let metadata = BTreeMap::from([(BASE_HASH.to_owned(), hash)]);
        let errors = &mut converted.relative_errors;
        safetensors::write_parts(self.storage, path, &metadata, &specs, async |spec, out| {
            if let Some(matrix) = scales.get(&spec.name) {
                return self.scales(matrix, out).await;
            }
            let error = self.tensor(spec, out).await?;
            errors.extend(error.map(|error| (spec.name.clone(), error)));
            Ok(())
        })
        .await?;
        Ok(converted)
    }

    /// Writes the scales of a matrix: a second read of it is cheaper than memory for all of them.
    async fn scales(&self, matrix: &str, out: &mut Out<'_>) -> Result<()> {
        if self.int8 {
            return out.floats(&self.files.read_scales(self.storage, matrix).await?).await;
        }
        let columns = self.columns(matrix);
        let mut parts = self.files.parts(self.storage, matrix)?;
        while let Some(rows) = parts.floats().await? {
            let scales: Vec<f32> = rows.chunks(columns).map(scale).collect();
            out.floats(&scales).await?;
        }
        Ok(())
    }

    /// Writes a tensor; returns its relative error if its type changes.
    async fn tensor(&self, spec: &TensorSpec, out: &mut Out<'_>) -> Result<Option<f64>> {
        let (name, dtype) = (spec.name.as_str(), spec.dtype);
        let from = self.files.get(name).map(|(_, info)| info.dtype);
        let mut parts = self.files.parts(self.storage, name)?;
        let columns = self.columns(name);
        let mut error = Difference::default();
        if from != Some(Dtype::I8) {
            let mut integers = vec![0; columns];
            while let Some(values) = parts.floats().await? {
                if dtype != Dtype::I8 {
                    error.add(&values, values.iter().map(|value| rounded(*value, dtype)));
                    out.floats(&values).await?;
                    continue;
                }
                for row in values.chunks(columns) {
                    let scale = scale(row);
                    quantise(row, scale, &mut integers);
                    error.add(row, integers.iter().map(|integer| f32::from(*integer) * scale));
                    out.integers(&integers).await?;
                }
            }
            return Ok((from != Some(dtype)).then(|| error.relative()));
        }
        let scales = self.files.read_scales(self.storage, name).await?;
        let mut scales = scales.iter();
        let mut floats = vec![0.0; columns];
        while let Some(rows) = parts.integers().await? {
            if dtype == Dtype::I8 {
                out.integers(&rows).await?;
                continue;
            }
            for (row, scale) in rows.chunks(columns).zip(&mut scales) {
                multiply_out(row, *scale, &mut floats);
                error.add(&floats, floats.iter().map(|value| rounded(*value, dtype)));
                out.floats(&floats).await?;
            }
        }
        Ok((dtype != Dtype::I8).then(|| error.relative()))
    }

    fn columns(&self, name: &str) -> usize {
        let info = self.files.get(name).map(|(_, info)| info);
        info.and_then(|info| info.shape.last().copied()).unwrap_or(1).max(1)
    }
}

/// A number as it comes back from a type.
fn rounded(value: f32, dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F16 => f16::from_f32(value).to_f32(),
        Dtype::BF16 => bf16::from_f32(value).to_f32(),
        _ => value,
    }
}

/// The sums of squares of a tensor and of what it is off by.
#[derive(Default)]
struct Difference {
    off: f64,
    whole: f64,
}

impl Difference {
    fn add(&mut self, values: &[f32], written: impl Iterator<Item = f32>) {
        for (value, written) in values.iter().zip(written) {
            let (value, written) = (f64::from(*value), f64::from(written));
            self.off += (value - written) * (value - written);
            self.whole += value * value;
        }
    }

    fn relative(&self) -> f64 {
        if self.off == 0.0 { 0.0 } else { (self.off / self.whole).sqrt() }
    }
}
