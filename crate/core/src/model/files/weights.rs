//! Weights between files and the device, tensor by tensor.

use burn::tensor::{Tensor, TensorData};

use crate::model::{
    attention::Attention,
    config::{self, T5Config, expected_tensors},
    feed_forward::FeedForward,
    files::{WeightFiles, is_quantised},
    linear::Linear,
    parameter::Parameters,
    safetensors::{self, Dtype, TensorSpec},
    t5::{Block, Normed, Stack, T5},
};
use crate::{
    device::{self, Device},
    error::{Error, Result},
    ops::{Weight, int8::Packer},
    storage::{Storage, join},
};

/// Reads tensors onto a device.
struct Loader<'a> {
    storage: &'a dyn Storage,
    files: &'a WeightFiles,
    device: &'a Device,
    config: &'a T5Config,
    /// Whether floats become integers.
    quantise: bool,
}

impl T5 {
    /// Loads the weights of a Hugging Face directory. Beside the tensors themselves, only a chunk of
    /// a file is in memory at a time.
    ///
    /// With [`Dtype::Int8`](crate::config::Dtype::Int8) matrices are quantised as they are read. Files
    /// that hold integers are loaded as they are, whatever `dtype` says.
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
        match config.int8 {
            true => files.check_int8(&expected)?,
            false => files.check(&expected, &[])?,
        }
        let quantise = dtype == crate::config::Dtype::Int8;
        let loader = Loader { storage, files, device, config: &config, quantise };
        let shared = loader.weight("shared.weight").await?;
        let encoder = loader.stack("encoder", config.num_layers).await?;
        let decoder = loader.stack("decoder", config.num_decoder_layers).await?;
        let head = if tied { None } else { Some(loader.weight("lm_head.weight").await?) };
        let mut model = T5 { config, shared, encoder, decoder, head, device: device.clone() };
        model.lay_together();
        Ok(model)
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
    let mut tensors = std::collections::BTreeMap::new();
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
    tensors: std::collections::BTreeMap<String, Tensor<1>>,
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
    /// A matrix that may rest as integers. Those are packed part by part: the floats of the whole
    /// embedding would take as much as all integers together.
    async fn weight(&self, name: &str) -> Result<Weight> {
        let shape = self.shape(name);
        debug_assert!(is_quantised(name, &shape), "{name}");
        if !self.quantise && !self.config.int8 {
            return Ok(self.matrix(name).await?.into());
        }
        let mut packer = Packer::new(shape[0], shape[1]);
        let mut parts = self.files.parts(self.storage, name)?;
        if self.config.int8 {
            packer.scales(&self.files.read_scales(self.storage, name).await?);
            while let Some(rows) = parts.integers().await? {
                packer.pack(&rows);
            }
        } else {
            while let Some(rows) = parts.floats().await? {
                packer.quantise(&rows);
            }
        }
        Ok(Weight::Int8(packer.finish(self.device)))
    }

    async fn matrix(&self, name: &str) -> Result<Tensor<2>> {
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

    /// The shape of a tensor that the check has seen.
    fn shape(&self, name: &str) -> Vec<usize> {
        self.files.get(name).map(|(_, info)| info.shape.clone()).unwrap_or_default()
    }

    async fn linear(&self, name: String) -> Result<Linear> {
        let weight = self.weight(&format!("{name}.weight")).await?;
        Ok(Linear { name, weight })
    }

    async fn stack(&self, name: &'static str, depth: usize) -> Result<Stack> {
        let mut blocks = Vec::with_capacity(depth);
        for index in 0..depth {
            blocks.push(self.block(name, index).await?);
        }
        let bias = format!("{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
        Ok(Stack {
            blocks,
            relative_attention_bias: self.matrix(&bias).await?,
            final_layer_norm: self.vector(&format!("{name}.final_layer_norm.weight")).await?,
            name,
        })
    }

    async fn block(&self, stack: &str, index: usize) -> Result<Block> {
        let layer = |number: usize| format!("{stack}.block.{index}.layer.{number}");
        let part = self.attention(format!("{}.SelfAttention", layer(0))).await?;
        let self_attention = self.normed(&layer(0), part).await?;
        let decoder = stack == "decoder";
        let cross_attention = match decoder {
            true => {
                let part = self.attention(format!("{}.EncDecAttention", layer(1))).await?;
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

    async fn attention(&self, name: String) -> Result<Attention> {
        Ok(Attention {
            q: self.linear(format!("{name}.q")).await?,
            k: self.linear(format!("{name}.k")).await?,
            v: self.linear(format!("{name}.v")).await?,
            o: self.linear(format!("{name}.o")).await?,
            heads: self.config.num_heads,
        })
    }

    async fn feed_forward(&self, name: String) -> Result<FeedForward> {
        Ok(match self.config.feed_forward {
            config::FeedForward::GatedGelu => FeedForward::GatedGelu {
                wi_0: self.linear(format!("{name}.wi_0")).await?,
                wi_1: self.linear(format!("{name}.wi_1")).await?,
                wo: self.linear(format!("{name}.wo")).await?,
            },
            config::FeedForward::Relu => FeedForward::Relu {
                wi: self.linear(format!("{name}.wi")).await?,
                wo: self.linear(format!("{name}.wo")).await?,
            },
        })
    }
}
