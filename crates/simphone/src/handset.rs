//! The handset: what faults make of the sound between jitter buffer and ear, and between mouth and encoder.

use std::collections::BTreeSet;

use crate::Fault;
use crate::playout::SAMPLE_RATE;

/// Samples up to this size are silence, as codecs leave it.
const QUIET: i16 = 8;
/// Where an overdriven receiver cuts the waveform off, in samples of 16 bit: about 5 dB above the rms of speech.
const OVERDRIVEN: i16 = 3000;
/// Size of the noise in silence, in samples of 16 bit: about -43 dBov in the receiver, -51 dBov in the microphone.
const HISS: i16 = 400;
const MICROPHONE_HISS: i16 = 150;
/// With [`Fault::ReceiverWakesSlowly`]: silence after which the receiver is switched off, and how long it takes to come back.
const ASLEEP_AFTER: usize = 2 * SAMPLE_RATE as usize;
const WAKES_IN: usize = SAMPLE_RATE as usize / 4;
/// With [`Fault::FramesRepeated`]: the sample of the user's speech whose frame is lost, in the middle of a vowel that grows
/// louder.
const REPEATED_AT: usize = 4500;

/// Noise of a receiver or microphone, the same in every call.
#[derive(Debug)]
pub(crate) struct Noise(u32);

impl Default for Noise {
    fn default() -> Self {
        Self(0x9e37_79b9)
    }
}

impl Noise {
    /// The next sample, evenly distributed up to `size` to both sides.
    pub(crate) fn sample(&mut self, size: i16) -> i16 {
        // Marsaglia's xorshift
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        let share = f64::from(self.0) / f64::from(u32::MAX) * 2.0 - 1.0;
        (share * f64::from(size)) as i16
    }

    fn fill(&mut self, frame: &mut [i16], size: i16) {
        for sample in frame {
            *sample = self.sample(size);
        }
    }
}

/// The faulty part of the way to the ear and from the mouth.
#[derive(Debug, Default)]
pub(crate) struct Handset {
    faults: BTreeSet<Fault>,
    noise: Noise,
    /// Samples of silence that were played last.
    silent: usize,
    /// Samples until the receiver is back.
    waking: usize,
    /// What the microphone heard before.
    before: Vec<i16>,
}

impl Handset {
    pub(crate) fn new(faults: &BTreeSet<Fault>) -> Self {
        Self {
            faults: faults.clone(),
            ..Self::default()
        }
    }

    /// What reaches the ear of what the loudspeaker is told to play.
    pub(crate) fn play(&mut self, frame: &mut [i16]) {
        let quiet = is_quiet(frame);
        if self.has(Fault::ReceiverWakesSlowly) {
            self.wake(frame, quiet);
        }
        if self.has(Fault::ReceiveFaint) {
            frame.iter_mut().for_each(|sample| *sample /= 10);
        }
        if self.has(Fault::ReceiveOverdriven) {
            frame
                .iter_mut()
                .for_each(|sample| *sample = (*sample).clamp(-OVERDRIVEN, OVERDRIVEN));
        }
        if quiet && self.has(Fault::ReceiveHiss) {
            self.noise.fill(frame, HISS);
        }
    }

    fn wake(&mut self, frame: &mut [i16], quiet: bool) {
        if quiet && self.waking == 0 {
            self.silent = self.silent.saturating_add(frame.len());
            return;
        }
        if self.silent >= ASLEEP_AFTER {
            self.waking = WAKES_IN;
        }
        self.silent = 0;
        let muted = self.waking.min(frame.len());
        self.waking -= muted;
        frame.iter_mut().take(muted).for_each(|sample| *sample = 0);
    }

    /// What the encoder is given of what the microphone hears, from sample `position` of the user's speech on.
    pub(crate) fn hear(&mut self, frame: &mut Vec<i16>, position: usize) {
        if self.has(Fault::FramesRepeated) {
            let lost = (position..position + frame.len()).contains(&REPEATED_AT);
            if lost && self.before.len() == frame.len() {
                frame.clone_from(&self.before);
            }
            self.before.clone_from(frame);
        }
        if self.has(Fault::MicrophoneHiss) && is_quiet(frame) {
            self.noise.fill(frame, MICROPHONE_HISS);
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

fn is_quiet(frame: &[i16]) -> bool {
    frame.iter().all(|sample| (-QUIET..=QUIET).contains(sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handset(fault: Option<Fault>) -> Handset {
        Handset::new(&fault.into_iter().collect())
    }

    fn played(handset: &mut Handset, value: i16) -> Vec<i16> {
        let mut frame = vec![value; 160];
        handset.play(&mut frame);
        frame
    }

    #[test]
    fn a_healthy_handset_changes_nothing() {
        let mut handset = handset(None);
        for value in [0, 5000, -5000] {
            assert_eq!(played(&mut handset, value), [value; 160]);
            let mut frame = vec![value; 160];
            handset.hear(&mut frame, 4480);
            assert_eq!(frame, [value; 160]);
        }
    }

    #[test]
    fn each_fault_of_the_receiver_is_its_own() {
        assert_eq!(played(&mut handset(Some(Fault::ReceiveFaint)), 5000), [500; 160]);
        assert_eq!(
            played(&mut handset(Some(Fault::ReceiveOverdriven)), -5000),
            [-OVERDRIVEN; 160]
        );
        let hiss = played(&mut handset(Some(Fault::ReceiveHiss)), 0);
        assert!(hiss.iter().any(|sample| *sample > 200) && hiss.iter().all(|sample| sample.abs() <= HISS));
        assert_eq!(played(&mut handset(Some(Fault::ReceiveHiss)), 5000), [5000; 160]);
    }

    #[test]
    fn a_receiver_that_sleeps_misses_the_first_quarter_of_a_second_after_two_of_silence() {
        let mut handset = handset(Some(Fault::ReceiverWakesSlowly));
        for _ in 0..99 {
            played(&mut handset, 0);
        }
        assert_eq!(played(&mut handset, 5000), [5000; 160], "not asleep yet");
        for _ in 0..100 {
            played(&mut handset, 0);
        }
        let heard: usize = (0..20)
            .flat_map(|_| played(&mut handset, 5000))
            .filter(|sample| *sample != 0)
            .count();
        assert_eq!(heard, 20 * 160 - WAKES_IN);
    }

    #[test]
    fn one_frame_of_the_loop_is_the_one_before() {
        let mut handset = handset(Some(Fault::FramesRepeated));
        let heard: Vec<Vec<i16>> = (27..30_i16)
            .map(|number| {
                let mut frame = vec![number; 160];
                handset.hear(&mut frame, number as usize * 160);
                frame
            })
            .collect();
        assert_eq!(heard, [[27; 160], [27; 160], [29; 160]]);
        let mut silence = vec![0; 160];
        Handset::new(&BTreeSet::from([Fault::MicrophoneHiss])).hear(&mut silence, 0);
        assert!(silence.iter().any(|sample| *sample != 0));
    }
}
