//! Models on a hub, as huggingface.co serves them: their ids, the addresses of their files, and which
//! of those are needed. Whoever has a network asks for them; what can go wrong there has its words
//! here too.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    model::files::{INDEX, SINGLE, shards},
};

mod problem;

pub use problem::Problem;

/// The hub that is meant unless another is named.
pub const ENDPOINT: &str = "https://huggingface.co";
/// The revision that is meant unless another is named.
pub const MAIN: &str = "main";
/// No list of a repository's files is longer, in bytes.
pub const LISTING_LIMIT: u64 = 64 << 20;
/// The file that names the shards of weights that are not in one file.
pub const SHARDS: &str = INDEX;

/// Files that a base cannot do without, beside its weights.
const REQUIRED: [&str; 2] = ["config.json", "tokenizer.json"];
/// Files that are taken along where there are any: the first for generating text, the others so that
/// transformers finds a tokenizer that is complete.
const OPTIONAL: [&str; 3] =
    ["generation_config.json", "tokenizer_config.json", "special_tokens_map.json"];
/// Weights that can run code when they are loaded.
const PICKLED: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];

/// T5's own repositories, and who owns them since they have an owner.
const OWNERLESS: [&str; 5] = ["t5-small", "t5-base", "t5-large", "t5-3b", "t5-11b"];
const OWNER: &str = "google-t5";

/// What stays as it is in a part of an address.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A model on a hub, at one of its revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubModel {
    /// `OWNER/NAME`.
    pub repository: String,
    /// A branch, a tag or a commit.
    pub revision: String,
}

impl HubModel {
    /// Reads `OWNER/NAME` or `OWNER/NAME@REVISION`, or the name of a T5 that once stood on the hub
    /// without an owner; `None` for what can be none of these.
    pub fn parse(text: &str) -> Option<Self> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, MAIN));
        if OWNERLESS.contains(&repository) && is_revision(revision) {
            let repository = format!("{OWNER}/{repository}");
            return Some(HubModel { repository, revision: revision.to_owned() });
        }
        let is_id = repository.contains('/') && is_hub_id(repository) && is_revision(revision);
        is_id.then(|| HubModel { repository: repository.to_owned(), revision: revision.to_owned() })
    }

    /// The same model under its name alone, as caches of earlier years have it.
    pub fn ownerless(&self) -> Option<Self> {
        let name = self.repository.strip_prefix(OWNER)?.strip_prefix('/')?;
        OWNERLESS.contains(&name).then(|| HubModel { repository: name.to_owned(), ..self.clone() })
    }

    /// The same model at another revision.
    pub fn at(&self, revision: &str) -> Self {
        HubModel { repository: self.repository.clone(), revision: revision.to_owned() }
    }

    /// Whether the revision is a whole commit, which names the same files for ever.
    pub fn is_pinned(&self) -> bool {
        is_commit(&self.revision)
    }

    /// Where the hub tells the revision's commit and files.
    pub fn listing_address(&self, endpoint: &str) -> String {
        let revision = utf8_percent_encode(&self.revision, PART);
        format!("{endpoint}/api/models/{}/revision/{revision}", self.repository)
    }

    /// Where the hub has a file.
    pub fn file_address(&self, endpoint: &str, file: &str) -> String {
        let revision = utf8_percent_encode(&self.revision, PART);
        let file: Vec<String> =
            file.split('/').map(|part| utf8_percent_encode(part, PART).to_string()).collect();
        format!("{endpoint}/{}/resolve/{revision}/{}", self.repository, file.join("/"))
    }

    /// The name of its directory in a cache: `models--OWNER--NAME`.
    pub fn folder(&self) -> String {
        format!("models--{}", self.repository.replace('/', "--"))
    }
}

impl fmt::Display for HubModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.revision)
    }
}

/// What a hub tells of a revision, or a cache holds of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The commit that the revision names now.
    pub commit: String,
    /// The files that there are at that commit.
    pub files: Vec<String>,
}

impl Listing {
    /// Reads a hub's answer at [`HubModel::listing_address`].
    ///
    /// # Errors
    /// [`Problem::NoHub`] for what no hub answers.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Problem> {
        let refused = |message: &str| Problem::NoHub { message: message.to_owned() };
        let answer: Value =
            serde_json::from_slice(bytes).map_err(|_| refused("its answer is not JSON"))?;
        let commit = answer["sha"].as_str().filter(|commit| is_commit(commit));
        let commit = commit.ok_or_else(|| refused("its answer has no commit in `sha`"))?;
        let files = answer["siblings"].as_array();
        let files = files.ok_or_else(|| refused("its answer has no files in `siblings`"))?;
        let name = |file: &Value| file["rfilename"].as_str().map(str::to_owned);
        Ok(Listing { commit: commit.to_owned(), files: files.iter().filter_map(name).collect() })
    }

    /// The files that a base is loaded from, small ones first. Where the last one is [`SHARDS`],
    /// those that [`shards_of`] reads from it follow.
    ///
    /// # Errors
    /// [`Problem::NoFile`] and [`Problem::NoWeights`].
    pub fn needed(&self) -> Result<Vec<&'static str>, Problem> {
        let has = |name: &&'static str| self.files.iter().any(|file| file == name);
        if let Some(file) = REQUIRED.into_iter().find(|file| !has(file)) {
            return Err(Problem::NoFile { file });
        }
        let weights = [SINGLE, INDEX].into_iter().find(has);
        let weights =
            weights.ok_or_else(|| Problem::NoWeights { pickled: PICKLED.iter().any(has) })?;
        let optional = OPTIONAL.into_iter().filter(has);
        Ok(REQUIRED.into_iter().chain(optional).chain([weights]).collect())
    }
}

/// The files that an index names; `path` is for messages.
///
/// # Errors
/// [`Error::Format`] for what is no index.
pub fn shards_of(path: &str, index: &[u8]) -> Result<Vec<String>> {
    shards(path, index)
}

/// The refusal of a model that is neither a directory nor can be on a hub.
pub fn neither(model: &str) -> Error {
    let message = format!(
        "found `{model}`, which is neither a directory here nor a hub id such as \
         google/flan-t5-small"
    );
    Error::setting("model", message)
}

/// Whether this can be a repository's name on the hub, `NAME` or `OWNER/NAME`, and no path.
pub fn is_hub_id(id: &str) -> bool {
    let part = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(plain)
    };
    id.len() <= 96
        && id.split('/').count() <= 2
        && id.split('/').all(part)
        && !id.contains("..")
        && !id.contains("--")
}

/// Whether this is a commit's whole name.
pub fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// Whether git takes this for the name of a branch, tag or commit, and a file system for a path
/// below where it stands.
fn is_revision(revision: &str) -> bool {
    let part = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
        !part.starts_with(['.', '-']) && !part.is_empty() && part.chars().all(plain)
    };
    revision.len() <= 200 && revision.split('/').all(part) && !revision.contains("..")
}

#[cfg(test)]
mod tests;
