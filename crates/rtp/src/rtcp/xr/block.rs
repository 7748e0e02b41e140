//! The blocks of an extended report (RFC 3611 3, 4).

use super::super::RtcpError;
use super::super::frame::Fields;
use super::{
    DELAY_SINCE_LAST, DUPLICATE_RUN_LENGTHS, LOSS_RUN_LENGTHS, RECEIPT_TIMES, RECEIVER_REFERENCE_TIME,
    RunLengths, STATISTICS_SUMMARY, VOIP_METRICS, VoipMetrics,
};

/// A sub-block of a DLRR block (RFC 3611 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelaySinceLastReceiverReport {
    /// The receiver whose reference time is answered.
    pub ssrc: u32,
    /// Middle 32 bits of the NTP timestamp of its last reference time, 0 when there was none.
    pub last: u32,
    /// Time since its arrival in 1/65536 s.
    pub delay: u32,
}

/// What the hop limit values of a statistics summary are (RFC 3611 4.6, ToH).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HopLimit {
    /// Not reported.
    #[default]
    None,
    /// TTL of IPv4.
    Ipv4,
    /// Hop limit of IPv6.
    Ipv6,
    /// The value 3, which must not be used.
    Undefined,
}

/// Minimum, maximum, mean and standard deviation of something (RFC 3611 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread<T> {
    /// Smallest value.
    pub minimum: T,
    /// Largest value.
    pub maximum: T,
    /// Arithmetic mean.
    pub mean: T,
    /// Standard deviation.
    pub deviation: T,
}

/// Statistics summary of an interval (RFC 3611 4.6); `None` where the flag says that it is not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatisticsSummary {
    /// The source reported on.
    pub ssrc: u32,
    /// First sequence number of the interval.
    pub begin: u16,
    /// Last sequence number plus one.
    pub end: u16,
    /// Packets lost in the interval.
    pub lost: Option<u32>,
    /// Duplicates that arrived in the interval.
    pub duplicates: Option<u32>,
    /// Relative transit time of neighbouring packets in clock units.
    pub jitter: Option<Spread<u32>>,
    /// What [`StatisticsSummary::hops`] is.
    pub hop_limit: HopLimit,
    /// TTL or hop limit of the packets of the interval.
    pub hops: Spread<u8>,
}

/// One block of an extended report (RFC 3611 3).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block {
    /// Which packets were lost (RFC 3611 4.1).
    LossRunLengths(RunLengths),
    /// Which packets were duplicated (RFC 3611 4.2).
    DuplicateRunLengths(RunLengths),
    /// When packets arrived, on the RTP clock (RFC 3611 4.3).
    ReceiptTimes {
        /// Only multiples of two to this power are told of, 0..=15.
        thinning: u8,
        /// The source reported on.
        ssrc: u32,
        /// First sequence number of the interval.
        begin: u16,
        /// Last sequence number plus one.
        end: u16,
        /// Receipt times in clock units, one a reported sequence number.
        times: Vec<u32>,
    },
    /// The receiver's clock, for a round trip without sender reports (RFC 3611 4.4).
    ReceiverReferenceTime {
        /// NTP timestamp, 32.32 fixed point seconds since 1900.
        ntp: u64,
    },
    /// Answers to reference times (RFC 3611 4.5).
    DelaySinceLast(Vec<DelaySinceLastReceiverReport>),
    /// Statistics summary (RFC 3611 4.6).
    StatisticsSummary(StatisticsSummary),
    /// VoIP metrics (RFC 3611 4.7).
    VoipMetrics(VoipMetrics),
    /// A block of another type.
    Unknown {
        /// Block type.
        block_type: u8,
        /// The octet after the type.
        specific: u8,
        /// What follows the block header; a multiple of four octets.
        data: Vec<u8>,
    },
    /// A block whose length does not fit its type, or the packet.
    Malformed {
        /// Block type.
        block_type: u8,
        /// Octets that are there after the block header.
        length: usize,
    },
}

/// The header and content of a block as they are on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawBlock<'a> {
    /// Where it starts after the SSRC of the extended report.
    pub(super) offset: usize,
    pub(super) block_type: u8,
    pub(super) specific: u8,
    /// Length field: 32-bit words after the block header.
    pub(super) words: u16,
    pub(super) content: &'a [u8],
    /// The length field goes beyond the packet.
    pub(super) truncated: bool,
}

/// Cuts the blocks; the last one is `truncated` when it goes beyond the packet.
pub(super) fn raw_blocks(bytes: &[u8]) -> impl Iterator<Item = RawBlock<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let offset = bytes.len() - rest.len();
        let &[block_type, specific, high, low, ref following @ ..] = rest else {
            rest = &[];
            return None;
        };
        let words = u16::from_be_bytes([high, low]);
        let length = 4 * usize::from(words);
        let (content, remaining) = following.split_at_checked(length).unwrap_or((following, &[]));
        rest = remaining;
        Some(RawBlock {
            offset,
            block_type,
            specific,
            words,
            content,
            truncated: content.len() < length,
        })
    })
}

/// Reads the blocks that follow the SSRC of an extended report.
pub(in super::super) fn parse_blocks(bytes: &[u8]) -> Vec<Block> {
    raw_blocks(bytes).map(|raw| parse_block(&raw)).collect()
}

/// Length of the content that a type asks for, in words: exact, or a minimum for the types of varying length.
pub(super) const fn length_fits(block_type: u8, words: u16) -> bool {
    match block_type {
        LOSS_RUN_LENGTHS | DUPLICATE_RUN_LENGTHS | RECEIPT_TIMES => words >= 2,
        RECEIVER_REFERENCE_TIME => words == 2,
        DELAY_SINCE_LAST => words.is_multiple_of(3),
        STATISTICS_SUMMARY => words == 9,
        VOIP_METRICS => words == 8,
        _ => true,
    }
}

pub(super) fn parse_block(raw: &RawBlock<'_>) -> Block {
    let fields = Fields(raw.content);
    let fits = !raw.truncated && length_fits(raw.block_type, raw.words);
    let block = match raw.block_type {
        _ if !fits => None,
        LOSS_RUN_LENGTHS => RunLengths::read(raw.specific & 15, fields).map(Block::LossRunLengths),
        DUPLICATE_RUN_LENGTHS => RunLengths::read(raw.specific & 15, fields).map(Block::DuplicateRunLengths),
        RECEIPT_TIMES => receipt_times(raw.specific & 15, fields),
        RECEIVER_REFERENCE_TIME => Fields(raw.content)
            .u64()
            .map(|ntp| Block::ReceiverReferenceTime { ntp }),
        DELAY_SINCE_LAST => Some(delay_since_last(fields)),
        STATISTICS_SUMMARY => statistics_summary(raw.specific, fields).map(Block::StatisticsSummary),
        VOIP_METRICS => VoipMetrics::read(fields).map(Block::VoipMetrics),
        _ => Some(Block::Unknown {
            block_type: raw.block_type,
            specific: raw.specific,
            data: raw.content.to_vec(),
        }),
    };
    block.unwrap_or(Block::Malformed {
        block_type: raw.block_type,
        length: raw.content.len(),
    })
}

fn receipt_times(thinning: u8, mut fields: Fields<'_>) -> Option<Block> {
    let (ssrc, begin, end) = (fields.u32()?, fields.u16()?, fields.u16()?);
    Some(Block::ReceiptTimes {
        thinning,
        ssrc,
        begin,
        end,
        times: std::iter::from_fn(|| fields.u32()).collect(),
    })
}

fn delay_since_last(mut fields: Fields<'_>) -> Block {
    let mut reports = Vec::new();
    while let (Some(ssrc), Some(last), Some(delay)) = (fields.u32(), fields.u32(), fields.u32()) {
        reports.push(DelaySinceLastReceiverReport { ssrc, last, delay });
    }
    Block::DelaySinceLast(reports)
}

fn statistics_summary(flags: u8, mut fields: Fields<'_>) -> Option<StatisticsSummary> {
    let (ssrc, begin, end) = (fields.u32()?, fields.u16()?, fields.u16()?);
    let (lost, duplicates) = (fields.u32()?, fields.u32()?);
    let jitter = Spread {
        minimum: fields.u32()?,
        maximum: fields.u32()?,
        mean: fields.u32()?,
        deviation: fields.u32()?,
    };
    let [minimum, maximum, mean, deviation] = fields.take()?;
    Some(StatisticsSummary {
        ssrc,
        begin,
        end,
        lost: (flags & 0x80 != 0).then_some(lost),
        duplicates: (flags & 0x40 != 0).then_some(duplicates),
        jitter: (flags & 0x20 != 0).then_some(jitter),
        hop_limit: match flags >> 3 & 3 {
            0 => HopLimit::None,
            1 => HopLimit::Ipv4,
            2 => HopLimit::Ipv6,
            _ => HopLimit::Undefined,
        },
        hops: Spread {
            minimum,
            maximum,
            mean,
            deviation,
        },
    })
}

/// Writes blocks after the SSRC of an extended report.
pub(in super::super) fn write_blocks(blocks: &[Block], content: &mut Vec<u8>) -> Result<(), RtcpError> {
    for block in blocks {
        let mut inner = Vec::new();
        let (block_type, specific) = write_block(block, &mut inner)?;
        let words = inner.len() / 4;
        let length = u16::try_from(words)
            .map_err(|_| RtcpError::Write(format!("{words} words exceed the block length of 16 bits")))?;
        if !inner.len().is_multiple_of(4) {
            return Err(RtcpError::Write("block is no multiple of 32 bits".to_owned()));
        }
        content.extend([block_type, specific]);
        content.extend(length.to_be_bytes());
        content.extend(inner);
    }
    Ok(())
}

fn write_block(block: &Block, content: &mut Vec<u8>) -> Result<(u8, u8), RtcpError> {
    Ok(match block {
        Block::LossRunLengths(runs) => {
            runs.write(content);
            (LOSS_RUN_LENGTHS, runs.thinning & 15)
        }
        Block::DuplicateRunLengths(runs) => {
            runs.write(content);
            (DUPLICATE_RUN_LENGTHS, runs.thinning & 15)
        }
        Block::ReceiptTimes {
            thinning,
            ssrc,
            begin,
            end,
            times,
        } => {
            content.extend(ssrc.to_be_bytes());
            content.extend(begin.to_be_bytes());
            content.extend(end.to_be_bytes());
            content.extend(times.iter().flat_map(|time| time.to_be_bytes()));
            (RECEIPT_TIMES, thinning & 15)
        }
        Block::ReceiverReferenceTime { ntp } => {
            content.extend(ntp.to_be_bytes());
            (RECEIVER_REFERENCE_TIME, 0)
        }
        Block::DelaySinceLast(reports) => {
            for report in reports {
                for field in [report.ssrc, report.last, report.delay] {
                    content.extend(field.to_be_bytes());
                }
            }
            (DELAY_SINCE_LAST, 0)
        }
        Block::StatisticsSummary(summary) => {
            content.extend(summary.ssrc.to_be_bytes());
            content.extend(summary.begin.to_be_bytes());
            content.extend(summary.end.to_be_bytes());
            let jitter = summary.jitter.unwrap_or_default();
            for field in [
                summary.lost.unwrap_or_default(),
                summary.duplicates.unwrap_or_default(),
                jitter.minimum,
                jitter.maximum,
                jitter.mean,
                jitter.deviation,
            ] {
                content.extend(field.to_be_bytes());
            }
            let hops = summary.hops;
            content.extend([hops.minimum, hops.maximum, hops.mean, hops.deviation]);
            let flags = u8::from(summary.lost.is_some()) << 7
                | u8::from(summary.duplicates.is_some()) << 6
                | u8::from(summary.jitter.is_some()) << 5
                | (summary.hop_limit as u8) << 3;
            (STATISTICS_SUMMARY, flags)
        }
        Block::VoipMetrics(metrics) => {
            metrics.write(content);
            (VOIP_METRICS, 0)
        }
        Block::Unknown {
            block_type,
            specific,
            data,
        } => {
            content.extend(data);
            (*block_type, *specific)
        }
        Block::Malformed { .. } => return Err(RtcpError::NotWritable),
    })
}
