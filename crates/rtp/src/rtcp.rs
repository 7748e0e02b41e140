//! RTCP: compound packets, sender and receiver reports, CNAME, BYE (RFC 3550 6).

use rtcp_types::prelude::*;
use rtcp_types::{Bye, Compound, Packet, ReceiverReport, Sdes, SdesChunk, SdesItem, SenderReport};

/// Why a datagram is not a compound RTCP packet, or why one could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// The datagram ends inside a packet.
    #[error("packet at octet {offset} needs {needed} octets, {available} are left (RFC 3550 6.4.1)")]
    Truncated {
        /// Where the packet starts in the datagram.
        offset: usize,
        /// Octets that its length field announces.
        needed: usize,
        /// Octets that are left.
        available: usize,
    },
    /// The version field is not 2.
    #[error("packet at octet {offset} has version {version} instead of 2 (RFC 3550 6.4.1)")]
    Version {
        /// Where the packet starts in the datagram.
        offset: usize,
        /// The version found.
        version: u8,
    },
    /// A value does not fit its field.
    #[error("the packet cannot be written: {0}")]
    Write(String),
    /// [`Report::Other`] and [`Report::Malformed`] are only ever read.
    #[error("only reports, SDES and BYE can be written")]
    NotWritable,
}

/// What a receiver reports about one source (RFC 3550 6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source that is reported on.
    pub ssrc: u32,
    /// Share of packets lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the start; negative when duplicates outnumber losses. 24 bits signed.
    pub cumulative_lost: i32,
    /// Cycles of the sequence number in the upper, highest number in the lower 16 bits.
    pub extended_sequence: u32,
    /// Interarrival jitter in clock units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP timestamp of the last sender report, 0 when there was none.
    pub last_sender_report: u32,
    /// Time since that report in 1/65536 s.
    pub delay_since_last_sender_report: u32,
}

/// One packet of a compound packet, an SDES packet being one item a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// SR (RFC 3550 6.4.1).
    SenderReport {
        /// Source of the report.
        ssrc: u32,
        /// NTP timestamp, 32.32 fixed point seconds since 1900.
        ntp: u64,
        /// The same instant on the stream's RTP clock.
        rtp_timestamp: u32,
        /// Packets sent.
        packets: u32,
        /// Payload octets sent.
        octets: u32,
        /// What it hears from others.
        blocks: Vec<ReportBlock>,
    },
    /// RR (RFC 3550 6.4.2).
    ReceiverReport {
        /// Source of the report.
        ssrc: u32,
        /// What it hears from others.
        blocks: Vec<ReportBlock>,
    },
    /// One chunk of an SDES packet (RFC 3550 6.5).
    Sdes {
        /// The source described.
        ssrc: u32,
        /// Its canonical name; mandatory in every compound packet (RFC 3550 6.1).
        cname: Option<String>,
    },
    /// BYE (RFC 3550 6.6).
    Bye {
        /// Sources that leave.
        ssrcs: Vec<u32>,
        /// Why, when it is given.
        reason: Option<String>,
    },
    /// A packet of another type: APP, feedback, XR.
    Other {
        /// RTCP packet type.
        packet_type: u8,
        /// Octets of the packet with its header.
        length: usize,
    },
    /// A packet with a sound frame whose content does not fit it; the packets around it are still there.
    Malformed {
        /// RTCP packet type.
        packet_type: u8,
        /// What does not fit.
        reason: String,
    },
}

/// Reads a compound packet; a single packet without the leading report is read as well (RFC 5506).
///
/// # Errors
/// [`RtcpError::Truncated`] or [`RtcpError::Version`] when the packets cannot even be told apart.
pub fn parse(bytes: &[u8]) -> Result<Vec<Report>, RtcpError> {
    if bytes.is_empty() {
        return Err(RtcpError::Truncated {
            offset: 0,
            needed: 4,
            available: 0,
        });
    }
    let mut reports = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        let &[flags, packet_type, high, low, ..] = rest else {
            return Err(RtcpError::Truncated {
                offset,
                needed: 4,
                available: rest.len(),
            });
        };
        if flags >> 6 != 2 {
            return Err(RtcpError::Version {
                offset,
                version: flags >> 6,
            });
        }
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let Some((packet, following)) = rest.split_at_checked(length) else {
            return Err(RtcpError::Truncated {
                offset,
                needed: length,
                available: rest.len(),
            });
        };
        rest = following;
        if packet_type == Sdes::PACKET_TYPE {
            sdes(packet, &mut reports);
        } else {
            reports.push(match Packet::parse(packet) {
                Ok(packet) => report(&packet, packet_type, length),
                Err(error) => Report::Malformed {
                    packet_type,
                    reason: error.to_string().to_lowercase(),
                },
            });
        }
    }
    Ok(reports)
}

fn report(packet: &Packet<'_>, packet_type: u8, length: usize) -> Report {
    match packet {
        Packet::Sr(sender) => Report::SenderReport {
            ssrc: sender.ssrc(),
            ntp: sender.ntp_timestamp(),
            rtp_timestamp: sender.rtp_timestamp(),
            packets: sender.packet_count(),
            octets: sender.octet_count(),
            blocks: sender.report_blocks().map(|block| read_block(&block)).collect(),
        },
        Packet::Rr(receiver) => Report::ReceiverReport {
            ssrc: receiver.ssrc(),
            blocks: receiver.report_blocks().map(|block| read_block(&block)).collect(),
        },
        Packet::Bye(bye) => Report::Bye {
            ssrcs: bye.ssrcs().collect(),
            reason: bye
                .reason()
                .map(|reason| String::from_utf8_lossy(reason).into_owned()),
        },
        _ => Report::Other { packet_type, length },
    }
}

fn read_block(block: &rtcp_types::ReportBlock<'_>) -> ReportBlock {
    ReportBlock {
        ssrc: block.ssrc(),
        fraction_lost: block.fraction_lost(),
        // sign-extended from 24 bits (RFC 3550 A.3)
        cumulative_lost: (block.cumulative_lost() << 8).cast_signed() >> 8,
        extended_sequence: block.extended_sequence_number(),
        jitter: block.interarrival_jitter(),
        last_sender_report: block.last_sender_report_timestamp(),
        delay_since_last_sender_report: block.delay_since_last_sender_report_timestamp(),
    }
}

/// Reads the chunks of an SDES packet (RFC 3550 6.5).
///
/// Not by rtcp-types 0.3.0: it takes leading zero octets of the next chunk's SSRC for padding, refuses an empty item
/// in front of short padding, and its PRIV accessor can slice beyond the item.
fn sdes(packet: &[u8], reports: &mut Vec<Report>) {
    let malformed = |reason: &str| Report::Malformed {
        packet_type: Sdes::PACKET_TYPE,
        reason: reason.to_owned(),
    };
    let chunks = packet.first().map_or(0, |flags| flags & 0x1f);
    let mut rest = packet.get(4..).unwrap_or_default();
    for _ in 0..chunks {
        let chunk = rest;
        let Some((ssrc, mut items)) = chunk.split_first_chunk::<4>() else {
            reports.push(malformed("chunk without a source"));
            return;
        };
        let mut cname = None;
        loop {
            match *items {
                [] => break,
                [0, ..] => {
                    items = &items[1..];
                    break;
                }
                [kind, length, ref value @ ..] if value.len() >= usize::from(length) => {
                    let (value, following) = value.split_at(usize::from(length));
                    if kind == SdesItem::CNAME {
                        cname = Some(String::from_utf8_lossy(value).into_owned());
                    }
                    items = following;
                }
                _ => {
                    reports.push(malformed("item longer than the packet"));
                    return;
                }
            }
        }
        // the list ends with zeros up to the next 32-bit boundary
        let used = (chunk.len() - items.len()).next_multiple_of(4);
        rest = chunk.get(used..).unwrap_or_default();
        reports.push(Report::Sdes {
            ssrc: u32::from_be_bytes(*ssrc),
            cname,
        });
    }
}

/// Writes a compound packet. RFC 3550 6.1 wants a report first and an SDES chunk with a CNAME in each; the order given
/// is kept, so that a test can break this rule on purpose.
///
/// # Errors
/// [`RtcpError::Write`] when a value does not fit its field, such as a CNAME of more than 255 octets, and
/// [`RtcpError::NotWritable`] for packets that are only ever read.
pub fn build(reports: &[Report]) -> Result<Vec<u8>, RtcpError> {
    let mut compound = Compound::builder();
    for report in reports {
        compound = match report {
            Report::SenderReport {
                ssrc,
                ntp,
                rtp_timestamp,
                packets,
                octets,
                blocks,
            } => {
                let mut sender = SenderReport::builder(*ssrc)
                    .ntp_timestamp(*ntp)
                    .rtp_timestamp(*rtp_timestamp)
                    .packet_count(*packets)
                    .octet_count(*octets);
                for block in blocks {
                    sender = sender.add_report_block(write_block(block)?);
                }
                compound.add_packet(sender)
            }
            Report::ReceiverReport { ssrc, blocks } => {
                let mut receiver = ReceiverReport::builder(*ssrc);
                for block in blocks {
                    receiver = receiver.add_report_block(write_block(block)?);
                }
                compound.add_packet(receiver)
            }
            Report::Sdes { ssrc, cname } => {
                let mut chunk = SdesChunk::builder(*ssrc);
                if let Some(cname) = cname {
                    chunk = chunk.add_item(SdesItem::builder(SdesItem::CNAME, cname));
                }
                compound.add_packet(Sdes::builder().add_chunk(chunk))
            }
            Report::Bye { ssrcs, reason } => {
                let mut bye = Bye::builder();
                for ssrc in ssrcs {
                    bye = bye.add_source(*ssrc);
                }
                if let Some(reason) = reason {
                    bye = bye.reason(reason.as_str());
                }
                compound.add_packet(bye)
            }
            Report::Other { .. } | Report::Malformed { .. } => return Err(RtcpError::NotWritable),
        };
    }
    let write = |error: rtcp_types::RtcpWriteError| RtcpError::Write(error.to_string().to_lowercase());
    let mut bytes = vec![0; compound.calculate_size().map_err(write)?];
    let written = compound.write_into(&mut bytes).map_err(write)?;
    bytes.truncate(written);
    Ok(bytes)
}

fn write_block(block: &ReportBlock) -> Result<rtcp_types::ReportBlockBuilder, RtcpError> {
    if !(-0x80_0000..=0x7f_ffff).contains(&block.cumulative_lost) {
        return Err(RtcpError::Write(format!(
            "cumulative loss {} exceeds 24 bits",
            block.cumulative_lost
        )));
    }
    Ok(rtcp_types::ReportBlock::builder(block.ssrc)
        .fraction_lost(block.fraction_lost)
        .cumulative_lost(block.cumulative_lost.cast_unsigned() & 0xff_ffff)
        .extended_sequence_number(block.extended_sequence)
        .interarrival_jitter(block.jitter)
        .last_sender_report_timestamp(block.last_sender_report)
        .delay_since_last_sender_report_timestamp(block.delay_since_last_sender_report))
}

/// The middle 32 bits of an NTP timestamp, as a report block quotes it (RFC 3550 6.4.1 LSR).
#[must_use]
pub const fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(cumulative_lost: i32) -> ReportBlock {
        ReportBlock {
            ssrc: 0xdead_beef,
            fraction_lost: 25,
            cumulative_lost,
            extended_sequence: 0x0001_0005,
            jitter: 80,
            last_sender_report: 0x1234_5678,
            delay_since_last_sender_report: 65536,
        }
    }

    #[test]
    fn a_compound_packet_reads_back() {
        let reports = vec![
            Report::SenderReport {
                ssrc: 1,
                ntp: 0x0123_4567_89ab_cdef,
                rtp_timestamp: 160,
                packets: 2,
                octets: 320,
                blocks: vec![block(-3), block(70_000)],
            },
            Report::Sdes {
                ssrc: 1,
                cname: Some("phone@192.0.2.1".to_owned()),
            },
            Report::Bye {
                ssrcs: vec![1],
                reason: Some("end".to_owned()),
            },
        ];
        let bytes = build(&reports).expect("all values fit");
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(parse(&bytes), Ok(reports));
    }

    #[test]
    fn the_octets_are_those_of_the_standard() {
        let bytes = build(&[
            Report::ReceiverReport {
                ssrc: 0x0102_0304,
                blocks: vec![],
            },
            Report::Sdes {
                ssrc: 0x0102_0304,
                cname: Some("ab".to_owned()),
            },
        ])
        .expect("all values fit");
        let receiver = [0x80, 201, 0, 1, 1, 2, 3, 4];
        // SC=1, one chunk: source, CNAME of two octets, then four zeros, as the list needs at least one
        let sdes = [0x81, 202, 0, 3, 1, 2, 3, 4, 1, 2, b'a', b'b', 0, 0, 0, 0];
        assert_eq!(bytes, [&receiver[..], &sdes[..]].concat());
    }

    #[test]
    fn a_second_chunk_may_have_a_source_that_starts_with_zero() {
        let bytes = [
            0x82, 202, 0, 6, 0, 0, 0, 1, 1, 1, b'x', 0, // first chunk
            0, 0, 0, 2, 1, 0, 1, 1, b'y', 0, 0, 0, // second chunk with an empty item in front
            0, 0, 0, 0,
        ];
        assert_eq!(
            parse(&bytes),
            Ok(vec![
                Report::Sdes {
                    ssrc: 1,
                    cname: Some("x".to_owned())
                },
                Report::Sdes {
                    ssrc: 2,
                    cname: Some("y".to_owned())
                },
            ])
        );
    }

    #[test]
    fn a_broken_packet_does_not_hide_its_neighbours() {
        // RR that announces a report block it does not have, then a sound BYE
        let bytes = [0x81, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 1];
        let reports = parse(&bytes).expect("sound frames");
        assert!(matches!(reports[0], Report::Malformed { packet_type: 201, .. }));
        assert_eq!(
            reports[1],
            Report::Bye {
                ssrcs: vec![1],
                reason: None
            }
        );
        // a PRIV item whose prefix is longer than the item
        let sdes = [0x81, 202, 0, 3, 0, 0, 0, 1, 8, 1, 3, 0, 0, 0, 0, 0];
        assert_eq!(parse(&sdes), Ok(vec![Report::Sdes { ssrc: 1, cname: None }]));
    }

    #[test]
    fn frames_that_cannot_be_told_apart_are_refused() {
        assert_eq!(
            parse(&[]),
            Err(RtcpError::Truncated {
                offset: 0,
                needed: 4,
                available: 0
            })
        );
        assert_eq!(
            parse(&[0x80, 201, 0, 1]),
            Err(RtcpError::Truncated {
                offset: 0,
                needed: 8,
                available: 4
            })
        );
        assert_eq!(
            parse(&[0x80, 201, 0, 1, 0, 0, 0, 1, 0x40, 203, 0, 0]),
            Err(RtcpError::Version {
                offset: 8,
                version: 1
            })
        );
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        let long = Report::Sdes {
            ssrc: 1,
            cname: Some("x".repeat(256)),
        };
        assert!(matches!(build(&[long]), Err(RtcpError::Write(_))));
        let lost = Report::ReceiverReport {
            ssrc: 1,
            blocks: vec![block(0x80_0000)],
        };
        assert!(matches!(build(&[lost]), Err(RtcpError::Write(_))));
        assert_eq!(
            build(&[Report::Other {
                packet_type: 204,
                length: 8
            }]),
            Err(RtcpError::NotWritable)
        );
    }

    #[test]
    fn the_quoted_timestamp_is_the_middle_of_the_ntp_time() {
        assert_eq!(ntp_middle(0x0123_4567_89ab_cdef), 0x4567_89ab);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..128)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_content_in_a_sound_frame_is_read(count in 0u8..32, kind in 192u8..224, words in 0usize..24,
                                                fill in proptest::collection::vec(any::<u8>(), 96)) {
            let mut bytes = vec![0x80 | count, kind, 0, u8::try_from(words).expect("below 24")];
            bytes.extend(&fill[..words * 4]);
            prop_assert!(parse(&bytes).is_ok());
        }
    }
}
