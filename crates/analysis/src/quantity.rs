//! Every quantity that `measure` and `analyze` know: identifier, name, unit, what the figure means.

use crate::Group;

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

    /// Whether it is a level at the zero level point of a codec, which there is only if the codec is known.
    pub(crate) fn is_on_plane(&self) -> bool {
        self.id.ends_with("_dbm0")
    }

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
    RMS_DBM0 Levels "rms_level_dbm0" "RMS level" "dBm0" 2 "the same at the zero level point of the codec";
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
    ACTIVE_SPEECH_DBM0 Speech "active_speech_level_dbm0" "active speech level" "dBm0" 2 "the same at the zero level point of the codec";
    SPEECH_ACTIVITY Speech "speech_activity" "speech activity" "%" 1 "share of the time with speech (ITU-T P.56)";

    A_LEVEL Weighted "a_weighted_level" "A-weighted level" "dBov(A)" 2 "level as the ear weights quiet sound (IEC 61672-1)";
    A_DBM0 Weighted "a_weighted_level_dbm0" "A-weighted level" "dBm0(A)" 2 "the same at the zero level point of the codec";
    C_LEVEL Weighted "c_weighted_level" "C-weighted level" "dBov(C)" 2 "level as the ear weights loud sound (IEC 61672-1)";
    PSOPHOMETRIC_LEVEL Weighted "psophometric_level" "psophometric level" "dBov(p)" 2 "level as a telephone listener is disturbed by it (ITU-T O.41)";
    PSOPHOMETRIC_DBM0 Weighted "psophometric_level_dbm0" "psophometric level" "dBm0p" 2 "the same at the zero level point of the codec: idle channel noise is stated so";

    LOUDNESS Loudness "integrated_loudness" "programme loudness" "LUFS" 2 "loudness of the whole, pauses gated out (ITU-R BS.1770-4)";
    LOUDNESS_RANGE Loudness "loudness_range" "loudness range" "LU" 2 "distance between quiet and loud parts (EBU Tech 3342)";
    TRUE_PEAK Loudness "true_peak" "true peak" "dBTP" 2 "peak between the samples too (ITU-R BS.1770-4 Annex 2)";

    UPPER_BAND_EDGE Spectrum "upper_band_edge" "highest frequency in use" "Hz" 0 "above it the spectrum is 50 dB below its maximum or lower: 3400 narrowband, 7000 wideband, 14000 super-wideband";
    SPECTRAL_CENTROID Spectrum "spectral_centroid" "spectral centroid" "Hz" 0 "centre of gravity of the power spectrum: the higher, the brighter";
    SINGLE_FREQUENCY Spectrum "single_frequency_interference" "strongest single frequency" "dBov(A)" 2 "A-weighted level of the strongest band of 30 Hz: hum, whistle or a test tone";
    SINGLE_FREQUENCY_AT Spectrum "single_frequency_at" "its frequency" "Hz" 1 "where the strongest narrow component lies";

    NOISE_LEVEL Noise "noise_level" "noise in the pauses" "dBov" 2 "rms of the quiet parts: those 50 ms blocks that are at most 3 dB above the quietest tenth";
    NOISE_DBM0 Noise "noise_level_dbm0" "noise in the pauses" "dBm0" 2 "the same at the zero level point of the codec";
    SPEECH_TO_NOISE Noise "speech_to_noise" "speech to noise" "dB" 2 "active speech level over the noise in the pauses";

    TONE_FREQUENCY Tone "tone_frequency" "strongest tone" "Hz" 2 "frequency of the strongest tone in the first 5 s that are not silent";
    TONE_LEVEL Tone "tone_level" "level of that tone" "dBov" 2 "rms of the tone alone";
    TONE_DBM0 Tone "tone_level_dbm0" "level of that tone" "dBm0" 2 "the same at the zero level point of the codec";
    TONE_SHARE Tone "tone_share" "tone over everything else" "dB" 2 "above 20 the recording is practically that tone; below 0 there is none worth the name";
    TONE_THD Tone "tone_thd" "harmonic distortion" "%" 3 "harmonics 2 to 10 of the tone over the tone, while it is steady";
    TONE_THD_NOISE Tone "tone_thd_and_noise" "distortion and noise" "%" 3 "everything but the tone over the tone";
    TONE_SDR Tone "tone_sdr" "tone to distortion and noise" "dB" 2 "power of the tone over the weighted power of everything else";

    DTMF_DIGITS Dtmf "dtmf_digits" "digits" "" 0 "DTMF digits found; each is listed below";
    DTMF_DEVIATION Dtmf "dtmf_deviation" "largest deviation of a frequency" "%" 3 "from the nominal one, of any tone; receivers must accept 1.5";
    DTMF_LOW Dtmf "dtmf_low_level" "level of the low tones" "dBov" 2 "mean over the digits";
    DTMF_LOW_DBM0 Dtmf "dtmf_low_level_dbm0" "level of the low tones" "dBm0" 2 "the same at the zero level point of the codec";
    DTMF_HIGH Dtmf "dtmf_high_level" "level of the high tones" "dBov" 2 "mean over the digits";
    DTMF_HIGH_DBM0 Dtmf "dtmf_high_level_dbm0" "level of the high tones" "dBm0" 2 "the same at the zero level point of the codec";
    DTMF_TWIST Dtmf "dtmf_twist" "twist" "dB" 2 "high tone over low tone, mean over the digits; receivers must accept -8 to 4";
    DTMF_SHORTEST Dtmf "dtmf_shortest_tone" "shortest digit" "ms" 1 "receivers must accept 40 and more";
    DTMF_PAUSE Dtmf "dtmf_shortest_pause" "shortest pause" "ms" 1 "between two digits; receivers must accept 40 and more";
    DTMF_EDGE Dtmf "dtmf_slowest_edge" "slowest rise or fall" "ms" 1 "10 to 90 % of the amplitude, resolved to 2";
    DTMF_DISTORTION Dtmf "dtmf_distortion" "largest distortion" "dB" 1 "everything else under a digit over its weaker tone";

    PROGRESS_TONES Progress "progress_tones" "call-progress tones" "" 0 "tones of the European and North American plans; each is listed below";

    GLITCHES Glitches "glitches" "glitches" "" 0 "places at which samples of the counter signal are lost, repeated or replaced; each is listed below";
    GLITCH_RATE Glitches "glitches_per_five_minutes" "glitches in five minutes" "" 2 "the unit of the usual limit, which is less than 1";
    GLITCH_LOST Glitches "samples_lost" "samples lost" "" 0 "samples of the signal that did not arrive or arrived as something else";
    GLITCH_REPEATED Glitches "samples_repeated" "samples repeated" "" 0 "samples that came once more";
    GLITCH_INSERTED Glitches "samples_inserted" "samples inserted" "" 0 "foreign samples that made what follows late";
    GLITCH_REPLACED Glitches "samples_replaced" "samples replaced" "" 0 "foreign samples in the place of the right ones";
    GLITCH_GAIN Glitches "counter_gain" "gain of the counter signal" "dB" 2 "against a signal whose peak is full scale";
    GLITCH_SNR Glitches "counter_snr" "counter signal to noise" "dB" 2 "between the glitches; above 10 their places are exact";

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

    PESQ_NARROWBAND Pesq "pesq_narrowband" "PESQ narrowband" "MOS-LQO" 3 "ITU-T P.862 with the map of P.862.1; an identical pair has 4.549";
    PESQ_WIDEBAND Pesq "pesq_wideband" "PESQ wideband" "MOS-LQO" 3 "ITU-T P.862.2; an identical pair has 4.644";

    SENTENCES JitterBuffer "sentences" "sentences" "" 0 "stretches of speech between pauses of 0.3 s";
    LOST_SENTENCES JitterBuffer "sentences_lost" "sentences lost" "" 0 "sentences of which nothing was found";
    DELAY_FIRST JitterBuffer "delay_of_first_sentence" "delay of the first sentence" "ms" 2 "what the buffer begins with";
    DELAY_LAST JitterBuffer "delay_of_last_sentence" "delay of the last sentence" "ms" 2 "what it ends with";
    DELAY_LEAST JitterBuffer "delay_least" "least delay of a sentence" "ms" 2 "3GPP TS 26.132 reports the extremes";
    DELAY_GREATEST JitterBuffer "delay_greatest" "greatest delay of a sentence" "ms" 2 "3GPP TS 26.132 reports the extremes";
    STEPS_UP JitterBuffer "delay_steps_up" "steps to a longer delay" "" 0 "how often the buffer grew";
    SETTLED JitterBuffer "delay_settled_at" "delay settled" "s" 2 "when it came near to that of the last sentence for good";
    SENTENCE_MOS JitterBuffer "sentence_mos" "quality of two sentences" "MOS-LQO" 3 "ViSQOL of each two sentences by themselves, the mean";
    LOSS_LEAST JitterBuffer "quality_loss_least" "least loss of quality" "MOS-LQO" 3 "of a pair of sentences, against the undisturbed recording";
    LOSS_MEDIAN JitterBuffer "quality_loss_median" "median loss of quality" "MOS-LQO" 3 "of the pairs of sentences";
    LOSS_LARGEST JitterBuffer "quality_loss_largest" "largest loss of quality" "MOS-LQO" 3 "of a pair of sentences: lost packets or a busy jitter buffer";

    COUPLING_NARROW Echo "coupling_loss_narrowband" "weighted coupling loss" "dB" 2 "TCLw, 300 to 3400 Hz (ITU-T G.122 B.4): how much weaker the echo is";
    COUPLING_WIDE Echo "coupling_loss_wideband" "weighted coupling loss, wideband" "dB" 2 "the same from 300 to 6700 Hz (3GPP TS 26.132)";
    COUPLING_HANDS_FREE Echo "coupling_loss_hands_free" "coupling loss, hands-free" "dB" 2 "the same from 100 to 8000 Hz (ITU-T P.1110, P.1120)";
    STABILITY Echo "stability_loss" "stability loss" "dB" 2 "least loss in any twelfth of an octave: what keeps a loop from howling";
    STABILITY_AT Echo "stability_loss_at" "where it is" "Hz" 0 "the frequency that would howl first";
    ECHO_LEVEL Echo "echo_level" "highest echo level" "dBov(A)" 2 "A-weighted, integrated over 35 ms";
    ECHO_LEVEL_DBM0 Echo "echo_level_dbm0" "highest echo level" "dBm0(A)" 2 "the same at the zero level point of the codec";
    ECHO_LEVEL_AT Echo "echo_level_at" "when it was highest" "s" 3 "time in the recording";
    ECHO_DELAY Echo "echo_delay" "delay of the echo" "ms" 2 "from what was played to what comes back";
    ECHO_LOSS Echo "echo_return_loss" "echo return loss" "dB" 2 "mean over the time in which something is played, integrated over 35 ms";
    ECHO_LOSS_LEAST Echo "echo_return_loss_least" "least echo return loss" "dB" 2 "the same at its worst";
    ECHO_DEGRADATION Echo "echo_degradation" "largest degradation" "dB" 2 "fall of the loss below the best that it had before; 6 is a usual limit";

    THD Distortion "thd" "harmonic distortion" "%" 3 "harmonics 2 to 10 of the tone over the tone, while it is steady";
    THD_NOISE Distortion "thd_and_noise" "distortion and noise" "%" 3 "everything but the tone over the tone";
    SDR Distortion "signal_to_distortion" "signal to distortion" "dB" 2 "power of the tone over the weighted power of everything else; of several tones the lowest";
    SDR_AT Distortion "signal_to_distortion_at" "where it is lowest" "Hz" 1 "frequency of that tone";
    SDR_MARGIN Distortion "sdr_margin" "margin to the limits" "dB" 2 "smallest distance to the limits of 3GPP TS 26.131 table 15, if 0 dB of the stimulus is -4.7 dBPa; below 0 it fails";
    SDNR Distortion "sdnr_least" "signal to distortion and noise" "dB" 2 "pulsed noise: power in a third of an octave over power elsewhere, the lowest band";
    SDNR_AT Distortion "sdnr_least_at" "where it is lowest" "Hz" 0 "centre of that band";
    SWEEP_THD Distortion "sweep_thd_largest" "largest harmonic distortion" "%" 3 "harmonics 2 to 5 of a logarithmic sweep";
    SWEEP_THD_AT Distortion "sweep_thd_largest_at" "where it is largest" "Hz" 0 "frequency of the fundamental";

    SEND_RATING Rating "send_loudness_rating" "send loudness rating" "dB" 2 "SLR (ITU-T P.79): the smaller, the louder; 8 is usual";
    RECEIVE_RATING Rating "receive_loudness_rating" "receive loudness rating" "dB" 2 "RLR (ITU-T P.79): the smaller, the louder; 2 is usual";
    SIDETONE_RATING Rating "sidetone_masking_rating" "sidetone masking rating" "dB" 2 "STMR (ITU-T P.79): how much weaker one hears oneself";

    REDUCTION_NOISE NoiseReduction "noise_level_change" "change of the noise" "dB" 2 "level in the pauses of the speech after the noise reduction less before: the more negative, the better";
    REDUCTION_SPEECH NoiseReduction "speech_level_change" "change of the speech" "dB" 2 "level of the speech, the noise taken off, after less before: the harm to speech";
    REDUCTION_RATIO NoiseReduction "signal_to_noise_change" "change of signal to noise" "dB" 2 "ratio after less before, of plain powers: not the SNRI of ITU-T G.160, which weighs classes of level";
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
                quantity
                    .id
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
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
}
