//! Where a base lies: a directory, or a model of a hub in the cache that all of Hugging Face's tools
//! share, downloaded into it where it is not there.

mod cache;
mod client;
mod download;
mod environment;

use std::path::{Path, PathBuf};

use flantune::{
    Error,
    model::BaseModel,
    model::hub::{HubModel, Listing, Problem, SHARDS, neither, shards_of},
};

use self::{cache::Cache, client::Client, environment::Environment};
use crate::{
    embedded::{BUILTIN, MODEL},
    printer::Printer,
    progress::{Transfer, bytes},
};

/// The file that tells a model's shape.
const CONFIG: &str = "config.json";

/// A base that is there.
#[derive(Debug)]
pub(crate) struct Located {
    /// The directory of its files.
    pub(crate) directory: String,
    /// What a record of the work calls it: the directory, or the hub's id with the commit.
    pub(crate) name: String,
    /// Its name on a hub, if it came from one.
    pub(crate) id: BaseModel,
}

/// Finds what `--model` names: `builtin`, else a path that exists, else a model of a hub.
///
/// # Errors
/// [`Error::Setting`] for what can be neither, [`Error::Hub`] where the model is unavailable.
pub(crate) fn locate(model: &str, offline: bool, printer: Printer) -> Result<Located, Error> {
    if model == BUILTIN {
        let (directory, name) = (MODEL.to_owned(), BUILTIN.to_owned());
        return Ok(Located { directory, name, id: BaseModel::default() });
    }
    if Path::new(model).exists() {
        let (directory, name) = (model.to_owned(), model.to_owned());
        return Ok(Located { directory, name, id: BaseModel::default() });
    }
    let hub_model = HubModel::parse(model).ok_or_else(|| neither(model))?;
    let environment = Environment::new(offline);
    let mut cache = Cache::new(&environment.cache, &hub_model);
    if let Some(ownerless) = hub_model.ownerless() {
        let earlier = Cache::new(&environment.cache, &ownerless);
        if cache.find(&hub_model.revision).is_none() && earlier.find(&hub_model.revision).is_some()
        {
            cache = earlier;
        }
    }
    let commit = match cache.find(&hub_model.revision) {
        Some(commit) => Ok(commit),
        None => fetch(&hub_model, &cache, &environment, printer, Wanted::All),
    }
    .map_err(|problem| problem.of(model))?;
    let directory = cache.snapshot(&commit);
    let directory = directory.to_str().ok_or_else(|| {
        let path = directory.display().to_string();
        Error::Storage { path, message: "its name is not UTF-8".to_owned() }
    })?;
    let pinned = hub_model.at(&commit);
    let (directory, name) = (directory.to_owned(), pinned.to_string());
    Ok(Located { directory, name, id: BaseModel::from(&pinned) })
}

/// Finds the `config.json` of what `--model` names; of a model of a hub nothing else is downloaded.
///
/// # Errors
/// As [`locate`].
pub(crate) fn locate_config(
    model: &str,
    offline: bool,
    printer: Printer,
) -> Result<PathBuf, Error> {
    if model == BUILTIN {
        return Ok(Path::new(MODEL).join(CONFIG));
    }
    let path = Path::new(model);
    if path.exists() {
        return Ok(if path.is_dir() { path.join(CONFIG) } else { path.to_owned() });
    }
    let hub_model = HubModel::parse(model).ok_or_else(|| neither(model))?;
    let environment = Environment::new(offline);
    let cache = Cache::new(&environment.cache, &hub_model);
    let there = cache.commit(&hub_model.revision).filter(|commit| cache.has(commit, CONFIG));
    let commit = match there {
        Some(commit) => Ok(commit),
        None => fetch(&hub_model, &cache, &environment, printer, Wanted::Config),
    }
    .map_err(|problem| problem.of(model))?;
    Ok(cache.snapshot(&commit).join(CONFIG))
}

/// What to download of a model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// All that it is loaded from.
    All,
    /// Its shape.
    Config,
}

/// Downloads a model into the cache. Returns the commit that the revision names.
fn fetch(
    model: &HubModel,
    cache: &Cache,
    environment: &Environment,
    printer: Printer,
    wanted: Wanted,
) -> Result<String, Problem> {
    if environment.offline {
        let commit = cache.commit(&model.revision);
        return Err(Problem::Offline {
            cache: environment.cache.display().to_string(),
            missing: commit.and_then(|commit| cache.missing(&commit)),
        });
    }
    let client = Client::new(environment);
    let listing = client.listing(model)?;
    let needed = match wanted {
        Wanted::All => listing.needed()?,
        Wanted::Config if listing.files.iter().any(|file| file == CONFIG) => vec![CONFIG],
        Wanted::Config => return Err(Problem::NoFile { file: CONFIG }),
    };
    let Listing { commit, .. } = listing;
    let pinned = model.at(&commit);

    let mut transfer = Transfer::new(printer);
    let mut fetch = |names: &[&str]| -> Result<(), Problem> {
        let missing: Vec<&str> =
            names.iter().copied().filter(|name| !cache.has(&commit, name)).collect();
        let mut files = Vec::new();
        for &name in &missing {
            files.push((name, client.file(&pinned, name)?));
        }
        let size = files.iter().filter_map(|(_, file)| file.size).sum();
        let what = format!("Downloading {} of {pinned}, {}", missing.join(", "), bytes(size));
        transfer.expect(size, &what);
        for (name, file) in &files {
            let blob = cache.blob(&file.etag, printer, |part| {
                download::download(&client, name, file, part, &mut transfer)
            })?;
            cache.link(&commit, name, &blob)?;
            transfer.end();
        }
        Ok(())
    };
    fetch(&needed)?;
    if needed.contains(&SHARDS) {
        let path = cache.snapshot(&commit).join(SHARDS);
        let index = std::fs::read(&path).map_err(|error| cache::failure(&path, &error))?;
        let shards = shards_of(SHARDS, &index)
            .map_err(|error| Problem::NoHub { message: error.to_string() })?;
        fetch(&shards.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    transfer.finish();
    // Last, so that a branch that has moved is seen only with its new files.
    cache.set_commit(&model.revision, &commit)?;
    Ok(commit)
}
