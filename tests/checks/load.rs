//! The other forms that the same weights come in.

use flantune::{device::Device, storage::Storage};

use super::{
    Failure,
    adapters::probe,
    compare::{Fixture, close, model},
};

pub(super) async fn form(
    storage: &dyn Storage,
    name: &str,
    form: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let directory = format!("tiny/{name}/as/{form}");
    let model = model(storage, &directory, device).await?;
    let forward = Fixture::open(storage, &format!("tiny/{name}/forward.safetensors")).await?;
    let found = probe(&model, None, &forward.batch().await?, kernels).await?;
    let expected = match form {
        "sharded" => forward.floats("logits").await?,
        _ => {
            let path = format!("{directory}/logits.safetensors");
            Fixture::open(storage, &path).await?.floats("logits").await?
        }
    };
    close("logits", &found, &expected, 1e-4)
}
