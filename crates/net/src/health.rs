//! How well the lab itself kept its own time: a case whose harness was late is inconclusive, never failed.

use std::time::Duration;

/// The health of a media port since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaHealth {
    /// The longest time from a tick's deadline to its sending.
    pub max_send_lag: Duration,
    /// The 99th percentile of that time, rounded up by at most 12.5 %.
    pub p99_send_lag: Duration,
    /// Ticks done.
    pub ticks: u64,
    /// Datagrams the kernel dropped because the receive buffer was full.
    pub socket_drops: u64,
    /// Datagrams the operating system refused to send.
    pub send_errors: u64,
}

/// Three significant bits a power of two: 61 octaves of 8 buckets cover every u64 of microseconds.
const BUCKETS: usize = 62 * 8;

/// Send lags in buckets of constant relative width, so a day-long call costs no more memory than a short one.
#[derive(Debug)]
pub(crate) struct LagRecord {
    counts: Vec<u64>,
    ticks: u64,
    max: Duration,
    socket_drops: u64,
    send_errors: u64,
}

impl Default for LagRecord {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            ticks: 0,
            max: Duration::ZERO,
            socket_drops: 0,
            send_errors: 0,
        }
    }
}

impl LagRecord {
    pub(crate) fn tick(&mut self, lag: Duration) {
        self.ticks += 1;
        self.max = self.max.max(lag);
        let micros = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(micros)) {
            *count += 1;
        }
    }

    pub(crate) fn set_socket_drops(&mut self, drops: u64) {
        self.socket_drops = self.socket_drops.max(drops);
    }

    pub(crate) fn send_error(&mut self) {
        self.send_errors += 1;
    }

    pub(crate) fn health(&self) -> MediaHealth {
        MediaHealth {
            max_send_lag: self.max,
            p99_send_lag: self.p99(),
            ticks: self.ticks,
            socket_drops: self.socket_drops,
            send_errors: self.send_errors,
        }
    }

    fn p99(&self) -> Duration {
        let wanted = (self.ticks * 99).div_ceil(100);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return Duration::from_micros(upper_bound(index)).min(self.max);
            }
        }
        self.max
    }
}

fn bucket(micros: u64) -> usize {
    if micros < 8 {
        return micros as usize;
    }
    let octave = 63 - micros.leading_zeros(); // at least 3
    let step = (micros >> (octave - 3)) & 7;
    (octave as usize - 2) * 8 + step as usize
}

fn upper_bound(index: usize) -> u64 {
    if index < 8 {
        return index as u64;
    }
    let octave = (index / 8 + 2) as u32;
    let step = (index % 8) as u64;
    let width = 1u64 << (octave - 3);
    ((8 + step) * width).saturating_add(width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lag_lies_in_a_bucket_no_more_than_an_eighth_wide() {
        for micros in (0..10_000).chain([65_535, 65_536, 1 << 40, u64::MAX]) {
            let index = bucket(micros);
            assert!(index < BUCKETS, "{micros}");
            let bound = upper_bound(index);
            assert!(bound >= micros, "{micros} {bound}");
            assert!(bound - micros <= micros / 8, "{micros} {bound}");
        }
    }

    #[test]
    fn p99_leaves_out_the_worst_hundredth() {
        let mut record = LagRecord::default();
        for _ in 0..99 {
            record.tick(Duration::from_micros(40));
        }
        record.tick(Duration::from_millis(25));
        let health = record.health();
        assert_eq!(health.max_send_lag, Duration::from_millis(25));
        assert!(
            health.p99_send_lag >= Duration::from_micros(40)
                && health.p99_send_lag <= Duration::from_micros(45)
        );
        assert_eq!(LagRecord::default().health(), MediaHealth::default());
    }
}
