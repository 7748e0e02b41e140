use std::collections::HashMap;

use crate::fault::Fault;
use crate::index::{INDEX_END, estimate_index};
use crate::keys::MasterKey;
use crate::packet::{RTCP_HEADER, RtpHeader, rtcp_sender};
use crate::policy::Policy;
use crate::transform::{E_FLAG, KeyInUse};
use crate::{Profile, SrtpError};

/// Where a source stands.
#[derive(Debug, Clone, Copy, Default)]
struct Source {
    /// highest 48-bit index sent, or the one before the first when only the roll-over counter is known
    newest: Option<u64>,
    roll_over_counter: u32,
    /// SRTCP index of the next packet (RFC 3711 3.4: first 0, then one more for each packet)
    next_rtcp: u32,
}

/// The sending end: protects packets of any number of sources under one master key at a time.
#[derive(Clone)]
pub struct Protector {
    profile: Profile,
    policy: Policy,
    key: KeyInUse,
    sources: HashMap<u32, Source>,
}

impl Protector {
    /// A sender with the default [`Policy`].
    ///
    /// # Errors
    ///
    /// [`SrtpError`] when key and policy do not go together.
    pub fn new(key: MasterKey) -> Result<Self, SrtpError> {
        Self::with_policy(key, Policy::default())
    }

    /// A sender.
    ///
    /// # Errors
    ///
    /// [`SrtpError::PolicyConflict`].
    pub fn with_policy(key: MasterKey, policy: Policy) -> Result<Self, SrtpError> {
        policy.check(key.profile())?;
        Ok(Self {
            profile: key.profile(),
            key: KeyInUse::new(key, policy.key_derivation_rate),
            policy,
            sources: HashMap::new(),
        })
    }

    /// The master key in use.
    #[must_use]
    pub const fn key(&self) -> &MasterKey {
        &self.key.master
    }

    /// Goes on with another master key, its packet count at zero; every source keeps its index (RFC 3711 3.3.1, 8.1).
    ///
    /// # Errors
    ///
    /// [`SrtpError::PolicyConflict`].
    pub fn rekey(&mut self, key: MasterKey) -> Result<(), SrtpError> {
        self.policy.check(key.profile())?;
        self.profile = key.profile();
        self.key = KeyInUse::new(key, self.policy.key_derivation_rate);
        Ok(())
    }

    /// Sets the roll-over counter of a source, as if it had been sending that long.
    ///
    /// # Errors
    ///
    /// [`SrtpError::TooManySources`].
    pub fn set_roll_over_counter(&mut self, ssrc: u32, counter: u32) -> Result<(), SrtpError> {
        let source = self.source(ssrc)?;
        source.newest = None;
        source.roll_over_counter = counter;
        Ok(())
    }

    /// Sets the index of the next SRTCP packet of a source; only its lower 31 bits count.
    ///
    /// # Errors
    ///
    /// [`SrtpError::TooManySources`].
    pub fn set_rtcp_index(&mut self, ssrc: u32, index: u32) -> Result<(), SrtpError> {
        self.source(ssrc)?.next_rtcp = index & !E_FLAG;
        Ok(())
    }

    /// Roll-over counter of a source, 0 for one that never sent.
    #[must_use]
    pub fn roll_over_counter(&self, ssrc: u32) -> u32 {
        self.sources.get(&ssrc).map_or(0, |source| match source.newest {
            Some(index) => (index >> 16) as u32,
            None => source.roll_over_counter,
        })
    }

    /// The source begins again at index 0, as a device does that forgets it on a re-key.
    pub fn forget(&mut self, ssrc: u32) {
        self.sources.remove(&ssrc);
    }

    /// Protects an RTP packet (RFC 3711 3.3).
    ///
    /// # Errors
    ///
    /// [`SrtpError::TooShort`], [`SrtpError::BadHeader`], [`SrtpError::TooManySources`], [`SrtpError::KeyExhausted`].
    pub fn protect_rtp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut out = Vec::with_capacity(packet.len() + self.overhead());
        self.protect_rtp_into(packet, &mut out)?;
        Ok(out)
    }

    /// As [`Self::protect_rtp`] into a buffer, whose former content goes.
    ///
    /// # Errors
    ///
    /// As [`Self::protect_rtp`]; the buffer is empty then.
    pub fn protect_rtp_into(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SrtpError> {
        self.seal_rtp(packet, None, out)
    }

    /// As [`Self::protect_rtp`], with something wrong.
    ///
    /// # Errors
    ///
    /// As [`Self::protect_rtp`].
    pub fn protect_rtp_with(&mut self, packet: &[u8], fault: &Fault) -> Result<Vec<u8>, SrtpError> {
        let mut out = Vec::with_capacity(packet.len() + self.overhead());
        self.seal_rtp(packet, Some(fault), &mut out)?;
        Ok(out)
    }

    /// Protects a compound RTCP packet (RFC 3711 3.4).
    ///
    /// # Errors
    ///
    /// As [`Self::protect_rtp`].
    pub fn protect_rtcp(&mut self, packet: &[u8]) -> Result<Vec<u8>, SrtpError> {
        let mut out = Vec::with_capacity(packet.len() + self.overhead());
        self.protect_rtcp_into(packet, &mut out)?;
        Ok(out)
    }

    /// As [`Self::protect_rtcp`] into a buffer, whose former content goes.
    ///
    /// # Errors
    ///
    /// As [`Self::protect_rtp`]; the buffer is empty then.
    pub fn protect_rtcp_into(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SrtpError> {
        self.seal_rtcp(packet, None, out)
    }

    /// As [`Self::protect_rtcp`], with something wrong.
    ///
    /// # Errors
    ///
    /// As [`Self::protect_rtp`].
    pub fn protect_rtcp_with(&mut self, packet: &[u8], fault: &Fault) -> Result<Vec<u8>, SrtpError> {
        let mut out = Vec::with_capacity(packet.len() + self.overhead());
        self.seal_rtcp(packet, Some(fault), &mut out)?;
        Ok(out)
    }

    /// Most bytes that protection adds to a packet.
    #[must_use]
    pub fn overhead(&self) -> usize {
        16 + 4 + self.key.master.mki().len()
    }

    fn source(&mut self, ssrc: u32) -> Result<&mut Source, SrtpError> {
        let limit = self.policy.maximum_sources;
        if self.sources.len() >= limit && !self.sources.contains_key(&ssrc) {
            return Err(SrtpError::TooManySources { limit });
        }
        Ok(self.sources.entry(ssrc).or_default())
    }

    fn seal_rtp(&mut self, packet: &[u8], fault: Option<&Fault>, out: &mut Vec<u8>) -> Result<(), SrtpError> {
        out.clear();
        let header = RtpHeader::parse(packet)?;
        let limit = self.key.rtp_limit();
        if self.policy.enforce_lifetime && self.key.rtp_packets >= limit {
            return Err(SrtpError::KeyExhausted { limit });
        }
        let source = self.source(header.ssrc)?;
        let index = match source.newest {
            Some(newest) => estimate_index(newest, header.sequence),
            None => u64::from(source.roll_over_counter) << 16 | u64::from(header.sequence),
        };
        if index >= INDEX_END {
            return Err(SrtpError::KeyExhausted { limit: INDEX_END });
        }
        source.newest = Some(source.newest.map_or(index, |newest| newest.max(index)));
        self.key.rtp_packets += 1;

        out.extend_from_slice(packet);
        if fault == Some(&Fault::Plain) {
            return Ok(());
        }
        let index = match fault {
            Some(Fault::RollOverCounter(counter)) => u64::from(*counter) << 16 | u64::from(header.sequence),
            _ => index,
        };
        let KeyInUse { master, rtp, .. } = &mut self.key;
        let transform = rtp.at(master, index);
        let mki = match fault {
            Some(Fault::Mki(bytes)) => bytes,
            _ => master.mki(),
        };
        let encrypt = self.policy.encrypt_rtp && fault != Some(&Fault::Unencrypted);
        let (clear, payload) = out.split_at_mut(header.length);
        if self.profile.is_aead() {
            let mut tag = transform.seal_rtp(header.ssrc, index, clear, payload);
            if !encrypt {
                payload.copy_from_slice(packet.split_at(header.length).1);
            }
            // RFC 7714 8.3: the tag belongs to the cipher text, the MKI stands behind it
            append_tag(out, &mut tag, fault);
            out.extend_from_slice(mki);
            return Ok(());
        }
        if encrypt {
            transform.apply_counter(header.ssrc, index, payload);
        }
        let counter = (index >> 16) as u32;
        let mut tag = [0; 20];
        if self.policy.authenticate_rtp {
            tag = transform.mac(out, &counter.to_be_bytes());
        }
        out.extend_from_slice(mki);
        if self.policy.authenticate_rtp {
            append_tag(out, &mut tag[..self.profile.rtp_tag_length()], fault);
        }
        Ok(())
    }

    fn seal_rtcp(
        &mut self,
        packet: &[u8],
        fault: Option<&Fault>,
        out: &mut Vec<u8>,
    ) -> Result<(), SrtpError> {
        out.clear();
        let ssrc = rtcp_sender(packet)?;
        let limit = self.key.rtcp_limit();
        if self.policy.enforce_lifetime && self.key.rtcp_packets >= limit {
            return Err(SrtpError::KeyExhausted { limit });
        }
        let source = self.source(ssrc)?;
        let own_index = source.next_rtcp;
        // RFC 3711 3.4: the index counts modulo 2^31
        source.next_rtcp = own_index.wrapping_add(1) & !E_FLAG;
        self.key.rtcp_packets += 1;

        out.extend_from_slice(packet);
        if fault == Some(&Fault::Plain) {
            return Ok(());
        }
        let index = match fault {
            Some(Fault::RtcpIndex(index)) => index & !E_FLAG,
            _ => own_index,
        };
        let encrypt = self.policy.encrypt_rtcp && fault != Some(&Fault::Unencrypted);
        let flagged = encrypt && fault != Some(&Fault::ClearEncryptionFlag);
        let word = if flagged { index | E_FLAG } else { index };
        let KeyInUse { master, rtcp, .. } = &mut self.key;
        let transform = rtcp.at(master, u64::from(index));
        let mki = match fault {
            Some(Fault::Mki(bytes)) => bytes,
            _ => master.mki(),
        };
        if self.profile.is_aead() {
            let mut tag = transform.seal_rtcp(ssrc, if encrypt { index | E_FLAG } else { index }, out);
            append_tag(out, &mut tag, fault);
            out.extend_from_slice(&word.to_be_bytes());
            out.extend_from_slice(mki);
            return Ok(());
        }
        if encrypt {
            transform.apply_counter(ssrc, u64::from(index), out.split_at_mut(RTCP_HEADER).1);
        }
        out.extend_from_slice(&word.to_be_bytes());
        let mut tag = transform.mac(out, &[]);
        out.extend_from_slice(mki);
        append_tag(out, &mut tag[..self.profile.rtcp_tag_length()], fault);
        Ok(())
    }
}

/// Appends a tag, spoilt when that is asked for.
fn append_tag(out: &mut Vec<u8>, tag: &mut [u8], fault: Option<&Fault>) {
    let mut length = tag.len();
    match fault {
        Some(Fault::FlipTag) => {
            if let Some(last) = tag.last_mut() {
                *last ^= 1;
            }
        }
        Some(Fault::ShortenTag(missing)) => length = length.saturating_sub(*missing),
        _ => {}
    }
    out.extend(tag.iter().take(length));
}
