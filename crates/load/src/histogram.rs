//! Durations in buckets of constant relative width: a day of calls costs no more memory than a minute.

use std::time::Duration;

use crate::report::Distribution;

/// Five significant bits a power of two: a bucket is at most 3.2 % wide.
const STEPS: u32 = 5;
const BUCKETS: usize = (64 - STEPS as usize + 1) << STEPS;

/// Counts of durations, in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
    sum: f64,
    squares: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            total: 0,
            max: 0,
            sum: 0.0,
            squares: 0.0,
        }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(nanos)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(nanos);
        let nanos = nanos as f64;
        self.sum += nanos;
        self.squares += nanos * nanos;
    }

    /// The value that this share of all does not exceed, rounded up to the end of its bucket; zero without values.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(upper_bound(index).min(self.max));
            }
        }
        Duration::from_nanos(self.max)
    }

    pub(crate) fn distribution(&self) -> Distribution {
        let millis = |duration: Duration| duration.as_secs_f64() * 1e3;
        let count = self.total as f64;
        let (mean, variance) = if self.total == 0 {
            (0.0, 0.0)
        } else {
            let mean = self.sum / count;
            (mean, (self.squares / count - mean * mean).max(0.0))
        };
        Distribution {
            count: self.total,
            mean_ms: mean / 1e6,
            deviation_ms: variance.sqrt() / 1e6,
            p50_ms: millis(self.quantile(0.5)),
            p90_ms: millis(self.quantile(0.9)),
            p99_ms: millis(self.quantile(0.99)),
            p999_ms: millis(self.quantile(0.999)),
            max_ms: self.max as f64 / 1e6,
        }
    }
}

const fn bucket(nanos: u64) -> usize {
    if nanos < 1 << STEPS {
        return nanos as usize;
    }
    let octave = 63 - nanos.leading_zeros();
    let step = (nanos >> (octave - STEPS)) & ((1 << STEPS) - 1);
    (((octave - STEPS + 1) as usize) << STEPS) + step as usize
}

const fn upper_bound(index: usize) -> u64 {
    if index < 1 << STEPS {
        return index as u64;
    }
    let octave = (index >> STEPS) as u32 + STEPS - 1;
    let step = (index & ((1 << STEPS) - 1)) as u64;
    let width = 1u64 << (octave - STEPS);
    ((1u64 << STEPS) + step)
        .saturating_mul(width)
        .saturating_add(width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_a_narrow_bucket() {
        for nanos in (0..5_000).chain([65_535, 65_536, 1 << 40, u64::MAX / 3, u64::MAX]) {
            let index = bucket(nanos);
            assert!(index < BUCKETS, "{nanos}");
            let bound = upper_bound(index);
            assert!(bound >= nanos && bound - nanos <= nanos / 32, "{nanos} {bound}");
        }
    }

    #[test]
    fn quantiles_and_moments() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.99), Duration::ZERO);
        for _ in 0..99 {
            histogram.record(Duration::from_micros(100));
        }
        histogram.record(Duration::from_millis(50));
        let p99 = histogram.quantile(0.99);
        assert!(
            p99 >= Duration::from_micros(100) && p99 <= Duration::from_micros(104),
            "{p99:?}"
        );
        let distribution = histogram.distribution();
        assert!((distribution.max_ms - 50.0).abs() < 1e-9);
        assert!(
            (distribution.mean_ms - 0.599).abs() < 1e-9,
            "{}",
            distribution.mean_ms
        );
        assert!(
            (distribution.deviation_ms - 4.965).abs() < 0.01,
            "{}",
            distribution.deviation_ms
        );
    }
}
