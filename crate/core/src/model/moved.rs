//! A model from one device to another.

use burn::tensor::{Int, Tensor, TensorData};

use super::{
    T5,
    attention::Attention,
    feed_forward::FeedForward,
    linear::{Linear, Unplaced},
    t5::{Block, Normed, Stack},
};
use crate::{
    device::{Device, read},
    error::{Error, Result},
    ops::{Matrix, Packed, Packer, Weight},
};

impl T5 {
    /// The same weights on another device, those of one part of a block after those of the other.
    ///
    /// # Errors
    /// [`Error::Device`] where a tensor cannot be read.
    pub async fn moved(&self, device: &Device) -> Result<T5> {
        let to = To(device);
        let head = match &self.head {
            Some(head) => Some(matrix(head).await?.put(device)),
            None => None,
        };
        Ok(T5 {
            config: self.config.clone(),
            shared: matrix(&self.shared).await?.put(device),
            encoder: to.stack(&self.encoder).await?,
            decoder: to.stack(&self.decoder).await?,
            head,
            dtype: self.dtype,
            device: device.clone(),
        })
    }
}

/// Where all goes.
struct To<'a>(&'a Device);

impl To<'_> {
    async fn stack(&self, stack: &Stack) -> Result<Stack> {
        let mut blocks = Vec::with_capacity(stack.blocks.len());
        for block in &stack.blocks {
            blocks.push(self.block(block).await?);
        }
        Ok(Stack {
            blocks,
            relative_attention_bias: self.floats(&stack.relative_attention_bias).await?,
            final_layer_norm: self.floats(&stack.final_layer_norm).await?,
            name: stack.name,
        })
    }

    async fn block(&self, block: &Block) -> Result<Block> {
        let Normed { norm, part } = &block.self_attention;
        let part = self.attention(part, true).await?;
        let self_attention = Normed { norm: self.floats(norm).await?, part };
        let cross_attention = match &block.cross_attention {
            Some(Normed { norm, part }) => {
                let part = self.attention(part, false).await?;
                Some(Normed { norm: self.floats(norm).await?, part })
            }
            None => None,
        };
        let Normed { norm, part } = &block.feed_forward;
        let part = self.feed_forward(part).await?;
        let feed_forward = Normed { norm: self.floats(norm).await?, part };
        Ok(Block { self_attention, cross_attention, feed_forward })
    }

    async fn attention(&self, attention: &Attention, to_itself: bool) -> Result<Attention> {
        let Attention { q, k, v, o, heads } = attention;
        let maps = [map(q).await?, map(k).await?, map(v).await?, map(o).await?];
        Ok(Attention::put(maps, *heads, to_itself, self.0))
    }

    async fn feed_forward(&self, part: &FeedForward) -> Result<FeedForward> {
        Ok(match part {
            FeedForward::GatedGelu { wi_0, wi_1, wo } => {
                let maps = [map(wi_0).await?, map(wi_1).await?, map(wo).await?];
                FeedForward::put_gated(maps, self.0)
            }
            FeedForward::Relu { wi, wo } => {
                FeedForward::put_relu([map(wi).await?, map(wo).await?], self.0)
            }
        })
    }

    async fn floats<const D: usize>(&self, tensor: &Tensor<D>) -> Result<Tensor<D>> {
        let shape = tensor.dims();
        let values = read(tensor.clone().without_autodiff()).await?;
        Ok(Tensor::from_data(TensorData::new(values, shape), self.0.burn()))
    }
}

async fn map(map: &Linear) -> Result<Unplaced> {
    Ok(Unplaced { name: map.name.clone(), weight: matrix(&map.weight).await? })
}

async fn matrix(weight: &Weight) -> Result<Matrix> {
    Ok(match weight {
        Weight::Dense(floats) => {
            let shape = floats.dims();
            Matrix::Dense(read(floats.clone().without_autodiff()).await?, shape)
        }
        Weight::Packed(Packed { format, words, scales, columns }) => {
            let scales = match scales {
                Some(scales) => self::words(scales).await?,
                None => Vec::new(),
            };
            let words = self::words(words).await?;
            Matrix::Packed(Packer::of_words(*format, *columns, words, scales))
        }
    })
}

async fn words(words: &Tensor<2, Int>) -> Result<Vec<i32>> {
    let lost = |error: &dyn std::fmt::Debug| Error::Device {
        message: format!("a tensor could not be read: {error:?}"),
    };
    let words = words.clone().into_data_async().await.map_err(|error| lost(&error))?;
    words.try_into_vec().map_err(|error| lost(&error))
}
