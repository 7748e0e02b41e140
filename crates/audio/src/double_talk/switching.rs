//! Voice switching: the level that opens a direction, and how fast it opens.

use crate::echo::envelope::{check, db, power_curve};
use crate::level::{DbOv, rms_dbov};
use crate::measurement::{Measurement, Unmeasurable};
use crate::stimulus::ActivationSequence;
use crate::transfer::delayed;
use crate::unit::Milliseconds;

/// Integration time of levels, s (ITU-T P.1110 clause 11.11.8).
const INTEGRATION_S: f64 = 0.005;
/// A direction is open when the level is within this of its final value, dB (P.340 clause 10.3.2.7, provisional there).
const OPEN_DB: f64 = 3.0;
/// A burst came through when its gain is within this of the gain of the loudest, dB: own value.
const THROUGH_DB: f64 = 6.0;

/// When a direction opens.
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// Level of the weakest burst from which on all come through, at the input.
    pub level: Measurement<DbOv>,
    /// From the beginning of that burst until the level at the output stays within 3 dB of its final difference from the
    /// input.
    pub build_up: Measurement<Milliseconds>,
    /// Gain of each burst, dB, relative to the loudest.
    pub gains: Vec<f64>,
}

/// Finds the activation level in the recording of bursts of rising level; `delay` is that of the recording, in samples.
///
/// # Errors
/// No whole burst in the recording, the loudest one did not come through.
pub fn activation(
    sequence: &ActivationSequence,
    played: &[f32],
    recorded: &[f32],
    rate: u32,
    delay: usize,
) -> Result<Activation, Unmeasurable> {
    let bursts: Vec<(&[f32], &[f32])> = sequence
        .bursts(rate)
        .into_iter()
        .map_while(|(_, range)| Some((played.get(range.clone())?, delayed(recorded, &range, delay)?)))
        .collect();
    let mut gains: Vec<f64> = bursts
        .iter()
        .map(|(input, output)| rms_dbov(output).0 - rms_dbov(input).0)
        .collect();
    let loudest = *gains
        .last()
        .ok_or(Unmeasurable::NoSuchPart("whole burst in the recording"))?;
    if !loudest.is_finite() {
        return Err(Unmeasurable::Silent);
    }
    for gain in &mut gains {
        *gain -= loudest;
    }
    let first = gains
        .iter()
        .rposition(|gain| gain.is_nan() || gain.abs() > THROUGH_DB)
        .map_or(0, |index| index + 1);
    let (input, output) = *bursts
        .get(first)
        .ok_or(Unmeasurable::NoSuchPart("burst that came through"))?;
    Ok(Activation {
        level: Measurement::single(rms_dbov(input))?,
        build_up: build_up(input, output, rate)?,
        gains,
    })
}

/// From the beginning of a burst until the gain (levels integrated over 5 ms) stays within 3 dB of its median over the
/// second half of the burst. The signals are aligned and begin with the burst; the time is known to a millisecond.
///
/// # Errors
/// Nothing to measure, silence.
pub fn build_up(input: &[f32], output: &[f32], rate: u32) -> Result<Measurement<Milliseconds>, Unmeasurable> {
    check(input, rate)?;
    check(output, rate)?;
    let gains: Vec<f64> = power_curve(input, rate, INTEGRATION_S)
        .iter()
        .zip(power_curve(output, rate, INTEGRATION_S))
        .filter(|(input, _)| **input > 0.0)
        .map(|(input, output)| db(output / input))
        .collect();
    let later = gains.get(gains.len() / 2..).unwrap_or_default();
    let end = crate::statistics::median(later.to_vec()).ok_or(Unmeasurable::NothingToMeasure)?;
    if !end.is_finite() {
        return Err(Unmeasurable::Silent);
    }
    let closed = gains
        .iter()
        .take(gains.len() / 2)
        .rposition(|gain| *gain < end - OPEN_DB)
        .map_or(0, |index| index + 1);
    Measurement::single(Milliseconds(closed as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: ActivationSequence = ActivationSequence {
        bursts: 20,
        step_db: 1.0,
        seed: 1,
    };

    /// A voice switch that opens `attack` seconds into each burst of at least `opens` dBov, else attenuates by 20 dB.
    fn switched(played: &[f32], opens: f64, attack: f64, rate: u32) -> Vec<f32> {
        let mut out: Vec<f32> = played.iter().map(|x| 0.1 * x).collect();
        for (_, range) in SEQUENCE.bursts(rate) {
            if rms_dbov(&played[range.clone()]).0 >= opens {
                let from = range.start + (attack * f64::from(rate)) as usize;
                out[from..range.end].copy_from_slice(&played[from..range.end]);
            }
        }
        out
    }

    #[test]
    fn level_and_time_of_a_voice_switch() {
        let played = SEQUENCE.samples(DbOv(-20.0), 16000);
        let mut recorded = vec![0.0; 160];
        recorded.extend(switched(&played, -30.5, 0.03, 16000));
        let found = activation(&SEQUENCE, &played, &recorded, 16000, 160).expect("bursts");
        assert!((found.level.value.0 + 30.0).abs() < 0.1, "{}", found.level.value);
        // the meter needs the time for half of the power: 5 ms ln 2
        assert!(
            (30.0..36.0).contains(&found.build_up.value.0),
            "{}",
            found.build_up.value
        );
        assert_eq!(found.gains.len(), 20);
        let open = activation(&SEQUENCE, &played, &played, 16000, 0).expect("bursts");
        assert!(
            (open.level.value.0 + 39.0).abs() < 0.1 && open.build_up.value.0 == 0.0,
            "{open:?}"
        );
    }

    #[test]
    fn bad_recordings_are_refused() {
        let played = SEQUENCE.samples(DbOv(-20.0), 8000);
        assert!(activation(&SEQUENCE, &played, &[], 8000, 0).is_err());
        assert!(activation(&SEQUENCE, &played, &vec![0.0; played.len()], 8000, 0).is_err());
        assert!(activation(&SEQUENCE, &played, &played, 8000, usize::MAX).is_err());
        assert!(build_up(&[], &[], 8000).is_err());
        assert!(build_up(&[0.0; 100], &[0.0; 100], 8000).is_err());
        assert!(build_up(&[f32::NAN; 100], &[1.0; 100], 8000).is_err());
    }
}
