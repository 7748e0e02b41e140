//! Two recordings laid against each other once, for every figure that needs it.
//!
//! Finding the delay and placing the blocks is most of the work of comparing two recordings. What is read from it is
//! [`SpeechComparison::of`] and [`DelayTrack::of`].
//!
//! [`SpeechComparison::of`]: crate::comparison::SpeechComparison::of
//! [`DelayTrack::of`]: crate::delay_track::DelayTrack::of

use std::ops::Range;

use crate::align::{Block, activity_threshold, straighten, track};
use crate::aligner::Aligner;
use crate::delay::{Delay, Located, locate};
use crate::measurement::Unmeasurable;
use crate::sample::centred;

/// Length of a block in ms: several pitch periods, and short against a syllable.
const BLOCK_MS: f64 = 100.0;
/// How far a block may lie off its neighbours, in ms.
const SEARCH_MS: f64 = 150.0;

/// Where the speech of a reference lies in a recording, in blocks of 100 ms.
pub struct Alignment {
    pub(crate) aligner: Aligner,
    pub(crate) rate: u32,
    /// Mean square from which a stretch of the reference is speech.
    pub(crate) threshold: f64,
    /// Where the recording lies as a whole; `None` when nothing of it is in the search range.
    pub(crate) located: Option<Located>,
    inverted: bool,
    /// The active ones.
    blocks: Vec<Block>,
}

impl Alignment {
    /// Lays `degraded` against `reference`; the delay as a whole is looked for within `search` (in s, may be negative).
    ///
    /// # Errors
    /// [`Unmeasurable::NoSuchPart`] when the reference has no measurable speech.
    pub fn new(
        reference: &[f32],
        degraded: &[f32],
        rate: u32,
        search: Range<f64>,
    ) -> Result<Self, Unmeasurable> {
        let threshold =
            activity_threshold(reference, rate).ok_or(Unmeasurable::NoSuchPart("speech in the reference"))?;
        let (centred_reference, recording) = (centred(reference), centred(degraded));
        let located = locate(&centred_reference, &recording, rate, &search);
        let aligner = Aligner::new(centred_reference, recording);
        Ok(Self::laid(aligner, reference, rate, threshold, located))
    }

    /// Places the blocks of signals whose delay as a whole is known.
    pub(crate) fn laid(
        mut aligner: Aligner,
        reference: &[f32],
        rate: u32,
        threshold: f64,
        located: Option<Located>,
    ) -> Self {
        let lag = located.map_or(0.0, |located| located.lag);
        let inverted = straighten(&mut aligner, reference, rate, lag, threshold);
        let mut blocks = track(
            &mut aligner,
            reference,
            rate,
            lag,
            BLOCK_MS,
            SEARCH_MS,
            Some(threshold),
        );
        blocks.retain(|block| block.active);
        Self {
            aligner,
            rate,
            threshold,
            located,
            inverted,
            blocks,
        }
    }

    /// Delay of the recording as a whole; zero with no confidence when it was not found.
    #[must_use]
    pub fn delay(&self) -> Delay {
        let (lag, correlation) = self
            .located
            .map_or((0.0, 0.0), |located| (located.lag, located.correlation));
        Delay {
            seconds: lag / f64::from(self.rate),
            confidence: correlation.abs(),
        }
    }

    /// The blocks in which the reference speaks.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Whether the recording has the opposite polarity; the blocks are those of the recording turned.
    #[must_use]
    pub fn is_inverted(&self) -> bool {
        self.inverted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::{SpeechComparison, compare};
    use crate::delay_track::{DelayTrack, Settings, follow};
    use crate::stimulus::speech_like;

    #[test]
    fn one_alignment_serves_all() {
        let reference = speech_like(5.0, 8000, 2);
        // later, inverted, with 30 ms lost in the middle
        let mut degraded = vec![0.0; 400];
        degraded.extend(
            reference[..20_000]
                .iter()
                .chain(&reference[20_240..])
                .map(|x| -0.5 * x),
        );
        let settings = Settings::default();
        let alignment = Alignment::new(&reference, &degraded, 8000, settings.search.clone()).expect("speech");
        assert!(alignment.is_inverted() && alignment.delay().confidence > 0.4);
        let comparison = SpeechComparison::of(&alignment);
        assert_eq!(
            Some(&comparison),
            compare(&reference, &degraded, 8000, settings.search.clone()).as_ref()
        );
        assert!(comparison.intact_fraction > 0.95 && (comparison.median_gain_db + 6.02).abs() < 0.01);
        let track = DelayTrack::of(&alignment, &settings).expect("a track");
        assert_eq!(
            track,
            follow(&reference, &degraded, 8000, &settings).expect("a track")
        );
        assert_eq!(track.jumps.len(), 1);
    }

    #[test]
    fn without_speech_or_without_sound() {
        let speech = speech_like(2.0, 8000, 2);
        assert!(Alignment::new(&[0.0; 8000], &speech, 8000, -1.0..1.0).is_err());
        let silent = Alignment::new(&speech, &[0.0; 8000], 8000, -1.0..1.0).expect("speech");
        assert_eq!(silent.delay().confidence, 0.0);
        assert_eq!(SpeechComparison::of(&silent).intact_blocks, 0);
        assert_eq!(
            DelayTrack::of(&silent, &Settings::default()),
            Err(Unmeasurable::Silent)
        );
    }
}
