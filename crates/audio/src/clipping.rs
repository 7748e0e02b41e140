//! Clipping: runs of samples at the rail, found while the samples stream by.

/// From here up a flat top is clipping. The lowest overload point among the codecs is that of mu-law, 32124 of 32768.
pub(crate) const RAIL: f32 = 32124.0 / 32768.0;
/// Full scale of 16-bit samples: here a run need not be flat, as the sample after an overload may differ by one.
const FULL_SCALE: f32 = 32767.0 / 32768.0;
/// Shortest run that counts: one or two samples at the rail may be a legitimate peak.
pub const SHORTEST_RUN: u64 = 3;

/// What of a recording is clipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clipping {
    /// Runs of at least [`SHORTEST_RUN`] samples of one sign at the rail.
    pub runs: u64,
    /// Samples in these runs.
    pub samples: u64,
    /// Samples of the longest run.
    pub longest: u64,
    /// Sample at which the first of these runs begins.
    pub first: Option<u64>,
}

impl Clipping {
    /// Runs in five minutes, the unit in which field telemetry states its clip rate (MS-QoE 2.2.1.28), for a
    /// recording of `seconds`; 0 for no time.
    #[must_use]
    pub fn per_five_minutes(&self, seconds: f64) -> f64 {
        if seconds > 0.0 {
            self.runs as f64 * 300.0 / seconds
        } else {
            0.0
        }
    }
}

/// Finds clipping in samples that come piece by piece.
#[derive(Debug, Clone)]
pub(crate) struct ClippingMeter {
    shortest: u64,
    position: u64,
    length: u64,
    last: f32,
    found: Clipping,
}

impl ClippingMeter {
    pub(crate) fn new(shortest: u64) -> Self {
        Self {
            shortest: shortest.max(1),
            position: 0,
            length: 0,
            last: 0.0,
            found: Clipping::default(),
        }
    }

    /// The next samples, every one looked at.
    pub(crate) fn push(&mut self, samples: impl Iterator<Item = f32>) {
        for sample in samples {
            if sample.abs() >= RAIL {
                let goes_on = self.length > 0
                    && sample.signum() == self.last.signum()
                    && (sample == self.last || (sample.abs() >= FULL_SCALE && self.last.abs() >= FULL_SCALE));
                self.length = if goes_on { self.length + 1 } else { 1 };
                self.count();
            } else {
                self.length = 0;
            }
            self.last = sample;
            self.position += 1;
        }
    }

    /// The next `count` samples, none of which is at the rail.
    pub(crate) fn pass(&mut self, count: u64) {
        self.length = 0;
        self.position += count;
    }

    fn count(&mut self) {
        if self.length < self.shortest {
            return;
        }
        if self.length == self.shortest {
            self.found.runs += 1;
            self.found.samples += self.length;
            self.found
                .first
                .get_or_insert_with(|| (self.position + 1).saturating_sub(self.length));
        } else {
            self.found.samples += 1;
        }
        self.found.longest = self.found.longest.max(self.length);
    }

    pub(crate) fn finish(&self) -> Clipping {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clipping(samples: &[f32]) -> Clipping {
        let mut meter = ClippingMeter::new(SHORTEST_RUN);
        meter.push(samples.iter().copied());
        meter.finish()
    }

    #[test]
    fn runs_are_counted_with_place_and_length() {
        let samples = [
            0.0, 1.0, 1.0, 0.0, -1.0, -1.0, -1.0, -1.0, 0.5, 0.99, 0.99, 0.99, 0.0,
        ];
        assert_eq!(
            clipping(&samples),
            Clipping {
                runs: 2,
                samples: 7,
                longest: 4,
                first: Some(4)
            }
        );
    }

    #[test]
    fn a_change_of_sign_or_of_value_below_full_scale_ends_a_run() {
        assert_eq!(clipping(&[1.0, 1.0, -1.0, -1.0]).runs, 0);
        assert_eq!(clipping(&[0.99, 0.985, 0.99, 0.985]).runs, 0);
        assert_eq!(clipping(&[1.0, FULL_SCALE, 1.0]).runs, 1);
    }

    #[test]
    fn the_rate_is_for_five_minutes() {
        let found = clipping(&[1.0; 4]);
        assert_eq!(found.per_five_minutes(60.0), 5.0);
        assert_eq!(found.per_five_minutes(0.0), 0.0);
    }
}
