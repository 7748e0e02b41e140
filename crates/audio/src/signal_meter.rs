//! Everything that one recording allows without a reference, in one pass over its samples and in constant memory.

use crate::filter::SpeechBand;
use crate::level::DbOv;
use crate::level_meter::{LevelFigures, LevelMeter};
use crate::loudness::{Loudness, LoudnessMeter};
use crate::measurement::Unmeasurable;
use crate::p56::{SpeechLevel, SpeechLevelMeter};
use crate::sample::clean_pieces;
use crate::spectrum::{PowerSpectrum, SpectrumMeter};
use crate::true_peak::TruePeakMeter;
use crate::unit::DbTruePeak;
use crate::weighting::{Weighted, Weighting};

/// Bins of the spectrum that only weights levels: fine enough for the slope of the weightings at the frequency of the
/// mains.
const WEIGHTING_BIN_HZ: f64 = 6.0;

/// What a [`SignalMeter`] measures beside the levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignalOptions {
    /// Band that the active speech level is limited to.
    pub band: Option<SpeechBand>,
    /// Keep a spectrum fine enough for third-octave bands.
    pub spectrum: bool,
}

/// Figures of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalFigures {
    /// Levels, offset, clipping, bit depth.
    pub levels: LevelFigures,
    /// Active speech level.
    pub speech: Result<SpeechLevel, Unmeasurable>,
    /// A-weighted level.
    pub a: Weighted<DbOv>,
    /// C-weighted level.
    pub c: Weighted<DbOv>,
    /// Psophometric level.
    pub psophometric: Weighted<DbOv>,
    /// Loudness of this channel alone.
    pub loudness: Result<Loudness, Unmeasurable>,
    /// True peak.
    pub true_peak: DbTruePeak,
    /// The spectrum, when it was asked for.
    pub spectrum: Option<PowerSpectrum>,
}

/// Measures [`SignalFigures`] of one channel, piece by piece.
#[derive(Debug, Clone)]
pub struct SignalMeter {
    options: SignalOptions,
    levels: LevelMeter,
    speech: Result<SpeechLevelMeter, Unmeasurable>,
    loudness: Result<LoudnessMeter, Unmeasurable>,
    true_peak: TruePeakMeter,
    spectrum: SpectrumMeter,
    cleaned: Vec<f32>,
    wide: Vec<f64>,
}

impl SignalMeter {
    /// A meter for samples at `rate` Hz.
    #[must_use]
    pub fn new(rate: u32, options: SignalOptions) -> Self {
        let speech = match options.band {
            Some(band) => SpeechLevelMeter::in_band(rate, band),
            None => Ok(SpeechLevelMeter::new(rate)),
        };
        let spectrum = if options.spectrum {
            SpectrumMeter::new(rate)
        } else {
            SpectrumMeter::with_length(rate, (f64::from(rate) / WEIGHTING_BIN_HZ).ceil() as usize)
        };
        Self {
            options,
            levels: LevelMeter::new(rate),
            speech,
            loudness: LoudnessMeter::new(rate, 1),
            true_peak: TruePeakMeter::new(rate),
            spectrum,
            cleaned: Vec::new(),
            wide: Vec::new(),
        }
    }

    /// The next samples, full scale 1.0.
    pub fn push(&mut self, samples: &[f32]) {
        // as they are, since it counts what is not a number
        self.levels.push(samples);
        let mut cleaned = std::mem::take(&mut self.cleaned);
        clean_pieces(samples, &mut cleaned, |piece| self.piece(piece));
        self.cleaned = cleaned;
    }

    fn piece(&mut self, piece: &[f32]) {
        self.true_peak.push_clean(piece);
        self.spectrum.push_clean(piece);
        self.wide.clear();
        self.wide.extend(piece.iter().map(|&sample| f64::from(sample)));
        if let Ok(loudness) = &mut self.loudness {
            loudness.push_wide(&self.wide);
        }
        if let Ok(speech) = &mut self.speech {
            speech.push_wide(&mut self.wide);
        }
    }

    /// The figures of everything seen so far.
    ///
    /// # Errors
    /// As [`LevelMeter::finish`]: nothing that is a sample, or no rate.
    pub fn finish(&self) -> Result<SignalFigures, Unmeasurable> {
        let levels = self.levels.finish()?;
        let spectrum = self.spectrum.finish()?;
        Ok(SignalFigures {
            levels,
            speech: self.speech.clone().and_then(|meter| meter.finish()),
            a: spectrum.weighted(Weighting::A),
            c: spectrum.weighted(Weighting::C),
            psophometric: spectrum.weighted(Weighting::Psophometric),
            loudness: self.loudness.clone().map(|meter| meter.finish()),
            true_peak: self.true_peak.finish(),
            spectrum: self.options.spectrum.then_some(spectrum),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::p56::speech_level;
    use crate::stimulus::{sine, speech_like};

    fn figures(samples: &[f32], rate: u32, options: SignalOptions) -> SignalFigures {
        let mut meter = SignalMeter::new(rate, options);
        samples.chunks(1000).for_each(|piece| meter.push(piece));
        meter.finish().expect("samples")
    }

    #[test]
    fn every_figure_is_that_of_its_own_meter() {
        let samples = speech_like(4.0, 16_000, 1);
        let found = figures(
            &samples,
            16_000,
            SignalOptions {
                spectrum: true,
                band: None,
            },
        );
        let speech = speech_level(&samples, 16_000).expect("speech");
        assert!((found.speech.expect("speech").active.0 - speech.active.0).abs() < 1e-9);
        let spectrum = crate::spectrum::power_spectrum(&samples, 16_000).expect("samples");
        assert_eq!(found.a, spectrum.weighted(Weighting::A));
        assert_eq!(found.spectrum, Some(spectrum));
        assert!(found.true_peak.0 >= found.levels.peak.0);
        let mut loudness = LoudnessMeter::new(16_000, 1).expect("a rate that fits");
        loudness.push(&samples);
        let (wanted, found) = (loudness.finish(), found.loudness.expect("a rate that fits"));
        assert!((wanted.integrated.expect("loud").0 - found.integrated.expect("loud").0).abs() < 1e-9);
    }

    #[test]
    fn gain_moves_every_level_by_itself_at_every_rate() {
        for rate in [8000, 11_025, 16_000, 44_100, 48_000, 96_000] {
            let samples = speech_like(3.5, rate, 2);
            let quieter: Vec<f32> = samples.iter().map(|x| x * 0.5).collect();
            let options = SignalOptions {
                spectrum: false,
                band: Some(SpeechBand::Narrow),
            };
            let (loud, quiet) = (figures(&samples, rate, options), figures(&quieter, rate, options));
            let step = 20.0 * 2f64.log10();
            for (a, b, tolerance) in [
                (loud.levels.rms.0, quiet.levels.rms.0, 1e-9),
                (loud.levels.peak.0, quiet.levels.peak.0, 1e-9),
                (
                    loud.levels.rms_peak.expect("long").0,
                    quiet.levels.rms_peak.expect("long").0,
                    1e-9,
                ),
                (loud.a.level.0, quiet.a.level.0, 1e-5),
                (loud.psophometric.level.0, quiet.psophometric.level.0, 1e-5),
                (loud.true_peak.0, quiet.true_peak.0, 1e-5),
                // the thresholds are octaves: a factor of two is one of them
                (
                    loud.speech.expect("speech").active.0,
                    quiet.speech.expect("speech").active.0,
                    1e-6,
                ),
                (
                    loud.loudness.expect("rate").integrated.expect("loud").0,
                    quiet.loudness.expect("rate").integrated.expect("loud").0,
                    0.02,
                ),
            ] {
                assert!((a - b - step).abs() < tolerance, "{rate}: {a} {b}");
            }
            assert_eq!(
                loud.levels.crest.0.to_bits() >> 20,
                quiet.levels.crest.0.to_bits() >> 20
            );
        }
    }

    #[test]
    fn a_tone_reads_its_weighted_levels() {
        let found = figures(
            &sine(100.0, DbOv(-20.0), 4.0, 48_000),
            48_000,
            SignalOptions::default(),
        );
        assert!(
            (found.a.level.0 + 20.0 - Weighting::A.gain_db(100.0)).abs() < 0.1,
            "{}",
            found.a
        );
        assert!(
            (found.c.level.0 + 20.0 - Weighting::C.gain_db(100.0)).abs() < 0.1,
            "{}",
            found.c
        );
        assert_eq!(found.spectrum, None);
    }

    #[test]
    fn silence_is_measured_and_nothing_is_not() {
        let silence = figures(&[0.0; 48_000], 48_000, SignalOptions::default());
        assert_eq!(
            (silence.a.level, silence.true_peak.0),
            (DbOv::SILENCE, f64::NEG_INFINITY)
        );
        assert_eq!(silence.speech, Err(Unmeasurable::Silent));
        assert!(SignalMeter::new(8000, SignalOptions::default()).finish().is_err());
        let mut nan = SignalMeter::new(
            8000,
            SignalOptions {
                spectrum: true,
                band: None,
            },
        );
        nan.push(&[f32::NAN; 100]);
        assert!(matches!(
            nan.finish(),
            Err(Unmeasurable::NotFinite { count: 100 })
        ));
    }
}
