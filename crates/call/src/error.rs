//! What the call driver cannot do.

use voxproof_net::NetError;

/// An order that makes no sense now, or a failure of the lab's own network.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The order needs a state that is not there.
    #[error("{actor} has no {what}")]
    Precondition {
        /// The actor.
        actor: String,
        /// What is missing.
        what: String,
    },
    /// The device is not known: it has not registered and its file names no address.
    #[error(
        "the device has not registered, and its file names no address to call; check its account or set `address` under [ixit]"
    )]
    DeviceUnknown,
    /// A mutation does not fit the message.
    #[error("the message cannot be changed as the step says: {0}")]
    Mutation(#[from] voxproof_sip::mutate::MutationError),
    /// The lab's own network failed.
    #[error("the lab's network failed: {0}")]
    Network(#[from] NetError),
}

impl CallError {
    pub(crate) fn no(actor: &str, what: &str) -> Self {
        Self::Precondition {
            actor: actor.to_owned(),
            what: what.to_owned(),
        }
    }
}
