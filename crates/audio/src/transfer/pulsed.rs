//! Response from pulses of third-octave noise.

use std::ops::Range;

use crate::measurement::Unmeasurable;
use crate::stimulus::PulsedNoise;
use crate::transfer::welch::{band_power, power_spectrum};
use crate::transfer::{Bands, Response};

/// The samples of a pulse in a recording that begins `delay` samples after the signal; `None` when they are cut off.
pub(crate) fn delayed<'a>(recorded: &'a [f32], range: &Range<usize>, delay: usize) -> Option<&'a [f32]> {
    recorded.get(range.start.checked_add(delay)?..range.end.checked_add(delay)?)
}

/// Gain in each band of a pulsed noise: mean power of what was recorded within the band over that of what was played,
/// while the pulses last. `delay` is that of the recording, in samples.
///
/// # Errors
/// No whole pulse in the recording, silence.
pub fn pulsed_response(
    noise: &PulsedNoise,
    played: &[f32],
    recorded: &[f32],
    rate: u32,
    delay: usize,
) -> Result<Response, Unmeasurable> {
    let pulses = noise.pulse_ranges(rate);
    let mut points = Vec::new();
    for hz in noise.centres() {
        let (low, high) = Bands::ThirdOctave.edges(hz);
        let (mut input, mut output) = (0.0, 0.0);
        for pulse in pulses.iter().filter(|pulse| pulse.hz == hz) {
            let (Some(sent), Some(got)) = (
                played.get(pulse.range.clone()),
                delayed(recorded, &pulse.range, delay),
            ) else {
                continue;
            };
            let (power, step) = power_spectrum(sent, rate)?;
            input += band_power(&power, step, low, high);
            let (power, step) = power_spectrum(got, rate)?;
            output += band_power(&power, step, low, high);
        }
        if input > 0.0 {
            points.push((hz, 10.0 * (output / input).log10()));
        }
    }
    let response = Response::new(points);
    if response.points().is_empty() {
        return Err(Unmeasurable::NoSuchPart("whole pulse in the recording"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;

    #[test]
    fn gain_and_delay() {
        let noise = PulsedNoise {
            low_hz: 250.0,
            high_hz: 4000.0,
            pulse_s: 0.4,
            pause_s: 0.2,
            pulses: 2,
            seed: 1,
        };
        let played = noise.samples(DbOv(-20.0), 16000);
        let mut recorded = vec![0.0; 777];
        recorded.extend(played.iter().map(|x| x * 0.25));
        let response = pulsed_response(&noise, &played, &recorded, 16000, 777).expect("pulses");
        assert_eq!(response.points().len(), 13);
        for (hz, gain) in response.points() {
            assert!((gain + 12.0412).abs() < 1e-3, "{hz}: {gain}");
        }
        assert!(pulsed_response(&noise, &played, &recorded, 16000, usize::MAX).is_err());
        assert!(pulsed_response(&noise, &played, &[0.0; 50_000], 16000, 0).is_err());
    }
}
