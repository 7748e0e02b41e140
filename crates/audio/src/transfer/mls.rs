//! Response from a maximum-length sequence.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::sample::clean;
use crate::stimulus::MaximumLength;
use crate::transfer::Response;

/// What a device did to a maximum-length sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceResponse {
    /// Gain at the lines of the sequence, rate / period apart.
    pub response: Response,
    /// Circular impulse response over one period: the delay is where it begins.
    pub impulse: Vec<f64>,
    /// Time of the strongest sample of the impulse response, s, within one period.
    pub delay_s: f64,
}

/// Divides a recorded period by the one that was played (D. D. Rife and J. Vanderkooy, "Transfer-function measurement with
/// maximum-length sequences", J. Audio Eng. Soc. 37, 1989). The recording begins with the sequence; its first period, in
/// which the device comes into its periodic state, is left out, the others are averaged. What is not linear or not
/// periodic spreads over the impulse response as noise.
///
/// # Errors
/// An impossible order, fewer than two periods, silence.
pub fn sequence_response(
    sequence: &MaximumLength,
    level: DbOv,
    recorded: &[f32],
    rate: u32,
) -> Result<SequenceResponse, Unmeasurable> {
    let period = sequence.period();
    if period == 0 || rate == 0 {
        return Err(Unmeasurable::NothingToMeasure);
    }
    if !level.0.is_finite() {
        return Err(Unmeasurable::NotANumber);
    }
    let periods = recorded.len() / period;
    if periods < 2 {
        return Err(Unmeasurable::TooShort {
            needed_s: 2.0 * period as f64 / f64::from(rate),
            got_s: recorded.len() as f64 / f64::from(rate),
        });
    }
    let mut mean = vec![0.0; period];
    for got in recorded.chunks_exact(period).skip(1) {
        for (sum, &sample) in mean.iter_mut().zip(got) {
            *sum += clean(sample) / (periods - 1) as f64;
        }
    }
    let played = MaximumLength {
        periods: 1,
        ..*sequence
    }
    .samples(level);
    let mut played: Vec<f64> = played.into_iter().map(f64::from).collect();
    if mean.iter().all(|sample| *sample == 0.0) || played.iter().all(|sample| *sample == 0.0) {
        return Err(Unmeasurable::Silent);
    }
    let mut planner = RealFftPlanner::new();
    let forward = planner.plan_fft_forward(period);
    let transform = |samples: &mut [f64]| {
        let mut lines = forward.make_output_vec();
        forward
            .process(samples, &mut lines)
            .expect("the buffers have the sizes of the plan");
        lines
    };
    let (input, output) = (transform(&mut played), transform(&mut mean));
    let mut quotient: Vec<Complex<f64>> = output
        .iter()
        .zip(&input)
        .map(|(output, input)| output / input)
        .collect();
    // the constant of the sequence is one part of its length: the offset of a device is not its gain
    quotient[0] = Complex::ZERO;
    let step = f64::from(rate) / period as f64;
    let response = Response::new(
        quotient
            .iter()
            .enumerate()
            .map(|(line, gain)| (line as f64 * step, 20.0 * gain.norm().log10())),
    );
    let mut impulse = vec![0.0; period];
    planner
        .plan_fft_inverse(period)
        .process(&mut quotient, &mut impulse)
        .expect("the buffers have the sizes of the plan and the line at zero is real");
    for sample in &mut impulse {
        *sample /= period as f64;
    }
    let peak = impulse
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        .map_or(0, |(index, _)| index);
    Ok(SequenceResponse {
        response,
        impulse,
        delay_s: peak as f64 / f64::from(rate),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: MaximumLength = MaximumLength {
        order: 13,
        periods: 4,
    };

    #[test]
    fn gain_delay_and_a_known_filter() {
        let played = SEQUENCE.samples(DbOv(-20.0));
        let mut recorded = vec![0.0; 100];
        let mut last = 0.0;
        recorded.extend(played.iter().map(|&x| {
            let out = 0.25 * (x + last);
            last = x;
            out
        }));
        let found = sequence_response(&SEQUENCE, DbOv(-20.0), &recorded, 16000).expect("a sequence");
        assert!((found.delay_s * 16000.0 - 100.5).abs() < 0.6, "{}", found.delay_s);
        for &(hz, gain) in found.response.points().iter().filter(|point| point.0 < 7000.0) {
            let expected = 20.0 * (0.5 * (std::f64::consts::PI * hz / 16000.0).cos()).log10();
            assert!((gain - expected).abs() < 0.001, "{hz}: {gain} for {expected}");
        }
    }

    #[test]
    fn bad_recordings_are_refused() {
        let short = sequence_response(&SEQUENCE, DbOv(-20.0), &[0.5; 10_000], 16000);
        assert!(matches!(short, Err(Unmeasurable::TooShort { .. })));
        let silent = sequence_response(&SEQUENCE, DbOv(-20.0), &[0.0; 20_000], 16000);
        assert_eq!(silent, Err(Unmeasurable::Silent));
        let nan = sequence_response(&SEQUENCE, DbOv(-20.0), &[f32::NAN; 20_000], 16000);
        assert_eq!(nan, Err(Unmeasurable::Silent));
        let impossible = MaximumLength {
            order: 40,
            periods: 1,
        };
        assert!(sequence_response(&impossible, DbOv(-20.0), &[0.5; 100], 16000).is_err());
        assert!(sequence_response(&SEQUENCE, DbOv(f64::NAN), &[0.5; 20_000], 16000).is_err());
    }
}
