//! Writes an adapter of each kind for each of the tiny models, for `scripts/oracle/adapters.py` to
//! open in peft: `OUT/MODEL/ADAPTER/`, with our logits of the first batch in `ours.safetensors` and
//! the merged model in `merged/`; and adapters of other kinds that peft wrote, read and written anew,
//! for `scripts/oracle/elsewhere.py`: `OUT/elsewhere/KIND/`.

use std::{error::Error, fs, path::Path};

use flantune::{
    device::Device,
    storage::{self, MemoryStorage, Storage},
};
use flantune_tests::checks::{ADAPTERS, MODELS, checks, make, rewritten};
use safetensors::{Dtype, tensor::TensorView};

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::args_os().nth(1).ok_or("where to? cargo run --example adapters OUT")?;
    for model in MODELS {
        let elsewhere = fixtures(&format!("elsewhere/{model}"))?;
        let files = pollster::block_on(rewritten(&elsewhere, model, &Device::cpu()))?;
        pollster::block_on(copy(&files, "", &Path::new(&out).join("elsewhere")))?;
        for adapter in ADAPTERS {
            let directory = Path::new(&out).join(model).join(adapter);
            pollster::block_on(write(model, adapter, &directory))?;
        }
    }
    Ok(())
}

async fn write(model: &str, adapter: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let written =
        make(&fixtures(&format!("{model}/adapters/{adapter}"))?, model, adapter, &Device::cpu())
            .await?;
    copy(&written.files, "", directory).await?;
    let bytes: Vec<u8> = written.logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
    let logits = TensorView::new(Dtype::F32, vec![written.logits.len()], &bytes)?;
    let file = directory.join("ours.safetensors");
    Ok(safetensors::serialize_to_file([("logits", logits)], None, &file)?)
}

/// What a check reads: the model, and adapters or batches to train on.
fn fixtures(name: &str) -> Result<MemoryStorage, Box<dyn Error>> {
    let check = checks().into_iter().find(|check| check.name == name).ok_or(name)?;
    let (storage, oracle) = (MemoryStorage::new(), Path::new(env!("CARGO_MANIFEST_DIR")));
    for file in &check.files {
        storage.insert(file.as_str(), fs::read(oracle.join("oracle").join(file))?);
    }
    Ok(storage)
}

/// The files below a directory in memory, onto disk.
async fn copy(files: &MemoryStorage, from: &str, to: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(to)?;
    for name in files.list(from).await? {
        let (from, to) = (storage::join(from, &name), to.join(&name));
        match files.read_all(&from, 1 << 20).await {
            Ok(bytes) => fs::write(to, bytes)?,
            // A directory.
            Err(flantune::Error::NotFound { .. }) => Box::pin(copy(files, &from, &to)).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
