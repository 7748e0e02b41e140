//! Resampling is flat to 0.45 of the lower rate and clean beyond half of it.

use voxproof_audio::resample::resample;

fn tone(frequency: f64, rate: u32) -> Vec<f64> {
    (0..4 * rate)
        .map(|n| 0.5 * (std::f64::consts::TAU * frequency * f64::from(n) / f64::from(rate)).sin())
        .collect()
}

/// Least-squares fit of a tone to the middle 60 %: its level over 0.5 and that of the rest, both in dB.
fn fit(samples: &[f64], frequency: f64, rate: u32) -> (f64, f64) {
    let middle = samples.len() / 5..samples.len() * 4 / 5;
    let angle = |n: usize| std::f64::consts::TAU * frequency * n as f64 / f64::from(rate);
    let (mut cc, mut ss, mut cs, mut xc, mut xs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for n in middle.clone() {
        let (s, c) = angle(n).sin_cos();
        cc += c * c;
        ss += s * s;
        cs += c * s;
        xc += samples[n] * c;
        xs += samples[n] * s;
    }
    let determinant = cc * ss - cs * cs;
    let (a, b) = (
        (xc * ss - xs * cs) / determinant,
        (xs * cc - xc * cs) / determinant,
    );
    let rest: f64 = middle
        .clone()
        .map(|n| {
            let (s, c) = angle(n).sin_cos();
            (samples[n] - a * c - b * s).powi(2)
        })
        .sum();
    let decibels = |power: f64| 10.0 * power.max(1e-30).log10();
    (
        decibels((a * a + b * b) / 0.25),
        decibels(rest / middle.len() as f64 / 0.125),
    )
}

/// The figures of the one form of the resampler that is flat: another one loses 25 dB at 7.2 kHz.
#[test]
fn the_band_is_flat_and_nothing_folds_into_it() {
    for (from, to) in [
        (48_000, 16_000),
        (48_000, 8000),
        (44_100, 16_000),
        (16_000, 8000),
        (96_000, 48_000),
    ] {
        let low = f64::from(to.min(from));
        let inside = resample(&tone(0.45 * low, from), from, to).expect("rates of the test");
        let (gain, distortion) = fit(&inside, 0.45 * low, to);
        println!("{from} to {to}: gain {gain:.4} dB, rest {distortion:.0} dB");
        assert!(gain.abs() < 0.001, "{from} to {to}: {gain}");
        assert!(distortion < -120.0, "{from} to {to}: {distortion}");
        // a tone at 0.56 of the lower rate would come back at 0.44
        let alias = resample(&tone(0.56 * low, from), from, to).expect("rates of the test");
        let (level, all) = fit(&alias, 0.44 * low, to);
        println!("{from} to {to}: alias {level:.0} dB, all {all:.0} dB");
        assert!(level < -150.0 && all < -120.0, "{from} to {to}: {level} {all}");
    }
}

#[test]
fn the_way_up_has_no_images() {
    for (from, to) in [(8000, 16_000), (8000, 48_000), (16_000, 48_000), (16_000, 44_100)] {
        let frequency = 0.45 * f64::from(from);
        let (gain, rest) = fit(
            &resample(&tone(frequency, from), from, to).expect("rates"),
            frequency,
            to,
        );
        println!("{from} to {to}: gain {gain:.4} dB, rest {rest:.0} dB");
        assert!(
            gain.abs() < 0.001 && rest < -120.0,
            "{from} to {to}: {gain} {rest}"
        );
    }
}
