//! Groups of quantities: what is measured together, and selected together on the command line.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

/// Quantities that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// One file: what a single pass over the samples tells.
    Levels,
    /// One file: active speech level (ITU-T P.56).
    Speech,
    /// One file: A-, C- and psophometrically weighted levels.
    Weighted,
    /// One file: programme loudness and true peak (ITU-R BS.1770).
    Loudness,
    /// One file: spectra and their extremes.
    Spectrum,
    /// One file: noise in the pauses.
    Noise,
    /// One file: the strongest tone and its distortion.
    Tone,
    /// One file, on demand: DTMF digits as they were sent (ITU-T Q.23).
    Dtmf,
    /// One file, on demand: dial, ringing, busy and congestion tones.
    Progress,
    /// One file or a pair, on demand: samples lost, repeated or replaced, by the counter signal.
    Glitches,
    /// A pair: delay, and how it changes.
    Time,
    /// A pair: whether the speech is all there.
    Integrity,
    /// A pair: gain, noise and distortion.
    Level,
    /// A pair: frequency response.
    Response,
    /// A pair: estimates of listening quality.
    Quality,
    /// A pair: PESQ, in a program that was built with it.
    Pesq,
    /// A pair, on demand: delay and quality sentence by sentence (3GPP TS 26.132).
    JitterBuffer,
    /// A pair, on demand: what comes back of what was played.
    Echo,
    /// A pair, on demand: distortion of a test signal.
    Distortion,
    /// A pair, on demand: loudness ratings (ITU-T P.79).
    Rating,
    /// A pair, on demand: what a noise reduction did to noise and to speech.
    NoiseReduction,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A file by itself.
    File,
    /// A recording against its reference.
    Pair,
}

impl Subject {
    /// Groups that are measured unless others are asked for.
    #[must_use]
    pub const fn usual(self) -> &'static [Group] {
        match self {
            Self::File => &[
                Group::Levels,
                Group::Speech,
                Group::Weighted,
                Group::Loudness,
                Group::Spectrum,
                Group::Noise,
                Group::Tone,
            ],
            Self::Pair if Group::HAS_PESQ => &[
                Group::Time,
                Group::Integrity,
                Group::Level,
                Group::Response,
                Group::Quality,
                Group::Pesq,
            ],
            Self::Pair => &[
                Group::Time,
                Group::Integrity,
                Group::Level,
                Group::Response,
                Group::Quality,
            ],
        }
    }

    /// Groups that are measured only if asked for: they are about test signals.
    #[must_use]
    pub const fn on_demand(self) -> &'static [Group] {
        match self {
            Self::File => &[Group::Dtmf, Group::Progress, Group::Glitches],
            Self::Pair => &[
                Group::JitterBuffer,
                Group::Echo,
                Group::Distortion,
                Group::Rating,
                Group::NoiseReduction,
                Group::Glitches,
            ],
        }
    }

    /// All groups.
    pub fn groups(self) -> impl Iterator<Item = Group> {
        self.usual().iter().chain(self.on_demand()).copied()
    }
}

impl Group {
    /// Whether this program was built with PESQ.
    pub const HAS_PESQ: bool = cfg!(feature = "pesq");

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Levels => "levels",
            Self::Speech => "speech",
            Self::Weighted => "weighted",
            Self::Loudness => "loudness",
            Self::Spectrum => "spectrum",
            Self::Noise => "noise",
            Self::Tone => "tone",
            Self::Dtmf => "dtmf",
            Self::Progress => "progress",
            Self::Glitches => "glitches",
            Self::Time => "time",
            Self::Integrity => "integrity",
            Self::Level => "level",
            Self::Response => "response",
            Self::Quality => "quality",
            Self::Pesq => "pesq",
            Self::JitterBuffer => "jitter-buffer",
            Self::Echo => "echo",
            Self::Distortion => "distortion",
            Self::Rating => "rating",
            Self::NoiseReduction => "noise-reduction",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownGroup {
    /// Of no kind.
    #[error("there is no group `{word}`; there are: {}", known.join(", "))]
    Word {
        /// The word.
        word: String,
        /// Words that would do.
        known: Vec<&'static str>,
    },
    /// PESQ, without which this program was built.
    #[error(
        "this program was built without PESQ: build it with `--features pesq` (docs/measurements/pesq.md)"
    )]
    WithoutPesq,
}

/// Groups to measure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection(Vec<Group>);

impl Selection {
    /// What is measured of a subject unless something else is asked for.
    #[must_use]
    pub fn usual(subject: Subject) -> Self {
        Self(subject.usual().to_vec())
    }

    /// The groups in `only`, or the usual ones if that is empty, and those in `also`, without those in `skip`.
    ///
    /// # Errors
    /// [`UnknownGroup`] for a word that names no group of the subject.
    pub fn of_words(
        subject: Subject,
        only: &[String],
        also: &[String],
        skip: &[String],
    ) -> Result<Self, UnknownGroup> {
        let find = |word: &String| find(subject.groups(), word.trim());
        let only = only.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let also = also.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let skip = skip.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let wanted = |group: &Group| {
            let usual = only.is_empty() && subject.usual().contains(group);
            (usual || only.contains(group) || also.contains(group)) && !skip.contains(group)
        };
        Ok(Self(subject.groups().filter(wanted).collect()))
    }

    /// Whether a group is wanted.
    #[must_use]
    pub fn has(&self, group: Group) -> bool {
        self.0.contains(&group)
    }

    /// Whether one of some groups is wanted.
    #[must_use]
    pub fn has_any(&self, groups: &[Group]) -> bool {
        groups.iter().any(|group| self.has(*group))
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn find(groups: impl Iterator<Item = Group>, word: &str) -> Result<Group, UnknownGroup> {
    let mut known = Vec::new();
    for group in groups {
        if group.name() == word {
            return Ok(group);
        }
        known.push(group.name());
    }
    if word == Group::Pesq.name() && known.contains(&Group::Quality.name()) {
        return Err(UnknownGroup::WithoutPesq);
    }
    Err(UnknownGroup::Word {
        word: word.to_owned(),
        known,
    })
}

impl FromStr for Group {
    type Err = UnknownGroup;

    fn from_str(text: &str) -> Result<Self, UnknownGroup> {
        find(Subject::File.groups().chain(Subject::Pair.groups()), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_words() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let of = |only: &[&str], also: &[&str], skip: &[&str]| {
            Selection::of_words(Subject::File, &words(only), &words(also), &words(skip))
        };
        let some = of(&["levels", "tone"], &[], &["tone"]).unwrap();
        assert!(some.has(Group::Levels) && !some.has(Group::Tone) && !some.has(Group::Noise));
        assert_eq!(of(&[], &[], &[]), Ok(Selection::usual(Subject::File)));
        let more = of(&[], &["dtmf"], &[]).unwrap();
        assert!(more.has(Group::Dtmf) && more.has(Group::Levels) && !more.has(Group::Progress));
        let error = of(&["time"], &[], &[]).unwrap_err();
        assert!(error.to_string().contains("there are: levels, speech"), "{error}");
        assert!(of(&["tone"], &[], &["tone"]).unwrap().is_empty());
        for subject in [Subject::File, Subject::Pair] {
            for group in subject.groups() {
                assert_eq!(group.to_string().parse(), Ok(group));
            }
        }
    }

    #[test]
    fn a_program_without_pesq_says_so() {
        let asked = Selection::of_words(Subject::Pair, &["pesq".to_owned()], &[], &[]);
        if Group::HAS_PESQ {
            assert!(asked.expect("a group").has(Group::Pesq));
        } else {
            assert_eq!(asked, Err(UnknownGroup::WithoutPesq));
        }
    }
}
