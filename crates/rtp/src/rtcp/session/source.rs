//! One remote source: what was heard of it and what is reported on it.

use std::time::Duration;

use super::SessionConfig;
use crate::packet::Packet;
use crate::rtcp::ReportBlock;
use crate::rtcp::xr::{HopLimit, Spread, StatisticsSummary};
use crate::statistics::RunningStatistics;

/// Transit differences since the last report (RFC 3611 4.6.2).
#[derive(Debug, Clone, Copy, Default)]
struct Differences {
    count: u64,
    mean: f64,
    squares: f64,
    minimum: f64,
    maximum: f64,
}

impl Differences {
    fn add(&mut self, value: f64) {
        self.minimum = if self.count == 0 {
            value
        } else {
            self.minimum.min(value)
        };
        self.maximum = self.maximum.max(value);
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }
}

#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) ssrc: u32,
    pub(super) statistics: Box<RunningStatistics>,
    pub(super) cname: Option<String>,
    /// Anything was heard.
    pub(super) heard_at: Duration,
    /// RTP or a sender report was heard.
    pub(super) sent_at: Option<Duration>,
    /// Middle of the NTP timestamp and arrival of its last sender report.
    pub(super) last_sender_report: Option<(u32, Duration)>,
    /// The same of its last receiver reference time.
    pub(super) last_reference_time: Option<(u32, Duration)>,
    pub(super) round_trip: Option<Duration>,
    /// RTP arrived since the last report of ours.
    pub(super) fresh: bool,
    clock: f64,
    /// Expected, received, lost and duplicates at the last report.
    prior: (u64, u64, u64, u64),
    /// Sequence number after the last one that was reported on.
    begin: Option<u16>,
    differences: Differences,
}

impl Source {
    pub(super) fn new(ssrc: u32, now: Duration, config: &SessionConfig) -> Self {
        Self {
            ssrc,
            statistics: Box::new(RunningStatistics::new(
                config.clock_rate,
                &config.telephone_event_pts,
                Some(config.jitter_buffer),
            )),
            cname: None,
            heard_at: now,
            sent_at: None,
            last_sender_report: None,
            last_reference_time: None,
            round_trip: None,
            fresh: false,
            clock: f64::from(config.clock_rate.max(1)),
            prior: (0, 0, 0, 0),
            begin: None,
            differences: Differences::default(),
        }
    }

    pub(super) fn received(&mut self, now: Duration, packet: &Packet<'_>, dscp: Option<u8>) {
        self.heard_at = now;
        self.sent_at = Some(now);
        self.fresh = true;
        self.begin.get_or_insert(packet.sequence);
        self.statistics.observe(now, packet, dscp);
        if let Some(difference) = self.statistics.transit_difference_s() {
            self.differences.add(difference.abs() * self.clock);
        }
    }

    /// The report block of what arrived so far (RFC 3550 6.4.1, A.3), without the quoted sender report.
    pub(super) fn block(&self) -> ReportBlock {
        let (expected, _) = self.statistics.expected_and_lost();
        let received = self.statistics.packets();
        let expected_interval = expected.saturating_sub(self.prior.0);
        let received_interval = received.saturating_sub(self.prior.1);
        let lost_interval = expected_interval.saturating_sub(received_interval);
        let fraction = (lost_interval * 256).checked_div(expected_interval).unwrap_or(0);
        // duplicates count as received, so this may be negative (RFC 3550 6.4.1)
        let cumulative = i128::from(expected) - i128::from(received);
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: i32::try_from(cumulative.clamp(-0x80_0000, 0x7f_ffff)).unwrap_or(0),
            extended_sequence: self.statistics.extended_highest().unwrap_or(0),
            jitter: (self.statistics.jitter_s() * self.clock) as u32,
            last_sender_report: 0,
            delay_since_last_sender_report: 0,
        }
    }

    /// The statistics summary of the time since the last report (RFC 3611 4.6).
    pub(super) fn summary(&self) -> StatisticsSummary {
        let (_, lost) = self.statistics.expected_and_lost();
        let duplicates = self.statistics.duplicates();
        // whole clock units; a late packet that fills an earlier loss makes the count smaller again
        let units = |value: f64| value as u32;
        let interval = |now: u64, then: u64| u32::try_from(now.saturating_sub(then)).unwrap_or(u32::MAX);
        let highest = self.statistics.extended_highest().unwrap_or(0) as u16;
        let differences = &self.differences;
        StatisticsSummary {
            ssrc: self.ssrc,
            begin: self.begin.unwrap_or(highest),
            end: highest.wrapping_add(1),
            lost: Some(interval(lost, self.prior.2)),
            duplicates: Some(interval(duplicates, self.prior.3)),
            jitter: (differences.count > 0).then(|| Spread {
                minimum: units(differences.minimum),
                maximum: units(differences.maximum),
                mean: units(differences.mean),
                deviation: units((differences.squares / differences.count as f64).sqrt()),
            }),
            hop_limit: HopLimit::None,
            hops: Spread::default(),
        }
    }

    /// A report on the source was made.
    pub(super) fn reported(&mut self) {
        let (expected, lost) = self.statistics.expected_and_lost();
        self.prior = (
            expected,
            self.statistics.packets(),
            lost,
            self.statistics.duplicates(),
        );
        self.begin = self
            .statistics
            .extended_highest()
            .map(|highest| (highest as u16).wrapping_add(1));
        self.differences = Differences::default();
        self.fresh = false;
    }
}
