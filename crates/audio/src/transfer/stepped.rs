//! Response from tones one after the other.

use crate::measurement::Unmeasurable;
use crate::stimulus::{Step, SteppedSine};
use crate::tone::tone_level;
use crate::transfer::{Response, delayed};

/// Share of a tone at either end that is not looked at: the device settles, and the fades are there.
const EDGE_SHARE: f64 = 0.2;

/// The steady part of a tone in a recording that begins `delay` samples after the signal; `None` when it is cut off.
pub(crate) fn steady<'a>(recorded: &'a [f32], step: &Step, delay: usize) -> Option<&'a [f32]> {
    let tone = delayed(recorded, &step.range, delay)?;
    let edge = (EDGE_SHARE * tone.len() as f64) as usize;
    tone.get(edge..tone.len() - edge)
}

/// Gain at each frequency of a stepped sine, from the tones of the level nearest to 0 dB. `delay` is that of the recording,
/// in samples.
///
/// # Errors
/// No whole tone in the recording, silence.
pub fn stepped_response(
    stepped: &SteppedSine,
    played: &[f32],
    recorded: &[f32],
    rate: u32,
    delay: usize,
) -> Result<Response, Unmeasurable> {
    let steps = stepped.steps(rate);
    let nominal = steps
        .iter()
        .map(|step| step.level_db)
        .min_by(|a, b| a.abs().total_cmp(&b.abs()))
        .ok_or(Unmeasurable::NothingToMeasure)?;
    let response = Response::new(
        steps
            .iter()
            .filter(|step| step.level_db == nominal)
            .filter_map(|step| {
                let input = tone_level(steady(played, step, 0)?, rate, step.hz);
                let output = tone_level(steady(recorded, step, delay)?, rate, step.hz);
                Some((step.hz, output.0 - input.0))
            }),
    );
    if response.points().is_empty() {
        return Err(Unmeasurable::NoSuchPart("whole tone in the recording"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;

    #[test]
    fn gain_of_each_tone() {
        let stepped = SteppedSine {
            hz: vec![315.0, 1020.0, 3000.0],
            levels_db: vec![-10.0, 0.0],
            tone_s: 0.4,
            pause_s: 0.1,
        };
        let played = stepped.samples(DbOv(-20.0), 16000);
        let mut recorded = vec![0.0; 55];
        recorded.extend(played.iter().map(|x| x * 0.1));
        let response = stepped_response(&stepped, &played, &recorded, 16000, 55).expect("tones");
        assert_eq!(response.points().len(), 3);
        for (hz, gain) in response.points() {
            assert!((gain + 20.0).abs() < 1e-3, "{hz}: {gain}");
        }
        assert!(stepped_response(&stepped, &played, &[0.0; 40_000], 16000, 0).is_err());
        assert!(stepped_response(&stepped, &played, &recorded, 16000, usize::MAX).is_err());
        let none = SteppedSine {
            hz: vec![],
            ..stepped
        };
        assert_eq!(
            stepped_response(&none, &played, &recorded, 16000, 0),
            Err(Unmeasurable::NothingToMeasure)
        );
    }
}
