//! Protection of a stream: SRTP with keys from the session description (RFC 4568) or from DTLS (RFC 5764).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use voxproof_record::TimelineEvent;
use voxproof_sip::IdSource;
use voxproof_sip::sdp::Description;
use voxproof_srtp::dtls::{
    Certificate, DtlsEndpoint, DtlsEvent, Fingerprint, HashFunction, Role, Setup, answer_setup, role,
};
use voxproof_srtp::sdes::{CryptoAttribute, Lifetime, Mki, negotiate};
use voxproof_srtp::{MasterKey, Profile, Protector, SessionKeys, Unprotector};

use crate::offer::{MediaSecurity, OfferSpec};

/// The suite of a peer that was not told one: the mandatory one (RFC 4568 6.2).
const SUITE: Profile = Profile::Aes128CmHmacSha1_80;

/// How a stream is protected.
pub(super) enum Security {
    None,
    Sdes(Box<Sdes>),
    Dtls(Box<Dtls>),
}

/// Keys in the session description.
pub(super) struct Sdes {
    own: Vec<CryptoAttribute>,
    /// An answer has one attribute: the chosen one.
    answered: Option<voxproof_srtp::sdes::Choice>,
    suites: Vec<String>,
    /// The keys in use, ours and theirs.
    known: Option<(String, Vec<String>)>,
    pair: Option<Pair>,
    notes: Vec<(bool, String)>,
}

/// Keys from handshakes on the media path: one on each port, with keys for this port only (RFC 5764 4.1).
pub(super) struct Dtls {
    certificate: Option<Certificate>,
    setup: Setup,
    offered: Option<Setup>,
    wrong_fingerprint: bool,
    /// Part and fingerprints, once both descriptions are there.
    agreed: Option<(Role, Vec<Fingerprint>)>,
    rtp: Association,
    rtcp: Association,
    trouble: Vec<String>,
}

/// The handshake on one port.
#[derive(Default)]
struct Association {
    endpoint: Option<DtlsEndpoint>,
    pair: Option<Pair>,
    notes: Vec<(bool, String)>,
    failure: Option<String>,
}

/// A port of a stream. With RTCP on the RTP port there is only the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    Rtp,
    Rtcp,
}

/// Both directions.
struct Pair {
    sender: Protector,
    receiver: Unprotector,
}

impl Pair {
    fn new(own: MasterKey, theirs: Vec<MasterKey>) -> Option<Self> {
        Some(Self {
            sender: Protector::new(own).ok()?,
            receiver: Unprotector::with_policy(theirs, voxproof_srtp::Policy::default()).ok()?,
        })
    }
}

fn profiles(spec: &OfferSpec) -> Vec<Profile> {
    let named: Vec<Profile> = spec
        .suites
        .iter()
        .filter_map(|name| Profile::from_name(name))
        .collect();
    if named.is_empty() { vec![SUITE] } else { named }
}

fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut ids = IdSource::new(seed);
    ids.token(length).into_bytes()
}

fn fresh(tag: u32, profile: Profile, spec: &OfferSpec, seed: u64) -> Option<CryptoAttribute> {
    let attribute = CryptoAttribute::generate(tag, profile, &random(seed ^ u64::from(tag) << 32, 64)).ok()?;
    let mki = spec
        .mki
        .and_then(|length| Mki::from_value(1, usize::from(length)));
    Some(match mki {
        Some(mki) => attribute.with_key_options(Some(Lifetime::PowerOfTwo(31)), Some(&mki)),
        None => attribute,
    })
}

fn line(key: &MasterKey) -> String {
    SessionKeys {
        key: key.clone(),
        ssrc: None,
        parameters: vec![],
    }
    .to_text()
}

impl Security {
    /// For an offer.
    pub(super) fn new(spec: &OfferSpec, seed: u64) -> Self {
        match spec.security {
            MediaSecurity::None => Self::None,
            MediaSecurity::Sdes => Self::Sdes(Box::new(Sdes {
                own: profiles(spec)
                    .into_iter()
                    .zip(1..)
                    .filter_map(|(profile, tag)| fresh(tag, profile, spec, seed))
                    .collect(),
                answered: None,
                suites: spec.suites.clone(),
                known: None,
                pair: None,
                notes: vec![],
            })),
            MediaSecurity::Dtls => Self::Dtls(Box::new(Dtls::new(
                spec,
                seed,
                spec.setup
                    .as_deref()
                    .and_then(|text| text.parse().ok())
                    .unwrap_or(Setup::ActPass),
            ))),
        }
    }

    /// For an answer: what the device offers, as far as the peer is able to.
    pub(super) fn answering(offer: &Description, spec: &OfferSpec, seed: u64) -> Option<Self> {
        let audio = offer.audio()?;
        let Some(protocol) = audio.rtp_protocol().filter(|protocol| protocol.is_secure()) else {
            return (spec.security == MediaSecurity::None).then_some(Self::None);
        };
        if protocol.is_dtls() {
            let offered: Setup = offer.value_for(audio, "setup")?.parse().ok()?;
            let wish = match spec.setup.as_deref() {
                Some("passive") => Role::Passive,
                _ => Role::Active,
            };
            let mut dtls = Dtls::new(spec, seed, answer_setup(offered, wish).ok()?);
            dtls.offered = Some(offered);
            return Some(Self::Dtls(Box::new(dtls)));
        }
        let offered: Vec<CryptoAttribute> = audio
            .crypto()
            .into_iter()
            .filter_map(|value| CryptoAttribute::parse(value).attribute)
            .collect();
        let able = if spec.suites.is_empty() {
            Profile::ALL.to_vec()
        } else {
            profiles(spec)
        };
        let choice = negotiate(&offered, &able)?;
        let own = fresh(choice.tag, choice.profile, spec, seed)?;
        Some(Self::Sdes(Box::new(Sdes {
            own: vec![own],
            answered: Some(choice),
            suites: spec.suites.clone(),
            known: None,
            pair: None,
            notes: vec![],
        })))
    }

    /// Whether it is what a description asks for, so that keys stay the same over a change of the session.
    pub(super) fn fits(&self, spec: &OfferSpec) -> bool {
        match self {
            Self::None => spec.security == MediaSecurity::None,
            Self::Sdes(sdes) => spec.security == MediaSecurity::Sdes && sdes.suites == spec.suites,
            Self::Dtls(_) => spec.security == MediaSecurity::Dtls,
        }
    }

    pub(super) const fn kind(&self) -> MediaSecurity {
        match self {
            Self::None => MediaSecurity::None,
            Self::Sdes(_) => MediaSecurity::Sdes,
            Self::Dtls(_) => MediaSecurity::Dtls,
        }
    }

    /// Attribute lines of the peer's description.
    pub(super) fn attributes(&self) -> Vec<String> {
        match self {
            Self::None => vec![],
            Self::Sdes(sdes) => sdes.own.iter().map(|crypto| format!("crypto:{crypto}")).collect(),
            Self::Dtls(dtls) => dtls.attributes(),
        }
    }

    /// Takes the device's description; the peer's own is out.
    pub(super) fn agree(&mut self, remote: &Description) {
        match self {
            Self::None => {}
            Self::Sdes(sdes) => sdes.agree(remote),
            Self::Dtls(dtls) => dtls.agree(remote),
        }
    }

    /// Whether media may go out: there are keys, or none are wanted.
    pub(super) fn ready(&self) -> bool {
        match self {
            Self::None => true,
            Self::Sdes(sdes) => sdes.pair.is_some(),
            Self::Dtls(dtls) => dtls.rtp.pair.is_some(),
        }
    }

    fn pair(&mut self, port: Port) -> Option<&mut Pair> {
        match self {
            Self::None => None,
            Self::Sdes(sdes) => sdes.pair.as_mut(),
            Self::Dtls(dtls) => dtls.association(port).pair.as_mut(),
        }
    }

    /// The packet as it goes out of this port; nothing as long as there are no keys for it.
    pub(super) fn protect(&mut self, packet: Vec<u8>, rtcp: bool, port: Port) -> Option<Vec<u8>> {
        if matches!(self, Self::None) {
            return Some(packet);
        }
        let sender = &mut self.pair(port)?.sender;
        if rtcp {
            sender.protect_rtcp(&packet).ok()
        } else {
            sender.protect_rtp(&packet).ok()
        }
    }

    /// The plain packet; nothing when it is not what was agreed on. The capture has it all the same.
    pub(super) fn unprotect(&mut self, packet: &[u8], rtcp: bool, port: Port) -> Option<Vec<u8>> {
        if matches!(self, Self::None) {
            return Some(packet.to_vec());
        }
        let receiver = &mut self.pair(port)?.receiver;
        if rtcp {
            receiver.unprotect_rtcp(packet).ok()
        } else {
            receiver.unprotect_rtp(packet).ok()
        }
    }

    /// A DTLS record of the device.
    pub(super) fn handshake(&mut self, now: Duration, datagram: &[u8], port: Port) {
        if let Self::Dtls(dtls) = self {
            dtls.begin(now, port);
            let association = dtls.association(port);
            if let Some(endpoint) = &mut association.endpoint {
                endpoint.handle_datagram(now, datagram);
            }
            association.settle();
        }
    }

    /// DTLS records to send from this port.
    pub(super) fn poll(&mut self, now: Duration, port: Port) -> Vec<Vec<u8>> {
        let Self::Dtls(dtls) = self else { return vec![] };
        dtls.begin(now, port);
        let association = dtls.association(port);
        let Some(endpoint) = &mut association.endpoint else {
            return vec![];
        };
        if endpoint.poll_timeout().is_some_and(|at| at <= now) {
            endpoint.handle_timeout(now);
        }
        let mut out = vec![];
        while let Some(datagram) = endpoint.poll_transmit() {
            out.push(datagram);
        }
        association.settle();
        out
    }

    /// Keys and failures since the last call. The keys of RTCP's port name it; those of the stream are for both ports.
    pub(super) fn take_notes(
        &mut self,
        actor: &str,
        local: SocketAddr,
        local_rtcp: Option<SocketAddr>,
    ) -> Vec<TimelineEvent> {
        let (notes, control, trouble) = match self {
            Self::None => return vec![],
            Self::Sdes(sdes) => (std::mem::take(&mut sdes.notes), vec![], vec![]),
            Self::Dtls(dtls) => {
                // a device that has reports on a port of its own without a handshake there is heard without them
                dtls.rtcp.failure = None;
                dtls.trouble.extend(dtls.rtp.failure.take());
                (
                    std::mem::take(&mut dtls.rtp.notes),
                    std::mem::take(&mut dtls.rtcp.notes),
                    std::mem::take(&mut dtls.trouble),
                )
            }
        };
        let of = |notes: Vec<(bool, String)>, local: SocketAddr| {
            let actor = actor.to_owned();
            notes.into_iter().map(move |(inbound, keys)| TimelineEvent::Keys {
                actor: actor.clone(),
                local,
                inbound,
                keys,
            })
        };
        let failures = trouble.into_iter().map(|detail| TimelineEvent::Connection {
            transport: "DTLS".to_owned(),
            local,
            remote: local,
            state: "failed".to_owned(),
            detail,
            key_log: vec![],
        });
        of(notes, local)
            .chain(of(control, local_rtcp.unwrap_or(local)))
            .chain(failures)
            .collect()
    }
}

impl Sdes {
    fn agree(&mut self, remote: &Description) {
        let (own, theirs) = match &self.answered {
            Some(choice) => (self.own.first(), choice.keys.clone()),
            None => {
                let answer = remote
                    .audio()
                    .and_then(|audio| audio.crypto().into_iter().next().map(str::to_owned))
                    .and_then(|value| CryptoAttribute::parse(&value).attribute);
                let Some(answer) = answer else { return };
                let own = self.own.iter().find(|own| own.tag == answer.tag);
                (own, answer.master_keys().unwrap_or_default())
            }
        };
        let own = own.and_then(|own| own.master_keys().ok()?.into_iter().next());
        let Some(own) = own.filter(|_| !theirs.is_empty()) else {
            return;
        };
        let (sent, received) = (line(&own), theirs.iter().map(line).collect::<Vec<_>>());
        // the same keys again: roll-over counters and replay windows go on (RFC 4568 7.1.4)
        let known = Some((sent.clone(), received.clone()));
        if self.known == known {
            return;
        }
        self.pair = Pair::new(own, theirs);
        self.known = known;
        self.notes.push((false, sent));
        self.notes.extend(received.into_iter().map(|keys| (true, keys)));
    }
}

impl Dtls {
    fn new(spec: &OfferSpec, seed: u64, setup: Setup) -> Self {
        let mut bytes = [0; 32];
        for (byte, value) in bytes.iter_mut().zip(random(seed, 32)) {
            *byte = value;
        }
        Self {
            certificate: Certificate::self_signed("voxproof", &bytes).ok(),
            setup,
            offered: None,
            wrong_fingerprint: spec.wrong_fingerprint,
            agreed: None,
            rtp: Association::default(),
            rtcp: Association::default(),
            trouble: vec![],
        }
    }

    fn attributes(&self) -> Vec<String> {
        let Some(certificate) = &self.certificate else {
            return vec![];
        };
        let fingerprint = certificate.fingerprint(HashFunction::Sha256);
        let fingerprint = if self.wrong_fingerprint {
            fingerprint.spoilt()
        } else {
            fingerprint
        };
        vec![
            format!("fingerprint:{fingerprint}"),
            format!("setup:{}", self.setup),
        ]
    }

    fn association(&mut self, port: Port) -> &mut Association {
        match port {
            Port::Rtp => &mut self.rtp,
            Port::Rtcp => &mut self.rtcp,
        }
    }

    fn agree(&mut self, remote: &Description) {
        if self.agreed.is_some() {
            return;
        }
        let Some(audio) = remote.audio() else { return };
        let theirs = remote
            .value_for(audio, "setup")
            .and_then(|text| text.parse::<Setup>().ok());
        let own = match (self.offered, theirs) {
            (Some(offered), _) => role(offered, self.setup).map(|(_, answerer)| answerer),
            (None, Some(answered)) => role(self.setup, answered).map(|(offerer, _)| offerer),
            (None, None) => {
                self.trouble
                    .push("the answer has no a=setup (RFC 5763 5)".to_owned());
                return;
            }
        };
        let own = match own {
            Ok(own) => own,
            Err(error) => {
                self.trouble.push(error.to_string());
                return;
            }
        };
        let fingerprints: Vec<Fingerprint> = remote
            .fingerprints(audio)
            .iter()
            .filter_map(|given| {
                let hex: Vec<String> = given.bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                Fingerprint::parse(&format!("{} {}", given.hash, hex.join(":"))).ok()
            })
            .collect();
        self.agreed = Some((own, fingerprints));
    }

    /// Takes up the handshake of a port, as soon as it is known who begins.
    fn begin(&mut self, now: Duration, port: Port) {
        if self.association(port).endpoint.is_some() {
            return;
        }
        let (Some((own, fingerprints)), Some(certificate)) = (&self.agreed, &self.certificate) else {
            return;
        };
        let options = voxproof_srtp::dtls::DtlsOptions {
            fingerprints: fingerprints.clone(),
            ..voxproof_srtp::dtls::DtlsOptions::default()
        };
        // only differences to the base are used
        let base = Instant::now().checked_sub(now).unwrap_or_else(Instant::now);
        match DtlsEndpoint::with_options(*own, certificate, base, now, options) {
            Ok(endpoint) => self.association(port).endpoint = Some(endpoint),
            Err(error) => {
                self.trouble.push(error.to_string());
                self.agreed = None;
            }
        }
    }
}

impl Association {
    fn settle(&mut self) {
        let Some(endpoint) = &mut self.endpoint else {
            return;
        };
        let own = endpoint.role();
        while let Some(event) = endpoint.poll_event() {
            match event {
                DtlsEvent::Connected(keys) => {
                    let (sent, received) = (keys.local(own).clone(), keys.remote(own).clone());
                    self.notes.push((false, line(&sent)));
                    self.notes.push((true, line(&received)));
                    self.pair = Pair::new(sent, vec![received]);
                }
                DtlsEvent::Failed(failure) => self.failure = Some(failure.to_string()),
            }
        }
    }
}
