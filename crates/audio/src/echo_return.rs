//! A test signal for echo return: bursts of noise in three bands of the telephone band, each followed by silence in which
//! only the echo is heard, and the loss of each band from a recording of what comes back.
//!
//! The bands are those of echo and singing return loss as they are commonly given for IEEE Std 743, which was not
//! available: a lab that needs that standard gives its own.

use std::ops::Range;

use realfft::RealFftPlanner;
use rustfft::num_complex::Complex;

use crate::delay::estimate;
use crate::level::DbOv;
use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::sample::centred;
use crate::stimulus::white_noise;
use crate::unit::{Db, Milliseconds};

/// Length of a burst and of the silence after it, in s.
const BURST_S: f64 = 0.3;
const PAUSE_S: f64 = 0.7;
/// Share of a burst at either end over which it fades, in s.
const FADE_S: f64 = 0.005;
/// The echo is measured this much after the burst begins, so that it has built up, in s.
const BUILD_UP_S: f64 = 0.03;
/// An echo this close to the noise before it cannot be told from it, in dB.
const ABOVE_NOISE_DB: f64 = 3.0;

/// A band with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct EchoBand {
    /// Its name.
    pub name: String,
    /// Its edges in Hz.
    pub hz: Range<f64>,
}

/// Low, middle and high: 260-500 Hz, 560-1965 Hz, 2200-3400 Hz.
#[must_use]
pub fn telephone_bands() -> Vec<EchoBand> {
    let band = |name: &str, hz| EchoBand {
        name: name.to_owned(),
        hz,
    };
    vec![
        band("singing return, low", 260.0..500.0),
        band("echo return", 560.0..1965.0),
        band("singing return, high", 2200.0..3400.0),
    ]
}

/// A test signal with its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct EchoSignal {
    /// The samples.
    pub samples: Vec<f32>,
    /// Sampling rate, Hz.
    pub rate: u32,
    /// Where each burst is, in samples, with its band.
    pub bursts: Vec<(Range<usize>, EchoBand)>,
}

/// One burst of `level` a band. Bands that do not fit below half the rate are left out.
#[must_use]
pub fn echo_signal(bands: &[EchoBand], level: DbOv, rate: u32, seed: u64) -> EchoSignal {
    let rate_hz = f64::from(rate);
    let (burst, pause) = ((BURST_S * rate_hz) as usize, (PAUSE_S * rate_hz) as usize);
    let mut samples = vec![0.0; pause];
    let mut bursts = Vec::new();
    let fits =
        |band: &&EchoBand| band.hz.start > 0.0 && band.hz.end > band.hz.start && band.hz.end < rate_hz / 2.0;
    for (number, band) in bands.iter().filter(fits).enumerate() {
        let noise = white_noise(DbOv(-10.0), BURST_S, rate, seed.wrapping_add(number as u64));
        let noise: Vec<f64> = noise.iter().map(|&x| f64::from(x)).collect();
        let mut sound = limited(&noise, rate_hz, &band.hz);
        sound.resize(burst, 0.0);
        let fade = (FADE_S * rate_hz).max(1.0);
        for (n, sample) in sound.iter_mut().enumerate() {
            let edge = (n as f64).min((burst - 1 - n) as f64) / fade;
            *sample *= edge.min(1.0);
        }
        let scale = level.to_rms() / mean_square(&sound).sqrt().max(f64::MIN_POSITIVE);
        let start = samples.len();
        samples.extend(sound.iter().map(|x| (x * scale) as f32));
        bursts.push((start..samples.len(), band.clone()));
        samples.resize(samples.len() + pause, 0.0);
    }
    EchoSignal {
        samples,
        rate,
        bursts,
    }
}

/// Echo of one burst.
#[derive(Debug, Clone, PartialEq)]
pub struct EchoReturn {
    /// The band.
    pub band: EchoBand,
    /// Level sent over level returned, in the band.
    pub loss: Measured<Db>,
    /// How much later it comes.
    pub delay: Measured<Milliseconds>,
}

/// Measures the echo of a signal in a recording that began with it; the echo is looked for up to `longest_s` late.
///
/// # Errors
/// [`Unmeasurable::NothingToMeasure`] when the signal has no bursts. A band whose echo is not above the noise before its
/// burst says so in its own result: the loss is larger than what can be measured.
pub fn echo_return(
    signal: &EchoSignal,
    recording: &[f32],
    longest_s: f64,
) -> Result<Vec<EchoReturn>, Unmeasurable> {
    if signal.bursts.is_empty() {
        return Err(Unmeasurable::NothingToMeasure);
    }
    let rate_hz = f64::from(signal.rate);
    let late = longest_s.clamp(0.0, PAUSE_S - BUILD_UP_S);
    let returns = signal.bursts.iter().map(|(range, band)| {
        let sent = &signal.samples[range.clone()];
        let end = (range.end + (late * rate_hz) as usize).min(recording.len());
        let heard = recording.get(range.start..end).unwrap_or_default();
        let delay = estimate(sent, heard, signal.rate, 0.0..late);
        let loss = delay.ok_or(Unmeasurable::Silent).and_then(|delay| {
            let shift = (delay.seconds.max(0.0) * rate_hz).round() as usize;
            let build_up = (BUILD_UP_S * rate_hz) as usize;
            let inner = build_up..range.len().saturating_sub(build_up);
            let band_power = |samples: &[f32]| mean_square(&limited(&centred(samples), rate_hz, &band.hz));
            let echo = recording
                .get(range.start + shift + inner.start..range.start + shift + inner.end)
                .ok_or(Unmeasurable::NothingToMeasure)?;
            let before = range.start.saturating_sub(inner.len())..range.start;
            let noise = band_power(recording.get(before).unwrap_or_default());
            let returned = band_power(echo);
            if returned <= noise * 10f64.powf(ABOVE_NOISE_DB / 10.0) {
                return Err(Unmeasurable::TooQuiet {
                    level_dbov: 10.0 * returned.max(1e-20).log10(),
                    needed_dbov: 10.0 * noise.max(1e-20).log10() + ABOVE_NOISE_DB,
                });
            }
            let sent = band_power(&sent[inner]);
            Measurement::single(Db(10.0 * (sent / (returned - noise)).log10()))
        });
        let found = delay.filter(|_| loss.is_ok()).ok_or(Unmeasurable::Silent);
        EchoReturn {
            band: band.clone(),
            loss,
            delay: found.and_then(|delay| Measurement::single(Milliseconds(delay.seconds * 1e3))),
        }
    });
    Ok(returns.collect())
}

fn mean_square(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum::<f64>() / samples.len().max(1) as f64
}

/// A signal limited to a band, by its spectrum.
fn limited(samples: &[f64], rate: f64, band: &Range<f64>) -> Vec<f64> {
    let length = samples.len().next_power_of_two().max(2);
    let mut planner = RealFftPlanner::<f64>::new();
    let forward = planner.plan_fft_forward(length);
    let inverse = planner.plan_fft_inverse(length);
    let mut padded = samples.to_vec();
    padded.resize(length, 0.0);
    let mut bins = forward.make_output_vec();
    let bin_hz = rate / length as f64;
    let mut done = forward.process(&mut padded, &mut bins).is_ok();
    for (number, bin) in bins.iter_mut().enumerate() {
        if !band.contains(&(number as f64 * bin_hz)) {
            *bin = Complex::default();
        }
    }
    if let Some(last) = bins.last_mut() {
        last.im = 0.0;
    }
    done &= inverse.process(&mut bins, &mut padded).is_ok();
    padded.truncate(samples.len());
    if done {
        padded.iter_mut().for_each(|x| *x /= length as f64);
    } else {
        padded.fill(0.0);
    }
    padded
}
