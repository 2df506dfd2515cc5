//! What can be done about an error. Each front words it in its own terms: a command line has options and
//! environment variables, a page has controls.

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Train with a smaller `learning_rate` or `clip_norm`.
    SmallerSteps,
    /// Check the spelling of a hub's model; a private one needs a token.
    ModelName,
    /// Name a branch, a tag or a commit.
    Revision,
    /// Give a token that may read the model.
    Token,
    /// Give another token: this one does not suffice.
    OtherToken,
    /// Accept the owner's conditions.
    Conditions {
        /// Where that is done.
        page: String,
    },
    /// Allow downloads, or give a directory.
    GoOnline,
    /// Have the system trust the certificates of whom it talks to.
    Certificates,
    /// Check the network; what was downloaded is kept.
    Network,
    /// Check the hub's address, and what answers there.
    HubAddress,
    /// Make a tokenizer.json by transformers.
    MakeTokenizer,
    /// Name a repository that holds a T5 model.
    OtherRepository,
    /// Find safetensors in another revision, or convert the weights by transformers.
    MakeSafetensors,
    /// Download it again.
    DownloadAgain,
    /// Make room on the disk; what was downloaded is kept.
    MakeRoom,
    /// Keep the cache where it can be written.
    OtherCache,
}
