//! Levels and their units (ITU-T G.100.1, G.711), and what is wrong with a signal before any measurement.
//!
//! Three scales look alike and differ by decibels, so each is a type of its own and they only meet in the conversions
//! here: [`DbOv`] is relative to a full-scale square wave, [`DbFsSine`] to a full-scale sine, [`Dbm0`] to the
//! reference point of a codec's plane.

use std::fmt;

use crate::clipping::ClippingMeter;
use crate::sample::clean;
use crate::unit::write_number;

/// Level of a full-scale sine in dBov: its rms is 1/sqrt(2).
const SINE_DBOV: f64 = -3.010_299_956_639_812;
/// Lowest value of a [`level_curve`].
pub const FLOOR_DBOV: f32 = -100.0;

/// Level in dB relative to the overload point: 0 is the rms of a full-scale square wave, a full-scale sine is -3.01.
///
/// Digital silence is minus infinity.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct DbOv(pub f64);

/// Level in dB relative to a full-scale sine, as many audio tools print "dBFS": 3.01 dB above the [`DbOv`] value.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct DbFsSine(pub f64);

/// Level in dB relative to 1 mW at the zero level point of a codec's plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dbm0 {
    /// The level in dBm0.
    pub value: f64,
    /// The plane that ties it to digital levels.
    pub plane: Plane,
}

/// How a codec ties digital levels to dBm0 (ITU-T G.711 clause 4, G.722 clause 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    /// A-law: a sine overloads at +3.14 dBm0.
    ALaw,
    /// mu-law: a sine overloads at +3.17 dBm0. The overload point is 32636 of 32768, so samples that were scaled by
    /// 32768 read 0.035 dB low.
    MuLaw,
    /// G.722: a sine overloads at +9 dBm0.
    G722,
}

impl Plane {
    /// What to add to dBov to have dBm0.
    #[must_use]
    pub const fn offset_db(self) -> f64 {
        match self {
            Self::ALaw => 6.15,
            Self::MuLaw => 6.18,
            Self::G722 => 12.01,
        }
    }
}

impl DbOv {
    /// Digital silence.
    pub const SILENCE: Self = Self(f64::NEG_INFINITY);

    /// The level of an rms value relative to full scale.
    #[must_use]
    pub fn from_rms(rms: f64) -> Self {
        Self(20.0 * rms.log10())
    }

    /// The rms value relative to full scale.
    #[must_use]
    pub fn to_rms(self) -> f64 {
        10f64.powf(self.0 / 20.0)
    }

    /// The same level relative to a full-scale sine.
    #[must_use]
    pub fn to_dbfs_sine(self) -> DbFsSine {
        DbFsSine(self.0 - SINE_DBOV)
    }

    /// The same level in dBm0 on the plane of a codec.
    #[must_use]
    pub fn to_dbm0(self, plane: Plane) -> Dbm0 {
        Dbm0 {
            value: self.0 + plane.offset_db(),
            plane,
        }
    }

    /// The number, `None` for digital silence: for formats that know no infinity.
    #[must_use]
    pub fn finite(self) -> Option<f64> {
        self.0.is_finite().then_some(self.0)
    }
}

impl DbFsSine {
    /// The same level relative to the overload point.
    #[must_use]
    pub fn to_dbov(self) -> DbOv {
        DbOv(self.0 + SINE_DBOV)
    }
}

impl Dbm0 {
    /// The same level relative to the overload point.
    #[must_use]
    pub fn to_dbov(self) -> DbOv {
        DbOv(self.value - self.plane.offset_db())
    }
}

impl fmt::Display for DbOv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_number(f, *self)
    }
}

impl fmt::Display for DbFsSine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_number(f, *self)
    }
}

impl fmt::Display for Dbm0 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_number(f, *self)
    }
}

/// Root of the mean square, 0 for an empty slice.
#[must_use]
pub fn rms(samples: &[f32]) -> f64 {
    let energy: f64 = samples.iter().map(|&sample| clean(sample).powi(2)).sum();
    (energy / samples.len().max(1) as f64).sqrt()
}

/// Long-term level; minus infinity for digital silence and for an empty slice.
#[must_use]
pub fn rms_dbov(samples: &[f32]) -> DbOv {
    DbOv::from_rms(rms(samples))
}

/// Largest magnitude, 0 for an empty slice.
#[must_use]
pub fn peak(samples: &[f32]) -> f64 {
    samples
        .iter()
        .map(|&sample| clean(sample).abs())
        .fold(0.0, f64::max)
}

/// Mean value, 0 for an empty slice.
#[must_use]
pub fn dc_offset(samples: &[f32]) -> f64 {
    samples.iter().map(|&sample| clean(sample)).sum::<f64>() / samples.len().max(1) as f64
}

/// Stretches of at least `min_run` samples of one sign at the rail: at full scale, or at the overload point of a codec
/// with a flat top. Three is a good `min_run`; a single sample at the rail may be a legitimate peak.
#[must_use]
pub fn clipped_runs(samples: &[f32], min_run: usize) -> usize {
    let mut meter = ClippingMeter::new(min_run as u64);
    meter.push(samples);
    meter.finish().runs as usize
}

/// Level in dBov of successive windows of `window_ms`, not below [`FLOOR_DBOV`]; a shorter rest is a window too.
#[must_use]
pub fn level_curve(samples: &[f32], rate: u32, window_ms: f64) -> Vec<f32> {
    let window = (f64::from(rate) * window_ms / 1000.0).round() as usize;
    samples
        .chunks(window.max(1))
        .map(|window| (rms_dbov(window).0 as f32).max(FLOOR_DBOV))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clipping::RAIL;
    use crate::stimulus::sine;

    #[test]
    fn a_full_scale_square_wave_is_0_dbov_and_a_sine_3_db_less() {
        let square: Vec<f32> = (0..8000).map(|n| if n % 8 < 4 { 1.0 } else { -1.0 }).collect();
        assert!(rms_dbov(&square).0.abs() < 1e-9);
        let sine = sine(1000.0, DbOv(SINE_DBOV), 1.0, 8000);
        assert!((rms_dbov(&sine).0 - SINE_DBOV).abs() < 1e-5);
        assert!(rms_dbov(&sine).to_dbfs_sine().0.abs() < 1e-5);
        assert!((peak(&sine) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn planes_convert_there_and_back() {
        assert_eq!(DbOv(-6.15).to_dbm0(Plane::ALaw).value, 0.0);
        assert_eq!(DbOv(-6.18).to_dbm0(Plane::MuLaw).value, 0.0);
        for plane in [Plane::ALaw, Plane::MuLaw, Plane::G722] {
            assert!((DbOv(-26.0).to_dbm0(plane).to_dbov().0 + 26.0).abs() < 1e-12);
        }
        assert!((DbFsSine(0.0).to_dbov().0 + 3.0103).abs() < 1e-6);
    }

    #[test]
    fn levels_print_with_their_unit() {
        assert_eq!(DbOv(-26.0).to_string(), "-26.00 dBov");
        assert_eq!(DbOv::SILENCE.to_string(), "-inf dBov");
        assert_eq!(format!("{:.1}", DbOv(-22.15).to_dbm0(Plane::ALaw)), "-16.0 dBm0");
        assert_eq!(DbFsSine(-1.0).to_string(), "-1.00 dBFS (sine)");
        assert_eq!(DbOv::SILENCE.finite(), None);
    }

    #[test]
    fn offset_and_silence() {
        assert!((dc_offset(&[0.25; 100]) - 0.25).abs() < 1e-9);
        assert_eq!(rms_dbov(&[0.0; 10]), DbOv::SILENCE);
        assert_eq!(rms_dbov(&[]), DbOv::SILENCE);
        assert_eq!(dc_offset(&[f32::NAN, 1.0, 1.0, 0.0]), 0.5);
    }

    #[test]
    fn only_flat_tops_at_the_rail_are_clipping() {
        let clean = sine(1000.0, DbOv(-3.02), 1.0, 8000);
        assert_eq!(clipped_runs(&clean, 3), 0);
        // 6 dB too hot: the 400 Hz tone is cut at both rails in each of its periods
        let hot: Vec<f32> = sine(400.0, DbOv(3.0), 1.0, 8000)
            .iter()
            .map(|x| x.clamp(-1.0, 32767.0 / 32768.0))
            .collect();
        assert_eq!(clipped_runs(&hot, 3), 800);
        let codec: Vec<f32> = hot.iter().map(|x| x.clamp(-RAIL, RAIL)).collect();
        assert_eq!(clipped_runs(&codec, 3), 800);
        let quiet: Vec<f32> = hot.iter().map(|x| x * 0.5).collect();
        assert_eq!(clipped_runs(&quiet, 3), 0);
    }

    #[test]
    fn the_curve_follows_the_level_and_stops_at_the_floor() {
        let mut samples = sine(1000.0, DbOv(-20.0), 0.1, 8000);
        samples.extend([0.0; 400]);
        let curve = level_curve(&samples, 8000, 50.0);
        assert_eq!(curve.len(), 3);
        assert!((curve[0] + 20.0).abs() < 0.01 && (curve[1] + 20.0).abs() < 0.01);
        assert_eq!(curve[2], FLOOR_DBOV);
    }
}
