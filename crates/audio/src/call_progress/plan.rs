//! Tones as data, and as signals.

use crate::level::DbOv;
use crate::stimulus::{silence, sine};

/// Most pulses a signal is made of.
const MOST_PULSES: usize = 100_000;

/// On and off of a cadence, in s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// How long the tone sounds.
    pub on_s: f64,
    /// How long it pauses after that.
    pub off_s: f64,
}

/// A tone with a meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressTone {
    /// Its meaning: `dial`, `ringing`, `busy`.
    pub name: String,
    /// Its frequencies in Hz, one or two, which sound together.
    pub frequencies_hz: Vec<f64>,
    /// Its cadence, repeated; empty for a tone without a pause.
    pub cadence: Vec<Pulse>,
}

/// The tones of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct TonePlan {
    /// The tones.
    pub tones: Vec<ProgressTone>,
    /// Largest deviation of a frequency, as a share.
    pub frequency_tolerance: f64,
    /// Largest deviation of a time, as a share.
    pub time_tolerance: f64,
}

fn tone(name: &str, frequencies_hz: &[f64], cadence: &[(f64, f64)]) -> ProgressTone {
    ProgressTone {
        name: name.to_owned(),
        frequencies_hz: frequencies_hz.to_vec(),
        cadence: cadence
            .iter()
            .map(|&(on_s, off_s)| Pulse { on_s, off_s })
            .collect(),
    }
}

impl TonePlan {
    /// 425 Hz for everything, told apart by cadence, as most of Europe has it (after ITU-T E.180 Supplement 2; networks
    /// differ in the times).
    #[must_use]
    pub fn europe() -> Self {
        Self {
            tones: vec![
                tone("dial", &[425.0], &[]),
                tone("ringing", &[425.0], &[(1.0, 4.0)]),
                tone("busy", &[425.0], &[(0.5, 0.5)]),
                tone("congestion", &[425.0], &[(0.25, 0.25)]),
            ],
            frequency_tolerance: 0.03,
            time_tolerance: 0.15,
        }
    }

    /// Pairs of frequencies, as North America has them (the precise tone plan).
    #[must_use]
    pub fn north_america() -> Self {
        Self {
            tones: vec![
                tone("dial", &[350.0, 440.0], &[]),
                tone("ringing", &[440.0, 480.0], &[(2.0, 4.0)]),
                tone("busy", &[480.0, 620.0], &[(0.5, 0.5)]),
                tone("congestion", &[480.0, 620.0], &[(0.25, 0.25)]),
            ],
            frequency_tolerance: 0.02,
            time_tolerance: 0.1,
        }
    }
}

/// A tone as a signal of `seconds`, each frequency at `level`.
#[must_use]
pub fn generate(tone: &ProgressTone, level: DbOv, seconds: f64, rate: u32) -> Vec<f32> {
    let count = silence(seconds, rate).len();
    let sound = |seconds: f64| {
        let mut sum = silence(seconds, rate);
        for hz in &tone.frequencies_hz {
            for (sum, sample) in sum.iter_mut().zip(sine(*hz, level, seconds, rate)) {
                *sum += sample;
            }
        }
        sum
    };
    if tone.cadence.is_empty() {
        return sound(seconds);
    }
    let mut signal = Vec::new();
    for pulse in tone.cadence.iter().cycle().take(MOST_PULSES) {
        signal.extend(sound(pulse.on_s.min(seconds)));
        signal.extend(silence(pulse.off_s.min(seconds), rate));
        if signal.len() >= count {
            break;
        }
    }
    signal.resize(count, 0.0);
    signal
}
