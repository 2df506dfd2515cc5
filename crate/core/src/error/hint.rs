//! What can be done about an error. What has to do with options, environment variables or controls each
//! front words in its own terms; the rest is worded here.

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// What is the same wherever it is read, in a sentence without a full stop.
    Said(&'static str),
    /// Train with a smaller `learning_rate` or `clip_norm`.
    SmallerSteps,
    /// Compute on the processor.
    Processor,
    /// Check the spelling of a hub's model; a private one needs a token.
    ModelName,
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
    /// Download it again.
    DownloadAgain,
    /// Make room on the disk; what was downloaded is kept.
    MakeRoom,
    /// Keep the cache where it can be written.
    OtherCache,
}
