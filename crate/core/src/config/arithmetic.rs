//! How numbers are made, where that depends on the model and the device as well.

use super::{Dtype, ModelConfig};
use crate::{
    device::DeviceKind,
    error::{Error, Message, Result},
    ops::{Arithmetic, Products},
};

impl ModelConfig {
    /// How numbers are made with weights that rest as `dtype`, whatever [`ModelConfig::dtype`] asked for.
    ///
    /// # Errors
    /// [`Error::Setting`] where products are to be of integers and the weights are none.
    pub fn arithmetic(&self, dtype: Dtype, device: DeviceKind) -> Result<Arithmetic> {
        let kernels = self.kernels;
        let products = match self.products {
            Some(Products::Int16) if dtype != Dtype::Int8 => {
                let message = format!("found int16, expected f32 with weights that are {dtype}: ");
                let message = Message::from(message).key("dtype").text(" int8");
                return Err(Error::setting("products", message));
            }
            _ if device != DeviceKind::Cpu || !kernels => Products::F32,
            Some(products) => products,
            None if dtype == Dtype::Int8 => Products::Int16,
            None => Products::F32,
        };
        Ok(Arithmetic { kernels, products })
    }
}
