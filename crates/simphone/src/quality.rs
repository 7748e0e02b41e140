//! The report of a call's quality when it has ended (RFC 6035).

use std::time::Duration;

use voxproof_rtp::quality::{Equipment, Playout, voip_metrics};
use voxproof_sip::Builder;
use voxproof_sip::event::QualityReport;

use crate::call::{Call, OpenMedia};
use crate::media::{JITTER_BUFFER, lock};
use crate::phone::{Phone, Purpose, USER_AGENT};
use crate::{AudioCodec, Fault};

impl Phone {
    /// Sends the report of a call that was up, from the statistics of what was received in it.
    pub(crate) fn report_quality(&mut self, now: Duration, call: &Call, open: &OpenMedia) {
        let Some(collector) = self.config.quality_collector.clone() else {
            return;
        };
        let (Some(dialog), false) = (&call.dialog, self.has(Fault::QualityReportMissing)) else {
            return;
        };
        let Ok(target) = self.target(&collector) else {
            return;
        };
        let (measured, ssrc) = {
            let media = lock(&open.media);
            (media.summary(), media.ssrc())
        };
        let Some((summary, codec)) = measured.filter(|(summary, _)| summary.packets > 0) else {
            return;
        };
        let remote = summary.ssrc.unwrap_or_default();
        let playout = Playout {
            equipment: matches!(codec, AudioCodec::Pcmu | AudioCodec::Pcma).then_some(Equipment::G711),
            jitter_buffer: JITTER_BUFFER,
            round_trip: None,
            codec_delay: Duration::ZERO,
        };
        let metrics = voip_metrics(remote, &summary, codec.clock_rate(), &playout);
        let mut report = QualityReport::call_term(&dialog.call_id, &dialog.local_uri, &dialog.remote_uri);
        let percent = |count: u64| {
            let share = count as f64 * 100.0 / summary.expected.max(1) as f64;
            format!("{share:.1}")
        };
        let local = open.port.local_addr();
        let figures = &mut report.local;
        figures.set("SessionDesc", "PT", codec.payload_type());
        figures.set("SessionDesc", "PD", codec.encoding());
        figures.set("SessionDesc", "SR", codec.clock_rate());
        figures.set("JitterBuffer", "JBN", JITTER_BUFFER.as_millis());
        figures.set("PacketLoss", "NLR", percent(summary.lost));
        figures.set("PacketLoss", "JDR", percent(summary.discarded));
        figures.set("Delay", "IAJ", format!("{:.1}", summary.jitter_ms));
        if let (Some(rating), Some(listening)) = (metrics.r_factor, metrics.mos_lq) {
            figures.set("QualityEst", "RLQ", rating);
            figures.set(
                "QualityEst",
                "MOSLQ",
                format!("{:.1}", f64::from(listening) / 10.0),
            );
        }
        let mut line = |name: &str, value: String| report.headers.push((name.to_owned(), value));
        line("OrigID", dialog.local_uri.clone());
        line(
            "LocalAddr",
            format!("IP={} PORT={} SSRC=0x{ssrc:x}", local.ip(), local.port()),
        );
        if let Some(peer) = call.session.as_ref().and_then(|session| session.peer()) {
            line(
                "RemoteAddr",
                format!("IP={} PORT={} SSRC=0x{remote:x}", peer.ip(), peer.port()),
            );
        }
        let uri = target.to_request_uri();
        let (routes, destination) = self.way_out();
        let mut builder = Builder::request("PUBLISH", &uri).header("Via", self.via());
        for route in &routes {
            builder = builder.header("Route", route);
        }
        let bytes = builder
            .header("Max-Forwards", "70")
            .header(
                "From",
                format!("<{}>;tag={}", self.address_of_record(), self.ids.tag()),
            )
            .header("To", format!("<{uri}>"))
            .header("Call-ID", self.ids.call_id(&self.contact.ip().to_string()))
            .header("CSeq", "1 PUBLISH")
            .header("Event", "vq-rtcpxr")
            .header("User-Agent", USER_AGENT)
            .body(QualityReport::MEDIA_TYPE, report.to_string())
            .build();
        self.request(now, bytes, destination, Purpose::Publish, Vec::new());
    }
}
