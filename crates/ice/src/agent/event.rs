use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use super::options::Role;
use crate::finding::Finding;

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// The own address to send from: the base of a candidate, or a relayed address (then the TURN client carries it).
    pub local: SocketAddr,
    /// Where to.
    pub remote: SocketAddr,
    /// The STUN message.
    pub bytes: Vec<u8>,
}

/// The two ends of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPair {
    /// 1 is RTP, 2 RTCP.
    pub component: u16,
    /// Own address to send from.
    pub local: SocketAddr,
    /// Address of the device.
    pub remote: SocketAddr,
    /// Own address as the device sees it, when a check told.
    pub mapped: Option<SocketAddr>,
}

/// How far an agent has come (RFC 8445 6.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IceState {
    /// The device's description is not known yet.
    New,
    /// At least one component has no selected pair.
    Checking,
    /// Every component has one.
    Completed,
    /// A component has none and will not get one.
    Failed,
}

/// What became of a check that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// Answered with success.
    Accepted,
    /// Answered with this error code.
    Refused(u16),
    /// Authentic and not answered on purpose.
    Withheld,
}

/// A Binding request of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReceived {
    /// Component of the address it came to.
    pub component: u16,
    /// The address it came to.
    pub local: SocketAddr,
    /// Where it came from.
    pub source: SocketAddr,
    /// USE-CANDIDATE was there.
    pub nominated: bool,
    /// PRIORITY.
    pub priority: Option<u32>,
    /// Role and tiebreaker of the device.
    pub role: Option<(Role, u64)>,
    /// Transaction identifier; equal for retransmissions.
    pub transaction: u128,
    /// What was answered.
    pub outcome: CheckOutcome,
}

/// Why a check of the lab came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckFailure {
    /// No answer to any of the transmissions (RFC 8445 7.2.5.2.3).
    Timeout,
    /// An error response with this code (RFC 8445 7.2.5.2.4).
    Refused(u16),
    /// The answer came from or to another address (RFC 8445 7.2.5.2.1).
    NotSymmetric,
}

/// Something that happened to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IceEvent {
    /// The device sent a check.
    CheckReceived(CheckReceived),
    /// A check of the lab succeeded.
    CheckSucceeded {
        /// The pair with the mapped address.
        pair: AddressPair,
        /// From the last transmission to the answer.
        round_trip: Duration,
    },
    /// A check of the lab failed.
    CheckFailed {
        /// The pair.
        pair: AddressPair,
        /// Why.
        cause: CheckFailure,
    },
    /// Media of the component take this pair from now on.
    Selected(AddressPair),
    /// The agent has this role now.
    RoleChanged(Role),
    /// The component got no pair.
    Failed {
        /// The component.
        component: u16,
    },
    /// The device gave no consent for too long; nothing may be sent on this pair any more (RFC 7675 5.1).
    ConsentExpired(AddressPair),
    /// The device broke a clause; each is told once.
    Finding(Finding),
}

/// Why an agent cannot do what it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IceError {
    /// The description has no credentials.
    #[error("the description of the device has no ICE credentials")]
    NoCredentials,
}
