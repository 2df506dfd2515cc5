//! Which files of a hub are needed, and where it has them. The worker fetches them.

use flantune::{
    Result,
    model::hub::{HubModel, LISTING_LIMIT, Listing, SHARDS, neither, shards_of},
    storage::{Storage, join},
};

use crate::protocol::{Answer, HubFile, HubFiles, HubModel as Found};

/// An id, read.
pub(super) fn model(id: &str, endpoint: &str) -> Result<Answer> {
    let model = HubModel::parse(id).ok_or_else(|| neither(id))?;
    Ok(Answer::HubModel(Found {
        pinned: model.is_pinned(),
        folder: model.folder(),
        listing: model.listing_address(endpoint),
        repository: model.repository,
        revision: model.revision,
    }))
}

/// The files that a listing has and a base needs.
pub(super) fn files(id: &str, endpoint: &str, listing: &str) -> Result<Answer> {
    let model = HubModel::parse(id).ok_or_else(|| neither(id))?;
    let listing = Listing::from_json(listing.as_bytes()).map_err(|problem| problem.of(id))?;
    let needed = listing.needed().map_err(|problem| problem.of(id))?;
    let shards = needed.last() == Some(&SHARDS);
    let pinned = model.at(&listing.commit);
    let files = addresses(&pinned, endpoint, needed.into_iter());
    Ok(Answer::HubFiles(HubFiles { commit: listing.commit, files, shards }))
}

/// The files that an index of shards names. The index is in `directory` already.
pub(super) async fn shards(
    storage: &dyn Storage,
    id: &str,
    endpoint: &str,
    commit: &str,
    directory: &str,
) -> Result<Answer> {
    let model = HubModel::parse(id).ok_or_else(|| neither(id))?.at(commit);
    let path = join(directory, SHARDS);
    let index = storage.read_all(&path, LISTING_LIMIT).await?;
    let files = shards_of(&path, &index)?;
    Ok(Answer::HubShards(addresses(&model, endpoint, files.iter().map(String::as_str))))
}

fn addresses<'a>(
    model: &HubModel,
    endpoint: &str,
    files: impl Iterator<Item = &'a str>,
) -> Vec<HubFile> {
    let file =
        |name: &str| HubFile { name: name.to_owned(), address: model.file_address(endpoint, name) };
    files.map(file).collect()
}
