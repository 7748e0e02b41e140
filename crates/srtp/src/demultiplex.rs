/// What a datagram on a shared port is (RFC 7983 7, RFC 5761 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatagramKind {
    /// STUN: first byte 0 to 3.
    Stun,
    /// ZRTP: first byte 16 to 19.
    Zrtp,
    /// DTLS: first byte 20 to 63.
    Dtls,
    /// TURN channel data: first byte 64 to 79.
    TurnChannel,
    /// RTP or SRTP: first byte 128 to 191.
    Rtp,
    /// RTCP or SRTCP: as RTP, and a packet type from 192 to 223.
    Rtcp,
    /// Empty, or a first byte that belongs to nobody.
    Unknown,
}

/// Tells from the first two bytes what a datagram is.
#[must_use]
pub fn classify(datagram: &[u8]) -> DatagramKind {
    match datagram {
        [0..=3, ..] => DatagramKind::Stun,
        [16..=19, ..] => DatagramKind::Zrtp,
        [20..=63, ..] => DatagramKind::Dtls,
        [64..=79, ..] => DatagramKind::TurnChannel,
        // RFC 5761 4: RTP payload types 64 to 95 are left free so that these values, marker included, are RTCP
        [128..=191, 192..=223, ..] => DatagramKind::Rtcp,
        [128..=191, ..] => DatagramKind::Rtp,
        _ => DatagramKind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_first_byte_has_its_kind() {
        let kind = |first| classify(&[first, 0]);
        for (range, expected) in [
            (0..=3, DatagramKind::Stun),
            (4..=15, DatagramKind::Unknown),
            (16..=19, DatagramKind::Zrtp),
            (20..=63, DatagramKind::Dtls),
            (64..=79, DatagramKind::TurnChannel),
            (80..=127, DatagramKind::Unknown),
            (128..=191, DatagramKind::Rtp),
            (192..=255, DatagramKind::Unknown),
        ] {
            for first in range {
                assert_eq!(kind(first), expected, "first byte {first}");
            }
        }
        assert_eq!(classify(&[]), DatagramKind::Unknown);
    }

    #[test]
    fn packet_types_of_rtcp_are_told_from_payload_types() {
        for (second, expected) in [
            (0, DatagramKind::Rtp),
            (0x80, DatagramKind::Rtp),
            (191, DatagramKind::Rtp),
            (192, DatagramKind::Rtcp),
            (200, DatagramKind::Rtcp),
            (207, DatagramKind::Rtcp),
            (223, DatagramKind::Rtcp),
            (224, DatagramKind::Rtp),
            (0xe5, DatagramKind::Rtp),
        ] {
            assert_eq!(classify(&[0x80, second]), expected, "second byte {second}");
        }
        assert_eq!(classify(&[0x80]), DatagramKind::Rtp);
    }
}
