//! ICE, STUN and TURN for the lab's media; sans-IO.
//!
//! An [`IceAgent`] is one end of one media stream, lite or full (RFC 8445), that also watches how the other end behaves:
//! what a device sends wrong becomes a [`Finding`]. STUN messages are read and written with the crate `stun-types`, a
//! [`TurnClient`] is that of `turn-client-proto`. The state machine of ICE is this crate's own: a lab has to be lite,
//! to withhold answers, to nominate early or not at all, to see each check, and to do the same again with the same seed.
//!
//! Times are durations since the lab's epoch; nothing here reads a clock or opens a socket.

mod agent;
mod candidate;
mod credentials;
mod description;
mod examine;
mod finding;
mod message;
mod random;
mod server;
mod turn;

pub use agent::{
    AddressPair, AgentOptions, Answering, CheckFailure, CheckOutcome, CheckReceived, IceAgent, IceError,
    IceEvent, IceState, Mode, Nomination, Role, Transmit,
};
pub use candidate::{Candidate, CandidateType, ParsedCandidate, candidate_priority, pair_priority};
pub use credentials::{Credentials, CredentialsError};
pub use description::{LocalDescription, RemoteDescription};
pub use examine::{Context, examine};
pub use finding::Finding;
pub use message::{Class, Integrity, StunError, StunMessage, is_stun};
pub use server::StunServer;
pub use turn::{TurnClient, TurnError, TurnEvent, TurnInput};
