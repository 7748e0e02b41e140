//! Terminal coupling loss and stability loss.

use std::ops::RangeInclusive;

use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::transfer::{Bands, Response, level_difference_within};
use crate::unit::Db;

/// A response counts up to its band's edge: half a third octave, and the difference of nominal and exact frequencies.
const BEYOND: f64 = 1.14;

/// An echo is measured in the bands that are at most this far below the strongest one of what was played: weaker ones
/// come back below the noise of any device, and the noise would be taken for an echo.
const PLAYED: Db = Db(40.0);

/// Range of the weighted terminal coupling loss in narrowband, Hz (ITU-T G.122 Annex B.4).
pub const NARROWBAND: RangeInclusive<f64> = 300.0..=3400.0;
/// The same in wideband (3GPP TS 26.132 clause 8.7.1).
pub const WIDEBAND: RangeInclusive<f64> = 300.0..=6700.0;
/// Range of the coupling loss in the hands-free recommendations P.1110 and P.1120, Hz.
pub const HANDS_FREE: RangeInclusive<f64> = 100.0..=8000.0;

/// The coupling loss of an echo response (gain from receive to send, dB) over a range of frequencies: minus the mean of
/// its power over log frequency, by the trapezoidal rule of ITU-T G.122 B.4. A path of the same loss at all frequencies
/// reads its own loss.
///
/// # Errors
/// A response that does not reach over the range.
pub fn coupling_loss(echo: &Response, range: RangeInclusive<f64>) -> Measured<Db> {
    let (low, high) = (*range.start(), *range.end());
    let reaches = echo
        .range()
        .is_some_and(|(first, last)| first <= low * BEYOND && last >= high / BEYOND);
    if !(low > 0.0 && high > low && reaches) {
        return Err(Unmeasurable::Mismatch(format!(
            "the echo response does not reach from {low} Hz to {high} Hz"
        )));
    }
    let Some((first, last)) = echo.range() else {
        return Err(Unmeasurable::NothingToMeasure);
    };
    let power = |hz: f64| {
        echo.at(hz.clamp(first, last))
            .map_or(0.0, |db| 10f64.powf(db / 10.0))
    };
    let inner = echo
        .points()
        .iter()
        .map(|point| point.0)
        .filter(|hz| *hz > low && *hz < high);
    let frequencies: Vec<f64> = std::iter::once(low)
        .chain(inner)
        .chain(std::iter::once(high))
        .collect();
    let area: f64 = frequencies
        .windows(2)
        .map(|pair| (power(pair[0]) + power(pair[1])) * (pair[1] / pair[0]).log10())
        .sum();
    Measurement::single(Db(constant(low, high) - 10.0 * area.log10()))
}

/// The constant of the formula, dB: 3.24 for 300 to 3400 Hz, 4.31 for 300 to 6700 Hz, 5.81 for 100 to 8000 Hz.
fn constant(low: f64, high: f64) -> f64 {
    10.0 * (2.0 * (high / low).log10()).log10()
}

/// What comes back less what was played, dB, in the bands in which something was played (at most 40 dB below the strongest).
///
/// # Errors
/// Nothing played, nothing to measure.
pub fn echo_response(
    played: &[f32],
    returned: &[f32],
    rate: u32,
    bands: Bands,
    range: RangeInclusive<f64>,
) -> Result<Response, Unmeasurable> {
    level_difference_within(played, returned, rate, bands, range, PLAYED)
}

/// Terminal coupling loss between what was played to a device and what it sent back, from levels in third octaves. Both
/// on the same plane, the converged part only (TS 26.132: the last 6 sentences, after 17 s). A silent return is a loss
/// without bound.
///
/// # Errors
/// Nothing played in a band of the range, a rate that does not reach over it.
pub fn terminal_coupling_loss(
    played: &[f32],
    returned: &[f32],
    rate: u32,
    range: RangeInclusive<f64>,
) -> Measured<Db> {
    if !returned.is_empty() && returned.iter().all(|sample| *sample == 0.0) {
        return Measurement::single(Db(f64::INFINITY));
    }
    let echo = echo_response(played, returned, rate, Bands::ThirdOctave, range.clone())?;
    coupling_loss(&echo, range)
}

/// Where a loop around the device is nearest to singing.
#[derive(Debug, Clone, PartialEq)]
pub struct StabilityLoss {
    /// Least loss from receive to send at any frequency.
    pub loss: Measurement<Db>,
    /// Where, Hz.
    pub hz: f64,
}

/// Stability loss in twelfth octaves (3GPP TS 26.131 clause 6.6: at least 6 dB from 100 Hz to 8 kHz), over the bands in which
/// something was played.
///
/// # Errors
/// Nothing played, a silent return.
pub fn stability_loss(
    played: &[f32],
    returned: &[f32],
    rate: u32,
    range: RangeInclusive<f64>,
) -> Result<StabilityLoss, Unmeasurable> {
    let echo = echo_response(played, returned, rate, Bands::TwelfthOctave, range)?;
    let (hz, gain) = echo
        .points()
        .iter()
        .copied()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .ok_or(Unmeasurable::Silent)?;
    Ok(StabilityLoss {
        loss: Measurement::single(Db(-gain))?,
        hz,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::pink_noise;

    #[test]
    fn constants_are_those_of_the_recommendations() {
        for (range, expected) in [(NARROWBAND, 3.24), (WIDEBAND, 4.31), (HANDS_FREE, 5.81)] {
            assert!((constant(*range.start(), *range.end()) - expected).abs() < 0.006);
        }
    }

    #[test]
    fn a_flat_path_reads_its_own_loss() {
        for bands in [Bands::ThirdOctave, Bands::TwelfthOctave] {
            for range in [NARROWBAND, WIDEBAND, HANDS_FREE] {
                let echo = Response::new(bands.centres(100.0..=8000.0).into_iter().map(|hz| (hz, -46.0)));
                let loss = coupling_loss(&echo, range.clone()).expect("the whole range");
                assert!((loss.value.0 - 46.0).abs() < 1e-9, "{range:?}: {}", loss.value);
            }
        }
    }

    #[test]
    fn a_path_in_a_part_of_the_band() {
        // echo in half of the range on the logarithmic scale: 3 dB more loss
        let middle = (300.0f64 * 3400.0).sqrt();
        let echo = Response::new([
            (300.0, -40.0),
            (middle, -40.0),
            (middle * 1.0001, -140.0),
            (3400.0, -140.0),
        ]);
        let loss = coupling_loss(&echo, NARROWBAND).expect("the whole range");
        assert!((loss.value.0 - 43.01).abs() < 0.01, "{}", loss.value);
        assert!(coupling_loss(&echo, WIDEBAND).is_err());
        assert!(coupling_loss(&Response::default(), NARROWBAND).is_err());
    }

    #[test]
    fn noise_is_no_echo_of_what_was_not_played() {
        // nothing above 2 kHz, and a microphone with noise at all frequencies
        let played = crate::stimulus::band_noise(100.0, 2000.0, DbOv(-26.0), 8.0, 16000, 1);
        let noise = crate::stimulus::white_noise(DbOv(-75.0), 8.0, 16000, 2);
        let returned: Vec<f32> = played
            .iter()
            .zip(&noise)
            .map(|(x, noise)| x * 0.05 + noise)
            .collect();
        let stability = stability_loss(&played, &returned, 16000, 100.0..=8000.0).expect("an echo");
        assert!(
            (stability.loss.value.0 - 26.0).abs() < 1.0 && stability.hz < 3000.0,
            "{stability:?}"
        );
        let wide = terminal_coupling_loss(&played, &returned, 16000, WIDEBAND);
        assert!(wide.is_err(), "{wide:?}");
    }

    #[test]
    fn an_echo_of_known_loss_and_delay() {
        let played = pink_noise(DbOv(-16.0), 8.0, 16000, 1);
        let mut returned = vec![0.0; 800];
        returned.extend(played.iter().map(|x| x * 0.01));
        let loss = terminal_coupling_loss(&played, &returned, 16000, WIDEBAND).expect("an echo");
        assert!((loss.value.0 - 40.0).abs() < 0.1, "{}", loss.value);
        let stability = stability_loss(&played, &returned, 16000, 100.0..=7000.0).expect("an echo");
        assert!((stability.loss.value.0 - 40.0).abs() < 0.5, "{stability:?}");
        let silent = terminal_coupling_loss(&played, &[0.0; 16000], 16000, WIDEBAND).expect("no echo");
        assert_eq!(silent.value.0, f64::INFINITY);
        assert!(terminal_coupling_loss(&[], &[], 16000, WIDEBAND).is_err());
        assert!(terminal_coupling_loss(&played, &returned, 8000, WIDEBAND).is_err());
    }
}
