//! Why a run could not start or go on.

use std::io;
use std::net::SocketAddr;

/// Why a load run could not be made. What the far end does is never an error: it is counted in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The target is not a SIP URI.
    #[error("not a sip uri to call: {uri}")]
    Target {
        /// What was given.
        uri: String,
        /// What is wrong with it.
        #[source]
        source: voxproof_sip::UriError,
    },
    /// The target names a host and no address was given to send to.
    #[error("{uri} has no address: give the destination as address and port")]
    NoDestination {
        /// What was given.
        uri: String,
    },
    /// Options that contradict each other or a limit.
    #[error("{0}")]
    Options(&'static str),
    /// The local SIP address cannot be bound.
    #[error("cannot bind {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operating system refused something the loop cannot do without.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}
