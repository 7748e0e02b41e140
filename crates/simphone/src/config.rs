//! What a phone has to be told.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use voxproof_rtp::g711::Law;

use crate::Fault;

/// An audio codec of the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AudioCodec {
    /// G.711 mu-law, payload type 0 (RFC 3551 6).
    Pcmu,
    /// G.711 A-law, payload type 8 (RFC 3551 6).
    Pcma,
}

impl AudioCodec {
    /// The static payload type.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The encoding name.
    pub const fn encoding(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
        }
    }

    /// The companding law.
    pub const fn law(self) -> Law {
        match self {
            Self::Pcmu => Law::Mu,
            Self::Pcma => Law::A,
        }
    }

    pub(crate) fn from_encoding(encoding: &str) -> Option<Self> {
        [Self::Pcmu, Self::Pcma]
            .into_iter()
            .find(|codec| codec.encoding().eq_ignore_ascii_case(encoding))
    }
}

/// The configuration of a phone.
#[derive(Debug, Clone)]
pub struct SimPhoneConfig {
    /// Address of the phone; it picks its own ports.
    pub local: IpAddr,
    /// Registrar and outbound proxy.
    pub server: SocketAddr,
    /// User part of its address of record, and the name it authenticates with.
    pub username: String,
    /// Password for digest authentication.
    pub password: String,
    /// What its microphone hears: 8 kHz mono, from the start of each call, in a loop. Empty is silence.
    pub speech: Arc<[i16]>,
    /// Answers this long after it starts to ring; `None` waits for [`crate::SimPhone::answer`].
    pub auto_answer: Option<Duration>,
    /// Codecs, most wanted first.
    pub codecs: Vec<AudioCodec>,
    /// What it does wrong.
    pub faults: BTreeSet<Fault>,
    /// Seed of its tags, branches, Call-IDs and RTP numbers; mixed with its address, so phones may share one.
    pub seed: u64,
    /// The expiry it asks the registrar for, in seconds.
    pub register_expires: u32,
}

impl SimPhoneConfig {
    /// A healthy phone that waits to be answered: PCMU and PCMA, silence, an expiry of one hour.
    pub fn new(local: IpAddr, server: SocketAddr, username: &str, password: &str) -> Self {
        Self {
            local,
            server,
            username: username.to_owned(),
            password: password.to_owned(),
            speech: Arc::from([]),
            auto_answer: None,
            codecs: vec![AudioCodec::Pcmu, AudioCodec::Pcma],
            faults: BTreeSet::new(),
            seed: 1,
            register_expires: 3600,
        }
    }
}
