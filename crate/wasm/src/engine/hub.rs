//! Which files of a hub are needed, and where it has them. The worker fetches them.

use flantune::{
    Result,
    model::hub::{HubModel, LISTING_LIMIT, Listing, SHARDS, neither, shards_of},
    storage::{Storage, join},
};
use serde_json::{Value, json};

/// An id, read.
pub(super) fn model(id: &str, endpoint: &str) -> Result<Value> {
    let model = HubModel::parse(id).ok_or_else(|| neither(id))?;
    Ok(json!({
        "repository": model.repository,
        "revision": model.revision,
        "pinned": model.is_pinned(),
        "folder": model.folder(),
        "listing": model.listing_address(endpoint),
    }))
}

/// The files that a listing has and a base needs.
pub(super) fn files(id: &str, endpoint: &str, listing: &str) -> Result<Value> {
    let model = HubModel::parse(id).ok_or_else(|| neither(id))?;
    let listing = Listing::from_json(listing.as_bytes()).map_err(|problem| problem.of(id))?;
    let needed = listing.needed().map_err(|problem| problem.of(id))?;
    let shards = needed.last() == Some(&SHARDS);
    let pinned = model.at(&listing.commit);
    let files: Vec<Value> = addresses(&pinned, endpoint, needed.into_iter());
    Ok(json!({ "commit": listing.commit, "files": files, "shards": shards }))
}

/// The files that an index of shards names. The index is in `directory` already.
pub(super) async fn shards(
    storage: &dyn Storage,
    id: &str,
    endpoint: &str,
    commit: &str,
    directory: &str,
) -> Result<Value> {
    let model = HubModel::parse(id).ok_or_else(|| neither(id))?.at(commit);
    let path = join(directory, SHARDS);
    let index = storage.read_all(&path, LISTING_LIMIT).await?;
    let files = shards_of(&path, &index)?;
    Ok(Value::Array(addresses(&model, endpoint, files.iter().map(String::as_str))))
}

fn addresses<'a>(
    model: &HubModel,
    endpoint: &str,
    files: impl Iterator<Item = &'a str>,
) -> Vec<Value> {
    let file = |name| json!({ "name": name, "address": model.file_address(endpoint, name) });
    files.map(file).collect()
}
