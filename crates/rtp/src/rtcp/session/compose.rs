//! The compound packet of a report.

use std::time::Duration;

use super::ntp::ntp_at;
use super::{Session, Source};
use crate::quality::{Playout, voip_metrics};
use crate::rtcp::xr::{Block, DelaySinceLastReceiverReport};
use crate::rtcp::{Report, build};

/// Longest text of an SDES item or of a reason (RFC 3550 6.5).
const LONGEST_TEXT: usize = 255;

/// Cuts a text to what its field holds, between characters.
fn cut(text: &str) -> String {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

impl Session {
    /// SR or RR, SDES, XR where asked for, and BYE when leaving.
    pub(super) fn compose(&mut self, now: Duration, leaving: Option<Option<&str>>) -> Vec<u8> {
        let ssrc = self.config.ssrc;
        let ntp = ntp_at(self.config.ntp_epoch, now);
        // sources heard since the last report; 31 fit into the count (RFC 3550 6.4)
        let blocks = self
            .sources
            .iter()
            .filter(|source| source.fresh)
            .take(31)
            .map(|source| {
                let (last, delay) = Self::since(now, source.last_sender_report);
                let mut block = source.block();
                block.last_sender_report = last;
                block.delay_since_last_sender_report = delay;
                block
            })
            .collect();
        let sent = self.sent.filter(|_| self.is_sender(now));
        let mut reports = vec![match sent {
            Some(sent) => Report::SenderReport {
                ssrc,
                ntp,
                rtp_timestamp: sent.timestamp.wrapping_add(
                    (now.saturating_sub(sent.at).as_secs_f64() * f64::from(self.config.clock_rate)) as u32,
                ),
                packets: sent.packets,
                octets: sent.octets,
                blocks,
            },
            None => Report::ReceiverReport { ssrc, blocks },
        }];
        reports.push(Report::Sdes {
            ssrc,
            cname: Some(cut(&self.config.cname)),
        });
        let blocks = self.extended_blocks(now, ntp);
        if !blocks.is_empty() {
            reports.push(Report::ExtendedReport { ssrc, blocks });
        }
        if let Some(reason) = leaving {
            reports.push(Report::Bye {
                ssrcs: vec![ssrc],
                reason: reason.map(cut),
            });
        }
        for source in self.sources.iter_mut().filter(|source| source.fresh).take(31) {
            source.reported();
        }
        build(&reports).expect("at most 31 blocks, 32 sources and texts cut to 255 octets fit their fields")
    }

    fn extended_blocks(&self, now: Duration, ntp: u64) -> Vec<Block> {
        let wanted = self.config.extended_reports;
        let mut blocks = Vec::new();
        if wanted.receiver_reference_time {
            blocks.push(Block::ReceiverReferenceTime { ntp });
        }
        if wanted.delay_since_last {
            let answers: Vec<DelaySinceLastReceiverReport> = self
                .sources
                .iter()
                .filter(|source| source.last_reference_time.is_some())
                .map(|source| {
                    let (last, delay) = Self::since(now, source.last_reference_time);
                    DelaySinceLastReceiverReport {
                        ssrc: source.ssrc,
                        last,
                        delay,
                    }
                })
                .collect();
            if !answers.is_empty() {
                blocks.push(Block::DelaySinceLast(answers));
            }
        }
        for source in self.sources.iter().filter(|source| source.fresh).take(31) {
            if wanted.statistics_summary {
                blocks.push(Block::StatisticsSummary(source.summary()));
            }
            if wanted.voip_metrics {
                blocks.push(Block::VoipMetrics(self.metrics(source)));
            }
        }
        blocks
    }

    fn metrics(&self, source: &Source) -> crate::rtcp::xr::VoipMetrics {
        let playout = Playout {
            equipment: self.config.equipment,
            jitter_buffer: self.config.jitter_buffer,
            round_trip: source.round_trip,
            codec_delay: Duration::ZERO,
        };
        let summary = source.statistics.summary();
        voip_metrics(source.ssrc, &summary, self.config.clock_rate, &playout)
    }
}
