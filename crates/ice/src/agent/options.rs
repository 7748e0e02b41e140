use std::time::Duration;

use crate::credentials::Credentials;

/// Which side nominates (RFC 8445 6.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nominates pairs; the offerer, when both are full.
    Controlling,
    /// Accepts nominations.
    Controlled,
}

impl Role {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// How much of ICE an agent does (RFC 8445 2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Answers checks and sends none.
    Lite,
    /// Answers and sends.
    Full,
}

/// When a controlling agent sets USE-CANDIDATE; also what was seen of a controlling device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nomination {
    /// Once, on a pair that is known to work (RFC 8445 8.1.1).
    Regular,
    /// In every check (RFC 5245 8.1.1.2; not permitted any more by RFC 8445).
    Aggressive,
    /// Never: how long does the device wait?
    Withheld,
}

/// What an agent does with checks it could answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// Answers as RFC 8445 7.3 says.
    Normal,
    /// Says nothing; a device must stop sending media within 30 s (RFC 7675 5.1).
    Silent,
    /// Refuses with this error code (300 to 699), authenticated.
    Refuse(u16),
}

/// How an agent is set up. Made by [`AgentOptions::new`], the times are those of the standards and may be changed.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    /// Role to begin with; a conflict or the mode of the peer may change it.
    pub role: Role,
    /// Lite or full.
    pub mode: Mode,
    /// Own fragment and password.
    pub credentials: Credentials,
    /// Own tiebreaker (RFC 8445 16.1).
    pub tie_breaker: u64,
    /// How to nominate when controlling.
    pub nomination: Nomination,
    /// Time between two new checks, Ta (RFC 8445 14.2): 50 ms.
    pub pacing: Duration,
    /// Smallest time before the first retransmission of a check (RFC 8445 14.3): 500 ms.
    pub retransmission: Duration,
    /// How often a check is sent, Rc (RFC 8489 6.2.1): 7.
    pub transmissions: u32,
    /// How long to wait for a better pair after the first valid one before nominating: 500 ms.
    pub nomination_patience: Duration,
    /// How long to wait before a component without a valid pair is failed (RFC 8863 4): 39.5 s.
    pub patience: Duration,
    /// Whether to ask for consent on selected pairs (RFC 7675); a lite agent never does.
    pub consent: bool,
    /// Mean time between two requests for consent (RFC 7675 5.1): 5 s.
    pub consent_interval: Duration,
    /// Time without consent after which it is lost (RFC 7675 5.1): 30 s.
    pub consent_timeout: Duration,
    /// Seed of the transaction identifiers and of the spread of the consent interval.
    pub seed: u64,
}

impl AgentOptions {
    /// Options with the times of the standards and regular nomination.
    pub const fn new(role: Role, mode: Mode, credentials: Credentials, seed: u64) -> Self {
        let mut random = crate::random::Random::new(seed);
        Self {
            role,
            mode,
            credentials,
            tie_breaker: random.next(),
            nomination: Nomination::Regular,
            pacing: Duration::from_millis(50),
            retransmission: Duration::from_millis(500),
            transmissions: 7,
            nomination_patience: Duration::from_millis(500),
            patience: Duration::from_millis(39_500),
            consent: true,
            consent_interval: Duration::from_secs(5),
            consent_timeout: Duration::from_secs(30),
            seed,
        }
    }
}
