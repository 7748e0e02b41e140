use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Config, Dtls, DtlsCertificate, Output};

use crate::dtls::certificate::Certificate;
use crate::dtls::fingerprint::{Fingerprint, FingerprintError, HashFunction, check_fingerprints};
use crate::{MasterKey, Profile};

/// Which end of the handshake this is (RFC 5763 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// DTLS client: sends the ClientHello.
    Active,
    /// DTLS server.
    Passive,
}

/// Protocol versions taken part in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DtlsVersion {
    /// DTLS 1.2 alone (RFC 6347), what phones have.
    #[default]
    V1_2,
    /// DTLS 1.3 alone (RFC 9147).
    V1_3,
    /// Whatever the peer has of the two.
    Any,
}

/// How a handshake is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DtlsOptions {
    /// Protocol versions.
    pub version: DtlsVersion,
    /// Fingerprints the peer's certificate is held against; empty: the caller does that itself.
    pub fingerprints: Vec<Fingerprint>,
    /// First retransmission after this time, doubled each time (RFC 6347 4.2.4.1: 1 s).
    pub first_timeout: Duration,
    /// Retransmissions of one flight.
    pub retransmissions: usize,
    /// A passive end sends HelloVerifyRequest or a cookie first (RFC 6347 4.2.1).
    pub cookie: bool,
    /// Largest datagram sent, in bytes, at least 64.
    pub maximum_datagram: usize,
}

impl Default for DtlsOptions {
    fn default() -> Self {
        Self {
            version: DtlsVersion::default(),
            fingerprints: Vec::new(),
            first_timeout: Duration::from_secs(1),
            retransmissions: 5,
            cookie: true,
            maximum_datagram: 1200,
        }
    }
}

/// What a handshake gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DtlsKeys {
    /// Negotiated profile.
    pub profile: Profile,
    /// Key and salt of the DTLS client (RFC 5764 4.2).
    pub client: MasterKey,
    /// Key and salt of the DTLS server.
    pub server: MasterKey,
    /// The peer's certificate in DER.
    pub peer_certificate: Vec<u8>,
}

impl DtlsKeys {
    /// Splits exported keying material: client key, server key, client salt, server salt (RFC 5764 4.2). Nothing when
    /// it has not the length the profile needs.
    #[must_use]
    pub fn split(profile: Profile, material: &[u8], peer_certificate: Vec<u8>) -> Option<Self> {
        let (key, salt) = (profile.key_length(), profile.salt_length());
        let (client_key, rest) = material.split_at_checked(key)?;
        let (server_key, rest) = rest.split_at_checked(key)?;
        let (client_salt, server_salt) = rest.split_at_checked(salt)?;
        Some(Self {
            profile,
            client: MasterKey::new(profile, &[client_key, client_salt].concat()).ok()?,
            server: MasterKey::new(profile, &[server_key, server_salt].concat()).ok()?,
            peer_certificate,
        })
    }

    /// The key that this end protects with.
    #[must_use]
    pub const fn local(&self, role: Role) -> &MasterKey {
        match role {
            Role::Active => &self.client,
            Role::Passive => &self.server,
        }
    }

    /// The key that the peer protects with.
    #[must_use]
    pub const fn remote(&self, role: Role) -> &MasterKey {
        match role {
            Role::Active => &self.server,
            Role::Passive => &self.client,
        }
    }

    /// SHA-256 fingerprint of the peer's certificate.
    #[must_use]
    pub fn peer_fingerprint(&self) -> Fingerprint {
        Fingerprint::of(HashFunction::Sha256, &self.peer_certificate)
    }
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DtlsFailure {
    /// The private key is no ECDSA key of the certificate, or an option cannot be had.
    #[error("cannot be set up: {0}")]
    SetUp(String),
    /// The peer did not answer in time.
    #[error("no answer within the retransmissions")]
    TimedOut,
    /// The peer ended the handshake with an alert (RFC 5246 7.2).
    #[error("peer sent fatal alert {description}")]
    Alert {
        /// AlertDescription, such as 40 handshake_failure or 70 protocol_version.
        description: u8,
    },
    /// Version, suites, certificate, signature or order of messages.
    #[error("handshake failed: {0}")]
    Handshake(String),
    /// The handshake went through without an SRTP profile in common (RFC 5764 4.1).
    #[error("no SRTP protection profile in common")]
    NoProfile,
    /// The certificate is not the one of the session description; media must not flow (RFC 5763 5).
    #[error("fingerprint: {0}")]
    Fingerprint(FingerprintError),
    /// The peer closed the association.
    #[error("closed by the peer")]
    Closed,
}

/// What happened in a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DtlsEvent {
    /// There are keys.
    Connected(Box<DtlsKeys>),
    /// There will be none, or no more.
    Failed(DtlsFailure),
}

/// One end of a DTLS-SRTP handshake; sans-IO.
///
/// After each call, [`Self::poll_transmit`] and [`Self::poll_event`] until they have nothing more, and call
/// [`Self::handle_timeout`] at [`Self::poll_timeout`].
pub struct DtlsEndpoint {
    dtls: Dtls,
    role: Role,
    base: Instant,
    now: Duration,
    timeout: Option<Duration>,
    fingerprints: Vec<Fingerprint>,
    buffer: Vec<u8>,
    transmits: VecDeque<Vec<u8>>,
    events: VecDeque<DtlsEvent>,
    certificate: Option<Vec<u8>>,
    shook_hands: bool,
    /// timeouts in a row after which the next one was due at once
    stuck_timeouts: u8,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshake,
    Connected,
    Over,
}

/// Timeouts of that kind after which a handshake is over.
const MAXIMUM_STUCK_TIMEOUTS: u8 = 3;

/// Datagrams and poll steps of one call at most; a handshake has a few dozen.
const MAXIMUM_STEPS: usize = 1024;

impl DtlsEndpoint {
    /// An end that runs DTLS 1.2 with the default [`DtlsOptions`].
    ///
    /// `base` is the instant that the lab's epoch stands for; only differences to it are ever used. It may be an hour
    /// before the first use at most.
    ///
    /// # Errors
    ///
    /// [`DtlsFailure::SetUp`].
    pub fn new(
        role: Role,
        certificate: &Certificate,
        base: Instant,
        now: Duration,
    ) -> Result<Self, DtlsFailure> {
        Self::with_options(role, certificate, base, now, DtlsOptions::default())
    }

    /// An end.
    ///
    /// # Errors
    ///
    /// [`DtlsFailure::SetUp`].
    pub fn with_options(
        role: Role,
        certificate: &Certificate,
        base: Instant,
        now: Duration,
        options: DtlsOptions,
    ) -> Result<Self, DtlsFailure> {
        let config = Config::builder()
            .mtu(options.maximum_datagram)
            .flight_start_rto(options.first_timeout)
            .flight_retries(options.retransmissions)
            // the retransmissions decide
            .handshake_timeout(Duration::from_secs(3600))
            .use_server_cookie(options.cookie)
            .build()
            .map_err(|error| DtlsFailure::SetUp(format!("{error}")))?;
        // dimpl panics on a key it cannot load
        config
            .crypto_provider()
            .key_provider
            .load_private_key(certificate.private_key())
            .map_err(|error| DtlsFailure::SetUp(format!("private key: {error:?}")))?;
        let own = DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: certificate.private_key().to_vec(),
        };
        let config = Arc::new(config);
        let instant = base + now;
        let mut dtls = match options.version {
            DtlsVersion::V1_2 => Dtls::new_12(config, own, instant),
            DtlsVersion::V1_3 => Dtls::new_13(config, own, instant),
            DtlsVersion::Any => Dtls::new_auto(config, own, instant),
        };
        dtls.set_active(role == Role::Active);
        let mut endpoint = Self {
            dtls,
            role,
            base,
            now,
            timeout: None,
            fingerprints: options.fingerprints,
            buffer: vec![0; options.maximum_datagram.max(2048)],
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            certificate: None,
            shook_hands: false,
            stuck_timeouts: 0,
            state: State::Handshake,
        };
        endpoint.handle_timeout(now);
        Ok(endpoint)
    }

    /// Which end this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// A datagram that [`crate::classify`] calls DTLS. Records that make no sense are dropped silently (RFC 6347 4.1.2.7).
    pub fn handle_datagram(&mut self, now: Duration, datagram: &[u8]) {
        if self.state == State::Over {
            return;
        }
        self.advance(now);
        let alert = plain_fatal_alert(datagram);
        match self.dtls.handle_packet(datagram) {
            Ok(()) => self.drain(),
            // the client that leaves the version open takes any first datagram for the answer
            Err(dimpl::Error::UnexpectedMessage(
                dimpl::UnexpectedMessageError::UnrecognizedAutoServerResponse,
            )) if alert.is_none() => {}
            Err(error) => {
                self.drain();
                self.fail(match (alert, error) {
                    (Some(description), _) => DtlsFailure::Alert { description },
                    (None, error) => reason(&error),
                });
            }
        }
    }

    /// Time has come to [`Self::poll_timeout`], or has gone on.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.state == State::Over {
            return;
        }
        self.advance(now);
        self.drain();
        // dimpl 0.9 can get stuck before its second ClientHello when the HelloVerifyRequest was damaged: its timer is due
        // again at once, for ever, with or without a datagram each time. A timer that was served lies ahead otherwise.
        let stuck = self.timeout.is_some_and(|at| at <= self.now);
        self.stuck_timeouts = if stuck { self.stuck_timeouts + 1 } else { 0 };
        if self.stuck_timeouts > MAXIMUM_STUCK_TIMEOUTS {
            self.fail(DtlsFailure::Handshake("no progress is possible".into()));
        }
    }

    /// Ends the association; a connected end tells its peer.
    pub fn close(&mut self, now: Duration) {
        if self.state == State::Over {
            return;
        }
        self.advance(now);
        if self.dtls.close().is_ok() {
            self.drain();
        }
        self.state = State::Over;
        self.timeout = None;
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due, if at all.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Tells the engine the time, which never goes back.
    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        if let Err(error) = self.dtls.handle_timeout(self.base + self.now) {
            self.drain();
            self.fail(reason(&error));
        }
    }

    fn drain(&mut self) {
        for _ in 0..MAXIMUM_STEPS {
            match self.dtls.poll_output(&mut self.buffer) {
                Output::Packet(bytes) => self.transmits.push_back(bytes.to_vec()),
                Output::BufferTooSmall { needed } => {
                    let size = needed.max(self.buffer.len() + 1);
                    self.buffer.resize(size, 0);
                }
                Output::Timeout(at) => {
                    // an engine with nothing to wait for names a day far away
                    self.timeout = at
                        .checked_duration_since(self.base)
                        .filter(|at| *at < self.now + Duration::from_secs(86_400));
                    break;
                }
                Output::Connected => self.shook_hands = true,
                Output::PeerCert(der) => self.certificate = Some(der.to_vec()),
                Output::KeyingMaterial(material, profile) => self.connected(&material, profile),
                Output::CloseNotify => self.fail(DtlsFailure::Closed),
                // data of the association itself is no part of DTLS-SRTP (RFC 5764 3)
                _ => {}
            }
        }
        if self.shook_hands && self.state == State::Handshake {
            self.fail(DtlsFailure::NoProfile);
        }
        if self.state == State::Over {
            self.timeout = None;
        }
    }

    fn connected(&mut self, material: &[u8], profile: dimpl::SrtpProfile) {
        if self.state != State::Handshake {
            return;
        }
        let profile = match profile {
            dimpl::SrtpProfile::AES128_CM_SHA1_80 => Profile::Aes128CmHmacSha1_80,
            dimpl::SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
            dimpl::SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
            _ => return self.fail(DtlsFailure::NoProfile),
        };
        let certificate = self.certificate.take().unwrap_or_default();
        if !self.fingerprints.is_empty()
            && let Err(error) = check_fingerprints(&self.fingerprints, &certificate)
        {
            return self.fail(DtlsFailure::Fingerprint(error));
        }
        match DtlsKeys::split(profile, material, certificate) {
            Some(keys) => {
                self.state = State::Connected;
                self.events.push_back(DtlsEvent::Connected(Box::new(keys)));
            }
            None => self.fail(DtlsFailure::Handshake("keying material of a wrong length".into())),
        }
    }

    fn fail(&mut self, failure: DtlsFailure) {
        if self.state != State::Over {
            self.state = State::Over;
            self.timeout = None;
            self.events.push_back(DtlsEvent::Failed(failure));
        }
    }
}

impl fmt::Debug for DtlsEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DtlsEndpoint")
            .field("role", &self.role)
            .field("state", &self.state)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn reason(error: &dimpl::Error) -> DtlsFailure {
    match error {
        dimpl::Error::Timeout(_) => DtlsFailure::TimedOut,
        dimpl::Error::SecurityError(dimpl::SecurityError::FatalAlert { description }) => DtlsFailure::Alert {
            description: *description,
        },
        other => DtlsFailure::Handshake(other.to_string()),
    }
}

/// AlertDescription of a fatal alert that is not encrypted (RFC 6347 4.1, RFC 5246 7.2).
fn plain_fatal_alert(datagram: &[u8]) -> Option<u8> {
    match datagram {
        [21, _, _, 0, 0, _, _, _, _, _, _, 0, 2, 2, description, ..] => Some(*description),
        _ => None,
    }
}
