//! The transmission interval (RFC 3550 6.2, 6.3).

use std::time::Duration;

use super::{LOWER_LAYERS, SessionConfig};
use crate::random::Random;

/// Share of the session bandwidth that is for RTCP (RFC 3550 6.2).
const RTCP_SHARE: f64 = 0.05;
/// Share of it that is for senders while they are at most as many (RFC 3550 6.2).
const SENDER_SHARE: f64 = 0.25;
/// Minimum interval in s (RFC 3550 6.2).
const MINIMUM_S: f64 = 5.0;
/// Timer reconsideration makes the average interval shorter; this makes up for it: e - 3/2 (RFC 3550 6.3.1).
const COMPENSATION: f64 = 1.21828;
/// Size that is assumed before the first packet: SR with a block, SDES, and the lower layers.
const FIRST_SIZE: f64 = 52.0 + 32.0 + LOWER_LAYERS as f64;

/// When the next report is due.
#[derive(Debug, Clone)]
pub(super) struct Timing {
    random: Random,
    /// RTCP bandwidth in octets per second.
    bandwidth: f64,
    minimum_s: f64,
    average_size: f64,
    initial: bool,
    previous: Duration,
    next: Duration,
    /// Members when `next` was computed.
    members: usize,
    /// Interval drawn last.
    current: Duration,
}

impl Timing {
    pub(super) fn new(config: &SessionConfig, now: Duration) -> Self {
        let session = f64::from(config.bandwidth.max(1));
        let minimum_s = if config.reduced_minimum {
            (360.0 / (session / 1000.0)).min(MINIMUM_S)
        } else {
            MINIMUM_S
        };
        let mut timing = Self {
            random: Random::new(config.seed),
            bandwidth: session * RTCP_SHARE / 8.0,
            minimum_s,
            average_size: FIRST_SIZE,
            initial: true,
            previous: now,
            next: now,
            members: 1,
            current: Duration::ZERO,
        };
        timing.current = timing.drawn(1, 0, false);
        timing.next = now.saturating_add(timing.current);
        timing
    }

    pub(super) const fn next(&self) -> Duration {
        self.next
    }

    pub(super) const fn current(&self) -> Duration {
        self.current
    }

    /// The interval without its random factor (RFC 3550 6.3.1, Td).
    pub(super) fn deterministic(&self, members: usize, senders: usize, sender: bool) -> Duration {
        let (members, senders) = (members as f64, senders as f64);
        let (count, share) = if senders > members * SENDER_SHARE {
            (members, 1.0)
        } else if sender {
            (senders, SENDER_SHARE)
        } else {
            (members - senders, 1.0 - SENDER_SHARE)
        };
        let minimum_s = if self.initial {
            self.minimum_s / 2.0
        } else {
            self.minimum_s
        };
        let by_bandwidth = count * self.average_size / (self.bandwidth * share);
        // a bandwidth of a few bit/s would give centuries
        Duration::from_secs_f64(by_bandwidth.max(minimum_s).min(1e6))
    }

    /// The interval with its random factor (RFC 3550 6.3.1, T).
    fn drawn(&mut self, members: usize, senders: usize, sender: bool) -> Duration {
        let factor = (0.5 + self.random.unit()) / COMPENSATION;
        self.deterministic(members, senders, sender).mul_f64(factor)
    }

    /// Takes the size of a packet into the average (RFC 3550 6.3.3).
    pub(super) fn noted(&mut self, size: usize) {
        self.average_size += (size as f64 - self.average_size) / 16.0;
    }

    /// The timer has run out: whether to send, or else the next time is set (RFC 3550 6.3.6).
    pub(super) fn expired(&mut self, now: Duration, members: usize, senders: usize, sender: bool) -> bool {
        self.current = self.drawn(members, senders, sender);
        self.members = members;
        let due = self.previous.saturating_add(self.current);
        if due <= now {
            return true;
        }
        self.next = due;
        false
    }

    /// A packet was sent.
    pub(super) fn transmitted(
        &mut self,
        now: Duration,
        size: usize,
        members: usize,
        senders: usize,
        sender: bool,
    ) {
        self.noted(size);
        self.initial = false;
        self.previous = now;
        self.current = self.drawn(members, senders, sender);
        self.next = now.saturating_add(self.current);
        self.members = members;
    }

    /// Members have left: reverse reconsideration (RFC 3550 6.3.4).
    pub(super) fn left(&mut self, now: Duration, members: usize) {
        if members < self.members {
            let share = members as f64 / self.members as f64;
            self.next = now.saturating_add(self.next.saturating_sub(now).mul_f64(share));
            self.previous = now.saturating_sub(now.saturating_sub(self.previous).mul_f64(share));
            self.members = members;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(bandwidth: u32, reduced_minimum: bool) -> Timing {
        let config = SessionConfig {
            bandwidth,
            reduced_minimum,
            ..SessionConfig::new(1, "a", 0, 5)
        };
        Timing::new(&config, Duration::ZERO)
    }

    #[test]
    fn the_first_interval_is_half_the_minimum() {
        let mut timing = timing(160_000, false);
        assert_eq!(timing.deterministic(2, 2, true), Duration::from_millis(2500));
        timing.transmitted(Duration::from_secs(2), 100, 2, 2, true);
        assert_eq!(timing.deterministic(2, 2, true), Duration::from_secs(5));
        // 360 / 160 kbit/s
        let mut reduced = self::timing(160_000, true);
        reduced.transmitted(Duration::from_secs(2), 100, 2, 2, true);
        assert_eq!(reduced.deterministic(2, 2, true), Duration::from_millis(2250));
    }

    #[test]
    fn many_members_share_the_bandwidth() {
        let mut timing = timing(64_000, false);
        timing.initial = false;
        timing.average_size = 100.0;
        // 64 kbit/s give 400 octets/s of RTCP; a hundred receivers of one sender share three quarters
        assert_eq!(
            timing.deterministic(101, 1, false),
            Duration::from_secs_f64(100.0 * 100.0 / 300.0)
        );
        assert_eq!(timing.deterministic(101, 1, true), Duration::from_secs(5));
        // with more than a quarter of senders all are equal
        assert_eq!(timing.deterministic(100, 50, true), Duration::from_secs(25));
    }

    #[test]
    fn intervals_stay_within_the_random_range() {
        let mut timing = timing(160_000, false);
        timing.initial = false;
        let drawn: Vec<f64> = (0..2000)
            .map(|_| timing.drawn(2, 2, true).as_secs_f64())
            .collect();
        let (low, high) = (2.5 / COMPENSATION, 7.5 / COMPENSATION);
        assert!(drawn.iter().all(|t| (low..=high).contains(t)));
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((mean - 5.0 / COMPENSATION).abs() < 0.1, "{mean}");
    }

    #[test]
    fn when_members_leave_the_next_report_comes_sooner() {
        let mut timing = timing(160_000, false);
        timing.members = 10;
        timing.next = Duration::from_secs(30);
        timing.previous = Duration::ZERO;
        timing.left(Duration::from_secs(10), 5);
        assert_eq!(
            (timing.next, timing.previous),
            (Duration::from_secs(20), Duration::from_secs(5))
        );
    }
}
