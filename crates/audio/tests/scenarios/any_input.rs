//! No recording makes a measurement panic.

use proptest::prelude::*;
use voxproof_audio::delay::Delay;
use voxproof_audio::{
    align, call_progress, comparison, concealment, delay, delay_track, dtmf, echo_return, glitch,
    jitter_buffer, level, p56, sample, stimulus, tone, waveform,
};

/// Samples of every kind that a file may hold: speech, noise, constants, NaN, infinities, overflowing values.
fn samples() -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<f32>(), 0..600),
        proptest::collection::vec(-1.0f32..1.0, 0..3000),
        (any::<f32>(), 0usize..3000).prop_map(|(value, count)| vec![value; count]),
        (0u64..4, 0.0f64..1.0).prop_map(|(seed, seconds)| stimulus::speech_like(seconds, 8000, seed)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn one_recording(samples in samples(), rate in prop_oneof![Just(0), 1u32..96_000, Just(8000)], hz: f64, columns in 0usize..50) {
        let mut samples = samples;
        let _ = (level::rms_dbov(&samples), level::peak(&samples), level::dc_offset(&samples));
        let _ = (level::clipped_runs(&samples, 3), level::level_curve(&samples, rate, hz));
        let _ = (tone::tone_level(&samples, rate, hz), tone::dominant_frequency(&samples, rate));
        let _ = (sample::to_i16(&samples), sample::non_finite(&samples));
        if let Some(speech) = p56::speech_level(&samples, rate) {
            prop_assert!((0.0..=1.0).contains(&speech.activity), "{speech:?}");
            prop_assert!(speech.active >= speech.rms, "{speech:?}");
        }
        if !samples.is_empty() {
            prop_assert_eq!(waveform::envelope(&samples, columns).len(), columns);
        }
        let _ = stimulus::level_to(&mut samples, rate, level::DbOv(hz));
    }

    #[test]
    fn glitches_digits_and_tones(samples in samples(), rate in prop_oneof![Just(0), 1u32..96_000, Just(8000)]) {
        if let Ok(report) = glitch::coded::detect(&samples) {
            prop_assert!(report.gain.0.is_finite(), "{report:?}");
        }
        let _ = glitch::speech::detect(&samples, rate, &glitch::speech::Settings::default());
        for digit in dtmf::measure(&samples, rate).unwrap_or_default() {
            prop_assert!(digit.duration.0 > 0.0 && digit.low.level.0.is_finite(), "{digit:?}");
        }
        for plan in [call_progress::TonePlan::europe(), call_progress::TonePlan::north_america()] {
            let _ = call_progress::detect(&samples, rate, &plan);
        }
        let _ = concealment::click(&samples, rate, samples.len() / 2);
        let signal = echo_return::echo_signal(&echo_return::telephone_bands(), level::DbOv(-20.0), 8000, 1);
        for band in echo_return::echo_return(&signal, &samples, 0.3).expect("bursts") {
            prop_assert!(band.loss.is_err() || band.delay.is_ok(), "{band:?}");
        }
    }

    #[test]
    fn two_recordings_over_time(reference in samples(), degraded in samples(), rate in prop_oneof![Just(0), 1u32..96_000, Just(8000)],
                      from in prop_oneof![-1.0..1.0, any::<f64>()], to in prop_oneof![-1.0..1.0, any::<f64>()], lag: f64) {
        let settings = delay_track::Settings { search: from..to, smallest_jump_s: to, sentence_pause_s: from };
        if let Ok(track) = delay_track::follow(&reference, &degraded, rate, &settings) {
            prop_assert!((0.0..=1.0).contains(&track.matched), "{track:?}");
            if let Ok(report) = jitter_buffer::report(&track, &jitter_buffer::Settings::default()) {
                prop_assert!(report.least.0 <= report.greatest.0, "{report:?}");
            }
        }
        let _ = delay::processing_delay(&reference, &degraded, &reference, rate, from..to);
        let _ = concealment::excess(&reference, &degraded, rate, lag);
        if let Ok(noise) = voxproof_audio::noise::pause_noise(&degraded, &reference, rate, voxproof_audio::weighting::Weighting::Psophometric) {
            prop_assert!(noise.seconds >= 0.2, "{noise:?}");
        }
        let gaps = [0..40, 100..260, 5000..6000];
        for lag in [lag, 0.0, to * 100.0] {
            if let Ok(report) = concealment::evaluate(&reference, &degraded, rate, lag, &gaps) {
                prop_assert!(report.gaps.iter().all(|gap| gap.energy.0 >= -60.0), "{report:?}");
            }
        }
    }

    #[test]
    fn two_recordings(reference in samples(), degraded in samples(), rate in prop_oneof![Just(0), 1u32..96_000, Just(8000)],
                      from in prop_oneof![-1.0..1.0, any::<f64>()], to in prop_oneof![-1.0..1.0, any::<f64>()]) {
        if let Some(delay) = delay::estimate(&reference, &degraded, rate, from..to) {
            prop_assert!((0.0..=1.0).contains(&delay.confidence), "{delay:?}");
        }
        let coarse = Delay { seconds: from, confidence: 0.0 };
        for block in align::blocks(&reference, &degraded, rate, &coarse, 50.0, to) {
            prop_assert!((-1.0..=1.0).contains(&block.correlation), "{block:?}");
            prop_assert!((-100.0..=100.0).contains(&block.snr_db), "{block:?}");
        }
        let results = [
            comparison::compare(&reference, &degraded, rate, from..to),
            comparison::compare_looped(&reference, &degraded, rate),
        ];
        for result in results.into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&result.intact_fraction), "{result:?}");
            prop_assert!(result.median_snr_db.is_finite() && result.median_gain_db.is_finite(), "{result:?}");
            prop_assert!(result.missing_blocks <= result.active_blocks, "{result:?}");
        }
    }
}
