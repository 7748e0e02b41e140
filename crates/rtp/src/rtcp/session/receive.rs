//! Taking in what the far end reports.

use std::time::Duration;

use super::ntp::{ntp_at, short_duration};
use super::{Event, LOWER_LAYERS, Session};
use crate::rtcp::xr::{Block, DelaySinceLastReceiverReport};
use crate::rtcp::{Report, ReportBlock, inspect, ntp_middle, parse};

impl Session {
    /// Takes a received RTCP datagram and tells what it says, findings of [`inspect`] first.
    pub fn received_rtcp(&mut self, now: Duration, bytes: &[u8]) -> Vec<Event> {
        let mut events: Vec<Event> = inspect(bytes, self.config.profile)
            .into_iter()
            .map(Event::Finding)
            .collect();
        let Ok(reports) = parse(bytes) else {
            return events;
        };
        self.timing.noted(bytes.len() + LOWER_LAYERS);
        for report in reports {
            self.report(now, report, &mut events);
        }
        events
    }

    fn report(&mut self, now: Duration, report: Report, events: &mut Vec<Event>) {
        match report {
            Report::SenderReport {
                ssrc,
                ntp,
                rtp_timestamp,
                packets,
                octets,
                blocks,
            } => {
                if !self.heard(ssrc, now, events) {
                    return;
                }
                if let Some(source) = self.find(ssrc) {
                    source.last_sender_report = Some((ntp_middle(ntp), now));
                    source.sent_at = Some(now);
                }
                events.push(Event::SenderReport {
                    ssrc,
                    ntp,
                    rtp_timestamp,
                    packets,
                    octets,
                });
                self.blocks(now, ssrc, &blocks, events);
            }
            Report::ReceiverReport { ssrc, blocks } => {
                if self.heard(ssrc, now, events) {
                    self.blocks(now, ssrc, &blocks, events);
                }
            }
            Report::Sdes { ssrc, cname } => {
                if !self.heard(ssrc, now, events) {
                    return;
                }
                let Some(source) = self.find(ssrc) else { return };
                if cname.is_some() && source.cname != cname {
                    source.cname = cname.clone();
                    events.extend(cname.map(|cname| Event::Named { ssrc, cname }));
                }
            }
            Report::Bye { ssrcs, reason } => {
                for ssrc in ssrcs {
                    let known = self.sources.len();
                    self.sources.retain(|source| source.ssrc != ssrc);
                    if self.sources.len() < known {
                        self.timing.left(now, self.sources.len() + 1);
                    }
                    events.push(Event::Left {
                        ssrc,
                        reason: reason.clone(),
                    });
                }
            }
            Report::ExtendedReport { ssrc, blocks } => {
                if self.heard(ssrc, now, events) {
                    for block in blocks {
                        self.extended(now, ssrc, block, events);
                    }
                }
            }
            Report::Feedback {
                layer,
                format,
                sender,
                media,
                ..
            } => events.push(Event::Feedback {
                layer,
                format,
                sender,
                media,
            }),
            Report::Application { .. } | Report::Other { .. } | Report::Malformed { .. } => {}
        }
    }

    fn blocks(&mut self, now: Duration, reporter: u32, blocks: &[ReportBlock], events: &mut Vec<Event>) {
        for block in blocks {
            let round_trip = (block.ssrc == self.config.ssrc)
                .then(|| {
                    self.round_trip_of(
                        now,
                        block.last_sender_report,
                        block.delay_since_last_sender_report,
                    )
                })
                .flatten();
            if let (Some(round_trip), Some(source)) = (round_trip, self.find(reporter)) {
                source.round_trip = Some(round_trip);
            }
            let clock = f64::from(self.config.clock_rate.max(1));
            events.push(Event::Reception {
                reporter,
                block: *block,
                fraction_lost: f64::from(block.fraction_lost) / 256.0,
                jitter: Duration::from_secs_f64(f64::from(block.jitter) / clock),
                round_trip,
            });
        }
    }

    fn extended(&mut self, now: Duration, reporter: u32, block: Block, events: &mut Vec<Event>) {
        match block {
            Block::ReceiverReferenceTime { ntp } => {
                if let Some(source) = self.find(reporter) {
                    source.last_reference_time = Some((ntp_middle(ntp), now));
                }
            }
            Block::DelaySinceLast(reports) => {
                for DelaySinceLastReceiverReport { ssrc, last, delay } in reports {
                    if ssrc != self.config.ssrc {
                        continue;
                    }
                    let Some(round_trip) = self.round_trip_of(now, last, delay) else {
                        continue;
                    };
                    if let Some(source) = self.find(reporter) {
                        source.round_trip = Some(round_trip);
                    }
                    events.push(Event::RoundTrip { reporter, round_trip });
                }
            }
            Block::VoipMetrics(metrics) => events.push(Event::VoipMetrics { reporter, metrics }),
            Block::StatisticsSummary(summary) => events.push(Event::StatisticsSummary { reporter, summary }),
            other => events.push(Event::ExtendedBlock {
                reporter,
                block: other,
            }),
        }
    }

    /// Round trip from a quoted timestamp and the delay at the far end (RFC 3550 6.4.1), `None` without a quoted
    /// timestamp and for a delay longer than the time since.
    fn round_trip_of(&self, now: Duration, last: u32, delay: u32) -> Option<Duration> {
        if last == 0 {
            return None;
        }
        let units = ntp_middle(ntp_at(self.config.ntp_epoch, now))
            .wrapping_sub(last)
            .wrapping_sub(delay);
        // the clock has a resolution of 15 us: one unit below zero is rounding
        match units.cast_signed() {
            -1 => Some(Duration::ZERO),
            negative if negative < 0 => None,
            _ => Some(short_duration(units)),
        }
    }
}
