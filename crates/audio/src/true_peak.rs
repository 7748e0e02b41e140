//! True peak: the peak of the signal between its samples (ITU-R BS.1770 Annex 2), by interpolation to 192 kHz, and at least
//! fourfold.

use std::f64::consts::PI;

use crate::sample::clean_pieces;
use crate::unit::DbTruePeak;

/// Fewest interpolated points for one sample, the sample itself being the first.
const LEAST_FACTOR: u32 = 4;
/// The rate that is interpolated to, Hz: fourfold of 48 kHz. At telephone rates four points would miss more of a peak, because
/// speech reaches nearer to half the rate.
const INTERPOLATED_HZ: u32 = 192_000;
/// Samples that one interpolated point is made of: flat within 0.1 dB up to 0.43 of the rate.
const TAPS: usize = 32;
/// The tap at whose sample, or just behind it, an interpolated point lies.
const CENTRE: usize = TAPS / 2 - 1;
/// Samples whose largest decides whether there can be a new peak among them.
const BLOCK: usize = 256;
/// Points that are computed at once, so that the compiler can use vector instructions.
const LANES: usize = 8;

/// Finds the true peak of samples that come piece by piece.
#[derive(Debug, Clone)]
pub struct TruePeakMeter {
    phases: Vec<[f32; TAPS]>,
    /// Largest possible gain of a phase: how far an interpolated point can exceed the samples around it.
    reach: f32,
    /// The samples that the next points still need, and the piece at hand behind them.
    recent: Vec<f32>,
    peak: f32,
    scratch: Vec<f32>,
}

impl TruePeakMeter {
    /// A meter for this sampling rate, Hz.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let factor = INTERPOLATED_HZ
            .div_ceil(rate.max(INTERPOLATED_HZ / 24))
            .max(LEAST_FACTOR);
        let phases: Vec<_> = (1..factor)
            .map(|phase| taps(f64::from(phase) / f64::from(factor)))
            .collect();
        let gain = |taps: &[f32; TAPS]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        Self {
            reach: phases.iter().map(gain).fold(1.0, f32::max),
            phases,
            recent: vec![0.0; TAPS - 1],
            peak: 0.0,
            scratch: Vec::new(),
        }
    }

    /// The next samples, full scale 1.0.
    pub fn push(&mut self, samples: &[f32]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        clean_pieces(samples, &mut scratch, |piece| self.push_clean(piece));
        self.scratch = scratch;
    }

    /// As [`Self::push`], for finite samples.
    pub(crate) fn push_clean(&mut self, samples: &[f32]) {
        self.recent.extend_from_slice(samples);
        let points = self.recent.len() + 1 - TAPS;
        for first in (0..points).step_by(BLOCK) {
            let end = (first + BLOCK + TAPS - 1).min(self.recent.len());
            let Some(block) = self.recent.get(first..end) else {
                break;
            };
            let largest = largest(block);
            // most of a recording is too low for any point between its samples to be a new peak
            if largest * self.reach > self.peak {
                self.peak = self.peak.max(self.interpolated(block)).max(largest);
            }
        }
        self.recent.drain(..points);
    }

    fn interpolated(&self, samples: &[f32]) -> f32 {
        let mut peaks = [0.0f32; LANES];
        let points = (samples.len() + 1).saturating_sub(TAPS);
        if points < LANES {
            let windows = samples.windows(TAPS);
            return windows
                .flat_map(|window| {
                    let point = move |taps: &[f32; TAPS]| {
                        taps.iter()
                            .zip(window)
                            .map(|(tap, sample)| tap * sample)
                            .sum::<f32>()
                    };
                    self.phases.iter().map(move |taps| point(taps).abs())
                })
                .fold(0.0, f32::max);
        }
        let mut start = 0;
        while start < points {
            // the last lanes look at points again rather than beyond the end
            let first = start.min(points - LANES);
            let window = samples.get(first..).unwrap_or_default();
            for taps in &self.phases {
                let mut sums = [0.0f32; LANES];
                for (offset, tap) in taps.iter().enumerate() {
                    if let Some(samples) = window.get(offset..).and_then(<[f32]>::first_chunk::<LANES>) {
                        for lane in 0..LANES {
                            sums[lane] += tap * samples[lane];
                        }
                    }
                }
                for lane in 0..LANES {
                    let sum = sums[lane].abs();
                    peaks[lane] = if sum > peaks[lane] { sum } else { peaks[lane] };
                }
            }
            start += LANES;
        }
        peaks.into_iter().fold(0.0, f32::max)
    }

    /// The true peak of everything seen so far and the silence behind it; minus infinity for silence.
    #[must_use]
    pub fn finish(&self) -> DbTruePeak {
        let mut last = self.clone();
        last.push_clean(&[0.0; TAPS + LANES]);
        DbTruePeak(20.0 * f64::from(last.peak).log10())
    }
}

/// Interpolation at a share of the way from the tap at [`CENTRE`] to the next: a sinc under a Hann window, unity for a
/// constant.
fn taps(share: f64) -> [f32; TAPS] {
    let weights: [f64; TAPS] = std::array::from_fn(|tap| {
        let distance = tap as f64 - (CENTRE as f64 + share);
        let sinc = (PI * distance).sin() / (PI * distance);
        sinc * (0.5 + 0.5 * (PI * distance / (TAPS as f64 / 2.0)).cos())
    });
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| (weight / sum) as f32)
}

fn largest(samples: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = samples.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let magnitude = chunk[lane].abs();
            lanes[lane] = if magnitude > lanes[lane] {
                magnitude
            } else {
                lanes[lane]
            };
        }
    }
    let rest = rest.iter().map(|sample| sample.abs());
    lanes.into_iter().chain(rest).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::{sine, speech_like};

    fn true_peak_at(samples: &[f32], rate: u32) -> f64 {
        let mut meter = TruePeakMeter::new(rate);
        meter.push(samples);
        meter.finish().0
    }

    fn true_peak(samples: &[f32]) -> f64 {
        true_peak_at(samples, 16_000)
    }

    #[test]
    fn the_peak_between_the_samples_is_found() {
        // a quarter of the rate at 45 degrees: every sample is 3.01 dB below the peak (EBU Tech 3341 cases 15 to 17)
        let tone: Vec<f32> = (0..4800)
            .map(|n| (0.5 * (PI / 2.0 * f64::from(n) + PI / 4.0).sin()) as f32)
            .collect();
        assert!(
            (true_peak(&faded(&tone)) + 6.02).abs() < 0.2,
            "{}",
            true_peak(&faded(&tone))
        );
        for (hz, rate) in [
            (997.0, 48_000),
            (1000.0, 8000),
            (2900.0, 8000),
            (3400.0, 8000),
            (6800.0, 16_000),
        ] {
            let tone = faded(&sine(hz, DbOv(-13.0103), 1.0, rate));
            let found = true_peak_at(&tone, rate);
            assert!((found + 10.0).abs() < 0.1, "{hz} {rate}: {found}");
        }
    }

    /// An abrupt end has peaks of its own.
    fn faded(tone: &[f32]) -> Vec<f32> {
        let last = tone.len() - 1;
        let faded = tone.iter().enumerate();
        faded
            .map(|(n, x)| x * (n.min(last - n) as f32 / 500.0).min(1.0))
            .collect()
    }

    #[test]
    fn it_is_never_below_the_samples_and_pieces_do_not_matter() {
        for seed in 0..4 {
            let samples = speech_like(1.0, 16_000, seed);
            let whole = true_peak(&samples);
            assert!(whole >= 20.0 * f64::from(largest(&samples)).log10());
            let mut meter = TruePeakMeter::new(16_000);
            for piece in samples.chunks(13 + seed as usize * 500) {
                meter.push(piece);
            }
            assert!((meter.finish().0 - whole).abs() < 1e-5);
        }
        let mut meter = TruePeakMeter::new(16_000);
        speech_like(0.1, 16_000, 1)
            .iter()
            .for_each(|sample| meter.push(&[*sample]));
        assert!((meter.finish().0 - true_peak(&speech_like(0.1, 16_000, 1))).abs() < 1e-5);
    }

    #[test]
    fn silence_one_sample_and_nan() {
        assert_eq!(true_peak(&[]), f64::NEG_INFINITY);
        assert_eq!(true_peak(&[0.0; 100]), f64::NEG_INFINITY);
        assert_eq!(true_peak(&[f32::NAN; 100]), f64::NEG_INFINITY);
        assert!((true_peak(&[0.5]) + 6.02).abs() < 0.01);
    }
}
