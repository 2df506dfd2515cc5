//! The checks that run natively and in a browser.

use burn::tensor::Tensor;
use flantune::{
    device::{self, Device},
    storage::Storage,
};

/// A check, and the files below `tests/oracle` that it reads.
#[derive(Clone, Debug)]
pub struct Check {
    /// Such as `gated/forward`.
    pub name: &'static str,
    /// Paths relative to `tests/oracle`.
    pub files: Vec<String>,
}

/// All of them.
pub fn checks() -> Vec<Check> {
    vec![Check {
        name: "device/matmul",
        files: Vec::new(),
    }]
}

/// Runs one. The error says what was found and what was expected.
pub async fn run(name: &str, _storage: &dyn Storage, device: &Device) -> Result<(), String> {
    match name {
        "device/matmul" => matmul(device).await,
        _ => Err(format!("there is no check {name:?}")),
    }
}

async fn matmul(device: &Device) -> Result<(), String> {
    let square = Tensor::<2>::from_data([[1.0f32, 2.0], [3.0, 4.0]], device.burn());
    let product = device::read(square.clone().matmul(square)).await;
    let product = product.map_err(|error| error.to_string())?;
    match product == [7.0, 10.0, 15.0, 22.0] {
        true => Ok(()),
        false => Err(format!("the product is {product:?}")),
    }
}
