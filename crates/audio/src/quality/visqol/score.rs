//! From two recordings to a score.

use super::align::{LagFinder, moved};
use super::gammatone::{FilterBank, Framing};
use super::patches;
use super::selection::{Match, coarse, fine};
use super::spectrogram::{Analysed, prepare};
use super::support_vector::SupportVectorModel;
use crate::measurement::Unmeasurable;
use crate::quality::MosLqo;
use crate::resample::resample;
use crate::sample::clean;

/// Lowest rate of speech, Hz: what has less is resampled to it.
const SPEECH_RATE: u32 = 16_000;
/// Highest frequency that counts in speech, Hz.
const SPEECH_HZ: f64 = 8000.0;
/// Bands in speech.
const SPEECH_BANDS: usize = 21;
/// Bands in audio.
const AUDIO_BANDS: usize = 32;
/// Longest recording, s: the search grows with the square of the length.
const LONGEST_S: f64 = 300.0;
/// Below this mean similarity the signals have nothing in common, and no map was fitted there.
const DISSIMILAR: f64 = 0.15;
/// The exponential map of speech, fitted to the TCD-VoIP data set: MOS = FIT_A + exp(FIT_B (similarity - FIT_X)).
const FIT_A: f64 = -262.847_869;
const FIT_B: f64 = 0.015_430_252_5;
const FIT_X: f64 = -361.063_949;
/// What takes the MOS of an identical pair, 4.02, to 5.
const FIT_SCALE: f64 = 1.245_063;

/// Similarity of one band, averaged over the patches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandSimilarity {
    /// Centre of the band, Hz.
    pub centre_hz: f64,
    /// Similarity, 1 when identical.
    pub similarity: f64,
}

/// A patch of the reference and where it was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatchMatch {
    /// Start in the reference, s.
    pub reference_s: f64,
    /// Start in the recording, s; `None` when nothing there matches it.
    pub degraded_s: Option<f64>,
    /// Similarity, 0 without a match.
    pub similarity: f64,
}

/// What ViSQOL v3.3 says of a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Visqol {
    /// Predicted listening quality. For speech: scaled so that an identical pair has 5.
    pub mos: MosLqo,
    /// For speech: as fitted to listeners, where an identical pair has 4.02. For audio: the same as `mos`.
    pub unscaled_mos: MosLqo,
    /// Mean similarity of all bands and patches, 1 when identical.
    pub similarity: f64,
    /// Similarity by band, from low to high.
    pub bands: Vec<BandSimilarity>,
    /// The patches in the order of the reference: quality against time.
    pub patches: Vec<PatchMatch>,
    /// How far the recording as a whole was moved before it was compared, s; negative when it came late. The starts in
    /// `patches` are those of the moved recording.
    pub moved_s: f64,
}

/// Compares speech with its reference (exponential map), samples of one channel at `rate` Hz. Recordings below 16 kHz are
/// resampled to it; above, what is beyond 8 kHz does not count.
///
/// # Errors
/// Silence, less than 0.6 s, no speech in the reference, more than 300 s, or nothing of the reference found.
pub fn speech(reference: &[f32], degraded: &[f32], rate: u32) -> Result<Visqol, Unmeasurable> {
    let (framing, reference, degraded) = input(reference, degraded, rate, SPEECH_RATE)?;
    let highest = SPEECH_HZ.min(f64::from(framing.rate) / 2.0);
    let bank = FilterBank::new(framing, SPEECH_BANDS, highest);
    let choose = |frames: usize| patches::speech(&reference, frames, framing.hop);
    let (matches, moved_s) = matches(
        &reference,
        &degraded,
        &bank,
        framing,
        patches::SPEECH_FRAMES,
        choose,
    )?;
    Ok(result(&matches, &bank, moved_s, |_, similarity| {
        let mos = FIT_A + (FIT_B * (similarity - FIT_X)).exp();
        (mos * FIT_SCALE, mos)
    }))
}

/// Compares any sound with its reference, full band: samples of one channel at `rate` Hz, for which the published model was
/// trained at 48 kHz. The model is google/visqol's `libsvm_nu_svr_model.txt` or one like it for 32 bands.
///
/// # Errors
/// As [`speech`], with 1 s as the shortest recording.
pub fn audio(
    reference: &[f32],
    degraded: &[f32],
    rate: u32,
    model: &SupportVectorModel,
) -> Result<Visqol, Unmeasurable> {
    let (framing, reference, degraded) = input(reference, degraded, rate, 2000)?;
    let bank = FilterBank::new(framing, AUDIO_BANDS, f64::from(framing.rate) / 2.0);
    let (matches, moved_s) = matches(
        &reference,
        &degraded,
        &bank,
        framing,
        patches::AUDIO_FRAMES,
        patches::audio,
    )?;
    Ok(result(&matches, &bank, moved_s, |bands, _| {
        let mos = model.predict(bands);
        (mos, mos)
    }))
}

/// Both signals as numbers of a rate that is high enough.
fn input(
    reference: &[f32],
    degraded: &[f32],
    rate: u32,
    lowest_rate: u32,
) -> Result<(Framing, Vec<f64>, Vec<f64>), Unmeasurable> {
    if reference.is_empty() || degraded.is_empty() || rate == 0 {
        return Err(Unmeasurable::NothingToMeasure);
    }
    let longest_s = reference.len().max(degraded.len()) as f64 / f64::from(rate);
    if longest_s > LONGEST_S {
        return Err(Unmeasurable::OutOfRange {
            name: "the length of the recording in s",
            value: longest_s,
            range: "0.6 to 300",
        });
    }
    let converted = |samples: &[f32]| {
        let samples: Vec<f64> = samples.iter().map(|&sample| clean(sample)).collect();
        if samples.iter().all(|&sample| sample == 0.0) {
            return Err(Unmeasurable::Silent);
        }
        if rate >= lowest_rate {
            return Ok(samples);
        }
        resample(&samples, rate, lowest_rate).map_err(|error| Unmeasurable::Mismatch(error.to_string()))
    };
    let framing = Framing::new(rate.max(lowest_rate));
    Ok((framing, converted(reference)?, converted(degraded)?))
}

/// The patches with their matches, and how far the recording was moved in s.
fn matches(
    reference: &[f64],
    degraded: &[f64],
    bank: &FilterBank,
    framing: Framing,
    width: usize,
    choose: impl FnOnce(usize) -> Vec<usize>,
) -> Result<(Vec<Match>, f64), Unmeasurable> {
    let rate = f64::from(framing.rate);
    let lag = LagFinder::default().lag(reference, degraded);
    let mut degraded = moved(degraded, lag);
    let power = |samples: &[f64]| samples.iter().map(|x| x * x).sum::<f64>() / samples.len().max(1) as f64;
    let gain = (power(reference) / power(&degraded)).sqrt();
    if !gain.is_finite() || gain == 0.0 {
        return Err(Unmeasurable::Silent);
    }
    for sample in &mut degraded {
        *sample *= gain;
    }
    let needed = framing.window + (width * 3 / 2) * framing.hop;
    let shortest = reference.len().min(degraded.len());
    if shortest < needed {
        return Err(Unmeasurable::TooShort {
            needed_s: needed as f64 / rate,
            got_s: shortest as f64 / rate,
        });
    }
    let reference = Analysed::new(reference, bank, framing);
    let degraded = Analysed::new(&degraded, bank, framing);
    let (mut one, mut other) = (reference.whole().clone(), degraded.whole().clone());
    prepare(&mut one, &mut other);
    let starts = choose(one.frames());
    if starts.is_empty() {
        return Err(Unmeasurable::NoSuchPart("speech in the reference"));
    }
    let coarse = coarse(&one, &other, &starts, width, framing)
        .ok_or(Unmeasurable::NoSuchPart("part of the reference in the recording"))?;
    Ok((
        fine(coarse, &reference, &degraded, width, bank, framing),
        lag as f64 / rate,
    ))
}

/// `map` takes the similarities of the bands and their mean to a scaled and an unscaled MOS.
fn result(
    matches: &[Match],
    bank: &FilterBank,
    moved_s: f64,
    map: impl FnOnce(&[f64], f64) -> (f64, f64),
) -> Visqol {
    let mut bands = vec![0.0; bank.bands()];
    for found in matches {
        for (sum, band) in bands.iter_mut().zip(&found.bands) {
            *sum += band / matches.len() as f64;
        }
    }
    let similarity = bands.iter().sum::<f64>() / bands.len() as f64;
    let (mos, unscaled) = if similarity < DISSIMILAR {
        (1.0, 1.0)
    } else {
        map(&bands, similarity)
    };
    Visqol {
        mos: MosLqo(mos.clamp(1.0, 5.0)),
        unscaled_mos: MosLqo(unscaled.clamp(1.0, 5.0)),
        similarity,
        bands: bank
            .centres_hz
            .iter()
            .zip(bands)
            .map(|(&centre_hz, similarity)| BandSimilarity {
                centre_hz,
                similarity,
            })
            .collect(),
        patches: matches
            .iter()
            .map(|found| PatchMatch {
                reference_s: found.reference_s,
                degraded_s: found.degraded_s,
                similarity: found.similarity(),
            })
            .collect(),
        moved_s,
    }
}
