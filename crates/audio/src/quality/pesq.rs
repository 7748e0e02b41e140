//! PESQ, ITU-T P.862 and P.862.2, by the vendored crate `pesq`.
//!
//! Behind the cargo feature `pesq`, as rights in the algorithm are claimed apart from those in the code; see
//! docs/measurements/pesq.md.

use std::fmt;

use super::MosLqo;
use super::p862::RawScore;
use crate::measurement::Unmeasurable;
use crate::resample::resample;
use crate::sample::clean;

/// Shortest recording, s (P.862: a quarter of a second).
const SHORTEST_S: f64 = 0.25;
/// Longest recording, s: far beyond what the method was made for, and what memory allows.
const LONGEST_S: f64 = 300.0;
/// Lengths of the recordings in the acceptance check, s, with some room.
const CHECKED_S: std::ops::RangeInclusive<f64> = 5.0..=30.0;

/// Which of the two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Band {
    /// P.862 with the map of P.862.1: at 8 kHz, heard through a telephone handset.
    Narrowband,
    /// P.862.2: at 16 kHz, heard through headphones.
    Wideband,
}

/// Which release of the model's constants a score follows. Scores of different ones do not compare: for wideband,
/// Corrigendum 2 (2018) reads 0.46 higher on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Calibration {
    /// The model as of 2005, before Corrigendum 2.
    Of2005,
}

/// How far a score can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Of a kind on which this implementation agrees with the reference one within 0.05 MOS (docs/measurements/pesq.md).
    Checked,
    /// Outside what was checked.
    Provisional(Doubt),
}

/// Why a score is provisional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// The recording is shorter than 5 s or longer than 30 s.
    Length,
}

/// What PESQ says of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pesq {
    /// Predicted listening quality.
    pub mos: MosLqo,
    /// The score before the map; P.862.2 does not report it for wideband.
    pub raw: RawScore,
    /// The model.
    pub band: Band,
    /// Its constants.
    pub calibration: Calibration,
    /// How far to rely on it.
    pub standing: Standing,
}

/// Compares a recording with its reference, samples of one channel at `rate` Hz, resampled where the model needs it.
///
/// # Errors
/// Silence, less than 0.25 s or more than 300 s, no speech in the reference, or for wideband a rate below 16 kHz.
pub fn pesq(reference: &[f32], degraded: &[f32], rate: u32, band: Band) -> Result<Pesq, Unmeasurable> {
    let model_rate = match band {
        Band::Narrowband => 8000,
        Band::Wideband => 16_000,
    };
    if reference.is_empty() || degraded.is_empty() {
        return Err(Unmeasurable::NothingToMeasure);
    }
    if rate < model_rate {
        return Err(Unmeasurable::RateTooLow {
            rate,
            needed_hz: f64::from(model_rate) / 2.0,
        });
    }
    let seconds = |samples: &[f32]| samples.len() as f64 / f64::from(rate);
    let (shortest, longest) = (
        seconds(reference).min(seconds(degraded)),
        seconds(reference).max(seconds(degraded)),
    );
    if longest > LONGEST_S {
        return Err(Unmeasurable::OutOfRange {
            name: "the length of the recording in s",
            value: longest,
            range: "0.25 to 300",
        });
    }
    let (reference, degraded) = (
        converted(reference, rate, model_rate)?,
        converted(degraded, rate, model_rate)?,
    );
    let too_short = |_| Unmeasurable::TooShort {
        needed_s: SHORTEST_S,
        got_s: shortest,
    };
    let raw = match band {
        Band::Narrowband => pesq::pesq_8k(&reference, &degraded),
        Band::Wideband => pesq::pesq_wb(&reference, &degraded),
    };
    let raw = RawScore(f64::from(raw.map_err(|error| match error {
        pesq::PesqError::SignalTooShort { samples } => too_short(samples),
        pesq::PesqError::NoUtterancesFound => Unmeasurable::NoSuchPart("speech in the reference"),
    })?));
    if !raw.0.is_finite() {
        return Err(Unmeasurable::NotANumber);
    }
    let checked = CHECKED_S.contains(&shortest) && CHECKED_S.contains(&longest);
    Ok(Pesq {
        mos: match band {
            Band::Narrowband => raw.narrowband_mos(),
            Band::Wideband => raw.wideband_mos(),
        },
        raw,
        band,
        calibration: Calibration::Of2005,
        standing: if checked {
            Standing::Checked
        } else {
            Standing::Provisional(Doubt::Length)
        },
    })
}

/// 16-bit samples at the rate of the model.
fn converted(samples: &[f32], rate: u32, model_rate: u32) -> Result<Vec<i16>, Unmeasurable> {
    let samples: Vec<f64> = samples.iter().map(|&sample| clean(sample)).collect();
    let samples =
        resample(&samples, rate, model_rate).map_err(|error| Unmeasurable::Mismatch(error.to_string()))?;
    let samples: Vec<i16> = samples
        .into_iter()
        // the conversion saturates
        .map(|sample| (sample * 32768.0).round() as i16)
        .collect();
    if samples.iter().all(|&sample| sample == 0) {
        return Err(Unmeasurable::Silent);
    }
    Ok(samples)
}

impl fmt::Display for Pesq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let band = match self.band {
            Band::Narrowband => "P.862.1 narrowband",
            Band::Wideband => "P.862.2 wideband",
        };
        let Calibration::Of2005 = self.calibration;
        write!(f, "{} ({band}, calibration of 2005", self.mos)?;
        match self.standing {
            Standing::Checked => write!(f, ")"),
            Standing::Provisional(Doubt::Length) => {
                write!(f, ", provisional: this length was not checked)")
            }
        }
    }
}
