use crate::index::INDEX_END;
use crate::keys::MasterKey;
use crate::packet::{RtpHeader, rtcp_sender};
use crate::transform::KeyInUse;
use crate::unprotector::{RtcpLayout, RtpLayout};
use crate::{Profile, Unprotector};

/// In what a packet differs from what was expected; with all of the explanations of a diagnosis the tag is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// The sender counts another number of roll-overs.
    RollOverCounter {
        /// What the receiver took for granted.
        expected: u32,
        /// What the sender used.
        sent: u32,
    },
    /// The sender uses another profile.
    OtherProfile(Profile),
    /// The sender uses a key of the receiver, but not the one that the MKI names.
    WrongMki {
        /// Position of the key in [`Unprotector::keys`].
        key: usize,
    },
    /// The sender uses a key that was only given for the diagnosis, such as the one of the other direction.
    OtherKey {
        /// Position in the list given.
        position: usize,
    },
    /// The packet lacks the MKI.
    MkiMissing,
    /// The packet has an MKI of another length.
    MkiLength {
        /// Length of it, in bytes.
        sent: usize,
    },
    /// Not proved by a tag: the packet has the length, or all the structure, of an unprotected one.
    LooksPlain,
}

/// Most packets between two roll-overs tried on either side of the expected counter.
const COUNTERS: [i64; 6] = [0, -1, 1, -2, 2, 3];
/// MKI lengths tried besides the negotiated one, in bytes.
const MKI_LENGTHS: [usize; 4] = [0, 1, 2, 4];

impl Unprotector {
    /// Tries out what the sender of a refused packet may have done: another roll-over counter, profile, key or MKI,
    /// each alone and together. The fewest explanations that make the tag right, or none at all.
    ///
    /// `others` are keys that should not be in use; the receiver does not change.
    #[must_use]
    pub fn diagnose_rtp(&self, packet: &[u8], others: &[MasterKey]) -> Vec<Explanation> {
        let Ok(header) = RtpHeader::parse(packet) else {
            return Vec::new();
        };
        let expected = self.sources.get(&header.ssrc).map_or_else(
            || u64::from(header.sequence),
            |source| source.index(header.sequence),
        );
        let mut best: Option<Vec<Explanation>> = None;
        let mut plain = Vec::new();
        for (mut key, which) in self.candidates(others) {
            for profile in siblings(key.master.profile()) {
                let tag_length = if self.policy.authenticate_rtp {
                    profile.rtp_tag_length()
                } else {
                    return Vec::new();
                };
                for mki_length in self.mki_lengths() {
                    let Ok(layout) = RtpLayout::split(packet, &header, profile, mki_length, tag_length)
                    else {
                        continue;
                    };
                    for index in counters(expected, header.sequence) {
                        let mut found = self.differences(which, profile, mki_length, layout.mki);
                        if index != expected {
                            found.push(Explanation::RollOverCounter {
                                expected: (expected >> 16) as u32,
                                sent: (index >> 16) as u32,
                            });
                        }
                        if best.as_ref().is_some_and(|best| best.len() <= found.len()) {
                            continue;
                        }
                        let KeyInUse { master, rtp, .. } = &mut key;
                        if layout.open(rtp.at(master, index), &header, index, &self.policy, &mut plain) {
                            best = Some(found);
                        }
                    }
                }
            }
        }
        // 10 ms of G.711 or G.722 are 80 bytes: a multiple of it leaves no room for a tag
        let payload = packet.len() - header.length;
        best.unwrap_or_else(|| {
            if payload > 0 && payload.is_multiple_of(80) {
                vec![Explanation::LooksPlain]
            } else {
                Vec::new()
            }
        })
    }

    /// As [`Self::diagnose_rtp`] for SRTCP, which carries its index with it.
    #[must_use]
    pub fn diagnose_rtcp(&self, packet: &[u8], others: &[MasterKey]) -> Vec<Explanation> {
        let Ok(ssrc) = rtcp_sender(packet) else {
            return Vec::new();
        };
        if is_plain_compound(packet) {
            return vec![Explanation::LooksPlain];
        }
        let mut best: Option<Vec<Explanation>> = None;
        let mut plain = Vec::new();
        for (mut key, which) in self.candidates(others) {
            let profile = key.master.profile();
            for mki_length in self.mki_lengths() {
                let Ok(layout) = RtcpLayout::split(packet, profile, mki_length) else {
                    continue;
                };
                let found = self.differences(which, profile, mki_length, layout.mki);
                if best.as_ref().is_some_and(|best| best.len() <= found.len()) {
                    continue;
                }
                let KeyInUse { master, rtcp, .. } = &mut key;
                if layout.open(rtcp.at(master, layout.index()), ssrc, &mut plain) {
                    best = Some(found);
                }
            }
        }
        best.unwrap_or_default()
    }

    fn candidates(&self, others: &[MasterKey]) -> Vec<(KeyInUse, Which)> {
        let own = self
            .keys
            .iter()
            .enumerate()
            .map(|(position, key)| (key.clone(), Which::Own(position)));
        let rate = self.policy.key_derivation_rate;
        let foreign = others
            .iter()
            .enumerate()
            .map(|(position, key)| (KeyInUse::new(key.clone(), rate), Which::Other(position)));
        own.chain(foreign).collect()
    }

    fn mki_lengths(&self) -> Vec<usize> {
        let negotiated = self.mki_length();
        let mut lengths = vec![negotiated];
        lengths.extend(MKI_LENGTHS.into_iter().filter(|length| *length != negotiated));
        lengths
    }

    fn differences(&self, which: Which, profile: Profile, mki_length: usize, mki: &[u8]) -> Vec<Explanation> {
        let mut found = Vec::new();
        match which {
            Which::Other(position) => found.push(Explanation::OtherKey { position }),
            Which::Own(key) => {
                let named = self.keys.get(key).is_some_and(|known| known.master.mki() == mki);
                if mki_length == self.mki_length() && !named {
                    found.push(Explanation::WrongMki { key });
                }
            }
        }
        if profile != self.profile {
            found.push(Explanation::OtherProfile(profile));
        }
        if mki_length != self.mki_length() {
            found.push(if mki_length == 0 {
                Explanation::MkiMissing
            } else {
                Explanation::MkiLength { sent: mki_length }
            });
        }
        found
    }
}

#[derive(Debug, Clone, Copy)]
enum Which {
    Own(usize),
    Other(usize),
}

/// The profiles that derive the same session keys from this key: they differ in the tag only.
fn siblings(own: Profile) -> impl Iterator<Item = Profile> {
    Profile::ALL
        .into_iter()
        .filter(move |other| other.key_length() == own.key_length() && other.is_aead() == own.is_aead())
}

fn counters(expected: u64, sequence: u16) -> impl Iterator<Item = u64> {
    COUNTERS.into_iter().filter_map(move |step| {
        let counter = (expected >> 16).checked_add_signed(step)?;
        let index = counter << 16 | u64::from(sequence);
        (index < INDEX_END).then_some(index)
    })
}

/// Length fields that lead exactly to the end (RFC 3550 A.2): with the index and tag of SRTCP they cannot.
fn is_plain_compound(mut packet: &[u8]) -> bool {
    while let Some(&[first, _, high, low]) = packet.first_chunk::<4>() {
        if first >> 6 != 2 {
            return false;
        }
        let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
        let Some(rest) = packet.get(length..) else {
            return false;
        };
        if rest.is_empty() {
            return true;
        }
        packet = rest;
    }
    false
}
