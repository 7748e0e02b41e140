//! Power spectra by overlapped segments (P. D. Welch, IEEE Trans. Audio Electroacoust. AU-15, 1967).
//!
//! The segments overlap by half under a sine window, whose square and its neighbour's add up to one: every sample counts
//! fully and once, so the powers of all bins add up to the power of the recording whatever it does in time.

use std::fmt;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::octave::{Band, Fraction, bands};
use crate::sample::clean_pieces;
use crate::weighting::{Weighted, Weighting};

/// Widest bins in Hz of a meter that is not told its length: six in the third of an octave at 80 Hz.
const BIN_HZ: f64 = 3.0;
/// Longest segment that is made.
const LONGEST: usize = 1 << 18;

/// Collects the power spectrum of samples that come piece by piece, in constant memory.
#[derive(Clone)]
pub struct SpectrumMeter {
    rate: u32,
    length: usize,
    window: Vec<f32>,
    transform: Arc<dyn RealToComplex<f32>>,
    scratch: Vec<Complex<f32>>,
    segment: Vec<f32>,
    bins: Vec<Complex<f32>>,
    /// The last half segment and what follows it.
    pending: Vec<f32>,
    powers: Vec<f64>,
    samples: u64,
    cleaned: Vec<f32>,
}

impl fmt::Debug for SpectrumMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpectrumMeter")
            .field("rate", &self.rate)
            .field("length", &self.length)
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}

impl SpectrumMeter {
    /// A meter for samples at `rate` Hz with bins of at most 3 Hz.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        Self::with_length(rate, (f64::from(rate) / BIN_HZ).ceil() as usize)
    }

    /// A meter with segments of `length` samples or the next power of two, 16 to 262144.
    #[must_use]
    pub fn with_length(rate: u32, length: usize) -> Self {
        let length = length.clamp(16, LONGEST).next_power_of_two();
        let transform = RealFftPlanner::<f32>::new().plan_fft_forward(length);
        let window = (0..length)
            .map(|n| (std::f64::consts::PI * (n as f64 + 0.5) / length as f64).sin() as f32)
            .collect();
        let mut pending = Vec::with_capacity(length);
        // the first half segment would otherwise count in one window only
        pending.resize(length / 2, 0.0);
        Self {
            rate,
            length,
            window,
            scratch: transform.make_scratch_vec(),
            segment: transform.make_input_vec(),
            bins: transform.make_output_vec(),
            transform,
            pending,
            powers: vec![0.0; length / 2 + 1],
            samples: 0,
            cleaned: Vec::new(),
        }
    }

    /// The next samples, full scale 1.0.
    pub fn push(&mut self, samples: &[f32]) {
        let mut cleaned = std::mem::take(&mut self.cleaned);
        clean_pieces(samples, &mut cleaned, |piece| self.push_clean(piece));
        self.cleaned = cleaned;
    }

    /// As [`Self::push`], for finite samples.
    pub(crate) fn push_clean(&mut self, mut samples: &[f32]) {
        self.samples += samples.len() as u64;
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(self.length - self.pending.len()));
            samples = later;
            self.pending.extend_from_slice(now);
            if self.pending.len() == self.length {
                self.segment();
            }
        }
    }

    fn segment(&mut self) {
        for ((out, &sample), &window) in self.segment.iter_mut().zip(&self.pending).zip(&self.window) {
            *out = sample * window;
        }
        let done = self
            .transform
            .process_with_scratch(&mut self.segment, &mut self.bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers were made by the transform");
        for (power, bin) in self.powers.iter_mut().zip(&self.bins) {
            *power += f64::from(bin.norm_sqr());
        }
        let half = self.length / 2;
        self.pending.copy_within(half.., 0);
        self.pending.truncate(half);
    }

    /// The spectrum of everything seen so far; what is pending is completed with silence.
    ///
    /// # Errors
    /// No samples, or no rate.
    pub fn finish(&self) -> Result<PowerSpectrum, Unmeasurable> {
        if self.samples == 0 {
            return Err(Unmeasurable::NothingToMeasure);
        }
        if self.rate == 0 {
            return Err(Unmeasurable::RateTooLow {
                rate: 0,
                needed_hz: 1.0,
            });
        }
        let mut last = self.clone();
        // twice, so that the last half segment is in two windows as well
        for _ in 0..2 {
            last.pending.resize(last.length, 0.0);
            last.segment();
        }
        let scale = 1.0 / (self.length as f64 * self.samples as f64);
        let nyquist = last.powers.len() - 1;
        let powers = last.powers.iter().enumerate().map(|(bin, power)| {
            let sides = if bin == 0 || bin == nyquist { 1.0 } else { 2.0 };
            power * sides * scale
        });
        Ok(PowerSpectrum {
            rate: self.rate,
            powers: powers.collect(),
        })
    }
}

/// The spectrum of a whole recording.
///
/// # Errors
/// As [`SpectrumMeter::finish`].
pub fn power_spectrum(samples: &[f32], rate: u32) -> Result<PowerSpectrum, Unmeasurable> {
    let mut meter = SpectrumMeter::new(rate);
    meter.push(samples);
    meter.finish()
}

/// Level in one band.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandLevel {
    /// The band.
    pub band: Band,
    /// Level in it.
    pub level: DbOv,
}

/// Mean powers of a recording over frequency: bin `k` is at `k` times [`Self::step_hz`] and reaches half a step to
/// either side.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerSpectrum {
    rate: u32,
    powers: Vec<f64>,
}

impl PowerSpectrum {
    /// Sampling rate in Hz.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// Mean square of each bin from 0 Hz to half the rate, full scale 1.0; together the mean square of the recording.
    #[must_use]
    pub fn powers(&self) -> &[f64] {
        &self.powers
    }

    /// Distance of the bins in Hz.
    #[must_use]
    pub fn step_hz(&self) -> f64 {
        f64::from(self.rate) / (2 * (self.powers.len() - 1)) as f64
    }

    /// Power spectral density at a bin in dBov per Hz; minus infinity outside.
    #[must_use]
    pub fn density_dbov(&self, bin: usize) -> f64 {
        let power = self.powers.get(bin).copied().unwrap_or(0.0);
        10.0 * (power / self.step_hz()).log10()
    }

    /// Mean square between two frequencies in Hz; bins at the edges count by the share that is inside.
    #[must_use]
    pub fn power_between(&self, low_hz: f64, high_hz: f64) -> f64 {
        let step = self.step_hz();
        let position = |hz: f64| (hz / step + 0.5).clamp(0.0, self.powers.len() as f64);
        let (low, high) = (position(low_hz), position(high_hz));
        if low.is_nan() || high.is_nan() || high <= low {
            return 0.0;
        }
        let (first, last) = (low as usize, high.ceil() as usize);
        let bins = self.powers.iter().enumerate().take(last).skip(first);
        bins.map(|(bin, power)| power * (high.min(bin as f64 + 1.0) - low.max(bin as f64)))
            .sum()
    }

    /// Level between two frequencies in Hz.
    #[must_use]
    pub fn level_between(&self, low_hz: f64, high_hz: f64) -> DbOv {
        DbOv::from_rms(self.power_between(low_hz, high_hz).sqrt())
    }

    /// Level of everything but the offset and what is near it: from 1.5 bins up.
    #[must_use]
    pub fn level(&self) -> DbOv {
        self.level_between(1.5 * self.step_hz(), f64::INFINITY)
    }

    /// Level with a frequency weighting.
    #[must_use]
    pub fn weighted(&self, weighting: Weighting) -> Weighted<DbOv> {
        self.weighted_between(weighting, 0.0, f64::INFINITY)
    }

    /// Level with a frequency weighting of the bins from one frequency up to another, in Hz.
    #[must_use]
    pub fn weighted_between(&self, weighting: Weighting, low_hz: f64, high_hz: f64) -> Weighted<DbOv> {
        let step = self.step_hz();
        let powers = self.powers.iter().enumerate().filter_map(|(bin, power)| {
            let hz = bin as f64 * step;
            (hz >= low_hz && hz <= high_hz).then(|| power * weighting.power_gain(hz))
        });
        Weighted {
            level: DbOv::from_rms(powers.sum::<f64>().sqrt()),
            weighting,
        }
    }

    /// Levels in bands of a fraction of an octave whose names are from `low_hz` to `high_hz`, as far as the bands are
    /// below half the rate.
    #[must_use]
    pub fn octave_levels(&self, fraction: Fraction, low_hz: f64, high_hz: f64) -> Vec<BandLevel> {
        let nyquist = f64::from(self.rate) / 2.0;
        bands(fraction, low_hz, high_hz)
            .into_iter()
            .filter(|band| band.high_hz <= nyquist)
            .map(|band| BandLevel {
                band,
                level: self.level_between(band.low_hz, band.high_hz),
            })
            .collect()
    }

    /// The strongest bin from one frequency up to another: its frequency in Hz; `None` when there is no power at all.
    #[must_use]
    pub fn strongest_hz(&self, low_hz: f64, high_hz: f64) -> Option<f64> {
        let step = self.step_hz();
        let inside = |bin: usize| (low_hz..=high_hz).contains(&(bin as f64 * step));
        let bins = self.powers.iter().enumerate();
        let best = bins
            .filter(|(bin, power)| inside(*bin) && **power > 0.0)
            .max_by(|a, b| a.1.total_cmp(b.1));
        best.map(|(bin, _)| bin as f64 * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;
    use crate::stimulus::{sine, speech_like, white_noise};

    #[test]
    fn the_powers_add_up_to_the_power_whatever_the_length() {
        for (count, rate) in [
            (1, 8000),
            (100, 8000),
            (12_345, 8000),
            (16_384, 48_000),
            (70_001, 48_000),
            (50_000, 96_000),
        ] {
            let samples: Vec<f32> = speech_like(2.0, rate, 3)
                .into_iter()
                .skip(300)
                .take(count)
                .collect();
            let spectrum = power_spectrum(&samples, rate).expect("samples");
            let sum: f64 = spectrum.powers().iter().sum();
            let level = rms_dbov(&samples).0;
            if level.is_finite() {
                assert!(
                    (10.0 * sum.log10() - level).abs() < 1e-4,
                    "{count} {rate}: {} {level}",
                    10.0 * sum.log10()
                );
            }
        }
    }

    #[test]
    fn pieces_do_not_matter() {
        let samples = speech_like(1.5, 8000, 4);
        let whole = power_spectrum(&samples, 8000).expect("samples");
        let mut meter = SpectrumMeter::new(8000);
        samples.chunks(333).for_each(|piece| meter.push(piece));
        assert_eq!(meter.finish(), Ok(whole));
    }

    #[test]
    fn a_tone_is_in_its_band_and_nowhere_else() {
        for rate in [8000, 16_000, 48_000, 96_000] {
            let spectrum = power_spectrum(&sine(1000.0, DbOv(-20.0), 2.0, rate), rate).expect("samples");
            for level in spectrum.octave_levels(Fraction::Third, 100.0, 3150.0) {
                if level.band.nominal_hz == 1000.0 {
                    assert!((level.level.0 + 20.0).abs() < 0.01, "{rate} {level:?}");
                } else {
                    // what is there comes from the abrupt beginning and end
                    assert!(level.level.0 < -50.0, "{rate} {level:?}");
                }
            }
            assert!((spectrum.strongest_hz(100.0, 3000.0).expect("a tone") - 1000.0).abs() < 3.0);
            assert!((spectrum.weighted(Weighting::A).level.0 + 20.0).abs() < 0.01);
            assert!((spectrum.weighted(Weighting::Psophometric).level.0 + 19.0).abs() < 0.01);
        }
    }

    #[test]
    fn white_noise_is_flat_and_psophometry_reads_it_low() {
        let noise = white_noise(DbOv(-30.0), 60.0, 8000, 1);
        let spectrum = power_spectrum(&noise, 8000).expect("samples");
        let band = spectrum.level_between(300.0, 3400.0).0;
        assert!((band - (-30.0 + 10.0 * (3100.0f64 / 4000.0).log10())).abs() < 0.1);
        let weighted = spectrum.weighted_between(Weighting::Psophometric, 300.0, 3400.0);
        assert!((weighted.level.0 - band + 2.51).abs() < 0.1, "{weighted:?}");
        assert!((spectrum.density_dbov(2000) + 30.0 + 36.02).abs() < 3.0);
    }

    #[test]
    fn gain_moves_every_level_by_itself() {
        let samples = speech_like(2.0, 16_000, 9);
        let louder: Vec<f32> = samples.iter().map(|x| x * 4.0).collect();
        let (a, b) = (
            power_spectrum(&samples, 16_000).expect("samples"),
            power_spectrum(&louder, 16_000).expect("samples"),
        );
        for weighting in Weighting::ALL {
            assert!((b.weighted(weighting).level.0 - a.weighted(weighting).level.0 - 12.0412).abs() < 1e-4);
        }
    }

    #[test]
    fn silence_nothing_and_nan() {
        let silence = power_spectrum(&[0.0; 100], 8000).expect("samples");
        assert_eq!(
            (silence.level(), silence.strongest_hz(0.0, 4000.0)),
            (DbOv::SILENCE, None)
        );
        assert!(power_spectrum(&[], 8000).is_err() && power_spectrum(&[1.0], 0).is_err());
        let strange = power_spectrum(&[f32::NAN, f32::INFINITY, f32::MAX], 8000).expect("samples");
        assert!(strange.powers().iter().all(|power| power.is_finite()));
        assert_eq!(strange.power_between(f64::NAN, 3.0), 0.0);
    }
}
