//! Writing compound packets.

use super::report::{FeedbackLayer, Report, ReportBlock, RtcpError};
use super::{
    APPLICATION, CNAME, EXTENDED_REPORT, GOODBYE, PAYLOAD_FEEDBACK, RECEIVER_REPORT, SENDER_REPORT,
    SOURCE_DESCRIPTION, TRANSPORT_FEEDBACK, xr,
};

/// Writes a compound packet. RFC 3550 6.1 wants a report first and an SDES chunk with a CNAME in each; the order given
/// is kept, so that a test can break this rule on purpose.
///
/// # Errors
/// [`RtcpError::Write`] when there is no packet at all or a value does not fit its field, such as a CNAME of more than 255 octets, and
/// [`RtcpError::NotWritable`] for packets that are only ever read.
pub fn build(reports: &[Report]) -> Result<Vec<u8>, RtcpError> {
    if reports.is_empty() {
        return Err(RtcpError::Write("a compound packet of no packet".to_owned()));
    }
    let mut bytes = Vec::new();
    for report in reports {
        let mut content = Vec::new();
        let (count, packet_type) = write(report, &mut content)?;
        if count > 31 {
            return Err(RtcpError::Write(format!(
                "{count} items exceed the count of 5 bits"
            )));
        }
        let words = content.len() / 4;
        let Ok(length) = u16::try_from(words) else {
            return Err(RtcpError::Write(format!(
                "{words} words exceed the length of 16 bits"
            )));
        };
        if !content.len().is_multiple_of(4) {
            return Err(RtcpError::Write("content is no multiple of 32 bits".to_owned()));
        }
        // below 32, see above
        bytes.extend([0x80 | count as u8, packet_type]);
        bytes.extend(length.to_be_bytes());
        bytes.extend(content);
    }
    Ok(bytes)
}

/// Writes what follows the header and gives the count and the packet type for it.
fn write(report: &Report, content: &mut Vec<u8>) -> Result<(usize, u8), RtcpError> {
    match report {
        Report::SenderReport {
            ssrc,
            ntp,
            rtp_timestamp,
            packets,
            octets,
            blocks,
        } => {
            content.extend(ssrc.to_be_bytes());
            content.extend(ntp.to_be_bytes());
            for field in [rtp_timestamp, packets, octets] {
                content.extend(field.to_be_bytes());
            }
            report_blocks(blocks, content)?;
            Ok((blocks.len(), SENDER_REPORT))
        }
        Report::ReceiverReport { ssrc, blocks } => {
            content.extend(ssrc.to_be_bytes());
            report_blocks(blocks, content)?;
            Ok((blocks.len(), RECEIVER_REPORT))
        }
        Report::Sdes { ssrc, cname } => {
            content.extend(ssrc.to_be_bytes());
            if let Some(cname) = cname {
                content.push(CNAME);
                text(cname, content)?;
            }
            // the list of items ends with one to four zeros (RFC 3550 6.5)
            content.push(0);
            pad(content);
            Ok((1, SOURCE_DESCRIPTION))
        }
        Report::Bye { ssrcs, reason } => {
            for ssrc in ssrcs {
                content.extend(ssrc.to_be_bytes());
            }
            if let Some(reason) = reason {
                text(reason, content)?;
                pad(content);
            }
            Ok((ssrcs.len(), GOODBYE))
        }
        Report::Application {
            subtype,
            ssrc,
            name,
            data,
        } => {
            content.extend(ssrc.to_be_bytes());
            content.extend(name);
            content.extend(data);
            Ok((usize::from(*subtype), APPLICATION))
        }
        Report::Feedback {
            layer,
            format,
            sender,
            media,
            information,
        } => {
            content.extend(sender.to_be_bytes());
            content.extend(media.to_be_bytes());
            content.extend(information);
            let packet_type = match layer {
                FeedbackLayer::Transport => TRANSPORT_FEEDBACK,
                FeedbackLayer::Payload => PAYLOAD_FEEDBACK,
            };
            Ok((usize::from(*format), packet_type))
        }
        Report::ExtendedReport { ssrc, blocks } => {
            content.extend(ssrc.to_be_bytes());
            xr::write_blocks(blocks, content)?;
            Ok((0, EXTENDED_REPORT))
        }
        Report::Other { .. } | Report::Malformed { .. } => Err(RtcpError::NotWritable),
    }
}

fn report_blocks(blocks: &[ReportBlock], content: &mut Vec<u8>) -> Result<(), RtcpError> {
    for block in blocks {
        if !(-0x80_0000..=0x7f_ffff).contains(&block.cumulative_lost) {
            return Err(RtcpError::Write(format!(
                "cumulative loss {} exceeds 24 bits",
                block.cumulative_lost
            )));
        }
        let [_, a, b, c] = block.cumulative_lost.to_be_bytes();
        content.extend(block.ssrc.to_be_bytes());
        content.extend([block.fraction_lost, a, b, c]);
        for field in [
            block.extended_sequence,
            block.jitter,
            block.last_sender_report,
            block.delay_since_last_sender_report,
        ] {
            content.extend(field.to_be_bytes());
        }
    }
    Ok(())
}

/// A length octet and that many octets of text.
fn text(value: &str, content: &mut Vec<u8>) -> Result<(), RtcpError> {
    let length = u8::try_from(value.len())
        .map_err(|_| RtcpError::Write(format!("text of {} octets exceeds 255", value.len())))?;
    content.push(length);
    content.extend(value.as_bytes());
    Ok(())
}

fn pad(content: &mut Vec<u8>) {
    content.resize(content.len().next_multiple_of(4), 0);
}
