//! Echo loss and attenuation during double talk with orthogonal modulated tones.

use crate::measurement::{Measurement, Unmeasurable};
use crate::stimulus::{AmFm, Carrier};
use crate::transfer::welch::{band_power, whole_spectrum};
use crate::unit::Db;

/// Shortest recording, s: the modulation has a period of 1 s.
const SHORTEST_S: f64 = 2.0;
/// Longest recording that is looked at, samples.
const LONGEST: usize = 1 << 23;

/// Losses in the bands of a comb.
#[derive(Debug, Clone, PartialEq)]
pub struct CombLoss {
    /// Least loss of any tone.
    pub least: Measurement<Db>,
    /// The tone with it, Hz.
    pub least_hz: f64,
    /// Loss of the sum of all tones.
    pub overall: Measurement<Db>,
    /// Loss of each tone: (Hz, dB).
    pub bands: Vec<(f64, f64)>,
}

/// Loss from `played` to `recorded` in the bands of the tones of `signal`, each from its centre less to its centre plus
/// its deviation (ITU-T P.501 clause 7.2.4.1).
///
/// With the far end's comb, what was played to the device and what it sent while both combs were on the line, this is the
/// echo loss during double talk; with the near end's comb, its output alone and its output in double talk, the
/// attenuation of the send direction. Both recordings must be as long as the signal, from the same moment.
///
/// # Errors
/// Recordings shorter than 2 s or too long, a silent tone in what was played.
pub fn comb_loss(
    signal: &AmFm,
    played: &[f32],
    recorded: &[f32],
    rate: u32,
) -> Result<CombLoss, Unmeasurable> {
    let count = played.len().min(recorded.len());
    let seconds = count as f64 / f64::from(rate.max(1));
    if seconds < SHORTEST_S || rate == 0 {
        return Err(Unmeasurable::TooShort {
            needed_s: SHORTEST_S,
            got_s: seconds,
        });
    }
    if count > LONGEST {
        return Err(Unmeasurable::Mismatch(
            "the recording is too long for a comb".to_owned(),
        ));
    }
    let tones: Vec<Carrier> = signal
        .carriers()
        .into_iter()
        .filter(|tone| tone.hz + tone.deviation_hz < f64::from(rate) / 2.0)
        .collect();
    let (input, output) = (
        powers(&played[..count], rate, &tones),
        powers(&recorded[..count], rate, &tones),
    );
    if input.iter().any(|power| *power <= 0.0) || input.is_empty() {
        return Err(Unmeasurable::Silent);
    }
    let loss = |input: f64, output: f64| 10.0 * (input / output.max(input * 1e-12)).log10();
    let bands: Vec<(f64, f64)> = tones
        .iter()
        .zip(input.iter().zip(&output))
        .map(|(tone, (input, output))| (tone.hz, loss(*input, *output)))
        .collect();
    let (least_hz, least) = bands
        .iter()
        .copied()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .ok_or(Unmeasurable::NothingToMeasure)?;
    Ok(CombLoss {
        least: Measurement::single(Db(least))?,
        least_hz,
        overall: Measurement::single(Db(loss(input.iter().sum(), output.iter().sum())))?,
        bands,
    })
}

/// Power in the band of each tone, of the whole recording under one window that keeps the combs apart.
fn powers(samples: &[f32], rate: u32, tones: &[Carrier]) -> Vec<f64> {
    let (power, step) = whole_spectrum(samples, rate);
    tones
        .iter()
        .map(|tone| {
            band_power(
                &power,
                step,
                tone.hz - tone.deviation_hz,
                tone.hz + tone.deviation_hz,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::stimulus::Direction;

    const FAR: AmFm = AmFm {
        direction: Direction::Receive,
        highest_hz: 7200.0,
        seconds: 5.0,
    };
    const NEAR: AmFm = AmFm {
        direction: Direction::Send,
        ..FAR
    };

    #[test]
    fn echo_and_near_end_are_told_apart() {
        let (far, near) = (FAR.samples(DbOv(-22.0), 16000), NEAR.samples(DbOv(-26.0), 16000));
        // the device sends the near end 6 dB weaker, with an echo 45 dB down
        let sent: Vec<f32> = far
            .iter()
            .zip(&near)
            .map(|(f, n)| f * 0.005_623_4 + n * 0.5)
            .collect();
        let echo = comb_loss(&FAR, &far, &sent, 16000).expect("a comb");
        assert!(
            (echo.overall.value.0 - 45.0).abs() < 0.2,
            "{}",
            echo.overall.value
        );
        for (hz, loss) in &echo.bands {
            assert!((loss - 45.0).abs() < 1.0, "{hz}: {loss}");
        }
        let talk = comb_loss(&NEAR, &near, &sent, 16000).expect("a comb");
        assert!(
            (talk.overall.value.0 - 6.02).abs() < 0.01,
            "{}",
            talk.overall.value
        );
        for (hz, loss) in &talk.bands {
            assert!((loss - 6.02).abs() < 0.05, "{hz}: {loss}");
        }
    }

    #[test]
    fn the_combs_leave_each_other_alone() {
        let (far, near) = (FAR.samples(DbOv(-22.0), 16000), NEAR.samples(DbOv(-22.0), 16000));
        let leak = comb_loss(&FAR, &far, &near, 16000).expect("a comb");
        assert!(
            leak.least.value.0 > 50.0,
            "{} at {} Hz",
            leak.least.value,
            leak.least_hz
        );
        let silent = comb_loss(&FAR, &far, &[0.0; 80_000], 16000).expect("a comb");
        assert!((silent.least.value.0 - 120.0).abs() < 1e-6);
        assert_eq!(
            comb_loss(&FAR, &[0.0; 80_000], &near, 16000),
            Err(Unmeasurable::Silent)
        );
        assert!(comb_loss(&FAR, &far[..100], &near, 16000).is_err());
        assert!(comb_loss(&FAR, &far, &near, 0).is_err());
    }
}
