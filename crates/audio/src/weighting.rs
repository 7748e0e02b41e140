//! Frequency weightings: A and C (IEC 61672-1), psophometric (ITU-T O.41).

use std::fmt;

use realfft::RealFftPlanner;

use crate::level::{DbOv, Dbm0, Plane};
use crate::sample::clean;
use crate::table::interpolate;
use crate::unit::{DbPa, DbSpl, Unit, write_number};

/// Poles of the A and C weightings in Hz (IEC 61672-1 Annex E).
const POLES_HZ: [f64; 4] = [20.598_997, 107.652_65, 737.862_23, 12_194.217];
/// What makes the A weighting 0 dB at 1 kHz.
const A_AT_1_KHZ_DB: f64 = 2.0;
/// The same for the C weighting.
const C_AT_1_KHZ_DB: f64 = 0.062;
/// ITU-T O.41 Table 1: telephone circuits, Hz and dB; between the points linear in dB over the logarithm of the
/// frequency.
const PSOPHOMETRIC: [(f64, f64); 24] = [
    (16.66, -85.0),
    (50.0, -63.0),
    (100.0, -41.0),
    (200.0, -21.0),
    (300.0, -10.6),
    (400.0, -6.3),
    (500.0, -3.6),
    (600.0, -2.0),
    (700.0, -0.9),
    (800.0, 0.0),
    (900.0, 0.6),
    (1000.0, 1.0),
    (1200.0, 0.0),
    (1400.0, -0.9),
    (1600.0, -1.7),
    (1800.0, -2.4),
    (2000.0, -3.0),
    (2500.0, -4.2),
    (3000.0, -5.6),
    (3500.0, -8.5),
    (4000.0, -15.0),
    (4500.0, -25.0),
    (5000.0, -36.0),
    (6000.0, -43.0),
];

/// How a level counts frequencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weighting {
    /// A (IEC 61672-1).
    A,
    /// C (IEC 61672-1).
    C,
    /// Psophometric, for telephone circuits (ITU-T O.41).
    Psophometric,
}

impl Weighting {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::A, Self::C, Self::Psophometric];

    /// Gain in dB at a frequency in Hz; minus infinity at 0 Hz and below. Beyond its table the psophometric weighting
    /// goes on as steep as at the table's end.
    #[must_use]
    pub fn gain_db(self, hz: f64) -> f64 {
        if hz.is_nan() || hz <= 0.0 {
            return f64::NEG_INFINITY;
        }
        match self {
            Self::A => {
                let [f1, f2, f3, f4] = POLES_HZ.map(|pole| pole * pole);
                let f = hz * hz;
                let gain = f4 * f * f / ((f + f1) * ((f + f2) * (f + f3)).sqrt() * (f + f4));
                20.0 * gain.log10() + A_AT_1_KHZ_DB
            }
            Self::C => {
                let [f1, _, _, f4] = POLES_HZ.map(|pole| pole * pole);
                let f = hz * hz;
                20.0 * (f4 * f / ((f + f1) * (f + f4))).log10() + C_AT_1_KHZ_DB
            }
            Self::Psophometric => interpolate(&PSOPHOMETRIC, hz, true).unwrap_or(f64::NEG_INFINITY),
        }
    }

    /// Gain as a factor for powers.
    #[must_use]
    pub fn power_gain(self, hz: f64) -> f64 {
        10f64.powf(self.gain_db(hz) / 10.0)
    }
}

/// A level of a weighted signal: dBm0p, dBm0(A), dBPa(A), dBov(A) and so on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted<L> {
    /// The level on its scale.
    pub level: L,
    /// How frequencies counted.
    pub weighting: Weighting,
}

impl Weighted<DbOv> {
    /// The same on the plane of a codec: dBm0p or dBm0(A).
    #[must_use]
    pub fn to_dbm0(self, plane: Plane) -> Weighted<Dbm0> {
        Weighted {
            level: self.level.to_dbm0(plane),
            weighting: self.weighting,
        }
    }
}

impl Weighted<Dbm0> {
    /// The same relative to the overload point.
    #[must_use]
    pub fn to_dbov(self) -> Weighted<DbOv> {
        Weighted {
            level: self.level.to_dbov(),
            weighting: self.weighting,
        }
    }
}

impl Weighted<DbPa> {
    /// The same relative to 20 micropascals: dB SPL(A).
    #[must_use]
    pub fn to_spl(self) -> Weighted<DbSpl> {
        Weighted {
            level: self.level.to_spl(),
            weighting: self.weighting,
        }
    }
}

impl<L: Unit> Unit for Weighted<L> {
    fn number(self) -> f64 {
        self.level.number()
    }

    fn with_number(self, number: f64) -> Self {
        Self {
            level: self.level.with_number(number),
            ..self
        }
    }

    fn symbol(self) -> &'static str {
        match (self.level.symbol(), self.weighting) {
            ("dBov", Weighting::A) => "dBov(A)",
            ("dBov", Weighting::C) => "dBov(C)",
            ("dBov", Weighting::Psophometric) => "dBov(p)",
            ("dBm0", Weighting::A) => "dBm0(A)",
            ("dBm0", Weighting::C) => "dBm0(C)",
            ("dBm0", Weighting::Psophometric) => "dBm0p",
            ("dBPa", Weighting::A) => "dBPa(A)",
            ("dBPa", Weighting::C) => "dBPa(C)",
            ("dBPa", Weighting::Psophometric) => "dBPa(p)",
            ("dB SPL", Weighting::A) => "dB SPL(A)",
            ("dB SPL", Weighting::C) => "dB SPL(C)",
            ("dB SPL", Weighting::Psophometric) => "dB SPL(p)",
            (_, Weighting::A) => "dB(A)",
            (_, Weighting::C) => "dB(C)",
            (_, Weighting::Psophometric) => "dB(p)",
        }
    }
}

impl<L: Unit> fmt::Display for Weighted<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_number(f, *self)
    }
}

/// The signal as the weighting hears it, with every frequency at its exact gain and without delay: the whole recording
/// is transformed at once, padded by a tenth of a second so that its end does not reach its beginning. For levels
/// against time; the level over the whole time is cheaper from a [`crate::spectrum::PowerSpectrum`].
#[must_use]
pub fn weighted(samples: &[f32], rate: u32, weighting: Weighting) -> Vec<f32> {
    filtered(samples, rate, |hz| 10f64.powf(weighting.gain_db(hz) / 20.0))
}

/// The signal with every frequency (in Hz) at the gain a function gives, as a factor; phases stay. A gain that is not a
/// number counts as zero.
#[must_use]
pub fn filtered(samples: &[f32], rate: u32, gain: impl Fn(f64) -> f64) -> Vec<f32> {
    let count = samples.len();
    if count == 0 || rate == 0 {
        return Vec::new();
    }
    // lengths with small factors only: a prime length would cost tenfold
    let needed = count + (rate as usize / 10).min(count.max(4096));
    let length = needed.next_multiple_of((needed.next_power_of_two() / 8).max(2));
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(length);
    let mut time = forward.make_input_vec();
    for (out, &sample) in time.iter_mut().zip(samples) {
        *out = clean(sample);
    }
    let mut bins = forward.make_output_vec();
    if forward.process(&mut time, &mut bins).is_err() {
        return Vec::new();
    }
    let step = f64::from(rate) / length as f64;
    for (bin, value) in bins.iter_mut().enumerate() {
        let factor = gain(bin as f64 * step);
        *value *= if factor.is_finite() { factor } else { 0.0 } / length as f64;
    }
    // what the inverse transform refuses: an imaginary part where there can be none
    if let Some(first) = bins.first_mut() {
        first.im = 0.0;
    }
    if let Some(last) = bins.last_mut() {
        last.im = 0.0;
    }
    if planner
        .plan_fft_inverse(length)
        .process(&mut bins, &mut time)
        .is_err()
    {
        return Vec::new();
    }
    time.iter().take(count).map(|&sample| sample as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;
    use crate::stimulus::sine;

    #[test]
    fn the_a_weighting_has_the_values_of_its_table() {
        for (hz, db) in [
            (31.5, -39.52),
            (125.0, -16.19),
            (1000.0, 0.0),
            (4000.0, 0.96),
            (16_000.0, -6.71),
        ] {
            assert!(
                (Weighting::A.gain_db(hz) - db).abs() < 0.01,
                "{hz}: {}",
                Weighting::A.gain_db(hz)
            );
        }
        // IEC 61672-1 Table 3 prints tenths, for the exact frequencies of the bands
        for (band, db) in [(-15, -3.0), (-9, -0.2), (0, 0.0), (6, -0.8), (12, -8.5)] {
            let hz = 1000.0 * 10f64.powf(f64::from(band) / 10.0);
            assert!(
                (Weighting::C.gain_db(hz) - db).abs() < 0.06,
                "{hz}: {}",
                Weighting::C.gain_db(hz)
            );
        }
    }

    #[test]
    fn the_psophometric_weighting_has_its_table_and_the_classic_value_for_white_noise() {
        for (hz, db) in PSOPHOMETRIC {
            assert!((Weighting::Psophometric.gain_db(hz) - db).abs() < 1e-9);
        }
        let middle = Weighting::Psophometric.gain_db((4000f64 * 4500.0).sqrt());
        assert!((middle + 20.0).abs() < 1e-9);
        // white noise 300 to 3400 Hz is 2.51 dB lower
        let sum: f64 = (3000..34_000)
            .map(|tenths| Weighting::Psophometric.power_gain((f64::from(tenths) + 0.5) / 10.0))
            .sum();
        assert!((10.0 * (sum / 31_000.0).log10() + 2.51).abs() < 0.01);
        assert!(Weighting::Psophometric.gain_db(8000.0) < -43.0);
    }

    #[test]
    fn no_frequency_is_no_gain() {
        for weighting in Weighting::ALL {
            assert_eq!(weighting.gain_db(0.0), f64::NEG_INFINITY);
            assert_eq!(weighting.power_gain(f64::NAN), 0.0);
        }
    }

    #[test]
    fn a_filtered_tone_has_the_gain_of_its_frequency_at_any_rate() {
        for (rate, hz) in [
            (8000, 300.0),
            (8000, 3900.0),
            (16_000, 5000.0),
            (44_100, 125.0),
            (96_000, 16_000.0),
        ] {
            let tone = sine(hz, DbOv(-20.0), 1.0, rate);
            for weighting in Weighting::ALL {
                let out = weighted(&tone, rate, weighting);
                assert_eq!(out.len(), tone.len());
                let middle = out.len() / 4..out.len() * 3 / 4;
                let level = rms_dbov(&out[middle]).0 + 20.0;
                assert!(
                    (level - weighting.gain_db(hz)).abs() < 0.02,
                    "{weighting:?} {rate} {hz}: {level}"
                );
            }
        }
        assert!(weighted(&[], 8000, Weighting::A).is_empty());
        assert_eq!(weighted(&[f32::NAN], 8000, Weighting::A).len(), 1);
    }

    #[test]
    fn symbols_are_those_of_the_field() {
        let level = Weighted {
            level: DbOv(-80.0),
            weighting: Weighting::Psophometric,
        };
        assert_eq!(level.to_dbm0(Plane::ALaw).to_string(), "-73.85 dBm0p");
        let acoustic = Weighted {
            level: DbPa(-57.0),
            weighting: Weighting::A,
        };
        assert_eq!(acoustic.to_string(), "-57.00 dBPa(A)");
        assert_eq!(acoustic.to_spl().symbol(), "dB SPL(A)");
    }
}
