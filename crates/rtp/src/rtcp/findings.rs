//! What breaks the rules of the standards in a compound packet.

use super::frame::{Fields, Frame, frames};
use super::read::packet;
use super::report::{Report, RtcpError};
use super::xr::{self, XrViolation};
use super::{EXTENDED_REPORT, GOODBYE, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION};

/// Which rules compound packets follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Every datagram starts with a report and names its source (RFC 3550 6.1).
    #[default]
    Compound,
    /// `a=rtcp-rsize` was agreed on: reduced-size packets are allowed (RFC 5506).
    ReducedSize,
}

/// One violation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The packets cannot be told apart.
    #[error("{0}")]
    Frame(RtcpError),
    /// The first packet is neither SR nor RR.
    #[error("the first packet has type {0}, a compound packet starts with a sender or receiver report")]
    FirstNotReport(u8),
    /// There is no canonical name.
    #[error("no SDES packet with a CNAME")]
    NoCname,
    /// The canonical name is empty.
    #[error("the CNAME of {0:#010x} is empty")]
    EmptyCname(u32),
    /// A packet other than the last one is padded.
    #[error("a packet of type {0} is padded, only the last one of a compound packet may be")]
    PaddingNotLast(u8),
    /// The padding count is zero, no multiple of four or longer than the packet.
    #[error("padding count of a packet of type {0} does not fit")]
    PaddingCount(u8),
    /// The content does not fit its frame.
    #[error("packet of type {packet_type}: {reason}")]
    Content {
        /// RTCP packet type.
        packet_type: u8,
        /// What does not fit.
        reason: String,
    },
    /// The packet type is none of 200..=207.
    #[error("packet type {0} is not assigned by RFC 3550, 3611 or 4585")]
    UnknownType(u8),
    /// A BYE without a source.
    #[error("goodbye without a source")]
    ByeWithoutSource,
    /// A text that is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    /// Octets behind what the counts announce where a packet has no room for extensions.
    #[error("{octets} octets behind the content of a packet of type {packet_type}")]
    Trailing {
        /// RTCP packet type.
        packet_type: u8,
        /// Octets left over.
        octets: usize,
    },
    /// Reserved bits of an XR header are set.
    #[error("extended report sets reserved bits ({0:#04x})")]
    XrReserved(u8),
    /// A violation in a block of an extended report.
    #[error(transparent)]
    Xr(#[from] XrViolation),
}

impl Violation {
    /// The clause that is broken.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        match self {
            Self::Frame(_) | Self::PaddingCount(_) => "RFC 3550 6.4.1",
            Self::FirstNotReport(_) | Self::NoCname | Self::PaddingNotLast(_) | Self::UnknownType(_) => {
                "RFC 3550 6.1"
            }
            Self::EmptyCname(_) => "RFC 3550 6.5.1",
            Self::NotUtf8(_) => "RFC 3550 6.5",
            Self::ByeWithoutSource => "RFC 3550 6.6",
            Self::XrReserved(_) => "RFC 3611 2",
            Self::Xr(violation) => violation.clause(),
            Self::Content { packet_type, .. } | Self::Trailing { packet_type, .. } => match *packet_type {
                SENDER_REPORT => "RFC 3550 6.4.1",
                RECEIVER_REPORT => "RFC 3550 6.4.2",
                SOURCE_DESCRIPTION => "RFC 3550 6.5",
                GOODBYE => "RFC 3550 6.6",
                EXTENDED_REPORT => "RFC 3611 2",
                205 | 206 => "RFC 4585 6.1",
                _ => "RFC 3550 6.7",
            },
        }
    }
}

/// A violation with its place in the datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Octet of the datagram where the packet or block concerned starts.
    pub offset: usize,
    /// What is wrong.
    pub violation: Violation,
}

/// Checks a datagram against the rules for compound packets, in order of place.
#[must_use]
pub fn inspect(bytes: &[u8], profile: Profile) -> Vec<Finding> {
    let (frames, error) = frames(bytes);
    let mut findings = Vec::new();
    let mut named = false;
    for (place, frame) in frames.iter().enumerate() {
        let mut found = |violation| {
            findings.push(Finding {
                offset: frame.offset,
                violation,
            });
        };
        let is_report = matches!(frame.packet_type, SENDER_REPORT | RECEIVER_REPORT);
        if place == 0 && !is_report && profile == Profile::Compound {
            found(Violation::FirstNotReport(frame.packet_type));
        }
        if frame.padded && place + 1 < frames.len() {
            found(Violation::PaddingNotLast(frame.packet_type));
        }
        if frame.content().is_none() {
            found(Violation::PaddingCount(frame.packet_type));
            continue;
        }
        content(frame, &mut named, &mut findings);
    }
    if let Some(error) = error {
        let offset = match error {
            RtcpError::Truncated { offset, .. } | RtcpError::Version { offset, .. } => offset,
            RtcpError::Write(_) | RtcpError::NotWritable => 0,
        };
        findings.push(Finding {
            offset,
            violation: Violation::Frame(error),
        });
    } else if !named && profile == Profile::Compound {
        findings.push(Finding {
            offset: 0,
            violation: Violation::NoCname,
        });
    }
    findings
}

fn content(frame: &Frame<'_>, named: &mut bool, findings: &mut Vec<Finding>) {
    let packet_type = frame.packet_type;
    let mut reports = Vec::new();
    packet(frame, &mut reports);
    let mut found = |violation| {
        findings.push(Finding {
            offset: frame.offset,
            violation,
        });
    };
    let content = frame.content().unwrap_or_default();
    for report in reports {
        match report {
            Report::Malformed { reason, .. } => found(Violation::Content { packet_type, reason }),
            Report::Sdes { ssrc, cname } => match cname.as_deref() {
                Some("") => found(Violation::EmptyCname(ssrc)),
                Some(cname) => {
                    *named = true;
                    if cname.contains(char::REPLACEMENT_CHARACTER) {
                        found(Violation::NotUtf8("the CNAME"));
                    }
                }
                None => {}
            },
            Report::Bye { ssrcs, reason } => {
                if ssrcs.is_empty() {
                    found(Violation::ByeWithoutSource);
                }
                if reason.is_some_and(|reason| reason.contains(char::REPLACEMENT_CHARACTER)) {
                    found(Violation::NotUtf8("the reason for leaving"));
                }
                // the reason is padded to the next 32-bit boundary and nothing follows it
                let mut fields = Fields(content);
                let sources = fields.slice(4 * ssrcs.len());
                let length = fields.u8().map_or(0, |length| usize::from(length) + 1);
                let octets = content
                    .len()
                    .saturating_sub(sources.map_or(0, <[u8]>::len) + length.next_multiple_of(4));
                if octets > 0 {
                    found(Violation::Trailing { packet_type, octets });
                }
            }
            Report::ExtendedReport { .. } => {
                if frame.count != 0 {
                    found(Violation::XrReserved(frame.count));
                }
                let blocks = content.get(4..).unwrap_or_default();
                findings.extend(
                    xr::inspect_blocks(blocks)
                        .into_iter()
                        .map(|(offset, violation)| Finding {
                            offset: frame.offset + 8 + offset,
                            violation: violation.into(),
                        }),
                );
                return;
            }
            Report::Other { .. } => found(Violation::UnknownType(packet_type)),
            Report::SenderReport { .. }
            | Report::ReceiverReport { .. }
            | Report::Application { .. }
            | Report::Feedback { .. } => {}
        }
    }
}
