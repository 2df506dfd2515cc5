//! A model's directory written again in another type, a part of a tensor at a time: memory holds a
//! few megabytes of a model of any size.

use std::collections::BTreeMap;

use half::{bf16, f16};
use serde::Serialize;

use crate::model::{
    config::{T5Config, expected_tensors},
    files::{
        BASE_HASH, WeightFiles,
        quantised::{Stored, integers, scale_name, too_large},
    },
    safetensors::{self, Dtype, Out, Parts, TensorSpec},
    weights::weights_path,
};
use crate::{
    config,
    error::{Error, Result},
    ops::Format,
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
    files.check_model(&config, &expected)?;
    let _claim = output::claim_directory(storage, into, &[directory]).await?;
    let source = Source { storage, files: &files, quantization: config.quantization, to };
    let written = async {
        let converted = source.write(&expected, &weights_path(into)).await?;
        carry_over(storage, directory, into).await?;
        let mut config = config.clone();
        let is_integers = matches!(to, config::Dtype::Int8 | config::Dtype::Int4);
        config.quantization = is_integers.then_some(to);
        config.tie_word_embeddings = tied;
        config.set_dtype(match to {
            config::Dtype::F16 => "float16",
            config::Dtype::Bf16 => "bfloat16",
            // What integers are multiplied out to.
            config::Dtype::F32 | config::Dtype::Int8 | config::Dtype::Int4 => "float32",
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
    /// Which integers its matrices are, if they are any.
    quantization: Option<config::Dtype>,
    to: config::Dtype,
}

/// A tensor of the model, before and after.
struct Tensor<'a> {
    name: &'a str,
    /// Numbers of a row.
    columns: usize,
    /// The integers that it is read from, and written as.
    from: Option<Format>,
    to: Option<Format>,
}

impl Source<'_> {
    async fn write(&self, expected: &[(String, Vec<usize>)], path: &str) -> Result<Converted> {
        let mut converted = Converted::default();
        let mut specs = Vec::new();
        // What each tensor to be written is, or is the scales of.
        let (mut tensors, mut scales) = (BTreeMap::new(), BTreeMap::new());
        for (name, shape) in expected {
            let from = self.quantization.and_then(|dtype| integers(name, shape, dtype));
            let to = integers(name, shape, self.to);
            let columns = shape.last().copied().unwrap_or(1).max(1);
            let (dtype, shape) = match (to, self.to) {
                (Some(format), _) => {
                    let Stored { numbers, scales: (dtype, shape) } = Stored::of(format, shape);
                    let scale = scale_name(name);
                    scales.insert(scale.clone(), Tensor { name, columns, from, to });
                    specs.push(TensorSpec { name: scale, shape, dtype });
                    numbers
                }
                (None, config::Dtype::F16) => (Dtype::F16, shape.clone()),
                (None, config::Dtype::Bf16) => (Dtype::BF16, shape.clone()),
                (None, _) => (Dtype::F32, shape.clone()),
            };
            tensors.insert(name.as_str(), Tensor { name, columns, from, to });
            specs.push(TensorSpec { name: name.clone(), shape, dtype });
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
            if let Some(of) = scales.get(&spec.name) {
                return self.scales(of, out).await;
            }
            let tensor = &tensors[spec.name.as_str()];
            let error = self.tensor(tensor, spec.dtype, out).await?;
            errors.extend(error.map(|error| (spec.name.clone(), error)));
            Ok(())
        })
        .await?;
        Ok(converted)
    }

    /// Writes the scales of a matrix: a second read of it is cheaper than memory for all of them.
    async fn scales(&self, of: &Tensor<'_>, out: &mut Out<'_>) -> Result<()> {
        let Tensor { name, columns, from, to: Some(to) } = *of else { return Ok(()) };
        if from == Some(to) {
            return out.floats(&self.files.read_scales(self.storage, name, to).await?).await;
        }
        let mut rows = self.rows(of).await?;
        let (mut words, mut first) = (Vec::new(), 0);
        while let Some(values) = rows.next().await? {
            for row in values.chunks(columns) {
                words.clear();
                to.scales(row, &mut words).map_err(|place| {
                    too_large(self.files.path(), name, first + place, row[place], to)
                })?;
                out.floats(&to.unpack_scales(&words, columns)).await?;
                first += columns;
            }
        }
        Ok(())
    }

    /// Writes a tensor; returns its relative error if its type changes.
    async fn tensor(
        &self,
        tensor: &Tensor<'_>,
        dtype: Dtype,
        out: &mut Out<'_>,
    ) -> Result<Option<f64>> {
        let Tensor { name, columns, from, to } = *tensor;
        if to.is_some() && from == to {
            let mut parts = self.files.parts(self.storage, name)?;
            while let Some(rows) = parts.bytes().await? {
                out.bytes(&rows).await?;
            }
            return Ok(None);
        }
        let mut rows = self.rows(tensor).await?;
        let mut error = Difference::default();
        let (mut scales, mut words, mut written) = (Vec::new(), Vec::new(), vec![0.0; columns]);
        let mut first = 0;
        while let Some(values) = rows.next().await? {
            let Some(format) = to else {
                error.add(&values, values.iter().map(|value| rounded(*value, dtype)));
                out.floats(&values).await?;
                continue;
            };
            for row in values.chunks(columns) {
                scales.clear();
                words.clear();
                let packed = format.scales(row, &mut scales);
                packed.and_then(|()| format.numbers(row, &scales, &mut words)).map_err(
                    |place| too_large(self.files.path(), name, first + place, row[place], format),
                )?;
                format.multiply_out(&words, &scales, &mut written);
                error.add(row, written.iter().copied());
                out.bytes(&format.unpack(&words, columns)).await?;
                first += columns;
            }
        }
        let is_the_same = self.files.get(name).is_some_and(|(_, info)| info.dtype == dtype);
        Ok((!is_the_same).then(|| error.relative()))
    }

    /// The floats of a tensor, whatever it is read from.
    async fn rows<'a>(&'a self, tensor: &Tensor<'a>) -> Result<Rows<'a>> {
        let Tensor { name, columns, from, .. } = *tensor;
        let mut scales = Vec::new();
        if let Some(format) = from {
            let all = self.files.read_scales(self.storage, name, format).await?;
            format.pack_scales(&all, columns, &mut scales);
        }
        let parts = self.files.parts(self.storage, name)?;
        Ok(Rows { parts, columns, from, scales, row: 0 })
    }
}

/// A tensor's floats in parts of whole rows.
struct Rows<'a> {
    parts: Parts<'a>,
    columns: usize,
    /// The integers that it is read from.
    from: Option<Format>,
    /// Those of all rows.
    scales: Vec<i32>,
    /// The next row.
    row: usize,
}

impl Rows<'_> {
    async fn next(&mut self) -> Result<Option<Vec<f32>>> {
        let Some(format) = self.from else { return self.parts.floats().await };
        let Some(bytes) = self.parts.bytes().await? else { return Ok(None) };
        let mut words = Vec::new();
        format.pack(&bytes, self.columns, &mut words);
        let (width, scales) = (format.words(self.columns), format.scale_words(self.columns));
        let mut floats = vec![0.0; words.len() / width * self.columns];
        for (words, out) in words.chunks(width).zip(floats.chunks_mut(self.columns)) {
            let scales = &self.scales[self.row * scales..(self.row + 1) * scales];
            format.multiply_out(words, scales, out);
            self.row += 1;
        }
        Ok(Some(floats))
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
