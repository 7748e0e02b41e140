//! What a phone has to be told.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use voxproof_net::ClientSecurity;
use voxproof_net::tls::TlsServer;
use voxproof_sip::Transport;
use voxproof_sip::sdp::RtpMap;

use crate::Fault;

/// An audio codec of the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AudioCodec {
    /// G.711 mu-law, payload type 0 (RFC 3551 6).
    Pcmu,
    /// G.711 A-law, payload type 8 (RFC 3551 6).
    Pcma,
    /// G.722 at 64 kbit/s, payload type 9; its RTP clock is 8 kHz although it samples at 16 kHz (RFC 3551 4.5.2).
    G722,
    /// Opus, one channel, payload type 96 in the phone's own offers (RFC 7587).
    Opus,
}

impl AudioCodec {
    const ALL: [Self; 4] = [Self::Pcmu, Self::Pcma, Self::G722, Self::Opus];

    /// The payload type in the phone's own offers.
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
            Self::G722 => 9,
            Self::Opus => 96,
        }
    }

    /// The encoding name.
    pub const fn encoding(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::Opus => "opus",
        }
    }

    /// The RTP clock, Hz.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            _ => 8000,
        }
    }

    /// How many of the codec's samples are one of the 8 kHz of microphone and loudspeaker.
    pub(crate) const fn rate_factor(self) -> usize {
        match self {
            Self::Pcmu | Self::Pcma => 1,
            Self::G722 => 2,
            Self::Opus => 6,
        }
    }

    /// The codec of an encoding name in any case.
    pub fn named(encoding: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.encoding().eq_ignore_ascii_case(encoding))
    }

    pub(crate) fn of_map(map: &RtpMap) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| {
            codec.encoding().eq_ignore_ascii_case(&map.encoding) && codec.clock_rate() == map.clock_rate
        })
    }
}

/// How the phone protects its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaSecurity {
    /// Not at all: RTP/AVP.
    None,
    /// SRTP with keys in the description (RFC 4568): offered, and unprotected offers are taken, too.
    Sdes,
    /// As before, and unprotected offers are refused.
    SdesRequired,
    /// SRTP with keys from DTLS (RFC 5763): offered, and other offers are refused. RTCP goes over the RTP port.
    Dtls,
}

/// When the phone sends its provisional responses reliably (RFC 3262 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReliableProvisionals {
    /// Never; a call that requires 100rel is refused with 420.
    Never,
    /// When the caller requires it.
    WhenRequired,
    /// When the caller requires or supports it.
    WhenSupported,
}

/// What the phone does with a NOTIFY `check-sync` that asks it to fetch its configuration again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckSync {
    /// Refuses it like any NOTIFY without a subscription.
    Refused,
    /// Does what it says, whoever asks.
    Accepted,
    /// Does what it says where its server asks; others are refused.
    FromServer,
    /// Asks for the phone's own password first.
    Challenged,
}

/// The phone's part in session timers (RFC 4028).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimers {
    /// Whether the phone has the extension at all.
    pub supported: bool,
    /// The interval it asks for when it calls, in seconds; `None` does not ask.
    pub ask: Option<u32>,
    /// The shortest interval it takes, in seconds (RFC 4028 5: never below 90).
    pub minimum: u32,
    /// Whether it refreshes by UPDATE where the other side allows that; else by re-INVITE.
    pub by_update: bool,
}

impl Default for SessionTimers {
    /// Supported, not asked for, at least 90 s, refreshed by UPDATE.
    fn default() -> Self {
        Self {
            supported: true,
            ask: None,
            minimum: 90,
            by_update: true,
        }
    }
}

/// Where a phone looks its server up (RFC 3263).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The name server that is asked.
    pub name_server: SocketAddr,
    /// The domain whose service records name the servers.
    pub domain: String,
}

/// Where a phone fetches settings: lines `name = value` with `register_expires` in seconds, `codecs` in order, `ptime` in
/// milliseconds.
#[derive(Debug, Clone)]
pub struct Provisioning {
    /// The HTTP or HTTPS server.
    pub server: SocketAddr,
    /// The path, with its slash.
    pub path: String,
    /// [`ClientSecurity::Plain`] for HTTP, the certificates and checks for HTTPS.
    pub security: ClientSecurity,
}

/// The configuration of a phone.
#[derive(Debug, Clone)]
pub struct SimPhoneConfig {
    /// Address of the phone; it picks its own ports.
    pub local: IpAddr,
    /// Registrar and outbound proxy.
    pub server: SocketAddr,
    /// Looks its server up when it starts; `server` is then for a domain that nobody knows. The next one found is
    /// tried when a registration is not answered or answered 503 (RFC 3263 4.3).
    pub lookup: Option<Lookup>,
    /// Fetches settings when it starts, and again when a check-sync asks for that.
    pub provisioning: Option<Provisioning>,
    /// How it reaches its server. Over UDP and TCP it also takes plain connections on the port of its Contact.
    pub transport: Transport,
    /// The certificates and checks of its connections, for [`Transport::Tls`] and [`Transport::Wss`].
    pub stream_security: ClientSecurity,
    /// What it shows to whoever connects to the port of its Contact over [`Transport::Tls`]; `None` does not listen.
    pub stream_identity: Option<TlsServer>,
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
    /// The packet duration it asks for, in milliseconds: 10 to 60 in steps of 10.
    pub ptime: u32,
    /// How media are protected.
    pub media_security: MediaSecurity,
    /// Whether it waits for a DTLS handshake where its answer decides who begins; else it begins (RFC 5763 5).
    pub dtls_passive: bool,
    /// Whether it sends and reads RTCP reports (RFC 3550 6).
    pub rtcp: bool,
    /// Whether RTCP may share the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    /// Whether it offers extended reports and sends those that the other side asks for (RFC 3611 5).
    pub extended_reports: bool,
    /// Whether it describes its silence instead of sending it, where the other side takes that (RFC 3389).
    pub comfort_noise: bool,
    /// The code point that its media are marked with (RFC 2474); `None` leaves them unmarked.
    pub voice_dscp: Option<u8>,
    /// Whether a call of its server that asks for it is answered at once (RFC 5373, Call-Info and Alert-Info).
    pub answers_on_request: bool,
    /// The RTP sequence number each call starts with; `None` takes one at random (RFC 3550 5.1).
    pub first_sequence: Option<u16>,
    /// What it does wrong.
    pub faults: BTreeSet<Fault>,
    /// Seed of its tags, branches, Call-IDs and RTP numbers; mixed with its address, so phones may share one.
    pub seed: u64,
    /// The expiry it asks the registrar for, in seconds.
    pub register_expires: u32,
    /// Whether a registration that is refused with 403 is tried again, after half a minute at the earliest.
    pub retries_when_forbidden: bool,
    /// Whether it registers as RFC 5626 asks: an instance identifier and the number of its flow in the Contact.
    pub outbound: bool,
    /// How often it sends an empty line pair to its server to keep the way back open (RFC 5626 3.5.1); `None` never.
    pub keep_alive: Option<Duration>,
    /// When provisional responses are sent reliably.
    pub reliable_provisionals: ReliableProvisionals,
    /// Whether it has UPDATE (RFC 3311).
    pub update: bool,
    /// Session timers.
    pub session_timers: SessionTimers,
    /// Whether it subscribes to the state of its mailbox when it has registered (RFC 3842).
    pub mwi: bool,
    /// Whether it takes the state of its mailbox without having subscribed.
    pub unsolicited_mwi: bool,
    /// Numbers or addresses whose calls it watches on its keys (RFC 4235).
    pub watched: Vec<String>,
    /// Numbers or addresses whose presence it watches (RFC 3856).
    pub presence: Vec<String>,
    /// Whether calls are taken from its server only, whoever else reaches its address.
    pub server_only: bool,
    /// What a NOTIFY `check-sync` leads to.
    pub check_sync: CheckSync,
    /// Whether it takes orders of its server: calls by REFER outside of dialogs, uaCSTA, a restart by check-sync.
    pub remote_control: bool,
    /// Where it reports the quality of each call when that has ended (RFC 6035); `None` does not.
    pub quality_collector: Option<String>,
}

impl SimPhoneConfig {
    /// A healthy phone that waits to be answered: PCMU and PCMA, silence, an expiry of one hour; reliable provisional
    /// responses where they are required, UPDATE and session timers; no subscriptions.
    pub fn new(local: IpAddr, server: SocketAddr, username: &str, password: &str) -> Self {
        Self {
            local,
            server,
            lookup: None,
            provisioning: None,
            transport: Transport::Udp,
            stream_security: ClientSecurity::Plain,
            stream_identity: None,
            username: username.to_owned(),
            password: password.to_owned(),
            speech: Arc::from([]),
            auto_answer: None,
            codecs: vec![AudioCodec::Pcmu, AudioCodec::Pcma],
            ptime: 20,
            media_security: MediaSecurity::None,
            dtls_passive: false,
            rtcp: true,
            rtcp_mux: false,
            extended_reports: false,
            comfort_noise: false,
            voice_dscp: None,
            answers_on_request: false,
            first_sequence: None,
            faults: BTreeSet::new(),
            seed: 1,
            register_expires: 3600,
            retries_when_forbidden: true,
            outbound: false,
            keep_alive: None,
            reliable_provisionals: ReliableProvisionals::WhenRequired,
            update: true,
            session_timers: SessionTimers::default(),
            mwi: false,
            unsolicited_mwi: false,
            watched: Vec::new(),
            presence: Vec::new(),
            server_only: false,
            check_sync: CheckSync::Challenged,
            remote_control: false,
            quality_collector: None,
        }
    }
}
