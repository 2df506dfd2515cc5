//! What lies in a folder that is no model, or not the whole of one.

use serde_json::Value;

use crate::storage::{Storage, join};

/// No configuration or pointer is longer, where it is only looked at.
const LIMIT: u64 = 1 << 20;

/// What a user has in a folder without a certain file of a model, and what to do about it; none where
/// nothing is known.
pub(crate) async fn instead(
    storage: &dyn Storage,
    directory: &str,
    missing: &str,
) -> Option<String> {
    let names = storage.list(directory).await.ok()?;
    let has = |name: &str| names.iter().any(|there| there == name);
    if has("adapter_config.json") && !has("config.json") {
        let of = match base_of(storage, directory).await {
            Some(base) => format!(" of {base}"),
            None => String::new(),
        };
        return Some(format!(
            "it holds an adapter{of}, no model: give it as `adapter`, beside its base as `model`"
        ));
    }
    match missing {
        "tokenizer.json" => return tokenizer(storage, directory, &names).await,
        "model.safetensors" => {
            let variant = |name: &&String| {
                let middle =
                    name.strip_prefix("model.").and_then(|n| n.strip_suffix(".safetensors"));
                middle.is_some_and(|middle| !middle.contains("-of-"))
            };
            if let Some(variant) = names.iter().find(variant) {
                return Some(format!(
                    "it holds {variant}, a variant, and no model.safetensors: give the file that name, \
                     or load it with `variant` and save it: transformers' `save_pretrained`"
                ));
            }
        }
        _ => {}
    }
    below(storage, directory, &names, missing).await
}

/// Where a folder below has what is missing.
async fn below(
    storage: &dyn Storage,
    directory: &str,
    names: &[String],
    missing: &str,
) -> Option<String> {
    let mut found = Vec::new();
    for name in names.iter().take(1_000).filter(|name| !name.starts_with('.')) {
        let folder = join(directory, name);
        if storage.list(&folder).await.unwrap_or_default().iter().any(|there| there == missing) {
            found.push(folder);
        }
    }
    let first = found.first()?;
    Some(match found.len() {
        1 => format!("there is no {missing} in it, but one folder down, in {first}"),
        count => {
            format!("there is no {missing} in it, but in {count} folders below it, such as {first}")
        }
    })
}

/// Where an adapter lies, if not in the folder itself, or what the folder is.
pub(crate) async fn instead_of_adapter(storage: &dyn Storage, directory: &str) -> Option<String> {
    let names = storage.list(directory).await.ok()?;
    let has = |name: &str| names.iter().any(|there| there == name);
    if has("adapter_config.json") {
        let old = has("adapter_model.bin") && !has("adapter_model.safetensors");
        return old.then(|| {
            "it holds adapter_model.bin, which can run code when it is loaded, and no \
             adapter_model.safetensors; convert it: peft's `PeftModel.from_pretrained` and \
             `save_pretrained` write safetensors"
                .to_owned()
        });
    }
    if has("config.json") {
        return Some("it holds a model, no adapter: give it as `model`".to_owned());
    }
    below(storage, directory, &names, "adapter_config.json").await
}

/// Why there is no tokenizer.json, and how to have one.
async fn tokenizer(storage: &dyn Storage, directory: &str, names: &[String]) -> Option<String> {
    let has = |name: &str| names.iter().any(|there| there == name);
    let key = |file: &'static str, key: &'static str| async move {
        let bytes = storage.read_all(&join(directory, file), LIMIT).await.ok()?;
        let value: Value = serde_json::from_slice(&bytes).ok()?;
        Some(value.get(key)?.as_str()?.to_owned())
    };
    let class = key("tokenizer_config.json", "tokenizer_class").await;
    if class.is_some_and(|class| class.starts_with("ByT5")) {
        return Some(
            "it is a ByT5, which reads bytes and not pieces of words: not supported".to_owned(),
        );
    }
    if has("spiece.model") {
        return Some(
            "there is no tokenizer.json in it, and spiece.model is not read; make one: transformers' \
             `AutoTokenizer.from_pretrained(folder).save_pretrained(folder)`"
                .to_owned(),
        );
    }
    has("config.json").then(|| {
        "there is no tokenizer.json in it, as in checkpoints of a training: copy that of the base, or \
         write it with transformers' `tokenizer.save_pretrained(folder)`"
            .to_owned()
    })
}

/// The base that an adapter names.
async fn base_of(storage: &dyn Storage, directory: &str) -> Option<String> {
    let path = join(directory, "adapter_config.json");
    let bytes = storage.read_all(&path, LIMIT).await.ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let base = value.get("base_model_name_or_path")?.as_str()?;
    (!base.is_empty()).then(|| format!("{base:.100}"))
}
