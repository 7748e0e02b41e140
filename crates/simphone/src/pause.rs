//! Silence of the user: told from speech, and described instead of sent (RFC 3389).

use voxproof_codec::describe;

/// Frames quieter than this are silence: -55 dBov (RFC 3389 3.1: below a square wave of full scale), as a mean square.
const QUIET: f64 = 32_767.0 * 32_767.0 * 3.16e-6;

/// A pause this short is part of speech.
const HANGOVER_MS: u32 = 100;

/// So often silence is described anew.
const REPEAT_MS: u32 = 200;

/// Reflection coefficients of a description.
const ORDER: usize = 8;

/// What a frame is sent as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Speech,
    /// As this comfort noise payload.
    Noise(Vec<u8>),
    /// Not at all.
    Nothing,
}

/// Follows the microphone.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    quiet_ms: u32,
    described_ms: Option<u32>,
}

impl Pauses {
    /// What becomes of the next frame.
    pub(crate) fn next(&mut self, samples: &[i16], ptime: u32) -> Frame {
        let energy: f64 = samples
            .iter()
            .map(|sample| f64::from(*sample) * f64::from(*sample))
            .sum();
        if energy > QUIET * samples.len() as f64 {
            *self = Self::default();
            return Frame::Speech;
        }
        self.quiet_ms = self.quiet_ms.saturating_add(ptime);
        if self.quiet_ms <= HANGOVER_MS {
            return Frame::Speech;
        }
        let since = self.described_ms.map(|since| since + ptime);
        if since.is_some_and(|since| since < REPEAT_MS) {
            self.described_ms = since;
            return Frame::Nothing;
        }
        self.described_ms = Some(0);
        let mut payload = Vec::new();
        describe(samples, ORDER).write(&mut payload);
        Frame::Noise(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_described_after_the_hangover_and_again_from_time_to_time() {
        let mut pauses = Pauses::default();
        let mut kinds = String::new();
        for amplitude in [3000, 10, 10, 10, 10, 10, 10, 10, 3000]
            .into_iter()
            .chain([0; 18])
        {
            let frame: Vec<i16> = (0..160)
                .map(|n| if n % 2 == 0 { amplitude } else { -amplitude })
                .collect();
            kinds.push(match pauses.next(&frame, 20) {
                Frame::Speech => 's',
                Frame::Noise(payload) => {
                    assert!((1..=1 + ORDER).contains(&payload.len()));
                    'n'
                }
                Frame::Nothing => '-',
            });
        }
        assert_eq!(kinds, "ssssssn-ssssssn---------n--");
    }
}
