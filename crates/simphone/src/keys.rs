//! The keys of a session: in its descriptions (RFC 4568), or from a handshake that they announce (RFC 5763).

use std::collections::BTreeSet;

use voxproof_sip::IdSource;
use voxproof_sip::sdp::{Description, Media, MediaProtocol};
use voxproof_srtp::dtls::{Certificate, Fingerprint, HashFunction, Role, Setup, answer_setup, role};
use voxproof_srtp::sdes::{self, CryptoAttribute};
use voxproof_srtp::{MasterKey, Policy, Profile};

use crate::shield::{DtlsPlan, Keying, SrtpPlan};
use crate::{Fault, MediaSecurity};

/// The suites of our offers, most wanted first (RFC 4568 6.2).
const SUITES: [Profile; 5] = [
    Profile::Aes128CmHmacSha1_80,
    Profile::Aes128CmHmacSha1_32,
    Profile::Aes256CmHmacSha1_80,
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
];

/// So many of them are in an offer, which so fits a datagram (RFC 3261 18.1.1).
const OFFERED: usize = 3;

/// How the phone protects its media, the same in every call.
#[derive(Debug, Clone)]
pub(crate) struct Protection {
    pub(crate) security: MediaSecurity,
    /// The certificate of its handshakes.
    pub(crate) certificate: Option<Certificate>,
    /// Answers that it waits for the handshake where it may choose.
    pub(crate) passive: bool,
}

/// The keys of one call.
#[derive(Debug)]
pub(crate) struct Keys {
    protection: Protection,
    faults: BTreeSet<Fault>,
    ids: IdSource,
    /// Our keys, one for each tag and suite, the same in every description.
    crypto: Vec<CryptoAttribute>,
    /// Our part in the handshake, which a later description does not change (RFC 8842 5.5).
    part: Option<Role>,
}

impl Protection {
    /// Whether our configuration takes the transport of a stream.
    pub(crate) fn takes(&self, audio: &Media) -> bool {
        match self.security {
            MediaSecurity::None => audio.protocol == "RTP/AVP",
            MediaSecurity::Sdes => audio.protocol == "RTP/AVP" || has_keys(audio),
            MediaSecurity::SdesRequired => has_keys(audio),
            MediaSecurity::Dtls => shakes_hands(audio),
        }
    }

    /// The transport of our offers.
    pub(crate) const fn protocol(&self) -> &'static str {
        match self.security {
            MediaSecurity::None => "RTP/AVP",
            MediaSecurity::Sdes | MediaSecurity::SdesRequired => "RTP/SAVP",
            MediaSecurity::Dtls => "UDP/TLS/RTP/SAVP",
        }
    }
}

impl Keys {
    pub(crate) fn new(protection: Protection, faults: &BTreeSet<Fault>, seed: u64) -> Self {
        Self {
            protection,
            faults: faults.clone(),
            ids: IdSource::new(seed),
            crypto: Vec::new(),
            part: None,
        }
    }

    /// The attribute lines of an offer.
    pub(crate) fn offer(&mut self) -> Vec<String> {
        match self.protection.security {
            MediaSecurity::None => Vec::new(),
            MediaSecurity::Sdes | MediaSecurity::SdesRequired => (1..)
                .zip(SUITES.into_iter().take(OFFERED))
                .filter_map(|(tag, suite)| Some(format!("crypto:{}", self.own_key(tag, suite)?)))
                .collect(),
            // RFC 8842 5.2: an offer leaves the roles open, a later one too
            MediaSecurity::Dtls => self.announcement(Setup::ActPass),
        }
    }

    /// What an offer leads to, and the attribute lines of our answer.
    pub(crate) fn answer(&mut self, offer: &Description, audio: &Media) -> Option<(Keying, Vec<String>)> {
        if !is_protected(audio) {
            return Some((Keying::None, Vec::new()));
        }
        if has_keys(audio) {
            let (plan, line) = self.chosen_keys(audio)?;
            return Some((Keying::Description(plan), vec![line]));
        }
        let offered: Setup = offer.value_for(audio, "setup")?.parse().ok()?;
        let wish = match self.part {
            Some(part) => part,
            None if self.protection.passive => Role::Passive,
            None => Role::Active,
        };
        let answered = answer_setup(offered, wish).ok()?;
        let (_, part) = role(offered, answered).ok()?;
        let keying = self.handshake(offer, audio, part)?;
        let said = if self.has(Fault::DtlsAnswersActpass) {
            Setup::ActPass
        } else {
            answered
        };
        Some((keying, self.announcement(said)))
    }

    /// What the answer to our offer leads to.
    pub(crate) fn accept(&mut self, answer: &Description, audio: &Media) -> Option<Keying> {
        match self.protection.security {
            MediaSecurity::None => Some(Keying::None),
            MediaSecurity::Sdes | MediaSecurity::SdesRequired => {
                self.agreed_keys(audio).map(Keying::Description)
            }
            MediaSecurity::Dtls => {
                let answered: Setup = answer.value_for(audio, "setup")?.parse().ok()?;
                let (part, _) = role(Setup::ActPass, answered).ok()?;
                self.handshake(answer, audio, part)
            }
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn announcement(&self, setup: Setup) -> Vec<String> {
        let Some(certificate) = &self.protection.certificate else {
            return Vec::new();
        };
        let right = certificate.fingerprint(HashFunction::Sha256);
        let shown = if self.has(Fault::DtlsWrongFingerprint) {
            right.spoilt()
        } else {
            right
        };
        vec![format!("fingerprint:{shown}"), format!("setup:{setup}")]
    }

    /// The handshake that a description of the peer announces; `None` when it names no certificate we could check
    /// (RFC 5763 5).
    fn handshake(&mut self, theirs: &Description, audio: &Media, part: Role) -> Option<Keying> {
        let fingerprints: Vec<Fingerprint> = theirs
            .fingerprints(audio)
            .iter()
            .filter_map(|given| {
                let hex: Vec<String> = given.bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                Fingerprint::parse(&format!("{} {}", given.hash, hex.join(":"))).ok()
            })
            .collect();
        if fingerprints.is_empty() {
            return None;
        }
        self.part = Some(part);
        Some(Keying::Handshake(Box::new(DtlsPlan {
            part,
            certificate: self.protection.certificate.clone()?,
            fingerprints,
        })))
    }

    fn own_key(&mut self, tag: u32, suite: Profile) -> Option<CryptoAttribute> {
        let known = self
            .crypto
            .iter()
            .find(|own| own.tag == tag && own.profile() == Some(suite));
        if let Some(own) = known {
            return Some(own.clone());
        }
        let random: Vec<u8> = (0..8).flat_map(|_| self.ids.next_u64().to_be_bytes()).collect();
        let own = CryptoAttribute::generate(tag, suite, &random).ok()?;
        self.crypto.push(own.clone());
        Some(own)
    }

    /// The keys of both directions when we answer, and our attribute line (RFC 4568 5.1.2).
    fn chosen_keys(&mut self, audio: &Media) -> Option<(SrtpPlan, String)> {
        let pretends = self.has(Fault::SrtpUnknownSuiteAccepted);
        let refused = |suite: Profile| match suite {
            Profile::Aes256CmHmacSha1_80 => self.has(Fault::SrtpAes256Refused),
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => self.has(Fault::SrtpGcmRefused),
            _ => false,
        };
        let known: Vec<Profile> = SUITES.into_iter().filter(|suite| !refused(*suite)).collect();
        let choice = sdes::negotiate(&crypto_of(audio), &known).or_else(|| {
            // as if the unknown suite were the mandatory one
            let made_up = CryptoAttribute::generate(1, SUITES[0], &[7; 64]).ok()?;
            sdes::negotiate(&[made_up], &SUITES).filter(|_| pretends)
        })?;
        let mut own = self.own_key(choice.tag, choice.profile)?;
        let send = own.master_keys().ok()?.into_iter().next()?;
        if self.has(Fault::SrtpAnswerWrongTag) {
            own.tag += 1;
        }
        let plan = SrtpPlan {
            send,
            receive: choice.keys,
            policy: choice.policy,
        };
        Some((plan, format!("crypto:{own}")))
    }

    /// The keys of both directions when the peer has answered (RFC 4568 5.1.3).
    fn agreed_keys(&self, audio: &Media) -> Option<SrtpPlan> {
        let theirs = crypto_of(audio).into_iter().next().filter(|_| has_keys(audio))?;
        let own = self
            .crypto
            .iter()
            .find(|own| own.tag == theirs.tag && own.profile() == theirs.profile())?;
        let send: MasterKey = own.master_keys().ok()?.into_iter().next()?;
        let policy: Policy = theirs.policy().ok()?;
        Some(SrtpPlan {
            send,
            receive: theirs.master_keys().ok()?,
            policy,
        })
    }
}

/// Whether a stream is protected in one of the ways we have.
pub(crate) fn is_protected(audio: &Media) -> bool {
    has_keys(audio) || shakes_hands(audio)
}

fn has_keys(audio: &Media) -> bool {
    audio.protocol == "RTP/SAVP"
}

fn shakes_hands(audio: &Media) -> bool {
    audio.rtp_protocol() == Some(MediaProtocol::UdpTlsRtpSavp)
}

fn crypto_of(audio: &Media) -> Vec<CryptoAttribute> {
    audio
        .crypto()
        .into_iter()
        .filter_map(|value| CryptoAttribute::parse(value).attribute)
        .collect()
}
