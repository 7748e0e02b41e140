//! Every quantity that `measure` and `analyze` know: identifier, name, unit, what the figure means.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

/// Quantities that are measured together, and selected together on the command line.
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
}

impl Group {
    /// Groups of one file.
    pub const OF_FILE: [Self; 7] = [
        Self::Levels,
        Self::Speech,
        Self::Weighted,
        Self::Loudness,
        Self::Spectrum,
        Self::Noise,
        Self::Tone,
    ];
    /// Groups of a pair.
    pub const OF_PAIR: [Self; 5] = [
        Self::Time,
        Self::Integrity,
        Self::Level,
        Self::Response,
        Self::Quality,
    ];

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
            Self::Time => "time",
            Self::Integrity => "integrity",
            Self::Level => "level",
            Self::Response => "response",
            Self::Quality => "quality",
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
#[error("there is no group `{word}`; there are: {}", known.join(", "))]
pub struct UnknownGroup {
    /// The word.
    pub word: String,
    /// Words that would do.
    pub known: Vec<&'static str>,
}

/// Groups to measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection(Vec<Group>);

impl Selection {
    /// All of `groups`.
    #[must_use]
    pub fn all(groups: &[Group]) -> Self {
        Self(groups.to_vec())
    }

    /// Of `groups` those in `only`, or all if that is empty, without those in `skip`.
    ///
    /// # Errors
    /// [`UnknownGroup`] for a word that names none of `groups`.
    pub fn of_words(groups: &[Group], only: &[String], skip: &[String]) -> Result<Self, UnknownGroup> {
        let find = |word: &String| {
            groups
                .iter()
                .copied()
                .find(|group| group.name() == word.trim())
                .ok_or_else(|| UnknownGroup {
                    word: word.trim().to_owned(),
                    known: groups.iter().map(|group| group.name()).collect(),
                })
        };
        let only = only.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let skip = skip.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let kept = groups
            .iter()
            .copied()
            .filter(|group| (only.is_empty() || only.contains(group)) && !skip.contains(group));
        Ok(Self(kept.collect()))
    }

    /// Whether a group is wanted.
    #[must_use]
    pub fn has(&self, group: Group) -> bool {
        self.0.contains(&group)
    }

    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Group {
    type Err = UnknownGroup;

    fn from_str(text: &str) -> Result<Self, UnknownGroup> {
        let all = || Self::OF_FILE.into_iter().chain(Self::OF_PAIR);
        all()
            .find(|group| group.name() == text)
            .ok_or_else(|| UnknownGroup {
                word: text.to_owned(),
                known: all().map(Self::name).collect(),
            })
    }
}

/// A quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    /// Identifier, stable.
    pub id: &'static str,
    /// Group.
    pub group: Group,
    /// Name for people.
    pub name: &'static str,
    /// Unit, empty for a bare number.
    pub unit: &'static str,
    /// Decimals that mean something.
    pub decimals: usize,
    /// What the figure means, in a line.
    pub meaning: &'static str,
}

impl Quantity {
    /// What a result of no known quantity is about.
    pub(crate) const UNKNOWN: Self = Self {
        id: "",
        group: Group::Levels,
        name: "",
        unit: "",
        decimals: 3,
        meaning: "",
    };

    /// A quantity by its identifier.
    #[must_use]
    pub fn by_id(id: &str) -> Option<&'static Self> {
        QUANTITIES.iter().copied().find(|quantity| quantity.id == id)
    }
}

macro_rules! quantities {
    ($($name:ident $group:ident $id:literal $title:literal $unit:literal $decimals:literal $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub(crate) const $name: Quantity = Quantity {
                id: $id,
                group: Group::$group,
                name: $title,
                unit: $unit,
                decimals: $decimals,
                meaning: $meaning,
            };
        )*
        /// Every quantity, in the order of tables.
        pub const QUANTITIES: &[&Quantity] = &[$(&$name),*];
    };
}

quantities! {
    RMS_LEVEL Levels "rms_level" "RMS level" "dBov" 2 "power of everything over the whole time; a full-scale square wave is 0, a full-scale sine -3.01";
    PEAK_LEVEL Levels "peak_level" "peak of the samples" "dBFS (peak)" 2 "largest magnitude; 0 is full scale, above 0 only floating-point files reach";
    CREST_FACTOR Levels "crest_factor" "crest factor" "dB" 2 "peak over rms: 3 for a sine, 12 to 20 for speech";
    RMS_PEAK Levels "rms_peak_level" "loudest 50 ms" "dBov" 2 "largest short-term level (50 ms)";
    RMS_TROUGH Levels "rms_trough_level" "quietest 50 ms" "dBov" 2 "least short-term level (50 ms): close to the noise floor if there are pauses";
    DC_OFFSET Levels "dc_offset" "offset" "" 6 "mean of the samples, of full scale 1; a converter's error if it is not near 0";
    MINIMUM Levels "minimum" "least sample" "" 6 "most negative sample, of full scale 1";
    MAXIMUM Levels "maximum" "largest sample" "" 6 "most positive sample, of full scale 1";
    FLAT_FACTOR Levels "flat_factor" "flat factor" "dB" 2 "how long the signal rests at its extremes, as sox prints it; above 0 hints at clipping";
    PEAK_COUNT Levels "peak_count" "samples at the peak" "" 0 "how often the extremes are reached";
    CLIPPED_RUNS Levels "clipped_runs" "clipped places" "" 0 "runs of three or more samples at the rail: overload before or in this recording";
    BITS_USED Levels "bits_used" "bits used" "bit" 0 "resolution that the samples really have; fewer than the file's means a poorer source";

    ACTIVE_SPEECH_LEVEL Speech "active_speech_level" "active speech level" "dBov" 2 "level of the speech without its pauses (ITU-T P.56 method B); -26 is usual";
    SPEECH_ACTIVITY Speech "speech_activity" "speech activity" "%" 1 "share of the time with speech (ITU-T P.56)";

    A_LEVEL Weighted "a_weighted_level" "A-weighted level" "dBov(A)" 2 "level as the ear weights quiet sound (IEC 61672-1)";
    C_LEVEL Weighted "c_weighted_level" "C-weighted level" "dBov(C)" 2 "level as the ear weights loud sound (IEC 61672-1)";
    PSOPHOMETRIC_LEVEL Weighted "psophometric_level" "psophometric level" "dBov(p)" 2 "level as a telephone listener is disturbed by it (ITU-T O.41)";

    LOUDNESS Loudness "integrated_loudness" "programme loudness" "LUFS" 2 "loudness of the whole, pauses gated out (ITU-R BS.1770-4)";
    LOUDNESS_RANGE Loudness "loudness_range" "loudness range" "LU" 2 "distance between quiet and loud parts (EBU Tech 3342)";
    TRUE_PEAK Loudness "true_peak" "true peak" "dBTP" 2 "peak between the samples too (ITU-R BS.1770-4 Annex 2)";

    UPPER_BAND_EDGE Spectrum "upper_band_edge" "highest frequency in use" "Hz" 0 "above it the spectrum is 50 dB below its maximum or lower: 3400 narrowband, 7000 wideband, 14000 super-wideband";
    SPECTRAL_CENTROID Spectrum "spectral_centroid" "spectral centroid" "Hz" 0 "centre of gravity of the power spectrum: the higher, the brighter";
    SINGLE_FREQUENCY Spectrum "single_frequency_interference" "strongest single frequency" "dBov(A)" 2 "A-weighted level of the strongest band of 30 Hz: hum, whistle or a test tone";
    SINGLE_FREQUENCY_AT Spectrum "single_frequency_at" "its frequency" "Hz" 1 "where the strongest narrow component lies";

    NOISE_LEVEL Noise "noise_level" "noise in the pauses" "dBov" 2 "rms of the quiet parts: those 50 ms blocks that are at most 3 dB above the quietest tenth";
    SPEECH_TO_NOISE Noise "speech_to_noise" "speech to noise" "dB" 2 "active speech level over the noise in the pauses";

    TONE_FREQUENCY Tone "tone_frequency" "strongest tone" "Hz" 2 "frequency of the strongest tone in the first 5 s that are not silent";
    TONE_LEVEL Tone "tone_level" "level of that tone" "dBov" 2 "rms of the tone alone";
    TONE_SHARE Tone "tone_share" "tone over everything else" "dB" 2 "above 20 the recording is practically that tone; below 0 there is none worth the name";

    DELAY Time "delay" "delay" "ms" 3 "how much later the recording is than the reference; negative if it is ahead";
    DELAY_CONFIDENCE Time "delay_confidence" "correlation at that delay" "" 3 "1 for the very same sound; a delay that changes, noise and coding lower it";
    DELAY_STEPS Time "delay_steps" "steps of the delay" "" 0 "how often the delay changes at once by 0.5 ms or more: a jitter buffer at work";
    DELAY_SPREAD Time "delay_spread" "range of the delay" "ms" 3 "largest less least delay of the sentences and around the steps";
    CLOCK_DRIFT Time "clock_drift" "clock drift" "ppm" 1 "steady change of the delay: the recording's clock against the reference's";

    INTACT_SHARE Integrity "intact_share" "speech that came through" "%" 1 "share of the active 100 ms blocks that are found again (correlation of at least 0.9)";
    MISSING_TIME Integrity "missing_time" "silence in place of speech" "s" 2 "time in which the reference speaks and the recording is silent, in steps of 10 ms";
    MUTED_PLACES Integrity "muted_places" "mutes within speech" "" 0 "stretches of 5 to 500 ms of one value, mostly zero, in the middle of speech";
    REPEATED_FRAMES Integrity "repeated_frames" "repeated frames" "" 0 "frames of a packet's length that are played twice: a simple concealment of losses";
    INVERTED Integrity "inverted" "polarity inverted" "" 0 "1 if the recording has the opposite sign";
    LENGTH_DIFFERENCE Integrity "length_difference" "difference of length" "s" 3 "length of the recording less that of the reference";

    GAIN Level "gain" "gain" "dB" 2 "median gain from the reference to the recording, over the blocks that match";
    SPEECH_LEVEL_DIFFERENCE Level "speech_level_difference" "difference of speech levels" "dB" 2 "active speech level of the recording less that of the reference (ITU-T P.56)";
    SNR Level "signal_to_noise_and_distortion" "signal to noise and distortion" "dB" 2 "median over the active blocks, after the best gain and delay of each";
    SEGMENTAL_SNR Level "segmental_snr" "segmental SNR" "dB" 2 "mean over the active blocks, each limited to -10 to 35";

    RESPONSE_LOW Response "response_low_edge" "lower band edge" "Hz" 0 "lowest third-octave band not more than 6 dB weaker than the one at 1 kHz";
    RESPONSE_HIGH Response "response_high_edge" "upper band edge" "Hz" 0 "highest third-octave band not more than 6 dB weaker than the one at 1 kHz";
    RESPONSE_RIPPLE Response "response_ripple" "ripple" "dB" 2 "largest less least gain of the third-octave bands from 300 to 3400 Hz";
    MASK_MARGIN Response "mask_margin" "margin to the mask" "dB" 2 "smallest distance of the response to the limits; below 0 it is outside";
    MASK_WORST_AT Response "mask_worst_at" "where it is smallest" "Hz" 0 "frequency at which the response comes closest to a limit";

    VISQOL_MOS Quality "visqol_mos" "ViSQOL v3.3, speech" "MOS-LQO" 2 "estimated listening quality from 1 to 5, of speech up to 8 kHz; an identical pair has 5";
    VISQOL_SIMILARITY Quality "visqol_similarity" "its similarity" "" 4 "mean likeness of the two spectrograms that the estimate rests on; 1 when identical";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_words_and_different() {
        let mut ids: Vec<&str> = QUANTITIES.iter().map(|quantity| quantity.id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
        for quantity in QUANTITIES {
            assert!(
                quantity.id.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{}",
                quantity.id
            );
            assert!(
                quantity.meaning.len() > 10 && !quantity.meaning.ends_with('.'),
                "{}",
                quantity.id
            );
            assert_eq!(Quantity::by_id(quantity.id), Some(*quantity));
        }
    }

    #[test]
    fn selections_are_words() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let some =
            Selection::of_words(&Group::OF_FILE, &words(&["levels", "tone"]), &words(&["tone"])).unwrap();
        assert!(some.has(Group::Levels) && !some.has(Group::Tone) && !some.has(Group::Noise));
        assert_eq!(
            Selection::of_words(&Group::OF_FILE, &[], &[]),
            Ok(Selection::all(&Group::OF_FILE))
        );
        let error = Selection::of_words(&Group::OF_FILE, &words(&["time"]), &[]).unwrap_err();
        assert!(error.to_string().contains("there are: levels, speech"), "{error}");
        assert!(
            Selection::of_words(&Group::OF_FILE, &words(&["tone"]), &words(&["tone"]))
                .unwrap()
                .is_empty()
        );
        for group in Group::OF_FILE.into_iter().chain(Group::OF_PAIR) {
            assert_eq!(group.to_string().parse(), Ok(group));
        }
    }
}
