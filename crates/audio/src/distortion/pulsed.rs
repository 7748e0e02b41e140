//! Signal to distortion and noise by pulses of third-octave noise.

use crate::measurement::{Measurement, Unmeasurable};
use crate::stimulus::PulsedNoise;
use crate::transfer::Bands;
use crate::transfer::delayed;
use crate::transfer::welch::{band_power, whole_spectrum};
use crate::unit::Db;

/// What counts as the band's own, to either side of its edges, as a part of a decade: half a band. The edges of a short
/// pulse of noise are not steeper.
const GUARD_DECADES: f64 = 0.05;

/// For each band of a pulsed noise, (exact centre in Hz, the power within the band over the power elsewhere between 50 Hz
/// and half the rate), averaged over its pulses. `delay` is that of the recording, in samples.
///
/// The text of IEEE 269-2010 Annex L was not available: times and guard bands are this project's, so results are
/// method-equivalent.
///
/// # Errors
/// No whole pulse in the recording, silence.
pub fn signal_to_distortion_and_noise(
    noise: &PulsedNoise,
    recorded: &[f32],
    rate: u32,
    delay: usize,
) -> Result<Vec<(f64, Measurement<Db>)>, Unmeasurable> {
    let mut found = Vec::new();
    let pulses = noise.pulse_ranges(rate);
    let guard = 10f64.powf(GUARD_DECADES);
    for hz in noise.centres() {
        let (low, high) = Bands::ThirdOctave.edges(hz);
        let mut ratios = Vec::new();
        for pulse in pulses.iter().filter(|pulse| pulse.hz == hz) {
            let Some(got) = delayed(recorded, &pulse.range, delay) else {
                continue;
            };
            let (power, step) = whole_spectrum(got, rate);
            let inside = band_power(&power, step, low, high);
            let below = band_power(&power, step, 50.0, (low / guard).max(50.0));
            let above = band_power(&power, step, high * guard, f64::from(rate) / 2.0);
            if inside > 0.0 {
                ratios.push(Db(10.0 * (inside / (below + above)).log10()));
            }
        }
        if !ratios.is_empty() {
            found.push((hz, Measurement::of(&ratios)?));
        }
    }
    if found.is_empty() {
        return Err(Unmeasurable::NoSuchPart("whole pulse in the recording"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::white_noise;

    const NOISE: PulsedNoise = PulsedNoise {
        low_hz: 315.0,
        high_hz: 5000.0,
        pulse_s: 0.5,
        pause_s: 0.2,
        pulses: 2,
        seed: 1,
    };

    #[test]
    fn the_signal_itself_is_clean() {
        let played = NOISE.samples(DbOv(-20.0), 16000);
        for (hz, ratio) in signal_to_distortion_and_noise(&NOISE, &played, 16000, 0).expect("pulses") {
            assert!(ratio.value.0 > 45.0, "{hz}: {}", ratio.value);
        }
    }

    #[test]
    fn noise_of_known_level_is_the_ratio() {
        let played = NOISE.samples(DbOv(-20.0), 16000);
        let noise = white_noise(DbOv(-50.0), 60.0, 16000, 3);
        let recorded: Vec<f32> = played.iter().zip(&noise).map(|(a, b)| a + b).collect();
        for (hz, ratio) in signal_to_distortion_and_noise(&NOISE, &recorded, 16000, 0).expect("pulses") {
            // the guarded band does not count; the power of a short pulse of a narrow band varies
            let guarded = hz * (10f64.powf(0.1) - 10f64.powf(-0.1));
            let expected = 30.0 - 10.0 * ((7950.0 - guarded) / 8000.0).log10();
            assert!(
                (ratio.value.0 - expected).abs() < if hz < 1000.0 { 2.5 } else { 1.2 },
                "{hz}: {} for {expected}",
                ratio.value
            );
            assert_eq!(ratio.n, 2);
        }
    }

    #[test]
    fn a_limiter_is_heard_in_every_band() {
        let limited: Vec<f32> = NOISE
            .samples(DbOv(-20.0), 16000)
            .iter()
            .map(|x| x.clamp(-0.1, 0.1))
            .collect();
        for (hz, ratio) in signal_to_distortion_and_noise(&NOISE, &limited, 16000, 0).expect("pulses") {
            assert!(ratio.value.0 < 35.0, "{hz}: {}", ratio.value);
        }
        assert!(signal_to_distortion_and_noise(&NOISE, &limited, 16000, 10_000_000).is_err());
        assert!(signal_to_distortion_and_noise(&NOISE, &[0.0; 100_000], 16000, 0).is_err());
    }
}
