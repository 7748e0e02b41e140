//! Idle channel noise.

use crate::interference::{SingleFrequency, single_frequency};
use crate::level::DbOv;
use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::octave::Fraction;
use crate::sample::non_finite;
use crate::spectrum::{BandLevel, power_spectrum};
use crate::weighting::{Weighted, Weighting};

/// Time after the connection is up that is left out, in s.
pub const SETTLING_S: f64 = 2.0;
/// Shortest noise that is measured, in s.
pub const SHORTEST_S: f64 = 10.0;

/// The noise of a channel on which nobody speaks. On the plane of a codec, [`Weighted::to_dbm0`], the psophometric level
/// is in dBm0p and the A-weighted one in dBm0(A).
#[derive(Debug, Clone, PartialEq)]
pub struct IdleNoise {
    /// Psophometric level, for narrow-band channels; the spread is that of its seconds.
    pub psophometric: Measurement<Weighted<DbOv>>,
    /// A-weighted level, for wider channels; the spread is that of its seconds.
    pub a: Measurement<Weighted<DbOv>>,
    /// Level without weighting and without the offset.
    pub unweighted: DbOv,
    /// Third-octave levels from 50 Hz to half the rate.
    pub bands: Vec<BandLevel>,
    /// The strongest single frequency, A-weighted; without a value when the noise is digital silence.
    pub single_frequency: Result<SingleFrequency, Unmeasurable>,
    /// Noise that was measured, in s.
    pub seconds: f64,
}

/// Measures the noise of a recording, leaving out its first [`SETTLING_S`]. Digital silence is a noise of minus infinity.
///
/// # Errors
/// Less than [`SHORTEST_S`] after that, or samples that are no numbers, which are no noise of a channel.
pub fn idle_noise(samples: &[f32], rate: u32) -> Result<IdleNoise, Unmeasurable> {
    if rate == 0 {
        return Err(Unmeasurable::RateTooLow { rate, needed_hz: 1.0 });
    }
    let rate_hz = f64::from(rate);
    let settled = samples.get((SETTLING_S * rate_hz) as usize..).unwrap_or_default();
    let seconds = settled.len() as f64 / rate_hz;
    if seconds < SHORTEST_S {
        return Err(Unmeasurable::TooShort {
            needed_s: SETTLING_S + SHORTEST_S,
            got_s: samples.len() as f64 / rate_hz,
        });
    }
    let count = non_finite(settled) as u64;
    if count > 0 {
        return Err(Unmeasurable::NotFinite { count });
    }
    let spectrum = power_spectrum(settled, rate)?;
    let nyquist = rate_hz / 2.0;
    Ok(IdleNoise {
        psophometric: over_seconds(settled, rate, &spectrum.weighted(Weighting::Psophometric))?,
        a: over_seconds(settled, rate, &spectrum.weighted(Weighting::A))?,
        unweighted: spectrum.level(),
        bands: spectrum.octave_levels(Fraction::Third, 50.0, nyquist),
        single_frequency: single_frequency(&spectrum, Weighting::A, 50.0, nyquist),
        seconds,
    })
}

/// The level over the whole time with the spread of its seconds; one observation when a second is silent.
fn over_seconds(samples: &[f32], rate: u32, whole: &Weighted<DbOv>) -> Measured<Weighted<DbOv>> {
    let single = Measurement::single(*whole)?;
    let levels: Result<Vec<_>, _> = samples
        .chunks_exact(rate as usize)
        .map(|second| power_spectrum(second, rate).map(|spectrum| spectrum.weighted(whole.weighting)))
        .collect();
    // the mean of the decibels is not the level of the mean power, which is what a limit is stated for
    Ok(match Measurement::of(&levels?) {
        Ok(seconds) => Measurement {
            value: *whole,
            ..seconds
        },
        Err(_) => single,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Plane;
    use crate::stimulus::{sine, white_noise};

    #[test]
    fn white_noise_reads_what_its_weighting_makes_of_it() {
        let noise = white_noise(DbOv(-70.0), 14.0, 8000, 1);
        let found = idle_noise(&noise, 8000).expect("long enough");
        // over 0 to 4000 Hz, by the table
        let gain = |weighting: Weighting| {
            let sum: f64 = (0..4000)
                .map(|hz| weighting.power_gain(f64::from(hz) + 0.5))
                .sum();
            10.0 * (sum / 4000.0).log10()
        };
        assert!((found.psophometric.value.level.0 + 70.0 - gain(Weighting::Psophometric)).abs() < 0.15);
        assert!(
            (found.a.value.level.0 + 70.0 - gain(Weighting::A)).abs() < 0.15,
            "{}",
            found.a
        );
        assert_eq!(found.psophometric.n, 12);
        assert!(found.psophometric.spread.expect("seconds") < 0.5);
        assert!((found.unweighted.0 + 70.0).abs() < 0.1 && (found.seconds - 12.0).abs() < 1e-9);
        assert!(found.single_frequency.expect("noise").below_total.0 > 15.0);
        let telephone = found.psophometric.shifted(|level| level.to_dbm0(Plane::ALaw));
        assert_eq!(telephone.figure().unit, "dBm0p");
    }

    #[test]
    fn the_noise_of_the_connection_being_made_does_not_count() {
        let mut samples = sine(1000.0, DbOv(-20.0), 1.9, 8000);
        samples.extend(white_noise(DbOv(-80.0), 12.0, 8000, 2));
        assert!(idle_noise(&samples, 8000).expect("long enough").a.value.level.0 < -79.0);
    }

    #[test]
    fn silence_is_measured_and_too_little_is_not() {
        let silent = idle_noise(&vec![0.0; 100_000], 8000).expect("long enough");
        assert_eq!((silent.a.value.level, silent.a.n), (DbOv::SILENCE, 1));
        assert!(matches!(
            idle_noise(&[0.0; 8000], 8000),
            Err(Unmeasurable::TooShort { .. })
        ));
        assert!(idle_noise(&[0.0; 8000], 0).is_err());
        assert!(matches!(
            idle_noise(&vec![f32::NAN; 100_000], 8000),
            Err(Unmeasurable::NotFinite { .. })
        ));
    }
}
