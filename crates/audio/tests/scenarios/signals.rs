//! Signals whose truth is known.

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;
use voxproof_audio::level::DbOv;
use voxproof_audio::sample::{from_i16, to_i16};
use voxproof_audio::stimulus::white_noise;
use voxproof_rtp::g711::{Law, decode, encode};

/// The signal later by a fraction of a sample too, by a turn of its spectrum: exact for what lies below half the rate.
/// The result is longer by the delay and a margin.
pub(crate) fn delayed(samples: &[f32], seconds: f64, rate: u32) -> Vec<f32> {
    let shift = seconds * f64::from(rate);
    let wanted = samples.len() + shift.ceil() as usize + 64;
    let length = wanted.next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(length);
    let inverse = planner.plan_fft_inverse(length);
    let mut padded: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    padded.resize(length, 0.0);
    let mut bins = forward.make_output_vec();
    forward.process(&mut padded, &mut bins).expect("lengths fit");
    let last = bins.len() - 1;
    for (number, bin) in bins.iter_mut().enumerate() {
        *bin *= Complex::from_polar(
            1.0,
            -std::f64::consts::TAU * number as f64 * shift / length as f64,
        );
    }
    bins[0].im = 0.0;
    bins[last] = Complex::default();
    inverse.process(&mut bins, &mut padded).expect("lengths fit");
    padded
        .iter()
        .take(wanted)
        .map(|sample| (sample / length as f64) as f32)
        .collect()
}

/// The signal as a clock records it that is faster by `ppm`, by a windowed sinc.
pub(crate) fn stretched(samples: &[f32], ppm: f64) -> Vec<f32> {
    let ratio = 1.0 + ppm * 1e-6;
    let count = (samples.len() as f64 * ratio) as usize;
    (0..count)
        .map(|n| {
            let place = n as f64 / ratio;
            let whole = place.floor() as i64;
            (whole - 15..=whole + 16)
                .filter_map(|tap| {
                    let sample = *samples.get(usize::try_from(tap).ok()?)?;
                    let distance = place - tap as f64;
                    let angle = std::f64::consts::PI * distance;
                    let sinc = if angle.abs() < 1e-9 {
                        1.0
                    } else {
                        angle.sin() / angle
                    };
                    let window = 0.5 + 0.5 * (angle / 16.0).cos();
                    Some(f64::from(sample) * sinc * window)
                })
                .sum::<f64>() as f32
        })
        .collect()
}

/// The signal with white noise of a level.
pub(crate) fn noisy(samples: &[f32], noise: DbOv, rate: u32, seed: u64) -> Vec<f32> {
    let seconds = samples.len() as f64 / f64::from(rate) + 1.0;
    let noise = white_noise(noise, seconds, rate, seed);
    samples
        .iter()
        .zip(&noise)
        .map(|(sample, noise)| sample + noise)
        .collect()
}

/// The signal through G.711.
pub(crate) fn coded(samples: &[f32], law: Law) -> Vec<f32> {
    from_i16(&decode(law, &encode(law, &to_i16(samples))))
}

/// The signal with another level, on 16 bits.
pub(crate) fn at_gain(samples: &[f32], db: f64) -> Vec<f32> {
    let gain = 10f64.powf(db / 20.0) as f32;
    let scaled: Vec<f32> = samples.iter().map(|sample| sample * gain).collect();
    from_i16(&to_i16(&scaled))
}
