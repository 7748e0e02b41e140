//! No recording makes a transfer, distortion, echo or double-talk measurement panic or return NaN.

use proptest::prelude::*;
use voxproof_audio::curve::Curve;
use voxproof_audio::level::DbOv;
use voxproof_audio::mask::built_in;
use voxproof_audio::stimulus::{
    ActivationSequence, AmFm, Direction, LogSweep, MaximumLength, PulsedNoise, SteppedSine, speech_like,
};
use voxproof_audio::transfer::{self, Bands};
use voxproof_audio::{distortion, double_talk, echo, linearity};

fn samples() -> impl Strategy<Value = Vec<f32>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<f32>(), 0..600),
        proptest::collection::vec(-1.0f32..1.0, 0..3000),
        (any::<f32>(), 0usize..3000).prop_map(|(value, count)| vec![value; count]),
        (0u64..4, 0.0f64..0.5).prop_map(|(seed, seconds)| speech_like(seconds, 8000, seed)),
    ]
}

fn rates() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 1u32..96_000, Just(8000), Just(u32::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn transfer_functions(a in samples(), b in samples(), rate in rates(), from in 20.0f64..500.0, to in 600.0f64..20_000.0, delay in 0usize..4000) {
        for bands in [Bands::ThirdOctave, Bands::TwelfthOctave] {
            if let Ok(response) = transfer::level_difference(&a, &b, rate, bands, from..=to) {
                prop_assert!(response.points().iter().all(|point| point.1.is_finite()));
                for mask in built_in() {
                    if let Ok(result) = mask.check(&response) {
                        prop_assert!(!result.margin.value.0.is_nan());
                    }
                }
            }
        }
        if let Ok(response) = transfer::h1(&a, &b, rate, Bands::ThirdOctave, from..=to) {
            prop_assert!(response.bands.iter().all(|band| (0.0..=1.0).contains(&band.coherence)));
        }
        let _ = (transfer::channel_match(&a, &b, rate, from..=to), transfer::crosstalk(&a, &b, rate, from..=to));
        let sweep = LogSweep { low_hz: from, high_hz: to, seconds: 0.05, fade_s: 0.01, silence_s: 0.0 };
        if rate < 100_000 {
            let _ = transfer::sweep_response(&sweep, DbOv(-20.0), &a, rate);
        }
        let noise = PulsedNoise { low_hz: 1000.0, high_hz: 2000.0, pulse_s: 0.05, pause_s: 0.01, pulses: 1, seed: 1 };
        let _ = transfer::pulsed_response(&noise, &a, &b, rate, delay);
        let _ = distortion::signal_to_distortion_and_noise(&noise, &a, rate, delay);
    }

    #[test]
    fn distortion_and_gain(a in samples(), b in samples(), rate in rates(), hz: f64, delay in 0usize..4000) {
        if let Ok(found) = distortion::harmonic_distortion(&a, rate, hz, 20.0..=20_000.0) {
            prop_assert!(found.thd.value.0 >= 0.0 && found.thd_and_noise.value.0 >= 0.0, "{found:?}");
        }
        let curve = Curve::new(vec![(100.0, 0.0), (4000.0, -10.0)]).expect("a curve");
        let _ = distortion::signal_to_distortion(&a, rate, hz, 20.0..=4000.0, Some(&curve));
        let _ = distortion::signal_to_distortion(&a, rate, 1000.0, 20.0..=4000.0, None);
        let _ = distortion::intermodulation(&a, rate, 500.0, hz);
        let _ = distortion::image_rejection(&a, rate, hz, 8000.0);
        let _ = distortion::alias_rejection(&a, rate, 5000.0, hz, DbOv(-10.0));
        let _ = linearity::gain_step(&a, &b, rate, 0.1, 1.0);
        let stepped = SteppedSine { hz: vec![1000.0], levels_db: vec![-10.0, 0.0], tone_s: 0.05, pause_s: 0.0 };
        let _ = linearity::stepped_linearity(&stepped, &a, rate, delay);
        let _ = transfer::stepped_response(&stepped, &a, &b, rate, delay);
        let _ = distortion::stepped_distortion(&stepped, &a, rate, delay, &(20.0..=4000.0), None);
        let sequence = MaximumLength { order: 7, periods: 2 };
        let _ = transfer::sequence_response(&sequence, DbOv(-20.0), &a, rate);
    }

    #[test]
    fn echo_and_double_talk(a in samples(), b in samples(), rate in rates(), delay in 0usize..4000) {
        if let Ok(loss) = echo::terminal_coupling_loss(&a, &b, rate, echo::NARROWBAND) {
            prop_assert!(!loss.value.0.is_nan());
        }
        let _ = (echo::stability_loss(&a, &b, rate, 100.0..=8000.0), echo::echo_level(&a, rate));
        let _ = echo::spectral_echo_margin(&a, &b, rate, &echo::spectral_masks()[0]);
        if let Ok(loss) = echo::loss_over_time(&a, &b, rate) {
            prop_assert!(loss.mean.value.0 <= 120.01 && loss.least.value.0 <= loss.mean.value.0 + 1e-9, "{:?}", loss.mean);
        }
        let _ = echo::convergence(&a, &b, rate, None, 20.0);
        let limit = Curve::new(vec![(0.1, 10.0), (1.5, 0.0)]).expect("a curve");
        let _ = echo::convergence_in_noise(&a, rate, DbOv(-50.0), &limit);
        let _ = double_talk::double_talk_attenuation(&a, &b, rate);
        let comb = AmFm { direction: Direction::Send, highest_hz: 3600.0, seconds: 0.1 };
        let _ = double_talk::comb_loss(&comb, &a, &b, rate);
        let sequence = ActivationSequence { bursts: 2, step_db: 1.0, seed: 1 };
        let _ = double_talk::activation(&sequence, &a, &b, rate, delay);
        let _ = double_talk::build_up(&a, &b, rate);
        if let Ok(shares) = double_talk::level_difference_classes(&a, &b, rate, &double_talk::ClassBounds::default()) {
            let total: f64 = shares.iter().map(|share| share.percent).sum();
            prop_assert!((total - 100.0).abs() < 1e-6, "{total}");
        }
    }
}
