//! What breaks the rules of RFC 3611 in the blocks of an extended report.

use super::block::{Block, HopLimit, RawBlock, length_fits, parse_block, raw_blocks};
use super::run_lengths::multiples;
use super::voip::{JitterBufferKind, VoipMetrics};
use super::{DELAY_SINCE_LAST, RECEIVER_REFERENCE_TIME, STATISTICS_SUMMARY, VOIP_METRICS};

/// One violation of RFC 3611.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XrViolation {
    /// A block goes beyond its packet.
    #[error("block of type {block_type} announces {words} words, only {available} octets are left")]
    Truncated {
        /// Block type.
        block_type: u8,
        /// Length field.
        words: u16,
        /// Octets left in the packet.
        available: usize,
    },
    /// One to three octets are left behind the last block.
    #[error("{0} octets behind the last block")]
    Trailing(usize),
    /// The length does not fit the block type.
    #[error("block of type {block_type} has a length of {words} words")]
    Length {
        /// Block type.
        block_type: u8,
        /// Length field.
        words: u16,
    },
    /// Reserved bits are set.
    #[error("block of type {block_type} sets reserved bits ({bits:#04x})")]
    Reserved {
        /// Block type.
        block_type: u8,
        /// The bits that are set.
        bits: u8,
    },
    /// A value is neither in its range nor the code for "not available".
    #[error("block of type {block_type}: {field} is {value}, out of range")]
    Range {
        /// Block type.
        block_type: u8,
        /// Field, in the words of the standard.
        field: &'static str,
        /// Value found.
        value: i64,
    },
    /// Values that contradict each other, such as a minimum above the maximum.
    #[error("block of type {block_type}: {fields} contradict each other")]
    Contradiction {
        /// Block type.
        block_type: u8,
        /// The fields concerned.
        fields: &'static str,
    },
    /// The chunks or times of a block do not tell of as many packets as its interval has.
    #[error("block of type {block_type}: {told} packets told of, the interval has {interval}")]
    Coverage {
        /// Block type.
        block_type: u8,
        /// Packets that chunks or times tell of.
        told: u32,
        /// Packets of the interval.
        interval: u32,
    },
}

impl XrViolation {
    /// The clause of RFC 3611 that is broken.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        let block_type = match self {
            Self::Truncated { .. } | Self::Trailing(_) => return "RFC 3611 3",
            Self::Length { block_type, .. }
            | Self::Reserved { block_type, .. }
            | Self::Range { block_type, .. }
            | Self::Contradiction { block_type, .. }
            | Self::Coverage { block_type, .. } => *block_type,
        };
        match block_type {
            1 => "RFC 3611 4.1",
            2 => "RFC 3611 4.2",
            3 => "RFC 3611 4.3",
            4 => "RFC 3611 4.4",
            5 => "RFC 3611 4.5",
            6 => "RFC 3611 4.6",
            7 => "RFC 3611 4.7",
            _ => "RFC 3611 3",
        }
    }
}

/// Checks the blocks that follow the SSRC of an extended report; offsets count from there.
pub(in super::super) fn inspect_blocks(bytes: &[u8]) -> Vec<(usize, XrViolation)> {
    let mut violations = Vec::new();
    let mut reached = 0;
    for raw in raw_blocks(bytes) {
        reached = raw.offset + 4 + raw.content.len();
        let mut found = Vec::new();
        block(&raw, &mut found);
        violations.extend(found.into_iter().map(|violation| (raw.offset, violation)));
    }
    if reached < bytes.len() {
        violations.push((reached, XrViolation::Trailing(bytes.len() - reached)));
    }
    violations
}

fn block(raw: &RawBlock<'_>, found: &mut Vec<XrViolation>) {
    let block_type = raw.block_type;
    if raw.truncated {
        found.push(XrViolation::Truncated {
            block_type,
            words: raw.words,
            available: raw.content.len(),
        });
        return;
    }
    if !length_fits(block_type, raw.words) {
        found.push(XrViolation::Length {
            block_type,
            words: raw.words,
        });
        return;
    }
    let reserved = match block_type {
        1..=3 => raw.specific & 0xf0,
        RECEIVER_REFERENCE_TIME | DELAY_SINCE_LAST | VOIP_METRICS => raw.specific,
        STATISTICS_SUMMARY => raw.specific & 0x07,
        _ => 0,
    };
    if reserved != 0 {
        found.push(XrViolation::Reserved {
            block_type,
            bits: reserved,
        });
    }
    match parse_block(raw) {
        Block::LossRunLengths(runs) | Block::DuplicateRunLengths(runs) => {
            let (told, interval) = (runs.covered(), runs.reported());
            // a vector may end beyond the interval, a chunk that starts beyond it may not be there
            if told < interval || told >= interval + 15 + u32::from(interval == 0) {
                found.push(XrViolation::Coverage {
                    block_type,
                    told,
                    interval,
                });
            }
        }
        Block::ReceiptTimes {
            thinning,
            begin,
            end,
            times,
            ..
        } => {
            let told = u32::try_from(times.len()).unwrap_or(u32::MAX);
            let interval = multiples(begin, end, thinning);
            if told != interval {
                found.push(XrViolation::Coverage {
                    block_type,
                    told,
                    interval,
                });
            }
        }
        Block::StatisticsSummary(summary) => {
            if summary.hop_limit == HopLimit::Undefined {
                found.push(XrViolation::Range {
                    block_type,
                    field: "ToH",
                    value: 3,
                });
            }
            let jitter = summary.jitter.unwrap_or_default();
            if jitter.minimum > jitter.mean || jitter.mean > jitter.maximum {
                found.push(XrViolation::Contradiction {
                    block_type,
                    fields: "min_jitter, mean_jitter, max_jitter",
                });
            }
            let hops = summary.hops;
            let hops_used = matches!(summary.hop_limit, HopLimit::Ipv4 | HopLimit::Ipv6);
            if hops_used && (hops.minimum > hops.mean || hops.mean > hops.maximum) {
                found.push(XrViolation::Contradiction {
                    block_type,
                    fields: "min_ttl_or_hl, mean_ttl_or_hl, max_ttl_or_hl",
                });
            }
        }
        Block::VoipMetrics(metrics) => {
            // the octet after the receiver configuration (RFC 3611 4.7.6)
            if let Some(&bits) = raw.content.get(25)
                && bits != 0
            {
                found.push(XrViolation::Reserved { block_type, bits });
            }
            voip_metrics(&metrics, found);
        }
        _ => {}
    }
}

fn voip_metrics(metrics: &VoipMetrics, found: &mut Vec<XrViolation>) {
    let block_type = VOIP_METRICS;
    let mut range = |field, value: Option<i64>, low: i64, high: i64| {
        if let Some(value) = value
            && !(low..=high).contains(&value)
        {
            found.push(XrViolation::Range {
                block_type,
                field,
                value,
            });
        }
    };
    range("R factor", metrics.r_factor.map(i64::from), 0, 100);
    range("ext. R factor", metrics.external_r_factor.map(i64::from), 0, 100);
    range("MOS-LQ", metrics.mos_lq.map(i64::from), 10, 50);
    range("MOS-CQ", metrics.mos_cq.map(i64::from), 10, 50);
    range("Gmin", Some(i64::from(metrics.gap_threshold)), 1, 255);
    if metrics.jitter_buffer == JitterBufferKind::Reserved {
        range("JBA", Some(1), 2, 3);
    }
    if metrics.jitter_buffer_nominal > metrics.jitter_buffer_maximum
        || metrics.jitter_buffer_maximum > metrics.jitter_buffer_absolute_maximum
    {
        found.push(XrViolation::Contradiction {
            block_type,
            fields: "JB nominal, JB maximum, JB abs max",
        });
    }
    if u16::from(metrics.loss_rate) + u16::from(metrics.discard_rate) > 256 {
        found.push(XrViolation::Contradiction {
            block_type,
            fields: "loss rate, discard rate",
        });
    }
}
