//! Weights between files and the device, tensor by tensor.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};

use crate::model::{
    attention::Attention,
    config::{self, T5Config, expected_tensors},
    feed_forward::FeedForward,
    files::{
        WeightFiles,
        quantised::{format, too_large},
    },
    linear::Unplaced,
    parameter::Parameters,
    safetensors::{self, Dtype, TensorSpec},
    t5::{Block, Normed, Stack, T5},
};
use crate::{
    device::{self, Device},
    error::{Error, Result},
    ops::{Matrix, Packer},
    storage::{Storage, join},
};

/// Reads tensors onto a device.
struct Loader<'a> {
    storage: &'a dyn Storage,
    files: &'a WeightFiles,
    device: &'a Device,
    config: &'a T5Config,
    /// What floats become.
    dtype: crate::config::Dtype,
    /// Of all tensors; a file has others for integers.
    shapes: BTreeMap<String, Vec<usize>>,
}

impl T5 {
    /// Loads the weights of a Hugging Face directory. Beside the tensors themselves, only a chunk of a file is in
    /// memory at a time, and for another device the weights of a part of a block.
    ///
    /// Matrices are packed into numbers of this `dtype` as they are read. Files that hold integers are loaded as
    /// they are, whatever it says.
    ///
    /// # Errors
    /// [`Error::Tensor`] names the first tensor that is missing, surplus, misshapen or not finite.
    pub async fn load(
        storage: &dyn Storage,
        files: &WeightFiles,
        config: T5Config,
        device: &Device,
        dtype: crate::config::Dtype,
    ) -> Result<Self> {
        let tied = files.tied(&config);
        let expected = expected_tensors(&config, tied);
        files.check_model(&config, &expected)?;
        let dtype = config.quantization.unwrap_or(dtype);
        let shapes = expected.into_iter().collect();
        // What another model was in fits no other tensors.
        device.give_back();
        let loader = Loader { storage, files, device, config: &config, dtype, shapes };
        let shared = loader.matrix("shared.weight").await?.put(device);
        let encoder = loader.stack("encoder", config.num_layers).await?;
        let decoder = loader.stack("decoder", config.num_decoder_layers).await?;
        let head = match tied {
            true => None,
            false => Some(loader.matrix("lm_head.weight").await?.put(device)),
        };
        Ok(T5 { config, shared, encoder, decoder, head, dtype, device: device.clone() })
    }

    /// Writes the weights as one file, `path`, of 32-bit floats. Names, shapes and order are those
    /// of transformers, so the same weights give the same bytes.
    ///
    /// # Errors
    /// Those of the storage, and of reading tensors back from the device.
    pub async fn save(&mut self, storage: &dyn Storage, path: &str) -> Result<()> {
        write(storage, path, Vec::new(), self).await
    }
}

/// Writes named tensors as 32-bit floats, each read back from the device when its turn comes.
pub async fn write(
    storage: &dyn Storage,
    path: &str,
    metadata: Vec<(String, String)>,
    parameters: &mut dyn Parameters,
) -> Result<()> {
    let mut tensors = BTreeMap::new();
    let mut specs = Vec::new();
    parameters.visit(&mut |name, parameter| {
        let shape = parameter.shape();
        specs.push(TensorSpec { name: name.to_owned(), shape, dtype: Dtype::F32 });
        tensors.insert(name.to_owned(), parameter.flat());
    });
    write_tensors(storage, path, metadata, specs, tensors).await
}

/// Writes tensors by name, each read back from the device when its turn comes.
pub async fn write_tensors(
    storage: &dyn Storage,
    path: &str,
    metadata: Vec<(String, String)>,
    specs: Vec<TensorSpec>,
    tensors: BTreeMap<String, Tensor<1>>,
) -> Result<()> {
    let metadata = metadata.into_iter().collect();
    safetensors::write(storage, path, &metadata, &specs, async |name| match tensors.get(name) {
        Some(tensor) => Ok(device::read(tensor.clone()).await?.into()),
        None => Err(Error::tensor(path, name, "it has no values")),
    })
    .await
}

/// The file of weights in a directory that Flantune writes.
pub fn weights_path(directory: &str) -> String {
    join(directory, "model.safetensors")
}

impl Loader<'_> {
    /// A matrix that may rest packed. Then it is packed part by part: the floats of the whole embedding would
    /// take as much as all 8-bit integers together.
    async fn matrix(&self, name: &str) -> Result<Matrix> {
        let shape = self.shape(name);
        let Some(format) = format(name, shape, self.dtype) else {
            let values = self.files.read_f32(self.storage, name).await?;
            return Ok(Matrix::Dense(values, [shape[0], shape[1]]));
        };
        let mut packer = Packer::new(format, [shape[0], shape[1]]);
        let mut parts = self.files.parts(self.storage, name)?;
        if self.config.quantization.is_some() {
            packer.scales(&self.files.read_scales(self.storage, name, format).await?);
            while let Some(rows) = parts.bytes().await? {
                packer.pack(&rows);
            }
        } else {
            let mut first = 0;
            while let Some(rows) = parts.floats().await? {
                packer.round(&rows).map_err(|place| {
                    let path = self.files.get(name).map_or("", |(file, _)| file.path());
                    too_large(path, name, first + place, rows[place], format)
                })?;
                first += rows.len();
            }
        }
        Ok(Matrix::Packed(packer))
    }

    /// A matrix that is always of floats.
    async fn floats(&self, name: &str) -> Result<Tensor<2>> {
        let values = self.files.read_f32(self.storage, name).await?;
        let shape = self.shape(name);
        let data = TensorData::new(values, [shape[0], shape[1]]);
        Ok(Tensor::from_data(data, self.device.burn()))
    }

    async fn vector(&self, name: &str) -> Result<Tensor<1>> {
        let values = self.files.read_f32(self.storage, name).await?;
        let length = values.len();
        Ok(Tensor::from_data(TensorData::new(values, [length]), self.device.burn()))
    }

    /// The shape of a tensor of this model.
    fn shape(&self, name: &str) -> &[usize] {
        self.shapes.get(name).map_or(&[], Vec::as_slice)
    }

    async fn linear(&self, name: String) -> Result<Unplaced> {
        let weight = self.matrix(&format!("{name}.weight")).await?;
        Ok(Unplaced { name, weight })
    }

    async fn stack(&self, name: &'static str, depth: usize) -> Result<Stack> {
        let mut blocks = Vec::with_capacity(depth);
        for index in 0..depth {
            blocks.push(self.block(name, index).await?);
        }
        let bias = format!("{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
        Ok(Stack {
            blocks,
            relative_attention_bias: self.floats(&bias).await?,
            final_layer_norm: self.vector(&format!("{name}.final_layer_norm.weight")).await?,
            name,
        })
    }

    async fn block(&self, stack: &str, index: usize) -> Result<Block> {
        let layer = |number: usize| format!("{stack}.block.{index}.layer.{number}");
        let part = self.attention(format!("{}.SelfAttention", layer(0)), true).await?;
        let self_attention = self.normed(&layer(0), part).await?;
        let decoder = stack == "decoder";
        let cross_attention = match decoder {
            true => {
                let part = self.attention(format!("{}.EncDecAttention", layer(1)), false).await?;
                Some(self.normed(&layer(1), part).await?)
            }
            false => None,
        };
        let last = layer(if decoder { 2 } else { 1 });
        let part = self.feed_forward(format!("{last}.DenseReluDense")).await?;
        let feed_forward = self.normed(&last, part).await?;
        Ok(Block { self_attention, cross_attention, feed_forward })
    }

    async fn normed<T>(&self, layer: &str, part: T) -> Result<Normed<T>> {
        Ok(Normed { norm: self.vector(&format!("{layer}.layer_norm.weight")).await?, part })
    }

    async fn attention(&self, name: String, to_itself: bool) -> Result<Attention> {
        let maps = [
            self.linear(format!("{name}.q")).await?,
            self.linear(format!("{name}.k")).await?,
            self.linear(format!("{name}.v")).await?,
            self.linear(format!("{name}.o")).await?,
        ];
        Ok(Attention::put(maps, self.config.num_heads, to_itself, self.device))
    }

    async fn feed_forward(&self, name: String) -> Result<FeedForward> {
        Ok(match self.config.feed_forward {
            config::FeedForward::GatedGelu => {
                let maps = [
                    self.linear(format!("{name}.wi_0")).await?,
                    self.linear(format!("{name}.wi_1")).await?,
                    self.linear(format!("{name}.wo")).await?,
                ];
                FeedForward::put_gated(maps, self.device)
            }
            config::FeedForward::Relu => {
                let maps = [
                    self.linear(format!("{name}.wi")).await?,
                    self.linear(format!("{name}.wo")).await?,
                ];
                FeedForward::put_relu(maps, self.device)
            }
        })
    }
}
