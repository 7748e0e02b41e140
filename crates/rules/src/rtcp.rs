//! RTCP of the device (RFC 3550 6).

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_rtp::rtcp::{self, Report};

use crate::catalogue::Id;
use crate::ledger::Ledger;
use crate::media::Flow;
use crate::rtp::Datagram;

/// What is remembered of the reports of one stream.
#[derive(Debug, Default)]
pub(crate) struct Control {
    count: u32,
    last_at: Duration,
    last_sender: Option<(u64, u32)>,
}

/// A compound packet to the flow's own port (`shared`) or to the one above.
pub(crate) fn check(
    flow: &mut Flow,
    datagram: &Datagram<'_>,
    shared: bool,
    translated: bool,
    ledger: &mut Ledger,
) {
    let spot = datagram.spot;
    let Some(line) = &flow.line else { return };
    if shared {
        ledger.check(Id::RtcpPort, spot, line.multiplexed, || {
            "RTCP on the RTP port without an agreed rtcp-mux".to_owned()
        });
    } else {
        ledger.check(Id::RtcpPort, spot, true, String::new);
        if let Some(own) = line.device.filter(|_| !translated) {
            let expected = SocketAddr::new(own.ip(), own.port().wrapping_add(1));
            ledger.check(Id::RtcpSource, spot, datagram.source == expected, || {
                format!("RTCP from {}, expected {expected}", datagram.source)
            });
        }
    }
    // SRTCP is encrypted behind the first eight octets
    if line.secure {
        return;
    }
    let reports = match rtcp::parse(datagram.bytes) {
        Ok(reports) => reports,
        Err(error) => {
            ledger.check(Id::RtcpForm, spot, false, || error.to_string());
            return;
        }
    };
    let malformed = reports
        .iter()
        .find(|report| matches!(report, Report::Malformed { .. }));
    ledger.check(Id::RtcpForm, spot, malformed.is_none(), || {
        format!("{malformed:?}")
    });
    let (reduced, feedback) = (line.reduced_size, line.feedback);
    if !reduced {
        let report = matches!(
            reports.first(),
            Some(Report::SenderReport { .. } | Report::ReceiverReport { .. })
        );
        ledger.check(Id::RtcpCompound, spot, report, || {
            "the compound packet does not start with a report".to_owned()
        });
        let named = reports
            .iter()
            .any(|report| matches!(report, Report::Sdes { cname: Some(_), .. }));
        ledger.check(Id::RtcpCname, spot, named, || {
            "no CNAME in the compound packet".to_owned()
        });
    }
    let bye = reports.iter().any(|report| matches!(report, Report::Bye { .. }));
    let control = &mut flow.control;
    if control.count >= 2 && !bye && !feedback && !reduced {
        let interval = spot.at.saturating_sub(control.last_at);
        // 5 s, randomised by half and divided by e - 3/2 (RFC 3550 6.3.1); the first one comes sooner
        ledger.check(
            Id::RtcpInterval,
            spot,
            interval >= Duration::from_millis(1900),
            || {
                format!(
                    "{} ms after the last report, expected at least 2.05 s",
                    interval.as_millis()
                )
            },
        );
    }
    control.count += 1;
    control.last_at = spot.at;
    sources(flow, &reports, datagram, ledger);
}

fn sources(flow: &mut Flow, reports: &[Report], datagram: &Datagram<'_>, ledger: &mut Ledger) {
    let spot = datagram.spot;
    let Some(stream) = &flow.stream else { return };
    match reports.first() {
        Some(&Report::SenderReport {
            ssrc, ntp, packets, ..
        }) => {
            ledger.check(Id::RtcpSsrc, spot, ssrc == stream.ssrc, || {
                format!("report of {ssrc:08x}, the stream is {:08x}", stream.ssrc)
            });
            if let Some((last_ntp, last_packets)) = flow.control.last_sender {
                let forward = ntp >= last_ntp && packets.wrapping_sub(last_packets) < 1 << 31;
                ledger.check(Id::RtcpForward, spot, forward, || {
                    format!("NTP time or packet count {packets} went back from {last_packets}")
                });
            }
            flow.control.last_sender = Some((ntp, packets));
            ledger.check(Id::RtcpSender, spot, true, String::new);
        }
        Some(&Report::ReceiverReport { ssrc, .. }) => {
            ledger.check(Id::RtcpSsrc, spot, ssrc == stream.ssrc, || {
                format!("report of {ssrc:08x}, the stream is {:08x}", stream.ssrc)
            });
            // a source that has sent since the report before last is a sender (RFC 3550 6.4)
            let sending = stream.last_at() + Duration::from_millis(500) > spot.at
                && spot.at.saturating_sub(stream.first_at) > Duration::from_secs(3);
            if sending {
                ledger.check(Id::RtcpSender, spot, false, || {
                    "a receiver report of a source that sends".to_owned()
                });
            }
        }
        _ => {}
    }
}
