use std::fmt;

use crate::error::{Error, Hint};

/// Why a model of a hub is unavailable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The hub knows no such model, or shows it to nobody without the right token.
    NotFound {
        /// The hub's address.
        endpoint: String,
    },
    /// The model has no such branch, tag or commit.
    NoRevision {
        /// What was asked for.
        revision: String,
    },
    /// The hub does not let this user in.
    Refused {
        /// HTTP's status: 401 or 403.
        status: u16,
        /// Whether a token was sent.
        token: bool,
    },
    /// The model's owner wants conditions accepted.
    Gated {
        /// Where that is done.
        page: String,
    },
    /// Nothing may be downloaded, and it is not there.
    Offline {
        /// Where it would be.
        cache: String,
        /// What of it is not there, where anything is.
        missing: Option<String>,
    },
    /// The hub, or where it sends one to, does not answer, or not in time.
    Unreachable {
        /// The address asked.
        address: String,
        /// What the network said.
        message: String,
    },
    /// What answers is no hub.
    NoHub {
        /// How that shows.
        message: String,
    },
    /// The repository lacks a file.
    NoFile {
        /// Its name.
        file: &'static str,
    },
    /// The repository has no safetensors.
    NoWeights {
        /// Whether it has pickled weights instead.
        pickled: bool,
    },
    /// What came is not what the hub has.
    Mismatch {
        /// The file.
        file: String,
        /// What differs, with both values.
        message: String,
    },
    /// The cache cannot be written.
    Storage {
        /// Where.
        path: String,
        /// Why.
        message: String,
        /// Whether nothing but room is missing.
        full: bool,
    },
}

impl Problem {
    /// The error that it is for this model.
    pub fn of(self, model: impl fmt::Display) -> Error {
        Error::Hub {
            model: model.to_string(),
            hint: self.hint(),
            input: self.is_input(),
            message: self.to_string(),
        }
    }

    /// Whether something else must be asked for, and not just again.
    fn is_input(&self) -> bool {
        !matches!(
            self,
            Problem::Unreachable { .. }
                | Problem::NoHub { .. }
                | Problem::Mismatch { .. }
                | Problem::Storage { .. }
        )
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Problem::NotFound { .. } => Hint::ModelName,
            Problem::NoRevision { .. } => {
                Hint::Said("name a branch, a tag or a commit of it; without one it is `main`")
            }
            Problem::Refused { token: false, .. } => Hint::Token,
            Problem::Refused { token: true, .. } => Hint::OtherToken,
            Problem::Gated { page } => Hint::Conditions { page: page.clone() },
            Problem::Offline { .. } => Hint::GoOnline,
            Problem::Unreachable { message, .. } if message.contains("certificate") => {
                Hint::Certificates
            }
            Problem::Unreachable { .. } => Hint::Network,
            Problem::NoHub { .. } => Hint::HubAddress,
            Problem::NoFile { file: "tokenizer.json" } => Hint::Said(
                "transformers makes one: `AutoTokenizer.from_pretrained(…)`, then `save_pretrained` into \
                 a directory with the model's other files",
            ),
            Problem::NoFile { .. } => Hint::Said("name a repository that holds a T5 model"),
            Problem::NoWeights { .. } => Hint::Said(
                "look for a revision that has them, such as refs/pr/1, or convert them: transformers' \
                 `from_pretrained` and `save_pretrained` write safetensors",
            ),
            Problem::Mismatch { .. } => Hint::DownloadAgain,
            Problem::Storage { full: true, .. } => Hint::MakeRoom,
            Problem::Storage { full: false, .. } => Hint::OtherCache,
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NotFound { endpoint } => {
                write!(f, "there is neither such a directory here nor such a model on {endpoint}")
            }
            Problem::NoRevision { revision } => write!(f, "it has no revision `{revision}`"),
            Problem::Refused { status, token: false } => {
                write!(f, "the hub does not show it to everybody (status {status})")
            }
            Problem::Refused { status, token: true } => {
                write!(f, "the hub does not show it for the token given (status {status})")
            }
            Problem::Gated { .. } => f.write_str("its owner wants conditions to be accepted first"),
            Problem::Offline { cache, missing: None } => write!(
                f,
                "there is no such directory, it is not in the cache {cache}, and nothing may be \
                 downloaded"
            ),
            Problem::Offline { cache, missing: Some(missing) } => write!(
                f,
                "it is not whole in the cache {cache}, where {missing} is missing, and nothing may \
                 be downloaded"
            ),
            Problem::Unreachable { address, message } => {
                write!(f, "it is not whole in the cache, and {address} is not reached: {message}")
            }
            Problem::NoHub { message } => write!(f, "this is not served by a hub: {message}"),
            Problem::NoFile { file } => write!(f, "its repository holds no {file}"),
            Problem::NoWeights { pickled: true } => f.write_str(
                "its repository holds pytorch_model.bin, which can run code when it is loaded, and \
                 no model.safetensors",
            ),
            Problem::NoWeights { pickled: false } => {
                f.write_str("its repository holds no model.safetensors")
            }
            Problem::Mismatch { file, message } => {
                write!(f, "{file} is not what the hub says: {message}")
            }
            Problem::Storage { path, full: true, .. } => {
                write!(f, "there is no room on the disk of {path}")
            }
            Problem::Storage { path, message, full: false } => write!(f, "{path}: {message}"),
        }
    }
}
