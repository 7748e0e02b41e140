//! Second-order sections, and the band limits of a speech level measurement made of them.

use std::f64::consts::PI;

use crate::measurement::Unmeasurable;

/// One second-order section, transposed direct form II.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Biquad {
    pub(crate) b: [f64; 3],
    /// Without the leading one.
    pub(crate) a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    pub(crate) fn new(b: [f64; 3], a: [f64; 2]) -> Self {
        Self {
            b,
            a,
            state: [0.0; 2],
        }
    }

    #[inline]
    pub(crate) fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = (self.b[1] * x + self.state[1]) - self.a[0] * y;
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// Ends the decay in silence before it reaches numbers that processors are slow with.
    pub(crate) fn settle(&mut self) {
        for state in &mut self.state {
            if state.abs() < 1e-60 {
                *state = 0.0;
            }
        }
    }

    /// Bilinear transform of a second-order low-pass or high-pass at `hz` with quality `q`; `hz` is below half the rate.
    fn second_order(hz: f64, q: f64, rate: f64, high: bool) -> Self {
        let k = (PI * hz / rate).tan();
        let norm = 1.0 / (1.0 + k / q + k * k);
        let b = if high {
            [norm, -2.0 * norm, norm]
        } else {
            [k * k * norm, 2.0 * k * k * norm, k * k * norm]
        };
        Self::new(b, [2.0 * (k * k - 1.0) * norm, (1.0 - k / q + k * k) * norm])
    }
}

/// Qualities of the two sections of a Butterworth filter of fourth order.
const BUTTERWORTH_4: [f64; 2] = [0.541_196_100_146_197, 1.306_562_964_876_377];

/// The band of speech that a level is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpeechBand {
    /// 300 to 3400 Hz.
    Narrow,
    /// 100 to 7000 Hz.
    Wide,
    /// 50 to 14000 Hz.
    SuperWide,
    /// 20 to 20000 Hz.
    Full,
}

impl SpeechBand {
    /// Lower and upper limit in Hz.
    #[must_use]
    pub const fn limits_hz(self) -> (f64, f64) {
        match self {
            Self::Narrow => (300.0, 3400.0),
            Self::Wide => (100.0, 7000.0),
            Self::SuperWide => (50.0, 14_000.0),
            Self::Full => (20.0, 20_000.0),
        }
    }
}

/// Limits a signal to a [`SpeechBand`]: Butterworth of fourth order at either end, 3 dB down at the limits. An upper
/// limit that the sampling rate cannot hold is left to the rate.
#[derive(Debug, Clone)]
pub struct BandLimit {
    sections: Vec<Biquad>,
}

impl BandLimit {
    /// The filter for samples at `rate` Hz.
    ///
    /// # Errors
    /// A rate that does not even hold the lower limit twice.
    pub fn new(band: SpeechBand, rate: u32) -> Result<Self, Unmeasurable> {
        let (low, high) = band.limits_hz();
        let rate_hz = f64::from(rate);
        if rate_hz < 4.0 * low {
            return Err(Unmeasurable::RateTooLow {
                rate,
                needed_hz: 2.0 * low,
            });
        }
        let at = |hz, is_high| BUTTERWORTH_4.map(|q| Biquad::second_order(hz, q, rate_hz, is_high));
        let mut sections = at(low, true).to_vec();
        if high < 0.49 * rate_hz {
            sections.extend(at(high, false));
        }
        Ok(Self { sections })
    }

    /// Filters the next samples in place; finite samples only.
    pub(crate) fn apply(&mut self, samples: &mut [f64]) {
        // two sections at a time, so that one need not wait for the other
        for pair in self.sections.chunks_mut(2) {
            match pair {
                [first, second] => {
                    for sample in samples.iter_mut() {
                        *sample = second.next(first.next(*sample));
                    }
                }
                rest => {
                    for section in rest {
                        samples
                            .iter_mut()
                            .for_each(|sample| *sample = section.next(*sample));
                    }
                }
            }
        }
        self.sections.iter_mut().for_each(Biquad::settle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::sine;

    fn gain_db(band: SpeechBand, rate: u32, hz: f64) -> f64 {
        let tone: Vec<f64> = sine(hz, DbOv(-20.0), 1.0, rate)
            .iter()
            .map(|&x| f64::from(x))
            .collect();
        let mut out = tone.clone();
        BandLimit::new(band, rate)
            .expect("a rate that fits")
            .apply(&mut out);
        let half = tone.len() / 2;
        let power = |x: &[f64]| x[half..].iter().map(|x| x * x).sum::<f64>();
        10.0 * (power(&out) / power(&tone)).log10()
    }

    #[test]
    fn the_limits_are_3_db_down_and_the_middle_is_flat() {
        for (band, rate) in [
            (SpeechBand::Narrow, 8000),
            (SpeechBand::Narrow, 48_000),
            (SpeechBand::Wide, 16_000),
            (SpeechBand::SuperWide, 48_000),
            (SpeechBand::Full, 48_000),
        ] {
            let (low, high) = band.limits_hz();
            assert!((gain_db(band, rate, low) + 3.01).abs() < 0.05, "{band:?}");
            assert!((gain_db(band, rate, high) + 3.01).abs() < 0.05, "{band:?}");
            assert!(gain_db(band, rate, (low * high).sqrt()).abs() < 0.02, "{band:?}");
            assert!(gain_db(band, rate, low / 2.0) < -23.0, "{band:?}");
        }
    }

    #[test]
    fn a_rate_below_the_band_is_refused_and_one_within_it_limits_by_itself() {
        assert!(BandLimit::new(SpeechBand::Narrow, 0).is_err());
        assert!(BandLimit::new(SpeechBand::Narrow, 1000).is_err());
        assert!(gain_db(SpeechBand::Wide, 8000, 3900.0).abs() < 0.02);
    }
}
