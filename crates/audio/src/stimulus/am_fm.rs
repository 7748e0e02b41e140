//! Orthogonal pairs of amplitude- and frequency-modulated tones (ITU-T P.501 clause 7.2.4), for echo and attenuation
//! during double talk: the two directions use tones that do not overlap, so a comb of filters tells them apart.

use serde::{Deserialize, Serialize};

use crate::level::DbOv;
use crate::stimulus::length;
use crate::stimulus::synthesis::scaled;

/// Frequency of the frequency modulation, Hz.
const MODULATION_HZ: f64 = 1.0;
/// Frequency and depth of the amplitude modulation.
const AMPLITUDE_HZ: f64 = 3.0;
const AMPLITUDE_DEPTH: f64 = 2.0 / 3.0;
/// From here up the tones fall by 5 dB an octave, Hz.
const CORNER_HZ: f64 = 250.0;
const SLOPE_DB: f64 = 5.0;
/// Deviations of the first eight tones of either direction, Hz.
const DEVIATIONS: [f64; 8] = [2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0];
/// First eight tones of either direction, Hz.
const SEND: [f64; 8] = [125.0, 250.0, 500.0, 750.0, 1000.0, 1250.0, 1500.0, 1750.0];
const RECEIVE: [f64; 8] = [180.0, 270.0, 540.0, 810.0, 1080.0, 1350.0, 1620.0, 1890.0];

/// Direction of transmission a signal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the device's microphone.
    Send,
    /// To the device's receiver.
    Receive,
}

/// One modulated tone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Carrier {
    /// Centre, Hz.
    pub hz: f64,
    /// Peak deviation, Hz.
    pub deviation_hz: f64,
}

/// The signal of one direction.
///
/// The tones up to 1890 Hz, those of the send direction above, and the modulation are those of P.501 as read in a
/// secondary source. The receive tones above 2 kHz (2160 Hz, then 2400 Hz and every 250 Hz) lie between the send tones as
/// the clause wants, but their exact places are unverified.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AmFm {
    /// Which comb.
    pub direction: Direction,
    /// Highest frequency a tone may reach, Hz: 3600 for narrowband, 7200 for wideband. The plan ends at 7040 Hz.
    pub highest_hz: f64,
    /// Duration, s.
    pub seconds: f64,
}

impl AmFm {
    /// The tones.
    #[must_use]
    pub fn carriers(&self) -> Vec<Carrier> {
        let carrier = |(hz, deviation_hz)| Carrier { hz, deviation_hz };
        let steps = |count: u32, from: f64| (0..count).map(move |k| from + 250.0 * f64::from(k));
        let all: Vec<Carrier> = match self.direction {
            Direction::Send => {
                let high = steps(21, 2000.0).map(|hz| (hz, 40.0));
                SEND.into_iter()
                    .zip(DEVIATIONS)
                    .chain(high)
                    .map(carrier)
                    .collect()
            }
            Direction::Receive => {
                let high = std::iter::once(2160.0)
                    .chain(steps(19, 2400.0))
                    .map(|hz| (hz, 35.0));
                RECEIVE
                    .into_iter()
                    .zip(DEVIATIONS)
                    .chain(high)
                    .map(carrier)
                    .collect()
            }
        };
        all.into_iter()
            .filter(|carrier| carrier.hz + carrier.deviation_hz <= self.highest_hz)
            .collect()
    }

    /// The samples, with rms level `dbov`; only tones below half the rate.
    #[must_use]
    pub fn samples(&self, dbov: DbOv, rate: u32) -> Vec<f32> {
        let mut samples = vec![0.0; length(self.seconds, rate)];
        let tau = std::f64::consts::TAU;
        for carrier in self.carriers() {
            if carrier.hz + carrier.deviation_hz >= f64::from(rate) / 2.0 {
                continue;
            }
            let octaves = (carrier.hz / CORNER_HZ).log2().max(0.0);
            let amplitude = 10f64.powf(-SLOPE_DB * octaves / 20.0);
            for (n, sample) in samples.iter_mut().enumerate() {
                let t = n as f64 / f64::from(rate);
                let modulation = carrier.deviation_hz / MODULATION_HZ * (tau * MODULATION_HZ * t).sin();
                *sample += amplitude * (tau * carrier.hz * t + modulation).cos();
            }
        }
        for (n, sample) in samples.iter_mut().enumerate() {
            let t = n as f64 / f64::from(rate);
            *sample *= 1.0 + AMPLITUDE_DEPTH * (tau * AMPLITUDE_HZ * t).cos();
        }
        scaled(&samples, dbov)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::rms_dbov;

    #[test]
    fn the_two_combs_do_not_overlap() {
        let tones = |direction| {
            AmFm {
                direction,
                highest_hz: 7200.0,
                seconds: 1.0,
            }
            .carriers()
        };
        let (send, receive) = (tones(Direction::Send), tones(Direction::Receive));
        assert_eq!((send.len(), receive.len()), (29, 28));
        for s in &send {
            for r in &receive {
                assert!(
                    (s.hz - r.hz).abs() >= s.deviation_hz + r.deviation_hz + 5.0,
                    "{s:?} {r:?}"
                );
            }
        }
        let narrow = AmFm {
            direction: Direction::Send,
            highest_hz: 3600.0,
            seconds: 1.0,
        }
        .carriers();
        assert_eq!(narrow.last().map(|carrier| carrier.hz), Some(3500.0));
    }

    #[test]
    fn level_and_rates() {
        for rate in [8000, 16000, 48000] {
            let samples = AmFm {
                direction: Direction::Receive,
                highest_hz: 7200.0,
                seconds: 2.0,
            }
            .samples(DbOv(-22.0), rate);
            assert_eq!(samples.len(), 2 * rate as usize);
            assert!((rms_dbov(&samples).0 + 22.0).abs() < 1e-3);
        }
        assert!(
            AmFm {
                direction: Direction::Send,
                highest_hz: f64::NAN,
                seconds: 1.0
            }
            .carriers()
            .is_empty()
        );
    }
}
