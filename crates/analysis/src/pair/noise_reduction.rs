//! What a noise reduction did: REF is its input, speech in noise, DEG its output, and the clean speech comes beside them.

use std::borrow::Cow;

use voxproof_audio::delay::estimate;
use voxproof_audio::measurement::{Measured, Measurement, Unmeasurable};
use voxproof_audio::noise::{NoiseReduction, noise_reduction};
use voxproof_audio::unit::Db;

use super::{Pair, PairOptions, resampled};
use crate::quantity::{REDUCTION_NOISE, REDUCTION_RATIO, REDUCTION_SPEECH};
use crate::{Group, PairRecord, QuantityResult};

/// Where the clean speech and the output are looked for around the input, s.
const SEARCH_S: std::ops::Range<f64> = -2.0..2.0;
/// Correlation from which they belong together: speech at 0 dB in noise has 0.7 with itself.
const RELATED: f64 = 0.2;

pub(super) fn measure(pair: &Pair<'_>, options: &PairOptions, record: &mut PairRecord) {
    if !options.selection.has(Group::NoiseReduction) {
        return;
    }
    let quantities = [&REDUCTION_NOISE, &REDUCTION_SPEECH, &REDUCTION_RATIO];
    let Some(clean) = &options.clean else {
        let because = "the clean speech was not given (--clean)";
        let none = quantities.map(|quantity| QuantityResult::because(quantity, "no-clean-speech", because));
        record.results.extend(none);
        return;
    };
    let found = resampled(clean, pair.rate).and_then(|clean| {
        let input = aligned(&clean, &pair.reference, pair.rate)?;
        let output = aligned(&clean, &pair.degraded, pair.rate)?;
        noise_reduction(&clean, &input, &output, pair.rate)
    });
    let of = |value: fn(&NoiseReduction) -> Db| -> Measured<Db> {
        found
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|found| Measurement::single(value(found)))
    };
    let values = [
        of(|found| found.noise_level),
        of(|found| found.speech_level),
        of(|found| found.signal_to_noise),
    ];
    let results = quantities.into_iter().zip(&values);
    record
        .results
        .extend(results.map(|(quantity, value)| QuantityResult::of(quantity, value)));
}

/// A recording moved to where the clean speech in it has its own time.
fn aligned<'a>(clean: &[f32], recording: &'a [f32], rate: u32) -> Result<Cow<'a, [f32]>, Unmeasurable> {
    let delay = estimate(clean, recording, rate, SEARCH_S).ok_or(Unmeasurable::Silent)?;
    if delay.confidence < RELATED {
        return Err(Unmeasurable::NotAligned {
            correlation: delay.confidence,
        });
    }
    let lag = (delay.seconds * f64::from(rate)).round();
    Ok(if lag >= 0.0 {
        Cow::Borrowed(recording.get(lag as usize..).unwrap_or_default())
    } else {
        let mut later = vec![0.0; -lag as usize];
        later.extend_from_slice(recording);
        Cow::Owned(later)
    })
}
