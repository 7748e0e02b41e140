//! Packets and keys for the scenarios.

use voxproof_srtp::{MasterKey, Profile, Protector, Unprotector};

/// SSRC of [`rtp`] and [`rtcp`].
pub(crate) const SSRC: u32 = 0xcafe_babe;

/// 20 ms of G.711: 172 bytes.
pub(crate) fn rtp(sequence: u16) -> Vec<u8> {
    rtp_of(SSRC, sequence)
}

pub(crate) fn rtp_of(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..160_u8).map(|byte| byte.wrapping_mul(7) ^ sequence as u8));
    packet
}

/// An empty receiver report with a CNAME.
pub(crate) fn rtcp() -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(SSRC.to_be_bytes());
    packet.extend([0x81, 202, 0, 3]);
    packet.extend(SSRC.to_be_bytes());
    packet.extend(*b"\x01\x03lab\x00\x00\x00");
    packet
}

pub(crate) fn key(profile: Profile, fill: u8) -> MasterKey {
    let bytes: Vec<u8> = (0..profile.key_salt_length())
        .map(|byte| (byte as u8).wrapping_mul(31).wrapping_add(fill))
        .collect();
    MasterKey::new(profile, &bytes).unwrap()
}

pub(crate) fn pair(profile: Profile) -> (Protector, Unprotector) {
    (
        Protector::new(key(profile, 1)).unwrap(),
        Unprotector::new(key(profile, 1)).unwrap(),
    )
}
