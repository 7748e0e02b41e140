//! Mutated RTP packets.
//!
//! A case is a list of changes to a well-formed packet; both are a function of seed and iteration alone, and a case can be
//! made smaller change by change.

use std::fmt;

use voxproof_sip::IdSource;

/// Octets of the payload before any change: 20 ms of G.711.
const PAYLOAD: usize = 160;
/// What still fits into one UDP datagram over IPv6.
const LARGEST: usize = 65_000;

/// One change (RFC 3550 5.1 names the fields).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// V: 2 is the only one there is.
    Version(u8),
    /// P, with this number in the last octet.
    Padding(u8),
    /// CC, without the identifiers that it announces.
    SourceCount(u8),
    /// X, and a header extension that says it has so many words.
    Extension(u16),
    /// PT.
    PayloadType(u8),
    /// M.
    Marker,
    /// Sequence number.
    Sequence(u16),
    /// Timestamp.
    Timestamp(u32),
    /// SSRC.
    Source(u32),
    /// Cuts the packet.
    Truncate(usize),
    /// Makes it this long.
    Lengthen(usize),
    /// A second octet as RTCP has it (RFC 5761 4), with this length field.
    Report(u8, u16),
    /// Flips this bit.
    Flip(usize),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Padding(count) => write!(f, "{count} octets of padding"),
            Self::SourceCount(count) => write!(f, "{count} contributing sources that are not there"),
            Self::Extension(words) => write!(f, "header extension of {words} words"),
            Self::PayloadType(number) => write!(f, "payload type {number}"),
            Self::Marker => write!(f, "marker"),
            Self::Sequence(number) => write!(f, "sequence number {number}"),
            Self::Timestamp(timestamp) => write!(f, "timestamp {timestamp}"),
            Self::Source(source) => write!(f, "SSRC {source:08x}"),
            Self::Truncate(length) => write!(f, "cut after {length} octets"),
            Self::Lengthen(length) => write!(f, "{length} octets"),
            Self::Report(kind, words) => write!(f, "RTCP type {kind} of {words} words"),
            Self::Flip(bit) => write!(f, "bit {bit} flipped"),
        }
    }
}

/// One packet to send and how it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PacketCase {
    seed: u64,
    iteration: u32,
    pub(super) changes: Vec<Change>,
}

impl PacketCase {
    /// Iteration of the fuzzer with this seed: one to three changes.
    pub(super) fn new(seed: u64, iteration: u32) -> Self {
        let mixed = IdSource::new(u64::from(iteration).wrapping_mul(0x9e37_79b9_7f4a_7c15)).next_u64();
        let mut random = IdSource::new(seed ^ mixed);
        let count = 1 + random.next_u64() % 3;
        let changes = (0..count).map(|_| choose(&mut random)).collect();
        Self {
            seed,
            iteration,
            changes,
        }
    }

    /// The packet: every change applied in order.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0x80, 0];
        bytes.extend_from_slice(&(self.iteration as u16).to_be_bytes());
        bytes.extend_from_slice(&self.iteration.wrapping_mul(PAYLOAD as u32).to_be_bytes());
        bytes.extend_from_slice(&(self.seed as u32 | 1).to_be_bytes());
        bytes.resize(bytes.len() + PAYLOAD, 0xff);
        for change in &self.changes {
            apply(&mut bytes, *change);
            bytes.truncate(LARGEST);
        }
        bytes
    }

    /// Leaves out changes as long as the packet still does it; `does` is asked for each attempt.
    pub(super) fn minimised(&self, mut does: impl FnMut(&[u8]) -> bool) -> Self {
        let mut small = self.clone();
        let mut at = 0;
        while at < small.changes.len() {
            let mut fewer = small.clone();
            fewer.changes.remove(at);
            if does(&fewer.bytes()) {
                small = fewer;
            } else {
                at += 1;
            }
        }
        small
    }
}

fn choose(random: &mut IdSource) -> Change {
    let mut below = |count: u64| random.next_u64() % count;
    match below(13) {
        0 => Change::Version([0, 1, 3][below(3) as usize]),
        1 => Change::Padding([0, 1, 4, 159, 160, 161, 172, 173, 255][below(9) as usize]),
        2 => Change::SourceCount(1 + below(15) as u8),
        3 => Change::Extension([0, 1, 39, 40, 41, 0x3fff, 0x4000, 0x7fff, 0xffff][below(9) as usize]),
        4 => Change::PayloadType(below(128) as u8),
        5 => Change::Marker,
        6 => Change::Sequence(below(1 << 16) as u16),
        7 => Change::Timestamp([0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX][below(5) as usize]),
        8 => Change::Source(below(1 << 32) as u32),
        9 => Change::Truncate(below(13) as usize),
        10 => Change::Lengthen([173, 512, 1500, 1501, 9000, LARGEST][below(6) as usize]),
        11 => Change::Report(
            [192, 200, 201, 202, 203, 204, 205, 206, 207, 223][below(10) as usize],
            [0, 1, 6, 42, 43, 0xffff][below(6) as usize],
        ),
        _ => Change::Flip(below(96) as usize),
    }
}

/// A packet that is too short for a change stays as it is.
fn apply(bytes: &mut Vec<u8>, change: Change) {
    let put = |bytes: &mut Vec<u8>, at: usize, new: &[u8]| {
        if let Some(place) = bytes.get_mut(at..at + new.len()) {
            place.copy_from_slice(new);
        }
    };
    let with = |bytes: &mut Vec<u8>, at: usize, keep: u8, set: u8| {
        if let Some(byte) = bytes.get_mut(at) {
            *byte = (*byte & keep) | set;
        }
    };
    match change {
        Change::Version(version) => with(bytes, 0, 0x3f, version << 6),
        Change::Padding(count) => {
            with(bytes, 0, 0xff, 0x20);
            if let Some(last) = bytes.last_mut() {
                *last = count;
            }
        }
        Change::SourceCount(count) => with(bytes, 0, 0xf0, count & 0x0f),
        Change::Extension(words) => {
            with(bytes, 0, 0xff, 0x10);
            // RFC 3550 5.3.1: profile, then the length in words
            put(bytes, 12, &[0xbe, 0xde]);
            put(bytes, 14, &words.to_be_bytes());
        }
        Change::PayloadType(number) => with(bytes, 1, 0x80, number & 0x7f),
        Change::Marker => with(bytes, 1, 0xff, 0x80),
        Change::Sequence(number) => put(bytes, 2, &number.to_be_bytes()),
        Change::Timestamp(timestamp) => put(bytes, 4, &timestamp.to_be_bytes()),
        Change::Source(source) => put(bytes, 8, &source.to_be_bytes()),
        Change::Truncate(length) => bytes.truncate(length),
        Change::Lengthen(length) => bytes.resize(length.max(bytes.len()), 0x55),
        Change::Report(kind, words) => {
            with(bytes, 1, 0, kind);
            put(bytes, 2, &words.to_be_bytes());
        }
        Change::Flip(bit) => {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::mem::{Discriminant, discriminant};

    use super::*;

    #[test]
    fn a_packet_is_a_function_of_seed_and_iteration() {
        let bytes: Vec<Vec<u8>> = (0..300).map(|one| PacketCase::new(7, one).bytes()).collect();
        let again: Vec<Vec<u8>> = (0..300).map(|one| PacketCase::new(7, one).bytes()).collect();
        assert_eq!(bytes, again);
        assert_ne!(PacketCase::new(7, 3).bytes(), PacketCase::new(8, 3).bytes());
    }

    #[test]
    fn every_kind_of_change_is_made_and_no_packet_is_too_long() {
        let mut kinds: HashSet<Discriminant<Change>> = HashSet::new();
        for iteration in 0..2000 {
            let case = PacketCase::new(1, iteration);
            assert!(case.bytes().len() <= LARGEST);
            kinds.extend(case.changes.iter().map(discriminant));
        }
        assert_eq!(kinds.len(), 13);
    }

    #[test]
    fn without_changes_it_is_a_well_formed_packet() {
        let case = PacketCase {
            seed: 0x1234,
            iteration: 2,
            changes: vec![],
        };
        let bytes = case.bytes();
        assert_eq!(bytes.len(), 172);
        assert_eq!(&bytes[..12], [0x80, 0, 0, 2, 0, 0, 1, 0x40, 0, 0, 0x12, 0x35]);
    }

    #[test]
    fn the_change_that_matters_is_left() {
        let case = PacketCase {
            seed: 1,
            iteration: 1,
            changes: vec![Change::Marker, Change::Extension(0xffff), Change::PayloadType(9)],
        };
        let small = case.minimised(|bytes| bytes[0] & 0x10 != 0);
        assert_eq!(small.changes, [Change::Extension(0xffff)]);
        assert_eq!(case.minimised(|_| false), case);
        assert!(case.minimised(|_| true).changes.is_empty());
    }
}
