use std::collections::HashMap;

use crate::index::{INDEX_END, ReplayRefusal, ReplayWindow, estimate_index};
use crate::keys::MasterKey;
use crate::packet::{RTCP_HEADER, RtpHeader, rtcp_sender};
use crate::policy::Policy;
use crate::transform::{E_FLAG, KeyInUse, RTCP_WORD, Transform};
use crate::{Profile, SrtpError};

/// What is known of a source.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) rtp: ReplayWindow,
    rtcp: ReplayWindow,
    /// used until the first packet is accepted
    roll_over_counter: u32,
}

impl Source {
    fn new(policy: &Policy) -> Self {
        Self {
            rtp: ReplayWindow::new(policy.replay_window),
            rtcp: ReplayWindow::new(policy.replay_window),
            roll_over_counter: 0,
        }
    }

    pub(crate) fn index(&self, sequence: u16) -> u64 {
        match self.rtp.newest() {
            Some(newest) => estimate_index(newest, sequence),
            None => u64::from(self.roll_over_counter) << 16 | u64::from(sequence),
        }
    }
}

/// What is known about an accepted packet besides its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its source.
    pub ssrc: u32,
    /// Its 48-bit index (roll-over counter and sequence number), or its SRTCP index.
    pub index: u64,
    /// Position of the master key in [`Unprotector::keys`].
    pub key: usize,
}

/// The receiving end: takes packets of any number of sources under any number of master keys.
#[derive(Clone)]
pub struct Unprotector {
    pub(crate) profile: Profile,
    pub(crate) policy: Policy,
    pub(crate) keys: Vec<KeyInUse>,
    pub(crate) sources: HashMap<u32, Source>,
}

impl Unprotector {
    /// A receiver of one key with the default [`Policy`].
    ///
    /// # Errors
    ///
    /// [`SrtpError`] when key and policy do not go together.
    pub fn new(key: MasterKey) -> Result<Self, SrtpError> {
        Self::with_policy(vec![key], Policy::default())
    }

    /// A receiver. Several keys are told apart by their MKIs.
    ///
    /// # Errors
    ///
    /// [`SrtpError::PolicyConflict`], [`SrtpError::MkiConflict`].
    pub fn with_policy(keys: Vec<MasterKey>, policy: Policy) -> Result<Self, SrtpError> {
        let Some(first) = keys.first() else {
            return Err(SrtpError::MkiConflict("no master key at all"));
        };
        let profile = first.profile();
        policy.check(profile)?;
        let mut receiver = Self {
            profile,
            policy,
            keys: Vec::new(),
            sources: HashMap::new(),
        };
        for key in keys {
            receiver.add_key(key)?;
        }
        Ok(receiver)
    }

    /// The master keys, in the order they were added.
    pub fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        self.keys.iter().map(|key| &key.master)
    }

    /// Takes packets under one more master key, as re-keying by MKI does (RFC 3711 8.1).
    ///
    /// # Errors
    ///
    /// [`SrtpError::MkiConflict`] for an MKI that is missing, in use or of another length, or for more than 64 keys;
    /// [`SrtpError::KeyLength`] for a key of another profile.
    pub fn add_key(&mut self, key: MasterKey) -> Result<(), SrtpError> {
        if key.profile() != self.profile {
            return Err(SrtpError::KeyLength {
                profile: self.profile,
                length: key.key_salt().len(),
            });
        }
        if let Some(known) = self.keys.first() {
            let length = known.master.mki().len();
            if length == 0 || key.mki().is_empty() {
                return Err(SrtpError::MkiConflict("several keys, and one has none"));
            }
            if length != key.mki().len() {
                return Err(SrtpError::MkiConflict("not all of one length"));
            }
            if self.keys.iter().any(|known| known.master.mki() == key.mki()) {
                return Err(SrtpError::MkiConflict("one is used twice"));
            }
            if self.keys.len() >= 64 {
                return Err(SrtpError::MkiConflict("more than 64 keys"));
            }
        }
        self.keys
            .push(KeyInUse::new(key, self.policy.key_derivation_rate));
        Ok(())
    }

    /// Takes no more packets under the key with this MKI; the last key stays. Says whether one went.
    pub fn remove_key(&mut self, mki: &[u8]) -> bool {
        let before = self.keys.len();
        if before > 1 {
            self.keys.retain(|key| key.master.mki() != mki);
        }
        self.keys.len() < before
    }

    /// Goes on with another key alone, its packet count at zero; every source keeps its index (RFC 3711 8.1). For a
    /// sender that begins again, [`Self::forget`] the source as well.
    ///
    /// # Errors
    ///
    /// [`SrtpError::PolicyConflict`].
    pub fn rekey(&mut self, key: MasterKey) -> Result<(), SrtpError> {
        self.policy.check(key.profile())?;
        self.profile = key.profile();
        self.keys = vec![KeyInUse::new(key, self.policy.key_derivation_rate)];
        Ok(())
    }

    /// Sets the roll-over counter of a source that is joined late; what was known of it goes.
    ///
    /// # Errors
    ///
    /// [`SrtpError::TooManySources`].
    pub fn set_roll_over_counter(&mut self, ssrc: u32, counter: u32) -> Result<(), SrtpError> {
        let mut source = Source::new(&self.policy);
        source.roll_over_counter = counter;
        if self.sources.contains_key(&ssrc) || self.sources.len() < self.policy.maximum_sources {
            self.sources.insert(ssrc, source);
            return Ok(());
        }
        Err(SrtpError::TooManySources {
            limit: self.policy.maximum_sources,
        })
    }

    /// Roll-over counter of a source, 0 for an unknown one.
    #[must_use]
    pub fn roll_over_counter(&self, ssrc: u32) -> u32 {
        self.sources
            .get(&ssrc)
            .map_or(0, |source| match source.rtp.newest() {
                Some(index) => (index >> 16) as u32,
                None => source.roll_over_counter,
            })
    }

    /// Forgets indices and replay window of a source.
    pub fn forget(&mut self, ssrc: u32) {
        self.sources.remove(&ssrc);
    }

    /// Checks and decrypts an SRTP packet (RFC 3711 3.3).
    ///
    /// # Errors
    ///
    /// [`SrtpError`]; nothing changes then.
    pub fn unprotect_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut out = Vec::with_capacity(packet.len());
        self.unprotect_rtp_into(packet, &mut out)?;
        Ok(out)
    }

    /// As [`Self::unprotect_rtp`] into a buffer, whose former content goes.
    ///
    /// # Errors
    ///
    /// As [`Self::unprotect_rtp`]; the buffer is empty then.
    pub fn unprotect_rtp_into(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<Accepted, SrtpError> {
        out.clear();
        let result = self.open_rtp(packet, out);
        if result.is_err() {
            out.clear();
        }
        result
    }

    /// Checks and decrypts an SRTCP packet (RFC 3711 3.4).
    ///
    /// # Errors
    ///
    /// [`SrtpError`]; nothing changes then.
    pub fn unprotect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut out = Vec::with_capacity(packet.len());
        self.unprotect_rtcp_into(packet, &mut out)?;
        Ok(out)
    }

    /// As [`Self::unprotect_rtcp`] into a buffer, whose former content goes.
    ///
    /// # Errors
    ///
    /// As [`Self::unprotect_rtcp`]; the buffer is empty then.
    pub fn unprotect_rtcp_into(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<Accepted, SrtpError> {
        out.clear();
        let result = self.open_rtcp(packet, out);
        if result.is_err() {
            out.clear();
        }
        result
    }

    pub(crate) fn mki_length(&self) -> usize {
        self.keys.first().map_or(0, |key| key.master.mki().len())
    }

    pub(crate) fn rtp_tag_length(&self) -> usize {
        if self.policy.authenticate_rtp {
            self.profile.rtp_tag_length()
        } else {
            0
        }
    }

    fn key_of(&self, mki: &[u8]) -> Result<usize, SrtpError> {
        self.keys
            .iter()
            .position(|key| key.master.mki() == mki)
            .ok_or_else(|| SrtpError::UnknownMki { mki: mki.to_vec() })
    }

    fn open_rtp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<Accepted, SrtpError> {
        let header = RtpHeader::parse(packet)?;
        let layout = RtpLayout::split(
            packet,
            &header,
            self.profile,
            self.mki_length(),
            self.rtp_tag_length(),
        )?;
        let key = self.key_of(layout.mki)?;
        let ssrc = header.ssrc;
        let known = self.sources.get(&ssrc);
        if known.is_none() && self.sources.len() >= self.policy.maximum_sources {
            return Err(SrtpError::TooManySources {
                limit: self.policy.maximum_sources,
            });
        }
        let index = known.map_or_else(
            || u64::from(header.sequence),
            |source| source.index(header.sequence),
        );
        let replay = known.map_or(Ok(()), |source| source.rtp.check(index));
        let newest = known.and_then(|source| source.rtp.newest()).unwrap_or(0);
        if index >= INDEX_END {
            return Err(SrtpError::KeyExhausted { limit: INDEX_END });
        }
        let used = self
            .keys
            .get_mut(key)
            .expect("the position was found in this list");
        let limit = used.rtp_limit();
        if self.policy.enforce_lifetime && used.rtp_packets >= limit {
            return Err(SrtpError::KeyExhausted { limit });
        }
        let KeyInUse { master, rtp, .. } = &mut *used;
        let authentic = layout.open(rtp.at(master, index), &header, index, &self.policy, out);
        check(replay, authentic, ssrc, index, newest)?;
        used.rtp_packets += 1;
        self.sources
            .entry(ssrc)
            .or_insert_with(|| Source::new(&self.policy))
            .rtp
            .accept(index);
        Ok(Accepted { ssrc, index, key })
    }

    fn open_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<Accepted, SrtpError> {
        let ssrc = rtcp_sender(packet)?;
        let layout = RtcpLayout::split(packet, self.profile, self.mki_length())?;
        let key = self.key_of(layout.mki)?;
        let known = self.sources.get(&ssrc);
        if known.is_none() && self.sources.len() >= self.policy.maximum_sources {
            return Err(SrtpError::TooManySources {
                limit: self.policy.maximum_sources,
            });
        }
        let index = u64::from(layout.word & !E_FLAG);
        let replay = known.map_or(Ok(()), |source| source.rtcp.check(index));
        let newest = known.and_then(|source| source.rtcp.newest()).unwrap_or(0);
        let used = self
            .keys
            .get_mut(key)
            .expect("the position was found in this list");
        let limit = used.rtcp_limit();
        if self.policy.enforce_lifetime && used.rtcp_packets >= limit {
            return Err(SrtpError::KeyExhausted { limit });
        }
        let KeyInUse { master, rtcp, .. } = &mut *used;
        let authentic = layout.open(rtcp.at(master, index), ssrc, out);
        check(replay, authentic, ssrc, index, newest)?;
        let encrypted = layout.word & E_FLAG != 0;
        if encrypted != self.policy.encrypt_rtcp {
            return Err(SrtpError::EncryptionFlag { encrypted });
        }
        used.rtcp_packets += 1;
        self.sources
            .entry(ssrc)
            .or_insert_with(|| Source::new(&self.policy))
            .rtcp
            .accept(index);
        Ok(Accepted { ssrc, index, key })
    }
}

/// The replay list speaks first (RFC 3711 3.3, step 5 of the receiver), and says whether the tag is valid.
fn check(
    replay: Result<(), ReplayRefusal>,
    authentic: bool,
    ssrc: u32,
    index: u64,
    newest: u64,
) -> Result<(), SrtpError> {
    match replay {
        Err(ReplayRefusal::Repeated) => Err(SrtpError::Replay {
            ssrc,
            index,
            authentic,
        }),
        Err(ReplayRefusal::TooOld) => Err(SrtpError::TooOld {
            ssrc,
            index,
            newest,
            authentic,
        }),
        Ok(()) if authentic => Ok(()),
        Ok(()) => Err(SrtpError::AuthenticationFailed { ssrc, index }),
    }
}

/// An SRTP packet in its parts.
pub(crate) struct RtpLayout<'a> {
    profile: Profile,
    /// header and payload, as they are authenticated
    body: &'a [u8],
    pub(crate) mki: &'a [u8],
    tag: &'a [u8],
}

impl<'a> RtpLayout<'a> {
    /// Cuts off tag and MKI: `body tag MKI` with AEAD (RFC 7714 8.3), `body MKI tag` without (RFC 3711 3.1).
    pub(crate) fn split(
        packet: &'a [u8],
        header: &RtpHeader,
        profile: Profile,
        mki_length: usize,
        tag_length: usize,
    ) -> Result<Self, SrtpError> {
        let short = || SrtpError::TooShort {
            length: packet.len(),
            needed: header.length + mki_length + tag_length,
        };
        let (last, before) = if profile.is_aead() {
            (mki_length, tag_length)
        } else {
            (tag_length, mki_length)
        };
        let (rest, last) = split_end(packet, last).ok_or_else(short)?;
        let (body, middle) = split_end(rest, before).ok_or_else(short)?;
        if body.len() < header.length {
            return Err(short());
        }
        let (mki, tag) = if profile.is_aead() {
            (last, middle)
        } else {
            (middle, last)
        };
        Ok(Self {
            profile,
            body,
            mki,
            tag,
        })
    }

    /// Puts the plain packet into `out` and says whether the tag was right.
    pub(crate) fn open(
        &self,
        transform: &Transform,
        header: &RtpHeader,
        index: u64,
        policy: &Policy,
        out: &mut Vec<u8>,
    ) -> bool {
        out.clear();
        if self.profile.is_aead() {
            let Some(tag) = self.tag.first_chunk::<16>() else {
                return false;
            };
            out.extend_from_slice(self.body);
            let (clear, payload) = out.split_at_mut(header.length.min(self.body.len()));
            return transform.open_rtp(header.ssrc, index, clear, payload, *tag);
        }
        let counter = (index >> 16) as u32;
        if policy.authenticate_rtp && !transform.verify(self.body, &counter.to_be_bytes(), self.tag) {
            return false;
        }
        out.extend_from_slice(self.body);
        if policy.encrypt_rtp {
            let (_, payload) = out.split_at_mut(header.length.min(self.body.len()));
            transform.apply_counter(header.ssrc, index, payload);
        }
        true
    }
}

/// An SRTCP packet in its parts.
pub(crate) struct RtcpLayout<'a> {
    profile: Profile,
    /// the RTCP packet
    body: &'a [u8],
    /// body and index word, as they are authenticated without AEAD
    authenticated: &'a [u8],
    word: u32,
    pub(crate) mki: &'a [u8],
    tag: &'a [u8],
}

impl<'a> RtcpLayout<'a> {
    /// `body tag word MKI` with AEAD (RFC 7714 9.2), `body word MKI tag` without (RFC 3711 3.4).
    pub(crate) fn split(packet: &'a [u8], profile: Profile, mki_length: usize) -> Result<Self, SrtpError> {
        let tag_length = profile.rtcp_tag_length();
        let needed = RTCP_HEADER + RTCP_WORD + mki_length + tag_length;
        let short = || SrtpError::TooShort {
            length: packet.len(),
            needed,
        };
        if packet.len() < needed {
            return Err(short());
        }
        if profile.is_aead() {
            let (rest, mki) = split_end(packet, mki_length).ok_or_else(short)?;
            let (rest, word) = rest.split_last_chunk::<RTCP_WORD>().ok_or_else(short)?;
            let (body, tag) = split_end(rest, tag_length).ok_or_else(short)?;
            return Ok(Self {
                profile,
                body,
                authenticated: body,
                word: u32::from_be_bytes(*word),
                mki,
                tag,
            });
        }
        let (rest, tag) = split_end(packet, tag_length).ok_or_else(short)?;
        let (authenticated, mki) = split_end(rest, mki_length).ok_or_else(short)?;
        let (body, word) = authenticated.split_last_chunk::<RTCP_WORD>().ok_or_else(short)?;
        Ok(Self {
            profile,
            body,
            authenticated,
            word: u32::from_be_bytes(*word),
            mki,
            tag,
        })
    }

    /// The SRTCP index.
    pub(crate) const fn index(&self) -> u64 {
        (self.word & !E_FLAG) as u64
    }

    /// Puts the plain packet into `out` and says whether the tag was right.
    pub(crate) fn open(&self, transform: &Transform, ssrc: u32, out: &mut Vec<u8>) -> bool {
        out.clear();
        if self.profile.is_aead() {
            let Some(tag) = self.tag.first_chunk::<16>() else {
                return false;
            };
            out.extend_from_slice(self.body);
            return transform.open_rtcp(ssrc, self.word, out, *tag);
        }
        if !transform.verify(self.authenticated, &[], self.tag) {
            return false;
        }
        out.extend_from_slice(self.body);
        if self.word & E_FLAG != 0 {
            let (_, payload) = out.split_at_mut(RTCP_HEADER.min(self.body.len()));
            transform.apply_counter(ssrc, self.index(), payload);
        }
        true
    }
}

/// The slice without its last `length` bytes, and those.
fn split_end(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(bytes.len().checked_sub(length)?)
}
