//! Clipping: runs of samples at the rail, found while the samples stream by.

use crate::flags::{WORD, flags, neighbour_flags, ones, zeros};
use crate::sample::Linear;

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
    pub(crate) fn push<S: Linear>(&mut self, samples: &[S]) {
        for piece in samples.chunks(WORD) {
            // with the sample before, so that neighbours can be compared
            let mut linear = [0.0; WORD + 1];
            let [before, now @ ..] = &mut linear;
            *before = self.last;
            for (linear, sample) in now.iter_mut().zip(piece) {
                *linear = sample.linear();
            }
            let now = now.get(..piece.len()).unwrap_or_default();
            self.last = now.last().copied().unwrap_or(self.last);
            let count = piece.len() as u32;
            let at_rail = flags(now, is_at_rail);
            let going_on = neighbour_flags(linear.get(..=piece.len()).unwrap_or_default(), goes_on);
            self.runs(at_rail, going_on, count);
            self.position += u64::from(count);
        }
    }

    /// Samples whose flags are known: which are at the rail, and which of these go on with the run of the one before.
    fn runs(&mut self, at_rail: u64, going_on: u64, count: u32) {
        let mut at = 0;
        while at < count {
            let elsewhere = zeros(at_rail, at, count);
            if elsewhere > 0 {
                self.length = 0;
                at += elsewhere;
                continue;
            }
            if ones(going_on, at, count) == 0 {
                self.length = 0;
            }
            let run = 1 + ones(going_on, at + 1, count);
            at += run;
            self.grow(run.into(), self.position + u64::from(at));
        }
    }

    /// The next `count` samples, none of which is at the rail.
    pub(crate) fn pass(&mut self, count: u64) {
        self.length = 0;
        self.last = 0.0;
        self.position += count;
    }

    /// A run that goes on for `more` samples, up to the one before `end`.
    fn grow(&mut self, more: u64, end: u64) {
        let counted = self.length >= self.shortest;
        self.length += more;
        if self.length < self.shortest {
            return;
        }
        if counted {
            self.found.samples += more;
        } else {
            self.found.runs += 1;
            self.found.samples += self.length;
            self.found
                .first
                .get_or_insert_with(|| end.saturating_sub(self.length));
        }
        self.found.longest = self.found.longest.max(self.length);
    }

    pub(crate) fn finish(&self) -> Clipping {
        self.found
    }
}

fn is_at_rail(sample: f32) -> bool {
    sample.abs() >= RAIL
}

/// Whether a sample goes on with the run that the one before it is in.
fn goes_on(last: f32, sample: f32) -> bool {
    let flat = (sample == last) | (sample.abs().min(last.abs()) >= FULL_SCALE);
    is_at_rail(last) & is_at_rail(sample) & (sample * last > 0.0) & flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clipping(samples: &[f32]) -> Clipping {
        let mut meter = ClippingMeter::new(SHORTEST_RUN);
        meter.push(samples);
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

    /// Sample by sample, as the definition reads.
    fn one_by_one(samples: &[f32]) -> Clipping {
        let mut found = Clipping::default();
        let mut start = 0;
        while start < samples.len() {
            let mut end = start + 1;
            while end < samples.len() && goes_on(samples[end - 1], samples[end]) {
                end += 1;
            }
            let length = (end - start) as u64;
            if is_at_rail(samples[start]) && length >= SHORTEST_RUN {
                found.runs += 1;
                found.samples += length;
                found.longest = found.longest.max(length);
                found.first.get_or_insert(start as u64);
            }
            start = end;
        }
        found
    }

    #[test]
    fn however_runs_fall_on_words_and_pieces_they_are_the_same() {
        let values = [1.0, -1.0, FULL_SCALE, -0.985, 0.985, 0.99, 0.0, 0.5];
        let mut state = 7_u32;
        for round in 0..200 {
            let mut samples = Vec::new();
            while samples.len() < 400 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let value = values[(state >> 29) as usize];
                samples.extend(vec![value; (1 + (state >> 16) % (1 + round)) as usize]);
            }
            let mut meter = ClippingMeter::new(SHORTEST_RUN);
            let (first, rest) = samples.split_at((state >> 8) as usize % samples.len());
            meter.push(first);
            meter.push(rest);
            assert_eq!(meter.finish(), one_by_one(&samples), "{samples:?}");
        }
    }
}
