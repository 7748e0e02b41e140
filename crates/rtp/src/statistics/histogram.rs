//! Counts of intervals and of lengths, of constant size.

/// Bins of 1 ms of an interval histogram.
const BINS: usize = 100;
/// Lengths that are counted one by one.
const LENGTHS: usize = 32;

/// Times between packets in bins of one millisecond, with their moments.
#[derive(Debug, Clone, PartialEq)]
pub struct IntervalHistogram {
    /// Bin `n` counts intervals from `n` ms up to, but not including, `n + 1` ms.
    pub bins: [u32; BINS],
    /// Intervals of 100 ms and more.
    pub overflow: u32,
    count: u64,
    mean: f64,
    /// Sum of squared differences from the mean (Welford).
    squares: f64,
    maximum: f64,
}

impl Default for IntervalHistogram {
    fn default() -> Self {
        Self {
            bins: [0; BINS],
            overflow: 0,
            count: 0,
            mean: 0.0,
            squares: 0.0,
            maximum: 0.0,
        }
    }
}

impl IntervalHistogram {
    pub(super) fn add(&mut self, interval_ms: f64) {
        let place = match self.bins.get_mut(interval_ms.max(0.0) as usize) {
            Some(bin) => bin,
            None => &mut self.overflow,
        };
        *place = place.saturating_add(1);
        self.count += 1;
        let before = interval_ms - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (interval_ms - self.mean);
        self.maximum = self.maximum.max(interval_ms);
    }

    /// Number of intervals.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Mean in ms, 0 without an interval.
    #[must_use]
    pub const fn mean_ms(&self) -> f64 {
        self.mean
    }

    /// Standard deviation in ms, 0 without an interval.
    #[must_use]
    pub fn deviation_ms(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            (self.squares / self.count as f64).sqrt()
        }
    }

    /// Longest interval in ms.
    #[must_use]
    pub const fn maximum_ms(&self) -> f64 {
        self.maximum
    }

    /// Upper edge, in ms, of the bin in which the percentile (0..=100) lies, by nearest rank; at most 1 ms above the exact one, and the
    /// longest interval where it lies in the overflow.
    #[must_use]
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        let rank = (self.count as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut below = 0;
        for (upper, &bin) in (1u32..).zip(&self.bins) {
            below += u64::from(bin);
            if below >= rank {
                return f64::from(upper).min(self.maximum);
            }
        }
        self.maximum
    }
}

/// Times between the packets of a flow, in ms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intervals {
    /// Counts in bins of one millisecond.
    pub histogram: IntervalHistogram,
    /// Standard deviation.
    pub deviation_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
}

impl Intervals {
    /// Percentiles from the values themselves.
    pub(super) fn exact(mut intervals_ms: Vec<f64>) -> Self {
        let mut histogram = IntervalHistogram::default();
        for &interval in &intervals_ms {
            histogram.add(interval);
        }
        intervals_ms.sort_by(f64::total_cmp);
        let percentile = |share: f64| {
            // nearest rank
            let rank = (intervals_ms.len() as f64 * share).ceil() as usize;
            intervals_ms.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
        };
        Self {
            deviation_ms: histogram.deviation_ms(),
            p50_ms: percentile(0.5),
            p95_ms: percentile(0.95),
            p99_ms: percentile(0.99),
            histogram,
        }
    }

    /// Percentiles to the next millisecond, from the bins.
    pub(super) fn binned(histogram: IntervalHistogram) -> Self {
        Self {
            deviation_ms: histogram.deviation_ms(),
            p50_ms: histogram.percentile_ms(50.0),
            p95_ms: histogram.percentile_ms(95.0),
            p99_ms: histogram.percentile_ms(99.0),
            histogram,
        }
    }
}

/// How often each length occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LengthHistogram {
    /// `counts[n]` counts the length `n + 1`.
    pub counts: [u32; LENGTHS],
    /// Lengths above 32.
    pub longer: u32,
    /// Greatest length.
    pub longest: u32,
}

impl LengthHistogram {
    /// Counts a length; a length of 0 is none.
    pub(super) fn add(&mut self, length: u64) {
        let Some(index) = length.checked_sub(1) else {
            return;
        };
        let place = usize::try_from(index)
            .ok()
            .and_then(|index| self.counts.get_mut(index));
        let place = match place {
            Some(count) => count,
            None => &mut self.longer,
        };
        *place = place.saturating_add(1);
        self.longest = self.longest.max(u32::try_from(length).unwrap_or(u32::MAX));
    }

    /// How many lengths were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum::<u64>() + u64::from(self.longer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_percentiles_of_known_values() {
        let values: Vec<f64> = (0..100).map(|n| f64::from(n % 4) * 10.0).collect();
        let exact = Intervals::exact(values);
        assert_eq!((exact.p50_ms, exact.p95_ms, exact.p99_ms), (10.0, 30.0, 30.0));
        assert!((exact.histogram.mean_ms() - 15.0).abs() < 1e-12);
        // variance of 0, 10, 20, 30 is 125
        assert!((exact.deviation_ms - 125f64.sqrt()).abs() < 1e-9);
        let binned = Intervals::binned(exact.histogram.clone());
        assert_eq!((binned.p50_ms, binned.p99_ms), (11.0, 30.0));
        assert_eq!(exact.histogram.bins[20], 25);
    }

    #[test]
    fn what_is_beyond_the_bins_overflows() {
        let mut histogram = IntervalHistogram::default();
        histogram.add(99.999);
        histogram.add(100.0);
        assert_eq!((histogram.bins[99], histogram.overflow), (1, 1));
        let mut lengths = LengthHistogram::default();
        for length in [0, 1, 32, 33, 1 << 40] {
            lengths.add(length);
        }
        assert_eq!((lengths.counts[0], lengths.counts[31], lengths.longer), (1, 1, 2));
        assert_eq!((lengths.total(), lengths.longest), (4, u32::MAX));
    }
}
