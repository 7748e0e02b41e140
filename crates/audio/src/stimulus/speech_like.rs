//! Speech-like signals and speech brought to a level.

use crate::level::DbOv;
use crate::p56::speech_level;
use crate::stimulus::length;
use crate::stimulus::random::Random;

/// A signal with the rhythm, the pitch, the formants and the pauses of speech, at -26 dBov active level; it says
/// nothing. Different seeds are different utterances.
///
/// It is for tests of the path and of this tool. It does not replace the real speech of ITU-T P.501 where a clause
/// asks for that.
#[must_use]
pub fn speech_like(seconds: f64, rate: u32, seed: u64) -> Vec<f32> {
    let count = length(seconds, rate);
    let rate_hz = f64::from(rate.max(1));
    let mut random = Random::new(seed);
    let mut samples = Vec::with_capacity(count);
    let mut syllables = 0;
    while samples.len() < count {
        syllables += 1;
        syllable(&mut samples, rate_hz, &mut random);
        let pause_s = if syllables % 6 == 0 {
            random.between(0.25, 0.45)
        } else {
            random.between(0.01, 0.06)
        };
        samples.extend(vec![0.0; (pause_s * rate_hz) as usize]);
    }
    samples.truncate(count);
    radiate(&mut samples, rate_hz);
    level_to(&mut samples, rate, DbOv(-26.0));
    samples
}

/// Takes away the offset, as lips do, and tilts the spectrum down from 1.5 kHz.
fn radiate(samples: &mut [f32], rate: f64) {
    let slow = (-std::f64::consts::TAU * 100.0 / rate).exp();
    let soft = (-std::f64::consts::TAU * 1500.0 / rate).exp();
    let (mut last, mut high, mut low) = (0.0, 0.0, 0.0);
    for sample in samples {
        let input = f64::from(*sample);
        high = slow * (high + input - last);
        low = soft * low + (1.0 - soft) * high;
        last = input;
        *sample = low as f32;
    }
}

/// Adds a consonant of filtered noise, now and then, and a vowel: pulses of gliding pitch through three resonances.
fn syllable(samples: &mut Vec<f32>, rate: f64, random: &mut Random) {
    if random.between(0.0, 1.0) < 0.5 {
        let length = (random.between(0.03, 0.08) * rate) as usize;
        let mut resonance = Resonance::new(random.between(1800.0, 3200.0), 900.0, rate);
        for n in 0..length {
            let fade = (std::f64::consts::PI * n as f64 / length as f64).sin();
            samples.push((0.25 * fade * resonance.next(random.signed())) as f32);
        }
    }
    let length = (random.between(0.09, 0.26) * rate) as usize;
    let (pitch_from, pitch_to) = (random.between(95.0, 210.0), random.between(95.0, 210.0));
    let mut formants = [
        Resonance::new(random.between(280.0, 850.0), 80.0, rate),
        Resonance::new(random.between(900.0, 2200.0), 110.0, rate),
        Resonance::new(random.between(2300.0, 3100.0), 160.0, rate),
    ];
    let weights = [1.0, random.between(0.3, 0.7), random.between(0.1, 0.3)];
    let loudness = random.between(0.4, 1.0);
    let mut phase = 0.0;
    for n in 0..length {
        let share = n as f64 / length as f64;
        phase += (pitch_from + (pitch_to - pitch_from) * share) / rate;
        // one pulse a period, and a little breath between
        let pulse = if phase >= 1.0 {
            phase -= 1.0;
            // a pulse has the same energy at every rate
            (rate / 100.0).sqrt() * random.between(0.85, 1.15)
        } else {
            0.02 * random.signed()
        };
        let fade = (std::f64::consts::PI * share).sin().sqrt();
        let voice: f64 = formants
            .iter_mut()
            .zip(weights)
            .map(|(formant, weight)| weight * formant.next(pulse))
            .sum();
        samples.push((loudness * fade * voice) as f32);
    }
}

/// Scales speech to an active level (ITU-T P.56); returns the gain in dB, `None` and no change when there is no speech.
pub fn level_to(samples: &mut [f32], rate: u32, target: DbOv) -> Option<f64> {
    let gain_db = target.0 - speech_level(samples, rate)?.active.0;
    let gain = 10f64.powf(gain_db / 20.0) as f32;
    for sample in samples {
        *sample *= gain;
    }
    Some(gain_db)
}

/// A second-order resonance with unity gain at its centre.
struct Resonance {
    gain: f64,
    feedback: [f64; 2],
    last: [f64; 2],
}

impl Resonance {
    fn new(hz: f64, bandwidth_hz: f64, rate: f64) -> Self {
        let radius = (-std::f64::consts::PI * bandwidth_hz / rate).exp();
        let angle = std::f64::consts::TAU * hz.min(0.45 * rate) / rate;
        let gain = (1.0 - radius) * (1.0 - 2.0 * radius * (2.0 * angle).cos() + radius * radius).sqrt();
        Self {
            gain,
            feedback: [2.0 * radius * angle.cos(), -radius * radius],
            last: [0.0; 2],
        }
    }

    fn next(&mut self, input: f64) -> f64 {
        let output = self.gain * input + self.feedback[0] * self.last[0] + self.feedback[1] * self.last[1];
        self.last = [output, self.last[0]];
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::peak;

    #[test]
    fn speech_like_signals_have_level_pauses_and_headroom() {
        for (rate, seed) in [(8000, 1), (16000, 2), (48000, 3)] {
            let samples = speech_like(4.0, rate, seed);
            assert_eq!(samples.len(), 4 * rate as usize);
            let level = speech_level(&samples, rate).expect("speech");
            assert!((level.active.0 + 26.0).abs() < 0.05, "{rate}: {}", level.active);
            assert!(
                (0.6..0.98).contains(&level.activity),
                "{rate}: {}",
                level.activity
            );
            assert!(peak(&samples) < 0.9, "{rate}: {}", peak(&samples));
        }
        assert_eq!(speech_like(1.0, 8000, 7), speech_like(1.0, 8000, 7));
        assert_ne!(speech_like(1.0, 8000, 7), speech_like(1.0, 8000, 8));
    }

    #[test]
    fn levelling_reports_its_gain() {
        let mut samples = speech_like(2.0, 8000, 4);
        let gain = level_to(&mut samples, 8000, DbOv(-16.0)).expect("speech");
        assert!((gain - 10.0).abs() < 0.1);
        assert_eq!(level_to(&mut [0.0; 100], 8000, DbOv(-16.0)), None);
    }
}
