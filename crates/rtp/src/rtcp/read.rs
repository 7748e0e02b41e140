//! Reading compound packets.
//!
//! Not by rtcp-types 0.3.0: it has no statistics summary and no VoIP metrics block, takes leading zero octets of the
//! next SDES chunk's SSRC for padding, refuses an empty item in front of short padding, and its PRIV accessor can slice
//! beyond the item.

use super::frame::{Fields, Frame, frames};
use super::report::{FeedbackLayer, Report, ReportBlock, RtcpError};
use super::{
    APPLICATION, CNAME, EXTENDED_REPORT, GOODBYE, PAYLOAD_FEEDBACK, RECEIVER_REPORT, SENDER_REPORT,
    SOURCE_DESCRIPTION, TRANSPORT_FEEDBACK, xr,
};

/// Reads a compound packet; a single packet without the leading report is read as well (RFC 5506).
///
/// # Errors
/// [`RtcpError::Truncated`] or [`RtcpError::Version`] when the packets cannot even be told apart.
pub fn parse(bytes: &[u8]) -> Result<Vec<Report>, RtcpError> {
    let (frames, error) = frames(bytes);
    if let Some(error) = error {
        return Err(error);
    }
    let mut reports = Vec::new();
    for frame in &frames {
        packet(frame, &mut reports);
    }
    Ok(reports)
}

/// Reads one packet; an SDES packet gives one report a chunk.
pub(super) fn packet(frame: &Frame<'_>, reports: &mut Vec<Report>) {
    let packet_type = frame.packet_type;
    let malformed = |reason: &str| Report::Malformed {
        packet_type,
        reason: reason.to_owned(),
    };
    let Some(content) = frame.content() else {
        reports.push(malformed("padding does not fit the packet"));
        return;
    };
    let fields = Fields(content);
    let report = match packet_type {
        SENDER_REPORT => sender_report(fields, frame.count).ok_or("report blocks do not fit the packet"),
        RECEIVER_REPORT => receiver_report(fields, frame.count).ok_or("report blocks do not fit the packet"),
        SOURCE_DESCRIPTION => {
            sdes(content, frame.count, reports);
            return;
        }
        GOODBYE => bye(fields, frame.count).ok_or("sources or reason do not fit the packet"),
        APPLICATION => application(fields, frame.count).ok_or("no source or no name"),
        TRANSPORT_FEEDBACK => {
            feedback(fields, FeedbackLayer::Transport, frame.count).ok_or("no sender or no media source")
        }
        PAYLOAD_FEEDBACK => {
            feedback(fields, FeedbackLayer::Payload, frame.count).ok_or("no sender or no media source")
        }
        EXTENDED_REPORT => extended_report(fields).ok_or("no source"),
        _ => Ok(Report::Other {
            packet_type,
            length: frame.bytes.len(),
        }),
    };
    reports.push(report.unwrap_or_else(malformed));
}

fn sender_report(mut fields: Fields<'_>, count: u8) -> Option<Report> {
    Some(Report::SenderReport {
        ssrc: fields.u32()?,
        ntp: fields.u64()?,
        rtp_timestamp: fields.u32()?,
        packets: fields.u32()?,
        octets: fields.u32()?,
        blocks: report_blocks(fields, count)?,
    })
}

fn receiver_report(mut fields: Fields<'_>, count: u8) -> Option<Report> {
    Some(Report::ReceiverReport {
        ssrc: fields.u32()?,
        blocks: report_blocks(fields, count)?,
    })
}

/// Reads `count` blocks; what follows them is a profile's extension and is passed over (RFC 3550 6.4.3).
fn report_blocks(mut fields: Fields<'_>, count: u8) -> Option<Vec<ReportBlock>> {
    (0..count)
        .map(|_| {
            let ssrc = fields.u32()?;
            let [fraction_lost, a, b, c] = fields.take()?;
            Some(ReportBlock {
                ssrc,
                fraction_lost,
                // sign-extended from 24 bits (RFC 3550 A.3)
                cumulative_lost: i32::from_be_bytes([a, b, c, 0]) >> 8,
                extended_sequence: fields.u32()?,
                jitter: fields.u32()?,
                last_sender_report: fields.u32()?,
                delay_since_last_sender_report: fields.u32()?,
            })
        })
        .collect()
}

fn bye(mut fields: Fields<'_>, count: u8) -> Option<Report> {
    let ssrcs = (0..count).map(|_| fields.u32()).collect::<Option<Vec<u32>>>()?;
    let reason = match fields.u8() {
        None => None,
        Some(length) => Some(String::from_utf8_lossy(fields.slice(usize::from(length))?).into_owned()),
    };
    Some(Report::Bye { ssrcs, reason })
}

fn application(mut fields: Fields<'_>, subtype: u8) -> Option<Report> {
    Some(Report::Application {
        subtype,
        ssrc: fields.u32()?,
        name: fields.take()?,
        data: fields.0.to_vec(),
    })
}

fn feedback(mut fields: Fields<'_>, layer: FeedbackLayer, format: u8) -> Option<Report> {
    Some(Report::Feedback {
        layer,
        format,
        sender: fields.u32()?,
        media: fields.u32()?,
        information: fields.0.to_vec(),
    })
}

fn extended_report(mut fields: Fields<'_>) -> Option<Report> {
    Some(Report::ExtendedReport {
        ssrc: fields.u32()?,
        blocks: xr::parse_blocks(fields.0),
    })
}

/// Reads the chunks of an SDES packet (RFC 3550 6.5).
fn sdes(content: &[u8], chunks: u8, reports: &mut Vec<Report>) {
    let malformed = |reason: &str| Report::Malformed {
        packet_type: SOURCE_DESCRIPTION,
        reason: reason.to_owned(),
    };
    let mut rest = content;
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
                [0, ref following @ ..] => {
                    items = following;
                    break;
                }
                [kind, length, ref value @ ..] if value.len() >= usize::from(length) => {
                    let (value, following) = value.split_at(usize::from(length));
                    if kind == CNAME {
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
