//! Greedy generation, token by token.

use flantune::{
    device::Device,
    generate::{Generator, Options},
    model::GenerationConfig,
    storage::Storage,
};

use super::{
    Failure,
    compare::{Fixture, model},
    forward::json,
};

pub(super) async fn greedy(
    storage: &dyn Storage,
    name: &str,
    device: &Device,
    kernels: bool,
) -> Result<(), Failure> {
    let directory = format!("tiny/{name}");
    let model = model(storage, &directory, device).await?;
    let config = GenerationConfig::open(storage, &directory, &model.config).await?;
    let path = format!("{directory}/generate.safetensors");
    let batch = Fixture::open(storage, &path).await?.batch().await?;
    let record = json(storage, &format!("{directory}/generate.json")).await?;
    let generator = Generator { model: &model, adapter: None, config: &config, kernels };
    let mut streamed = vec![Vec::new(); batch.rows];
    let options = Options { max_new_tokens: 24 };
    let found = generator
        .generate(&batch, &options, &mut |row, token| streamed[row].push(token))
        .await?;
    let expected = record["greedy"]["ids"].as_array().ok_or("no greedy ids")?;
    for (row, expected) in expected.iter().enumerate() {
        let expected = expected.as_array().ok_or("no ids")?;
        // After the start token, up to and with the first end token; padding follows.
        let ids: Vec<u32> =
            expected.iter().skip(1).filter_map(|id| id.as_u64().map(|id| id as u32)).collect();
        let end = ids.iter().position(|id| config.eos_token_ids.contains(id));
        let expected = &ids[..end.map_or(ids.len(), |end| end + 1)];
        if found[row] != expected {
            return Err(format!("row {row}: {:?}, not {expected:?}", found[row]).into());
        }
    }
    if found != streamed {
        return Err("the tokens told one by one differ from the result".into());
    }
    Ok(())
}
