//! Generation in every mode that the oracle has, and sampling, which it cannot have.

use flantune::{
    config::{EvalConfig, RunConfig},
    device::{Device, DeviceKind},
    generate::{Generator, Options, Sequence},
    host::Straight,
    model::GenerationConfig,
    storage::Storage,
    text::batch::Batch,
};
use serde_json::Value;

use super::{
    Failure,
    compare::{Fixture, model},
    forward::json,
};

/// What every model does everywhere; a slow device does the rest with one model only.
const EVERYWHERE: [&str; 2] = ["greedy", "beam4"];

pub(super) async fn modes(
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
    let generator = Generator {
        model: &model,
        adapter: None,
        config: &config,
        arithmetic: kernels.into(),
        turn: &Straight,
    };
    let whole = device.kind() == DeviceKind::Cpu || name == "gated";
    for (mode, record) in record.as_object().ok_or("no modes")? {
        if whole || EVERYWHERE.contains(&mode.as_str()) {
            let done = compare(&generator, &batch, record).await;
            done.map_err(|error| format!("{mode}: {error}"))?;
        }
    }
    if whole { sampling(&generator, &batch).await } else { Ok(()) }
}

/// The texts, and that the tokens told one by one are those of the best.
async fn generate(
    generator: &Generator<'_>,
    batch: &Batch,
    numbers: &[usize],
    config: &EvalConfig,
) -> Result<Vec<Vec<Sequence>>, Failure> {
    let mut told = vec![Vec::new(); batch.rows];
    let options = Options::from(config);
    let found = generator
        .generate(batch, numbers, &options, &mut |row, token| told[row].push(token))
        .await?;
    if found.iter().zip(&told).any(|(found, told)| found[0].ids != *told) {
        return Err("the tokens told one by one differ from the result".into());
    }
    Ok(found)
}

/// One mode, against what transformers computes.
async fn compare(generator: &Generator<'_>, batch: &Batch, record: &Value) -> Result<(), Failure> {
    let mut config = RunConfig::default();
    config.set("max_new_tokens", record["max_new_tokens"].clone())?;
    for (key, value) in record["settings"].as_object().ok_or("no settings")? {
        if key != "do_sample" {
            config.set(key, value.clone())?;
        }
    }
    config.validate()?;
    let found = generate(generator, batch, &[], &config.eval).await?;
    let expected = record["ids"].as_array().ok_or("no ids")?;
    let found: Vec<&Sequence> = found.iter().flatten().collect();
    if found.len() != expected.len() {
        return Err(format!("{} texts, not {}", found.len(), expected.len()).into());
    }
    for (row, (found, expected)) in found.into_iter().zip(expected).enumerate() {
        // After the start token, up to and with the first end token; padding follows.
        let ids = expected.as_array().ok_or("no ids")?.iter().skip(1);
        let ids: Vec<u32> = ids.filter_map(|id| id.as_u64().map(|id| id as u32)).collect();
        let end = ids.iter().position(|id| generator.config.eos_token_ids.contains(id));
        let expected = &ids[..end.map_or(ids.len(), |end| end + 1)];
        if found.ids != expected {
            return Err(format!("text {row}: {:?}, not {expected:?}", found.ids).into());
        }
        let (score, expected) = (found.score, record["scores"][row].as_f64());
        let near = match (score, expected) {
            (Some(score), Some(expected)) => (score - expected).abs() <= 1e-4,
            (score, expected) => score == expected,
        };
        if !near {
            return Err(format!("text {row}: score {score:?}, not {expected:?}").into());
        }
    }
    Ok(())
}

/// Draws are made again with the same seed, whatever else is in the batch and however many texts
/// are wanted; from the likeliest token alone they are greedy.
async fn sampling(generator: &Generator<'_>, batch: &Batch) -> Result<(), Failure> {
    let config = |keys: &[(&str, &str)]| -> Result<EvalConfig, Failure> {
        let mut config = RunConfig::default();
        config.set_text("max_new_tokens", "12")?;
        keys.iter().try_for_each(|(key, text)| config.set_text(key, text))?;
        config.validate()?;
        Ok(config.eval)
    };
    let drawn = [("temperature", "2"), ("top_p", "0.99")];
    let two = [&drawn[..], &[("num_return_sequences", "2")]].concat();
    let other = [&drawn[..], &[("generation_seed", "1")]].concat();
    let numbers: Vec<usize> = (10..10 + batch.rows).collect();
    let several = generate(generator, batch, &numbers, &config(&two)?).await?;
    let again = generate(generator, batch, &numbers, &config(&drawn)?).await?;
    let (length, last) = (batch.source_length, batch.rows - 1);
    let alone = Batch {
        rows: 1,
        source_length: length,
        target_length: 0,
        input_ids: batch.input_ids[last * length..].to_vec(),
        attention_mask: batch.attention_mask[last * length..].to_vec(),
        labels: Vec::new(),
    };
    let alone = generate(generator, &alone, &numbers[last..], &config(&drawn)?).await?;
    if again.iter().zip(&several).any(|(one, two)| one[0] != two[0]) {
        return Err("how many texts are drawn changes the first".into());
    }
    if alone[0] != again[last] {
        return Err(format!("{:?} alone, {:?} in a batch", alone[0], again[last]).into());
    }
    if several.iter().all(|two| two[0] == two[1])
        || generate(generator, batch, &numbers, &config(&other)?).await? == again
    {
        return Err("all draws are the same".into());
    }
    let likeliest = generate(generator, batch, &[], &config(&[("top_k", "1")])?).await?;
    if likeliest != generate(generator, batch, &[], &config(&[])?).await? {
        return Err("drawing from one token is not greedy".into());
    }
    Ok(())
}
