//! What to do about an error, in the words of a command line.

use flantune::error::Hint;

/// In a sentence without a full stop.
pub(crate) fn words(hint: &Hint) -> String {
    let words = match hint {
        Hint::Said(words) => words,
        Hint::SmallerSteps => "try a smaller learning_rate, or a smaller clip_norm",
        Hint::Processor => "update the driver, or compute on the processor with --device cpu",
        Hint::ModelName => {
            "check the spelling; of a private model, set HF_TOKEN to a token that may read it"
        }
        Hint::Token => "set HF_TOKEN to a token that may read it, or log in with `hf auth login`",
        Hint::OtherToken => "check that the token is valid and may read this model",
        Hint::Conditions { page } => {
            return format!(
                "accept them at {page}, then set HF_TOKEN to a token of the same account"
            );
        }
        Hint::GoOnline => "run once without --offline and HF_HUB_OFFLINE, or give a directory",
        Hint::Certificates => {
            "the certificates that this system trusts do not vouch for it: install them (on Linux \
             the package ca-certificates), or name a file of others in SSL_CERT_FILE"
        }
        Hint::Network => {
            "check the network, HTTPS_PROXY and HF_ENDPOINT; the same command goes on where the \
             download stopped"
        }
        Hint::HubAddress => "check HF_ENDPOINT, and whether a proxy answers in the hub's place",
        Hint::DownloadAgain => {
            "it was removed: try again; where that does not help, something on the way changes what \
             is downloaded"
        }
        Hint::MakeRoom => {
            "make room, or set HF_HUB_CACHE to a directory on another disk; the same command goes on \
             where the download stopped"
        }
        Hint::OtherCache => "set HF_HUB_CACHE to a directory that can be written",
    };
    words.to_owned()
}
