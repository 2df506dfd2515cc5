//! A model from one device to another.

use burn::tensor::{DType, Int, Tensor, TensorData};

use super::{
    T5,
    parameter::{Parameter, Parameters},
};
use crate::{
    device::{Device, read},
    error::{Error, Result},
    ops::{Weight, packed::Packed},
};

/// A tensor on its way.
// There are a few hundred of these, and they are large only because a tensor is.
#[allow(clippy::large_enum_variant)]
enum Taken {
    Floats(Tensor<1>),
    Packed(Packed),
}

impl T5 {
    /// The same weights on another device, one tensor after the other.
    ///
    /// # Errors
    /// [`Error::Device`] where a tensor cannot be read.
    pub async fn moved(&self, device: &Device) -> Result<T5> {
        let mut model = self.clone();
        let mut taken = Vec::new();
        model.visit(&mut |_, parameter| {
            taken.push(match parameter {
                Parameter::Weight(Weight::Packed(packed)) => Taken::Packed(packed.clone()),
                parameter => Taken::Floats(parameter.flat()),
            });
        });
        let mut there = Vec::with_capacity(taken.len());
        for tensor in taken {
            there.push(tensor.moved(device).await?);
        }
        let mut there = there.into_iter();
        model.visit(&mut |_, mut parameter| match (there.next(), &mut parameter) {
            (Some(Taken::Packed(packed)), Parameter::Weight(weight)) => {
                **weight = Weight::Packed(packed);
            }
            (Some(Taken::Floats(floats)), parameter) => parameter.replace(|_| floats),
            _ => {}
        });
        model.device = device.clone();
        model.lay_together();
        Ok(model)
    }
}

impl Taken {
    async fn moved(self, device: &Device) -> Result<Self> {
        let floats = async |row: Tensor<1>| -> Result<Tensor<1>> {
            let length = row.dims()[0];
            let data = TensorData::new(read(row).await?, [length]);
            Ok(Tensor::from_data(data, device.burn()))
        };
        Ok(match self {
            Taken::Floats(row) => Taken::Floats(floats(row).await?),
            Taken::Packed(packed) => {
                let words = self::words(packed.words, device).await?;
                let scales = match packed.scales {
                    Some(scales) => Some(self::words(scales, device).await?),
                    None => None,
                };
                Taken::Packed(Packed { words, scales, ..packed })
            }
        })
    }
}

async fn words(words: Tensor<2, Int>, device: &Device) -> Result<Tensor<2, Int>> {
    let words = words.into_data_async().await.map_err(|error| Error::Device {
        message: format!("a tensor could not be read: {error:?}"),
    })?;
    Ok(Tensor::from_data(words, (device.burn(), DType::I32)))
}
