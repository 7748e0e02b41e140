//! Response and harmonics from a logarithmic sweep (A. Farina, 2000).

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use crate::level::DbOv;
use crate::measurement::Unmeasurable;
use crate::sample::clean;
use crate::stimulus::LogSweep;
use crate::transfer::Response;

/// Points of a response in an octave.
const POINTS_PER_OCTAVE: f64 = 24.0;
/// Highest harmonic that is told apart.
const HARMONICS: u32 = 5;
/// Longest impulse response that is looked at, s.
const LONGEST_S: f64 = 0.5;
/// Longest recording, samples.
const LONGEST: usize = 1 << 25;

/// What a device did to a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepResponse {
    /// Linear response over the range of the sweep, 24 points an octave.
    pub linear: Response,
    /// Level of harmonic 2, 3, 4 and 5 relative to the fundamental, dB, at the frequency of the fundamental.
    pub harmonics: Vec<Response>,
    /// Delay of the strongest sample of the impulse response, s, relative to the sweep.
    pub delay_s: f64,
    /// Linear impulse response around its peak, without the harmonics.
    pub impulse: Vec<f64>,
}

impl SweepResponse {
    /// Total harmonic distortion relative to the fundamental, percent, at the frequencies of which every harmonic up to
    /// the fifth that lies in the sweep was found.
    #[must_use]
    pub fn thd_percent(&self) -> Vec<(f64, f64)> {
        let Some(second) = self.harmonics.first() else {
            return Vec::new();
        };
        second
            .points()
            .iter()
            .map(|(hz, _)| {
                let power: f64 = self
                    .harmonics
                    .iter()
                    .filter_map(|harmonic| harmonic.at(*hz))
                    .map(|db| 10f64.powf(db / 10.0))
                    .sum();
                (*hz, 100.0 * power.sqrt())
            })
            .collect()
    }
}

/// Divides the recording of a sweep by the sweep. The recording begins when the sweep does; the delay is found.
///
/// # Errors
/// A sweep that is not possible at the rate, a silent or too long recording.
pub fn sweep_response(
    sweep: &LogSweep,
    level: DbOv,
    recorded: &[f32],
    rate: u32,
) -> Result<SweepResponse, Unmeasurable> {
    let played = LogSweep {
        silence_s: 0.0,
        ..*sweep
    }
    .samples(level, rate);
    if played.is_empty() || recorded.is_empty() {
        return Err(Unmeasurable::NothingToMeasure);
    }
    if recorded.len() + played.len() > LONGEST {
        return Err(Unmeasurable::Mismatch(
            "the recording is too long for a sweep".to_owned(),
        ));
    }
    let impulse = deconvolve(sweep, &played, recorded, rate);
    // responses of harmonics are before the linear one, at the end of the circle
    let peak = impulse[..recorded.len()]
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        .map_or(0, |(index, _)| index);
    if impulse[peak] == 0.0 {
        return Err(Unmeasurable::Silent);
    }
    let rate_hz = f64::from(rate);
    let samples = |seconds: f64| (seconds * rate_hz) as usize;
    // the gap to the second harmonic is the room for what comes before the peak
    let before = samples((0.5 * sweep.harmonic_lead_s(2)).min(0.5 * LONGEST_S)).max(1);
    let after = samples(LONGEST_S).min(recorded.len().saturating_sub(peak)).max(1);
    let linear_part = part(&impulse, peak as i64, before, after);
    let linear_gain = |hz: f64| gain(&linear_part, hz / rate_hz);
    let frequencies = frequencies(sweep.low_hz, sweep.high_hz);
    let linear = Response::new(
        frequencies
            .iter()
            .map(|hz| (*hz, 20.0 * linear_gain(*hz).log10())),
    );
    let harmonics = (2..=HARMONICS)
        .map(|harmonic| {
            let lead = sweep.harmonic_lead_s(harmonic);
            let room = 0.4 * (sweep.harmonic_lead_s(harmonic + 1) - lead);
            let centre = peak as i64 - (lead * rate_hz).round() as i64;
            let harmonic_part = part(&impulse, centre, samples(room), samples(room));
            let highest = sweep.high_hz / f64::from(harmonic);
            Response::new(frequencies.iter().take_while(|hz| **hz <= highest).map(|hz| {
                let found = gain(&harmonic_part, hz * f64::from(harmonic) / rate_hz);
                (*hz, 20.0 * (found / linear_gain(*hz)).log10())
            }))
        })
        .collect();
    Ok(SweepResponse {
        linear,
        harmonics,
        delay_s: peak as f64 / rate_hz,
        impulse: linear_part,
    })
}

/// The circular impulse response: the recording divided by the sweep, within the range of the sweep.
fn deconvolve(sweep: &LogSweep, played: &[f32], recorded: &[f32], rate: u32) -> Vec<f64> {
    let size = (played.len() + recorded.len()).next_power_of_two();
    let mut planner = RealFftPlanner::new();
    let forward = planner.plan_fft_forward(size);
    let transform = |samples: &[f32]| {
        let mut padded: Vec<f64> = samples.iter().map(|&sample| clean(sample)).collect();
        padded.resize(size, 0.0);
        let mut lines = forward.make_output_vec();
        forward
            .process(&mut padded, &mut lines)
            .expect("the buffers have the sizes of the plan");
        lines
    };
    let (input, output) = (transform(played), transform(recorded));
    let step = f64::from(rate) / size as f64;
    let mut quotient: Vec<Complex<f64>> = input
        .iter()
        .zip(&output)
        .enumerate()
        .map(|(line, (input, output))| {
            let hz = line as f64 * step;
            let inside = (sweep.low_hz..=sweep.high_hz).contains(&hz);
            let power = input.norm_sqr();
            if inside && power > 0.0 {
                output * input.conj() / power
            } else {
                Complex::ZERO
            }
        })
        .collect();
    for end in [0, size / 2] {
        quotient[end].im = 0.0;
    }
    let mut impulse = vec![0.0; size];
    planner
        .plan_fft_inverse(size)
        .process(&mut quotient, &mut impulse)
        .expect("the buffers have the sizes of the plan and the end lines are real");
    for sample in &mut impulse {
        *sample /= size as f64;
    }
    impulse
}

/// A part of a circular response around `centre`, with raised-cosine ends over a quarter of either side.
fn part(impulse: &[f64], centre: i64, before: usize, after: usize) -> Vec<f64> {
    let count = impulse.len() as i64;
    let mut cut: Vec<f64> = (-(before as i64)..after as i64)
        .map(|offset| impulse[(centre + offset).rem_euclid(count) as usize])
        .collect();
    let total = cut.len();
    for (edge, at_end) in [(before / 4, false), (after / 4, true)] {
        for n in 0..edge {
            let gain = 0.5 - 0.5 * (std::f64::consts::PI * (n as f64 + 0.5) / edge as f64).cos();
            cut[if at_end { total - 1 - n } else { n }] *= gain;
        }
    }
    cut
}

/// Magnitude of the Fourier transform at a frequency in cycles a sample.
fn gain(samples: &[f64], frequency: f64) -> f64 {
    let turn = Complex::from_polar(1.0, -std::f64::consts::TAU * frequency);
    // Horner's rule backwards needs one multiplication a sample
    samples
        .iter()
        .rev()
        .fold(Complex::ZERO, |sum, sample| sum * turn + sample)
        .norm()
}

fn frequencies(low: f64, high: f64) -> Vec<f64> {
    let count = (POINTS_PER_OCTAVE * (high / low).log2()).floor() as u32;
    (0..=count)
        .map(|point| low * 2f64.powf(f64::from(point) / POINTS_PER_OCTAVE))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWEEP: LogSweep = LogSweep {
        low_hz: 50.0,
        high_hz: 7500.0,
        seconds: 4.0,
        fade_s: 0.01,
        silence_s: 0.5,
    };

    fn delayed(samples: &[f32], by: usize, device: impl Fn(f64) -> f64) -> Vec<f32> {
        let mut out = vec![0.0; by];
        out.extend(samples.iter().map(|&x| device(f64::from(x)) as f32));
        out
    }

    #[test]
    fn a_linear_device_has_its_gain_and_delay() {
        let played = SWEEP.samples(DbOv(-12.0), 16000);
        let found = sweep_response(&SWEEP, DbOv(-12.0), &delayed(&played, 321, |x| -0.5 * x), 16000)
            .expect("a sweep");
        assert!((found.delay_s - 321.0 / 16000.0).abs() < 1e-9);
        for (hz, gain) in found
            .linear
            .points()
            .iter()
            .filter(|point| (100.0..7000.0).contains(&point.0))
        {
            assert!((gain + 6.02).abs() < 0.1, "{hz}: {gain}");
        }
        for (hz, thd) in found
            .thd_percent()
            .into_iter()
            .filter(|point| (100.0..3000.0).contains(&point.0))
        {
            assert!(thd < 0.1, "{hz}: {thd} %");
        }
    }

    #[test]
    fn a_polynomial_has_its_harmonics() {
        // for a sine of amplitude a, x + c x^2 has second harmonic c a / 2, x + d x^3 third harmonic about d a^2 / 4
        let amplitude = 10f64.powf(-12.0 / 20.0) * std::f64::consts::SQRT_2;
        let (c, d) = (0.05, 0.1);
        let played = SWEEP.samples(DbOv(-12.0), 16000);
        let recorded = delayed(&played, 100, |x| x + c * x * x + d * x * x * x);
        let found = sweep_response(&SWEEP, DbOv(-12.0), &recorded, 16000).expect("a sweep");
        let fundamental = 1.0 + 0.75 * d * amplitude * amplitude;
        for (harmonic, expected) in [(0, c * amplitude / 2.0), (1, d * amplitude * amplitude / 4.0)] {
            let expected = 20.0 * (expected / fundamental).log10();
            for hz in [200.0, 500.0, 1000.0, 2000.0] {
                let db = found.harmonics[harmonic].at(hz).expect("within the sweep");
                assert!(
                    (db - expected).abs() < 0.3,
                    "harmonic {}, {hz} Hz: {db} for {expected}",
                    harmonic + 2
                );
            }
        }
        assert!(found.harmonics[3].at(500.0).expect("within the sweep") < -70.0);
    }

    #[test]
    fn bad_input_is_refused() {
        assert_eq!(
            sweep_response(&SWEEP, DbOv(-12.0), &[0.0; 4000], 16000),
            Err(Unmeasurable::Silent)
        );
        assert!(sweep_response(&SWEEP, DbOv(-12.0), &[], 16000).is_err());
        assert!(sweep_response(&SWEEP, DbOv(-12.0), &[1.0; 100], 8000).is_err());
        assert!(sweep_response(&SWEEP, DbOv(-12.0), &[f32::NAN; 100], 16000).is_err());
    }
}
