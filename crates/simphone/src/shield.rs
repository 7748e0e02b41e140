//! The protection of a call's packets: none, SRTP with keys from the descriptions, or with keys from a handshake on the
//! media path (RFC 5764).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use voxproof_srtp::dtls::{Certificate, DtlsEndpoint, DtlsEvent, DtlsOptions, Fingerprint, Role};
use voxproof_srtp::{Fault as SrtpFault, MasterKey, Policy, Profile, Protector, Unprotector};

use crate::Fault;

/// So many datagrams of a handshake are kept that come before its description.
const MOST_EARLY: usize = 8;

/// The keys of protected media (RFC 3711).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SrtpPlan {
    pub(crate) send: MasterKey,
    pub(crate) receive: Vec<MasterKey>,
    pub(crate) policy: Policy,
}

/// A handshake that offer and answer have announced.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DtlsPlan {
    pub(crate) part: Role,
    pub(crate) certificate: Certificate,
    /// Of the peer's certificate.
    pub(crate) fingerprints: Vec<Fingerprint>,
}

/// Where the keys come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Keying {
    None,
    Description(SrtpPlan),
    Handshake(Box<DtlsPlan>),
}

/// Both directions of a call's packets.
pub(crate) struct Shield {
    faults: BTreeSet<Fault>,
    keying: Keying,
    ends: Option<(Protector, Unprotector)>,
    endpoint: Option<DtlsEndpoint>,
    early: Vec<Vec<u8>>,
}

impl Shield {
    pub(crate) fn new(faults: &BTreeSet<Fault>) -> Self {
        Self {
            faults: faults.clone(),
            keying: Keying::None,
            ends: None,
            endpoint: None,
            early: Vec::new(),
        }
    }

    /// Follows a negotiation; with the same keys or certificates everything goes on (RFC 4568 7.1.4, RFC 8842 5.5).
    pub(crate) fn apply(&mut self, keying: &Keying) {
        let stays = self.faults.contains(&Fault::SrtpRekeyIgnored) && self.ends.is_some();
        if *keying == self.keying || stays {
            return;
        }
        self.keying = keying.clone();
        self.endpoint = None;
        self.ends = match keying {
            Keying::Description(keys) => {
                let receive = keys.receive.iter().map(|key| self.without_name(key)).collect();
                ends(self.with_tag(&keys.send), receive, &keys.policy)
            }
            Keying::None | Keying::Handshake(_) => None,
        };
    }

    /// The key to send with; a fault makes its tags long.
    fn with_tag(&self, key: &MasterKey) -> MasterKey {
        let lengthens =
            self.faults.contains(&Fault::SrtpLongTag) && key.profile() == Profile::Aes128CmHmacSha1_32;
        let long = MasterKey::new(Profile::Aes128CmHmacSha1_80, key.key_salt()).ok();
        long.filter(|_| lengthens).unwrap_or_else(|| key.clone())
    }

    /// The key to receive with; a fault forgets that packets name it.
    fn without_name(&self, key: &MasterKey) -> MasterKey {
        let forgets = self.faults.contains(&Fault::SrtpMkiUnread);
        let nameless = MasterKey::new(key.profile(), key.key_salt()).ok();
        nameless.filter(|_| forgets).unwrap_or_else(|| key.clone())
    }

    /// Whether RTCP on a port of its own can be protected: a handshake gives the keys of one port only (RFC 5764 4.1).
    pub(crate) const fn covers_second_port(&self) -> bool {
        !matches!(self.keying, Keying::Handshake(_))
    }

    pub(crate) fn protect_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        if self.keying == Keying::None {
            return Some(packet.to_vec());
        }
        // the faults of every packet are those of the suite that everybody has
        let usual = matches!(&self.keying, Keying::Description(keys) if keys.send.profile() == Profile::Aes128CmHmacSha1_80);
        let (protector, _) = self.ends.as_mut()?;
        let fault = [
            (Fault::SrtpBadTag, SrtpFault::FlipTag),
            (Fault::SrtpRocStuck, SrtpFault::RollOverCounter(0)),
            (Fault::SrtpSendsPlain, SrtpFault::Plain),
        ]
        .into_iter()
        .find(|(own, _)| self.faults.contains(own))
        .filter(|(own, _)| *own == Fault::SrtpRocStuck || usual);
        match fault {
            Some((_, fault)) => protector.protect_rtp_with(packet, &fault).ok(),
            None => protector.protect_rtp(packet).ok(),
        }
    }

    pub(crate) fn protect_rtcp(&mut self, packet: Vec<u8>) -> Option<Vec<u8>> {
        if self.keying == Keying::None {
            return Some(packet);
        }
        self.ends.as_mut()?.0.protect_rtcp(&packet).ok()
    }

    /// The plain packet. What cannot be authenticated is dropped (RFC 3711 3.3).
    pub(crate) fn unprotect_rtp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        if self.keying == Keying::None {
            return Some(packet.to_vec());
        }
        self.ends.as_mut()?.1.unprotect_rtp(packet).ok()
    }

    pub(crate) fn unprotect_rtcp(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        if self.keying == Keying::None {
            return Some(packet.to_vec());
        }
        self.ends.as_mut()?.1.unprotect_rtcp(packet).ok()
    }

    /// A datagram of a handshake has come.
    pub(crate) fn handshake(&mut self, now: Duration, datagram: &[u8]) {
        if let Some(endpoint) = self.endpoint(now) {
            endpoint.handle_datagram(now, datagram);
            self.settle();
        } else if self.early.len() < MOST_EARLY {
            // the ClientHello may overtake the answer that announces it
            self.early.push(datagram.to_vec());
        }
    }

    /// The datagrams of a handshake that are to be sent now.
    pub(crate) fn poll(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let early = if matches!(self.keying, Keying::Handshake(_)) {
            std::mem::take(&mut self.early)
        } else {
            Vec::new()
        };
        let Some(endpoint) = self.endpoint(now) else {
            return Vec::new();
        };
        for datagram in early {
            endpoint.handle_datagram(now, &datagram);
        }
        if endpoint.poll_timeout().is_some_and(|at| at <= now) {
            endpoint.handle_timeout(now);
        }
        let out = std::iter::from_fn(|| endpoint.poll_transmit()).collect();
        self.settle();
        out
    }

    fn endpoint(&mut self, now: Duration) -> Option<&mut DtlsEndpoint> {
        if self.endpoint.is_none()
            && let Keying::Handshake(plan) = &self.keying
        {
            let fingerprints = if self.faults.contains(&Fault::DtlsFingerprintUnchecked) {
                Vec::new()
            } else {
                plan.fingerprints.clone()
            };
            let options = DtlsOptions {
                fingerprints,
                ..DtlsOptions::default()
            };
            // only differences to the base are used
            let base = Instant::now().checked_sub(now).unwrap_or_else(Instant::now);
            self.endpoint = DtlsEndpoint::with_options(plan.part, &plan.certificate, base, now, options).ok();
        }
        self.endpoint.as_mut()
    }

    fn settle(&mut self) {
        let Some(endpoint) = &mut self.endpoint else {
            return;
        };
        let part = endpoint.role();
        while let Some(event) = endpoint.poll_event() {
            self.ends = match event {
                DtlsEvent::Connected(keys) => ends(
                    keys.local(part).clone(),
                    vec![keys.remote(part).clone()],
                    &Policy::default(),
                ),
                // RFC 5763 5: without the right certificate no media
                DtlsEvent::Failed(_) => None,
            };
        }
    }
}

fn ends(send: MasterKey, receive: Vec<MasterKey>, policy: &Policy) -> Option<(Protector, Unprotector)> {
    Some((
        Protector::with_policy(send, policy.clone()).ok()?,
        Unprotector::with_policy(receive, policy.clone()).ok()?,
    ))
}
