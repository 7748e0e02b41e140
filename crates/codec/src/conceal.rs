//! Packet loss concealment by waveform substitution, for codecs that have none of their own.

use std::collections::VecDeque;

use crate::{CodecError, Decoder};

/// Shortest and longest pitch period that is looked for: 400 Hz to 66 Hz.
const PITCH_MICROSECONDS: (u64, u64) = (2_500, 15_000);
/// How much of the past is compared with the candidate period.
const MATCH_MICROSECONDS: u64 = 10_000;
/// The repetition is at full level for this long ...
const FULL_MICROSECONDS: u64 = 10_000;
/// ... and silent from here on: a longer gap must not turn into a hum.
const SILENT_MICROSECONDS: u64 = 60_000;
/// Overlap of the repetition with the first samples that arrive again.
const OVERLAP_MICROSECONDS: u64 = 4_000;

/// A decoder whose losses are filled by repeating the last pitch period, fading out.
///
/// Informative: own method, in the spirit of G.711 Appendix I but not bit-exact to anything. What the inner decoder
/// yields is passed on unchanged except for the first 4 ms after a loss, which are blended with the repetition.
#[derive(Debug, Clone)]
pub struct Concealed<D> {
    decoder: D,
    channels: usize,
    /// Samples a second, all channels counted.
    rate: u64,
    /// The latest output, channels interleaved: longest period and match, no more.
    history: VecDeque<i16>,
    /// Present from the first lost sample to the first received one.
    repetition: Option<Repetition>,
}

#[derive(Debug, Clone)]
struct Repetition {
    /// One period, channels interleaved; empty if there is nothing to repeat.
    cycle: Vec<i16>,
    /// Samples played from it so far, all channels counted.
    played: usize,
}

impl<D: Decoder> Concealed<D> {
    /// Wraps `decoder`, whose output has `channels` interleaved channels at `sample_rate` Hz.
    #[must_use]
    pub fn new(decoder: D, sample_rate: u32, channels: u8) -> Self {
        let channels = usize::from(channels.max(1));
        Self {
            decoder,
            channels,
            rate: u64::from(sample_rate) * channels as u64,
            history: VecDeque::new(),
            repetition: None,
        }
    }

    /// Samples (all channels counted, whole frames) in `microseconds`.
    fn span(&self, microseconds: u64) -> usize {
        let samples = (self.rate * microseconds / 1_000_000) as usize;
        samples - samples % self.channels
    }

    fn remember(&mut self, samples: &[i16]) {
        let room = self.span(PITCH_MICROSECONDS.1) + self.span(MATCH_MICROSECONDS);
        let samples = &samples[samples.len().saturating_sub(room)..];
        let excess = (self.history.len() + samples.len()).saturating_sub(room);
        self.history.drain(..excess.min(self.history.len()));
        self.history.extend(samples);
    }

    /// The last pitch period of the history.
    fn last_period(&self) -> Vec<i16> {
        let past: Vec<i16> = self.history.iter().copied().collect();
        let compared = self.span(MATCH_MICROSECONDS);
        let Some(start) = past.len().checked_sub(compared) else {
            return Vec::new();
        };
        let recent = &past[start..];
        let mut best: Option<(f64, usize)> = None;
        let shortest = self.span(PITCH_MICROSECONDS.0).max(self.channels);
        let longest = self.span(PITCH_MICROSECONDS.1).min(start);
        for lag in (shortest..=longest).step_by(self.channels) {
            let earlier = &past[start - lag..][..compared];
            let (mut product, mut energy) = (0i64, 0i64);
            for (&now, &then) in recent.iter().zip(earlier) {
                product += i64::from(now) * i64::from(then);
                energy += i64::from(then) * i64::from(then);
            }
            // correlation normalised by the energy of the earlier part; a negative one is no period
            let score = product.max(0) as f64 / (energy.max(1) as f64).sqrt();
            if best.is_none_or(|(highest, _)| score > highest) {
                best = Some((score, lag));
            }
        }
        best.map_or_else(Vec::new, |(_, lag)| past[past.len() - lag..].to_vec())
    }

    /// Continues the repetition by `samples` samples.
    fn repeat(&mut self, samples: usize) -> Vec<i16> {
        let (full, silent) = (self.span(FULL_MICROSECONDS), self.span(SILENT_MICROSECONDS));
        let mut repetition = match self.repetition.take() {
            Some(repetition) => repetition,
            None => Repetition {
                cycle: self.last_period(),
                played: 0,
            },
        };
        let fade = (silent - full).max(1) as i64;
        let out = (0..samples)
            .map(|_| {
                let at = repetition.played;
                repetition.played = repetition.played.saturating_add(1);
                if repetition.cycle.is_empty() || at >= silent {
                    return 0;
                }
                let sample = i64::from(repetition.cycle[at % repetition.cycle.len()]);
                let left = fade - (at.saturating_sub(full) as i64);
                // |left| <= fade, so the product divided is never larger than the sample
                (sample * left / fade) as i16
            })
            .collect();
        self.repetition = Some(repetition);
        out
    }
}

impl<D: Decoder> Decoder for Concealed<D> {
    fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<(), CodecError> {
        let start = out.len();
        self.decoder.decode(payload, out)?;
        let decoded = &mut out[start..];
        if self.repetition.is_some() && !decoded.is_empty() {
            let overlap = self.span(OVERLAP_MICROSECONDS).min(decoded.len());
            let continued = self.repeat(overlap);
            let whole = overlap.max(1) as i64;
            for (n, (sample, old)) in decoded.iter_mut().zip(continued).enumerate() {
                let new = n as i64;
                // a weighted mean of two 16-bit samples is one
                *sample = ((i64::from(*sample) * new + i64::from(old) * (whole - new)) / whole) as i16;
            }
            self.repetition = None;
        }
        let decoded = &out[start..];
        self.remember(decoded);
        Ok(())
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        let repeated = self.repeat(samples);
        out.extend(repeated);
    }
}

#[cfg(test)]
mod tests {
    use voxproof_rtp::g711::Law;

    use super::*;
    use crate::{G711, L16};

    fn tone(samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|n| (10_000.0 * (n as f64 * std::f64::consts::TAU * 200.0 / 8000.0).sin()) as i16)
            .collect()
    }

    fn octets(samples: &[i16]) -> Vec<u8> {
        samples.iter().flat_map(|s| s.to_be_bytes()).collect()
    }

    #[test]
    fn a_periodic_signal_goes_on_through_the_gap() {
        let signal = tone(800);
        let mut decoder = Concealed::new(L16::new(1), 8000, 1);
        let mut out = Vec::new();
        decoder.decode(&octets(&signal[..400]), &mut out).expect("whole");
        decoder.conceal(80, &mut out);
        decoder.decode(&octets(&signal[480..]), &mut out).expect("whole");
        assert_eq!(out.len(), 800);
        // 10 ms of loss are played at full level, and 400 samples are ten whole periods
        let worst = out
            .iter()
            .zip(&signal)
            .map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs())
            .max();
        assert!(worst.is_some_and(|worst| worst <= 400), "{worst:?}");
    }

    #[test]
    fn without_a_loss_nothing_is_touched() {
        let signal = tone(320);
        let mut out = Vec::new();
        let mut decoder = Concealed::new(L16::new(2), 8000, 2);
        for part in signal.chunks(80) {
            decoder.decode(&octets(part), &mut out).expect("whole");
        }
        assert_eq!(out, signal);
    }

    #[test]
    fn a_long_gap_fades_to_silence() {
        let mut decoder = Concealed::new(L16::new(1), 8000, 1);
        let mut out = Vec::new();
        decoder.decode(&octets(&tone(400)), &mut out).expect("whole");
        out.clear();
        for _ in 0..5 {
            decoder.conceal(160, &mut out);
        }
        let loudest = |part: &[i16]| part.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
        assert!(loudest(&out[..80]) > 9000);
        assert!(loudest(&out[320..400]) < loudest(&out[80..160]));
        assert_eq!(loudest(&out[480..]), 0);
    }

    #[test]
    fn nothing_heard_yet_is_silence() {
        let mut decoder = Concealed::new(G711::new(Law::Mu), 8000, 1);
        let mut out = Vec::new();
        decoder.conceal(160, &mut out);
        assert_eq!(out, [0; 160]);
    }
}
