//! DTMF digits and call-progress tones of a recording.

use voxproof_audio::call_progress::{self, TonePlan};
use voxproof_audio::dtmf::{self, Digit, DigitTone};
use voxproof_audio::level::{DbOv, Plane};
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::unit::{Count, Db, Milliseconds, Percent};

use crate::event::kept;
use crate::plane::on_plane;
use crate::quantity::*;
use crate::{Event, Group, QuantityResult};

/// Digits as they were sent: the figures of all, and each by itself.
pub(crate) fn digits(samples: &[f32], rate: u32, plane: Option<Plane>) -> (Vec<QuantityResult>, Vec<Event>) {
    let found = dtmf::measure(samples, rate);
    let some = || -> Result<&[Digit], Unmeasurable> {
        match &found {
            Ok(digits) if digits.is_empty() => Err(Unmeasurable::NoSuchPart("digit")),
            Ok(digits) => Ok(digits),
            Err(reason) => Err(reason.clone()),
        }
    };
    let worst = |figure: fn(&Digit) -> f64, better: fn(f64, f64) -> f64| -> Result<f64, Unmeasurable> {
        let values = some()?.iter().map(figure);
        values.reduce(better).ok_or(Unmeasurable::NothingToMeasure)
    };
    let level = |tone: fn(&Digit) -> DigitTone| -> Measured<DbOv> {
        Measurement::of(&some()?.iter().map(|digit| tone(digit).level).collect::<Vec<_>>())
    };
    let twist = some()
        .and_then(|digits| Measurement::of(&digits.iter().map(|digit| digit.twist).collect::<Vec<_>>()));
    let deviation = |digit: &Digit| digit.low.deviation.0.abs().max(digit.high.deviation.0.abs());
    let pauses = some().and_then(|digits| {
        let pauses = digits.iter().filter_map(|digit| Some(digit.pause?.0));
        pauses
            .reduce(f64::min)
            .ok_or(Unmeasurable::NoSuchPart("second digit"))
    });
    let (low, high) = (level(|digit| digit.low), level(|digit| digit.high));
    let mut results = vec![
        QuantityResult::of(
            &DTMF_DIGITS,
            &found
                .clone()
                .and_then(|digits| Measurement::single(Count(digits.len() as f64))),
        ),
        QuantityResult::of(
            &DTMF_DEVIATION,
            &worst(deviation, f64::max).and_then(|value| Measurement::single(Percent(value))),
        ),
        QuantityResult::of(&DTMF_LOW, &low),
    ];
    results.extend(on_plane(&DTMF_LOW_DBM0, &low, plane));
    results.push(QuantityResult::of(&DTMF_HIGH, &high));
    results.extend(on_plane(&DTMF_HIGH_DBM0, &high, plane));
    let ms = |value: Result<f64, Unmeasurable>| value.and_then(|ms| Measurement::single(Milliseconds(ms)));
    results.extend([
        QuantityResult::of(&DTMF_TWIST, &twist),
        QuantityResult::of(&DTMF_SHORTEST, &ms(worst(|digit| digit.duration.0, f64::min))),
        QuantityResult::of(&DTMF_PAUSE, &ms(pauses)),
        QuantityResult::of(
            &DTMF_EDGE,
            &ms(worst(|digit| digit.rise.0.max(digit.fall.0), f64::max)),
        ),
        QuantityResult::of(
            &DTMF_DISTORTION,
            &worst(|digit| digit.distortion.0, f64::max).and_then(|value| Measurement::single(Db(value))),
        ),
    ]);
    let events = found
        .unwrap_or_default()
        .iter()
        .map(|digit| event(digit, plane))
        .collect();
    (results, kept(events))
}

fn event(digit: &Digit, plane: Option<Plane>) -> Event {
    let seconds = digit.duration.0 / 1e3;
    let event = Event::new(
        Group::Dtmf,
        "digit",
        digit.start.0,
        seconds,
        digit.digit.to_string(),
    );
    let (offset, unit) = plane.map_or((0.0, "dBov"), |plane| (plane.offset_db(), "dBm0"));
    event
        .with("duration", digit.duration.0, "ms", 1)
        .with("pause", digit.pause.map_or(f64::NAN, |pause| pause.0), "ms", 1)
        .with("low", digit.low.frequency.0, "Hz", 2)
        .with("low_level", digit.low.level.0 + offset, unit, 2)
        .with("high", digit.high.frequency.0, "Hz", 2)
        .with("high_level", digit.high.level.0 + offset, unit, 2)
        .with("twist", digit.twist.0, "dB", 2)
        .with("distortion", digit.distortion.0, "dB", 1)
        .with("rise", digit.rise.0, "ms", 1)
        .with("fall", digit.fall.0, "ms", 1)
}

/// Dial tones, ringing tones and so on, of both plans: no tone of the one has the frequencies of one of the other.
pub(crate) fn progress(samples: &[f32], rate: u32, plane: Option<Plane>) -> (QuantityResult, Vec<Event>) {
    let (offset, unit) = plane.map_or((0.0, "dBov"), |plane| (plane.offset_db(), "dBm0"));
    let mut events = Vec::new();
    for (plan, name) in [
        (TonePlan::europe(), "Europe"),
        (TonePlan::north_america(), "North America"),
    ] {
        for tone in call_progress::detect(samples, rate, &plan) {
            let interval = tone.interval_s;
            let what = format!("{} ({name})", tone.name);
            let mut event = Event::new(
                Group::Progress,
                "tone",
                interval.start,
                interval.end - interval.start,
                what,
            )
            .with("duration", interval.end - interval.start, "s", 2)
            .with("level", tone.level.0 + offset, unit, 2)
            .with("bursts", tone.bursts.len() as f64, "", 0);
            let heard = tone
                .bursts
                .first()
                .map_or(&[] as &[f64], |burst| &burst.frequencies_hz);
            for (figure, hz) in ["first_frequency", "second_frequency"].into_iter().zip(heard) {
                event = event.with(figure, *hz, "Hz", 1);
            }
            if let [one, two, ..] = tone.bursts.as_slice() {
                event = event
                    .with("on", one.interval_s.end - one.interval_s.start, "s", 3)
                    .with("off", two.interval_s.start - one.interval_s.end, "s", 3);
            }
            events.push(event);
        }
    }
    events.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    let count = Measurement::single(Count(events.len() as f64));
    (QuantityResult::of(&PROGRESS_TONES, &count), kept(events))
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_audio::call_progress::generate;
    use voxproof_audio::stimulus::{silence, sine};

    fn keyed(rate: u32) -> Vec<f32> {
        let mut samples = silence(0.2, rate);
        for (low, high) in [(770.0, 1336.0), (941.0, 1477.0)] {
            let (low, high) = (
                sine(low, DbOv(-17.0), 0.1, rate),
                sine(high, DbOv(-15.0), 0.1, rate),
            );
            samples.extend(low.iter().zip(&high).map(|(a, b)| a + b));
            samples.extend(silence(0.08, rate));
        }
        samples
    }

    #[test]
    fn digits_have_their_figures() {
        let (results, events) = digits(&keyed(8000), 8000, Some(Plane::ALaw));
        let value = |id: &str| {
            let result = results.iter().find(|result| result.quantity == id);
            result
                .and_then(|result| result.value)
                .unwrap_or_else(|| panic!("no {id}"))
        };
        assert_eq!(value("dtmf_digits"), 2.0);
        assert!((value("dtmf_low_level") + 17.0).abs() < 0.1);
        assert!((value("dtmf_high_level_dbm0") + 8.85).abs() < 0.1);
        assert!((value("dtmf_twist") - 2.0).abs() < 0.05 && value("dtmf_deviation") < 0.05);
        assert!((value("dtmf_shortest_tone") - 100.0).abs() < 1.5);
        assert!((value("dtmf_shortest_pause") - 80.0).abs() < 1.5);
        assert_eq!(
            events.iter().map(|event| event.what.as_str()).collect::<String>(),
            "5#"
        );
        assert!((events[0].at_s - 0.2).abs() < 0.002);
    }

    #[test]
    fn without_a_digit_there_is_a_count_of_none() {
        let (results, events) = digits(&silence(1.0, 8000), 8000, None);
        assert_eq!(results[0].value, Some(0.0));
        assert!(events.is_empty() && results[1].text().contains("there is no digit"));
        assert!(digits(&[0.0; 100], 2000, None).0[0].value.is_none());
    }

    #[test]
    fn tones_have_their_names() {
        for plan in [TonePlan::europe(), TonePlan::north_america()] {
            let busy = plan
                .tones
                .iter()
                .find(|tone| tone.name == "busy")
                .expect("a tone");
            let samples = generate(busy, DbOv(-20.0), 4.0, 8000);
            let (count, events) = progress(&samples, 8000, None);
            assert_eq!(count.value, Some(1.0));
            assert!(events[0].what.starts_with("busy ("), "{}", events[0].what);
        }
    }
}
