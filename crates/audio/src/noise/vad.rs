//! What a voice activity detector cuts off and lets through: front-end clipping, clipping within speech, hangover,
//! silence suppression.

use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::noise::Span;
use crate::sample::clean;
use crate::unit::{Milliseconds, Ratio};

/// Length of the frames in which the recording is compared with the speech, in s.
const FRAME_S: f64 = 0.005;
/// A frame came through when it has at least this share of the power that the speech has at the gain of the path.
const SHARE: f64 = 0.1;

/// The work of a voice activity detector.
#[derive(Debug, Clone, PartialEq)]
pub struct VadTiming {
    /// For each spurt of speech how much of its beginning was cut off; a spurt that never came through is cut off whole.
    pub front_end_clipping: Vec<Milliseconds>,
    /// For each spurt how much was cut off within or at its end.
    pub mid_speech_clipping: Vec<Milliseconds>,
    /// For each spurt that came through to its end, how long transmission went on after it; to the next spurt at most.
    pub hangover: Vec<Milliseconds>,
    /// Share of the pauses in which nothing was transmitted.
    pub silence_suppression: Measured<Ratio>,
    /// Share of the whole time in which something was transmitted.
    pub transmitted: Ratio,
}

impl VadTiming {
    /// Mean front-end clipping with its spread over the spurts.
    ///
    /// # Errors
    /// No spurt.
    pub fn mean_front_end_clipping(&self) -> Measured<Milliseconds> {
        Measurement::of(&self.front_end_clipping)
    }

    /// Mean hangover with its spread over the spurts.
    ///
    /// # Errors
    /// No spurt that came through to its end.
    pub fn mean_hangover(&self) -> Measured<Milliseconds> {
        Measurement::of(&self.hangover)
    }
}

/// Compares where there was speech with where something was transmitted, both in samples at `rate` Hz on the same clock,
/// ascending and apart, within `total` samples. What was transmitted is known from the packets, or from [`passed`].
///
/// # Errors
/// No speech, or no rate.
pub fn vad_timing(
    speech: &[Span],
    transmitted: &[Span],
    total: usize,
    rate: u32,
) -> Result<VadTiming, Unmeasurable> {
    if rate == 0 {
        return Err(Unmeasurable::RateTooLow { rate, needed_hz: 1.0 });
    }
    if speech.is_empty() {
        return Err(Unmeasurable::NoSuchPart("speech"));
    }
    let ms = |samples: usize| Milliseconds(samples as f64 * 1000.0 / f64::from(rate));
    let mut timing = VadTiming {
        front_end_clipping: Vec::new(),
        mid_speech_clipping: Vec::new(),
        hangover: Vec::new(),
        silence_suppression: Err(Unmeasurable::NoSuchPart("pause")),
        transmitted: Ratio(common(transmitted, &(0..total)) as f64 / total.max(1) as f64),
    };
    for (number, spurt) in speech.iter().enumerate() {
        let first = transmitted
            .iter()
            .find(|span| span.end > spurt.start && span.start < spurt.end);
        let front = first.map_or_else(|| spurt.len(), |span| span.start.saturating_sub(spurt.start));
        let heard = common(transmitted, spurt);
        timing.front_end_clipping.push(ms(front));
        timing
            .mid_speech_clipping
            .push(ms(spurt.len().saturating_sub(front + heard)));
        let next = speech.get(number + 1).map_or(total, |next| next.start);
        let last = transmitted
            .iter()
            .find(|span| span.start < spurt.end && span.end >= spurt.end);
        if let Some(last) = last {
            timing
                .hangover
                .push(ms(last.end.min(next).saturating_sub(spurt.end)));
        }
    }
    let pauses = super::pauses(speech, total, 0);
    let paused: usize = pauses.iter().map(ExactSizeIterator::len).sum();
    if paused > 0 {
        let sent: usize = pauses.iter().map(|pause| common(transmitted, pause)).sum();
        timing.silence_suppression = Measurement::single(Ratio(1.0 - sent as f64 / paused as f64));
    }
    Ok(timing)
}

/// Samples of `part` that are in one of the spans.
fn common(spans: &[Span], part: &Span) -> usize {
    spans
        .iter()
        .map(|span| span.end.min(part.end).saturating_sub(span.start.max(part.start)))
        .sum()
}

/// Stretches in which speech that was played came through in an aligned recording of it: frames of 5 ms that have at
/// least a tenth of the power that the speech has at the gain of the path. In pauses the recording must be above
/// `floor_dbov` to count as transmitted.
#[must_use]
pub fn passed(speech: &[f32], recording: &[f32], rate: u32, gain_db: f64, floor_dbov: f64) -> Vec<Span> {
    let frame = ((f64::from(rate) * FRAME_S) as usize).max(1);
    let gain = 10f64.powf(gain_db / 10.0);
    let floor = 10f64.powf(floor_dbov / 10.0);
    let power = |samples: &[f32]| {
        samples.iter().map(|&sample| clean(sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64
    };
    let mut spans: Vec<Span> = Vec::new();
    for (number, (played, recorded)) in speech.chunks(frame).zip(recording.chunks(frame)).enumerate() {
        let wanted = (power(played) * gain * SHARE).max(floor);
        if power(recorded) < wanted {
            continue;
        }
        let here = number * frame..number * frame + recorded.len();
        match spans.last_mut() {
            Some(last) if last.end == here.start => last.end = here.end,
            _ => spans.push(here),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::DbOv;
    use crate::noise::spurts;
    use crate::stimulus::{silence, sine};

    #[test]
    fn what_is_cut_off_and_what_goes_on_is_timed() {
        // speech 100..200 and 400..500 ms; sent 112..190, 195..230 and 390..500
        let timing = vad_timing(
            &[800..1600, 3200..4000],
            &[896..1520, 1560..1840, 3120..4000],
            8000,
            8000,
        )
        .expect("speech");
        assert_eq!(timing.front_end_clipping, [Milliseconds(12.0), Milliseconds(0.0)]);
        assert_eq!(timing.mid_speech_clipping, [Milliseconds(5.0), Milliseconds(0.0)]);
        assert_eq!(timing.hangover, [Milliseconds(30.0), Milliseconds(0.0)]);
        let suppressed = timing.silence_suppression.clone().expect("pauses").value.0;
        assert!(
            (suppressed - (1.0 - 320.0 / 6400.0)).abs() < 1e-12,
            "{suppressed}"
        );
        assert_eq!(
            timing.mean_front_end_clipping().expect("spurts").value,
            Milliseconds(6.0)
        );
        assert!((timing.transmitted.0 - 1784.0 / 8000.0).abs() < 1e-12);
    }

    #[test]
    fn a_spurt_that_never_came_through_is_cut_off_whole() {
        let spurt = 0..800;
        let timing = vad_timing(std::slice::from_ref(&spurt), &[], 800, 8000).expect("speech");
        assert_eq!(timing.front_end_clipping, [Milliseconds(100.0)]);
        assert!(timing.hangover.is_empty() && timing.mean_hangover().is_err());
        assert!(timing.silence_suppression.is_err());
        assert!(vad_timing(&[], &[], 800, 8000).is_err());
        assert!(vad_timing(std::slice::from_ref(&spurt), &[], 800, 0).is_err());
    }

    #[test]
    fn from_recordings_the_same_is_found() {
        let rate = 16_000;
        let tone = sine(400.0, DbOv(-20.0), 0.5, rate);
        let speech = [silence(0.5, rate), tone.clone(), silence(0.5, rate)].concat();
        let mut recording: Vec<f32> = speech.iter().map(|x| x * 0.5).collect();
        recording[8000..8000 + 480].fill(0.0);
        let through = passed(&speech, &recording, rate, -6.0, -70.0);
        let timing = vad_timing(&spurts(&speech, rate), &through, speech.len(), rate).expect("speech");
        assert_eq!(timing.front_end_clipping, [Milliseconds(30.0)]);
        assert_eq!(timing.silence_suppression.expect("pauses").value, Ratio(1.0));
        assert!(passed(&[], &[], 0, f64::NAN, f64::NAN).is_empty());
    }
}
