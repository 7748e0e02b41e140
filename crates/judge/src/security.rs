//! Protected media made readable again with the keys that the lab recorded.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_record::{Timeline, TimelineEvent};
use voxproof_srtp::{Explanation, MasterKey, Policy, SessionKeys, SrtpError, Unprotector};

/// What became of a datagram on a media port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    /// No keys were ever agreed for it.
    None,
    /// Its tag is right; the bytes are the decrypted ones.
    Opened,
    /// It is readable although keys were agreed.
    Clear,
    /// Its tag is wrong under every key.
    NotAuthentic,
    /// It had been received before, or is older than the replay window (RFC 3711 3.3.2).
    Replayed,
    /// Its master key identifier names no key (RFC 3711 8.2).
    UnknownKey,
}

impl Protection {
    /// A receiver hands it on.
    pub(crate) fn is_taken(self) -> bool {
        matches!(self, Self::None | Self::Opened | Self::Clear)
    }
}

/// The keys of one direction of one port from a moment on.
struct Generation {
    local: SocketAddr,
    inbound: bool,
    from: Duration,
    receiver: Unprotector,
}

/// Every key of a case.
pub(crate) struct Keyring {
    generations: Vec<Generation>,
    /// Lines that could not be read: told, never passed over.
    pub(crate) unreadable: Vec<String>,
}

impl Keyring {
    pub(crate) fn new(timeline: &Timeline) -> Self {
        let mut ring = Self {
            generations: vec![],
            unreadable: vec![],
        };
        for entry in &timeline.entries {
            if let TimelineEvent::Keys {
                local, inbound, keys, ..
            } = &entry.event
            {
                let at = Duration::from_nanos(entry.at);
                if let Err(reason) = ring.add(*local, *inbound, at, keys) {
                    ring.unreadable.push(reason);
                }
            }
        }
        ring
    }

    /// Whether there are keys for this very port.
    pub(crate) fn has(&self, local: SocketAddr) -> bool {
        self.generations.iter().any(|one| one.local == local)
    }

    fn add(&mut self, local: SocketAddr, inbound: bool, from: Duration, line: &str) -> Result<(), String> {
        let read = SessionKeys::from_text(line).map_err(|error| error.to_string())?;
        let newest = self
            .generations
            .iter_mut()
            .rev()
            .find(|one| one.local == local && one.inbound == inbound);
        if let Some(newest) = newest {
            if newest.receiver.keys().any(|known| same(known, &read.key)) {
                return Ok(());
            }
            // several keys of one session are told apart by their identifiers (RFC 4568 6.1); anything else replaces
            if newest.receiver.add_key(read.key.clone()).is_ok() {
                return Ok(());
            }
        }
        let policy = policy(&read);
        let receiver = Unprotector::with_policy(vec![read.key], policy).map_err(|error| error.to_string())?;
        self.generations.push(Generation {
            local,
            inbound,
            from,
            receiver,
        });
        Ok(())
    }

    /// Opens a datagram. Around a change of keys the ones before and after it are tried as well.
    pub(crate) fn open<'a>(
        &mut self,
        local: SocketAddr,
        inbound: bool,
        at: Duration,
        bytes: &'a [u8],
        rtcp: bool,
    ) -> (Protection, Cow<'a, [u8]>) {
        let mut mine: Vec<&mut Generation> = self
            .generations
            .iter_mut()
            .filter(|one| one.local == local && one.inbound == inbound)
            .collect();
        if mine.is_empty() {
            return (Protection::None, Cow::Borrowed(bytes));
        }
        let current = mine.iter().rposition(|one| one.from <= at).unwrap_or(0);
        let mut order: Vec<usize> = vec![current];
        order.extend(current + 1..mine.len());
        order.extend((0..current).rev());
        let mut first = None;
        for place in order.into_iter().take(4) {
            let Some(generation) = mine.get_mut(place) else {
                continue;
            };
            let opened = if rtcp {
                generation.receiver.unprotect_rtcp(bytes)
            } else {
                generation.receiver.unprotect_rtp(bytes)
            };
            match opened {
                Ok(plain) => return (Protection::Opened, Cow::Owned(plain)),
                Err(error) => {
                    first.get_or_insert((error, place));
                }
            }
        }
        let refusal = first.map_or(Protection::NotAuthentic, |(error, place)| {
            let looks_plain = mine.get(place).is_some_and(|generation| {
                let explanations = if rtcp {
                    generation.receiver.diagnose_rtcp(bytes, &[])
                } else {
                    generation.receiver.diagnose_rtp(bytes, &[])
                };
                explanations.contains(&Explanation::LooksPlain)
            });
            match error {
                SrtpError::Replay { authentic: true, .. } | SrtpError::TooOld { authentic: true, .. } => {
                    Protection::Replayed
                }
                _ if looks_plain => Protection::Clear,
                SrtpError::UnknownMki { .. } => Protection::UnknownKey,
                _ => Protection::NotAuthentic,
            }
        });
        (refusal, Cow::Borrowed(bytes))
    }
}

fn same(one: &MasterKey, other: &MasterKey) -> bool {
    one.profile() == other.profile() && one.key_salt() == other.key_salt() && one.mki() == other.mki()
}

/// What the session parameters of the line mean for a receiver (RFC 4568 6.3).
fn policy(keys: &SessionKeys) -> Policy {
    use voxproof_srtp::sdes::SessionParameter;
    let mut policy = Policy::default();
    for parameter in &keys.parameters {
        match parameter {
            SessionParameter::KeyDerivationRate(exponent) => {
                policy.key_derivation_rate = 1_u32.checked_shl(u32::from(*exponent)).unwrap_or(0);
            }
            SessionParameter::UnencryptedSrtp => policy.encrypt_rtp = false,
            SessionParameter::UnencryptedSrtcp => policy.encrypt_rtcp = false,
            SessionParameter::UnauthenticatedSrtp => policy.authenticate_rtp = false,
            _ => {}
        }
    }
    policy
}
