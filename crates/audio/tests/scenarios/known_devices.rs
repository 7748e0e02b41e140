//! Devices of known response, distortion and echo, at every sampling rate a lab meets.

use voxproof_audio::level::DbOv;
use voxproof_audio::stimulus::{CompositeSource, LogSweep, Shaping, Variant, pink_noise, sine};
use voxproof_audio::transfer::{Bands, h1, level_difference, sweep_response};
use voxproof_audio::{distortion, echo};

const RATES: [u32; 6] = [8000, 11_025, 16_000, 44_100, 48_000, 96_000];

/// The mean of two neighbouring samples: a low-pass with |H| = cos(pi f / rate), phase -pi f / rate.
fn averaged(samples: &[f32]) -> Vec<f32> {
    let mut last = 0.0;
    samples
        .iter()
        .map(|&x| {
            let out = 0.5 * (x + last);
            last = x;
            out
        })
        .collect()
}

/// Mean of |H|^2 over a band, dB: what a band level shows.
fn truth_db(low: f64, high: f64, rate: u32) -> f64 {
    let steps = 200;
    let power: f64 = (0..steps)
        .map(|k| {
            // by log frequency, as pink noise weighs it
            let hz = low * (high / low).powf((f64::from(k) + 0.5) / f64::from(steps));
            (std::f64::consts::PI * hz / f64::from(rate)).cos().powi(2)
        })
        .sum();
    10.0 * (power / f64::from(steps)).log10()
}

#[test]
fn a_known_filter_by_every_method() {
    for rate in RATES {
        let highest = 0.35 * f64::from(rate);
        let noise = pink_noise(DbOv(-20.0), 6.0, rate, 1);
        let filtered = averaged(&noise);
        let by_level =
            level_difference(&noise, &filtered, rate, Bands::ThirdOctave, 200.0..=highest).expect("noise");
        assert!(by_level.points().len() >= 12);
        for &(hz, gain) in by_level.points() {
            let (low, high) = Bands::ThirdOctave.edges(hz);
            let expected = truth_db(low, high, rate);
            assert!(
                (gain - expected).abs() < 0.15,
                "{rate}, {hz} Hz: {gain} for {expected}"
            );
        }
        let complex = h1(&noise, &filtered, rate, Bands::TwelfthOctave, 500.0..=highest).expect("noise");
        for band in complex.bands {
            let expected = -180.0 * band.hz / f64::from(rate);
            assert!(
                (band.phase_degrees - expected).abs() < 1.0,
                "{rate}: {band:?} for {expected}"
            );
        }
        let sweep = LogSweep {
            low_hz: 50.0,
            high_hz: 0.45 * f64::from(rate),
            seconds: 2.0,
            fade_s: 0.01,
            silence_s: 0.3,
        };
        let played = sweep.samples(DbOv(-12.0), rate);
        let by_sweep = sweep_response(&sweep, DbOv(-12.0), &averaged(&played), rate).expect("a sweep");
        for &(hz, gain) in by_sweep
            .linear
            .points()
            .iter()
            .filter(|point| (200.0..highest).contains(&point.0))
        {
            let expected = 20.0 * (std::f64::consts::PI * hz / f64::from(rate)).cos().log10();
            assert!(
                (gain - expected).abs() < 0.15,
                "{rate}, {hz} Hz: {gain} for {expected}"
            );
        }
    }
}

#[test]
fn a_limiter_has_the_distortion_of_its_fourier_series() {
    // a sine of amplitude 2 limited at 1 is cut at 30 degrees; b1 and b3 by integration of the clipped wave
    let angle = std::f64::consts::FRAC_PI_6;
    let b1 = 4.0 / std::f64::consts::PI * (angle - (2.0 * angle).sin() / 2.0 + angle.cos());
    let b3 = 4.0 / std::f64::consts::PI
        * ((2.0 * angle).sin() / 2.0 - (4.0 * angle).sin() / 4.0 + (3.0 * angle).cos() / 3.0);
    for rate in [16_000, 48_000, 96_000] {
        let level = DbOv(20.0 * (0.2 / std::f64::consts::SQRT_2).log10());
        let limited: Vec<f32> = sine(315.0, level, 2.0, rate)
            .iter()
            .map(|x| x.clamp(-0.1, 0.1))
            .collect();
        let found = distortion::harmonic_distortion(&limited, rate, 315.0, 20.0..=20_000.0).expect("a tone");
        let third = found.harmonics_db[1].1;
        let expected = 20.0 * (b3.abs() / b1).log10();
        assert!((third - expected).abs() < 0.1, "{rate}: {third} for {expected}");
        assert!(
            found.harmonics_db[0].1 < -55.0,
            "{rate}: {:?}",
            found.harmonics_db
        );
        assert!(found.thd.value.0 <= found.thd_and_noise.value.0 + 0.05);
    }
}

#[test]
fn an_echo_of_known_loss_by_composite_source() {
    for rate in [16_000, 44_100, 48_000, 96_000] {
        let source = CompositeSource {
            variant: Variant::SingleTalk,
            periods: 20,
            shaping: Shaping::Speech,
            seed: 1,
        };
        let played = source.samples(DbOv(-22.0), rate);
        let mut returned = vec![0.0; rate as usize / 20];
        returned.extend(played.iter().map(|x| -0.005 * x));
        let loss = echo::terminal_coupling_loss(&played, &returned, rate, echo::WIDEBAND).expect("an echo");
        assert!((loss.value.0 - 46.02).abs() < 0.1, "{rate}: {}", loss.value);
        // louder by 6 dB on both sides is the same loss
        let double = |samples: &[f32]| samples.iter().map(|x| 2.0 * x).collect::<Vec<f32>>();
        let louder = echo::terminal_coupling_loss(&double(&played), &double(&returned), rate, echo::WIDEBAND)
            .expect("an echo");
        assert!((louder.value.0 - loss.value.0).abs() < 1e-6);
    }
}
