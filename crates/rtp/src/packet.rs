//! One RTP packet: reading and writing (RFC 3550 5.1).

use rtp_rs::{RtpPacketBuilder, RtpReader, RtpReaderError, Seq};

/// Why a datagram is not a usable RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// Fewer octets than the fixed header has.
    #[error("{0} octets are too few for an RTP header (RFC 3550 5.1: at least 12)")]
    TooShort(usize),
    /// The version field is not 2.
    #[error("RTP version {0} instead of 2 (RFC 3550 5.1)")]
    Version(u8),
    /// CSRC list, extension or padding octet end after the datagram.
    #[error("headers need {needed} octets, the datagram has {available} (RFC 3550 5.1)")]
    Truncated {
        /// Octets that the header fields announce.
        needed: usize,
        /// Octets that are there.
        available: usize,
    },
    /// The padding count is zero or larger than what follows the header.
    #[error("padding count {0} does not fit the packet (RFC 3550 5.1)")]
    Padding(u8),
    /// The payload is shorter than its format requires.
    #[error("payload of {actual} octets, at least {needed} needed")]
    Payload {
        /// Octets that the payload format needs.
        needed: usize,
        /// Octets that are there.
        actual: usize,
    },
}

impl From<RtpReaderError> for RtpError {
    fn from(error: RtpReaderError) -> Self {
        match error {
            RtpReaderError::BufferTooShort(length) => Self::TooShort(length),
            RtpReaderError::UnsupportedVersion(version) => Self::Version(version),
            RtpReaderError::HeadersTruncated {
                header_len,
                buffer_len,
            } => Self::Truncated {
                needed: header_len,
                available: buffer_len,
            },
            RtpReaderError::PaddingLengthInvalid(count) => Self::Padding(count),
        }
    }
}

/// A received RTP packet, borrowed from its datagram (RFC 3550 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Payload type, 0..=127.
    pub payload_type: u8,
    /// Marker bit; for audio the start of a talk spurt (RFC 3551 4.1).
    pub marker: bool,
    /// Sequence number as sent, 16 bits.
    pub sequence: u16,
    /// Timestamp as sent, in units of the payload type's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Number of contributing sources, 0..=15.
    pub csrc_count: u8,
    /// Header extension: its profile-defined identifier and its data (RFC 3550 5.3.1).
    pub extension: Option<(u16, &'a [u8])>,
    /// Octets of padding after the payload, 0 when the padding bit is clear.
    pub padding: u8,
    /// Payload without header, extension and padding.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads one datagram.
    ///
    /// # Errors
    /// [`RtpError`] when the version is not 2 or when the CSRC list, the extension or the padding do not fit.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let reader = RtpReader::new(bytes)?;
        Ok(Self {
            payload_type: reader.payload_type(),
            marker: reader.mark(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
            csrc_count: reader.csrc_count(),
            extension: reader.extension(),
            padding: reader.padding().unwrap_or(0),
            payload: reader.payload(),
        })
    }
}

/// Writes an RTP packet without CSRC list, extension and padding; only the low 7 bits of `payload_type` count.
#[must_use]
pub fn build(
    payload_type: u8,
    marker: bool,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: &[u8],
) -> Vec<u8> {
    RtpPacketBuilder::new()
        .payload_type(payload_type & 0x7f)
        .marked(marker)
        .sequence(Seq::from(sequence))
        .timestamp(timestamp)
        .ssrc(ssrc)
        .payload(payload)
        .build()
        .expect("the payload type has 7 bits and there is no extension, the only two causes of an error")
}

/// Whether a datagram on a port shared by RTP and RTCP is RTCP (RFC 5761 4: second octet 192..=223).
#[must_use]
pub fn is_rtcp(bytes: &[u8]) -> bool {
    matches!(bytes, [_, 192..=223, ..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_built_packet_reads_back() {
        let bytes = build(0, true, 65535, 0xffff_fff0, 0x1234_5678, &[1, 2, 3]);
        assert_eq!(bytes.len(), 15);
        let packet = Packet::parse(&bytes).expect("own packet");
        assert_eq!(
            packet,
            Packet {
                payload_type: 0,
                marker: true,
                sequence: 65535,
                timestamp: 0xffff_fff0,
                ssrc: 0x1234_5678,
                csrc_count: 0,
                extension: None,
                padding: 0,
                payload: &[1, 2, 3],
            }
        );
    }

    #[test]
    fn csrc_extension_and_padding_are_not_payload() {
        // V=2 P=1 X=1 CC=1, PT 8, one CSRC, an extension of one word, two octets of payload, three of padding
        let mut bytes = vec![
            0xb1, 0x08, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 1, 2, 3, 4,
        ];
        bytes.extend([0xaa, 0xbb, 0, 0, 3]);
        let packet = Packet::parse(&bytes).expect("valid packet");
        assert_eq!(packet.payload, &[0xaa, 0xbb]);
        assert_eq!(packet.csrc_count, 1);
        assert_eq!(packet.padding, 3);
        assert_eq!(packet.extension, Some((0xbede, &[1, 2, 3, 4][..])));
    }

    #[test]
    fn malformed_headers_are_named() {
        let good = build(0, false, 1, 2, 3, &[0; 4]);
        assert_eq!(Packet::parse(&good[..11]), Err(RtpError::TooShort(11)));
        let mut version = good.clone();
        version[0] = 0x40;
        assert_eq!(Packet::parse(&version), Err(RtpError::Version(1)));
        let mut csrc = good.clone();
        csrc[0] = 0x8f;
        assert_eq!(
            Packet::parse(&csrc),
            Err(RtpError::Truncated {
                needed: 72,
                available: 16
            })
        );
        let mut padding = good.clone();
        padding[0] = 0xa0;
        padding[15] = 5;
        assert_eq!(Packet::parse(&padding), Err(RtpError::Padding(5)));
        padding[15] = 0;
        assert_eq!(Packet::parse(&padding), Err(RtpError::Padding(0)));
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_the_second_octet() {
        assert!(is_rtcp(&[0x80, 200, 0, 1]));
        assert!(is_rtcp(&[0x80, 192]) && is_rtcp(&[0x80, 223]));
        assert!(!is_rtcp(&[0x80, 191]) && !is_rtcp(&[0x80, 224]) && !is_rtcp(&[0x80]));
        // PCMU with the marker bit is 128
        assert!(!is_rtcp(&build(0, true, 0, 0, 0, &[])));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert!(packet.payload.len() + 12 + usize::from(packet.padding) <= bytes.len());
            }
            let _ = is_rtcp(&bytes);
        }

        #[test]
        fn every_field_survives(pt in 0u8..128, marker: bool, sequence: u16, timestamp: u32, ssrc: u32,
                                payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            let bytes = build(pt, marker, sequence, timestamp, ssrc, &payload);
            let packet = Packet::parse(&bytes).expect("own packet");
            prop_assert_eq!((packet.payload_type, packet.marker, packet.sequence), (pt, marker, sequence));
            prop_assert_eq!((packet.timestamp, packet.ssrc, packet.payload), (timestamp, ssrc, &payload[..]));
        }
    }
}
