//! PESQ: ITU-T P.862 narrowband and P.862.2 wideband, from the
//! behavioural specification in `spec/`.
//!
//! This is crate `pesq` 0.2.0 (WYCLIFF, MIT), vendored. What was changed,
//! and where the specification came from, is in `VENDORED.md`.
//!
//! [`pesq_8k`] and [`pesq_wb`] wire the stages into the processing order
//! of spec 01 section 1.15: input handling, preprocessing, and time
//! alignment ([`input`]), the perceptual model ([`psychoacoustic`], spec
//! 03), the disturbance processing ([`disturbance`], spec 04), and the
//! scoring ([`score`], spec 05). Wideband mode runs the same pipeline at
//! 16 kHz with the three differences of spec 06: the wideband input
//! filter, the P.862.2 score mapping, and the 16 kHz-only sample rate.
//!
//! Input: two slices of mono 16-bit linear PCM, the reference and the
//! degraded signal. Output: the raw P.862 score (about -0.5 to 4.5, spec
//! 05 section 5.1), or a [`PesqError`].

pub mod alignment;
pub mod disturbance;
pub mod dsp;
pub mod dsp_fft;
pub mod dsp_filters;
pub mod input;
pub mod input_buffers;
pub mod input_filters;
pub mod psychoacoustic;
pub mod score;
pub mod splitting;
pub mod types;
pub mod utterances;
pub mod vad;

pub use types::PesqError;

/// Score a reference/degraded pair (narrowband P.862) at 8 kHz.
///
/// Both inputs are mono 16-bit linear PCM at 8 kHz, the native model
/// rate (spec 01, table 1.1). The samples feed the pipeline without any
/// rate conversion, exactly as the reference model scores the
/// conformance data of CONFORMANCE.md section 6. The returned value is
/// the raw P.862 score, unclipped (spec 05, 5.1).
///
/// # Errors
///
/// * [`PesqError::SignalTooShort`] when an input holds fewer than 2000
///   samples (spec 01, 1.2 step 5).
/// * [`PesqError::NoUtterancesFound`] when no utterance qualifies
///   (spec 01, 1.11 step 5).
pub fn pesq_8k(ref_wav: &[i16], deg_wav: &[i16]) -> Result<f32, PesqError> {
    // spec 01, 1.2: input format and the margin-layout buffers.
    let reference = types::SignalBuffer::from_pcm(ref_wav)?;
    let degraded = types::SignalBuffer::from_pcm(deg_wav)?;
    Ok(score_aligned(input::process_pair(reference, degraded)?))
}

/// Score a reference/degraded pair in wideband mode (P.862.2).
///
/// Both inputs are mono 16-bit linear PCM at 16 kHz, matching the
/// specification exactly; no rate conversion is performed (spec 06,
/// 6.2 item 4). The pipeline is the narrowband one at 16 kHz with the
/// wideband input filter of spec 06 section 6.3 replacing the IRS
/// receive curve, the 49-band Bark table, and the 16 kHz constants of
/// spec 06 section 6.4. The returned value is the raw score, for
/// [`score::mos_lqo_wb`] to map (spec 06, 6.5).
///
/// # Errors
///
/// * [`PesqError::SignalTooShort`] when an input holds fewer than 4000
///   samples (spec 06, 6.2 item 4).
/// * [`PesqError::NoUtterancesFound`] when no utterance qualifies
///   (spec 01, 1.11 step 5).
pub fn pesq_wb(ref_wav: &[i16], deg_wav: &[i16]) -> Result<f32, PesqError> {
    // spec 06, 6.2: 16 kHz buffers, margin 4800, padding 5120.
    let reference = types::SignalBuffer::from_pcm_at(ref_wav, types::RATE_16K)?;
    let degraded = types::SignalBuffer::from_pcm_at(deg_wav, types::RATE_16K)?;
    Ok(score_aligned(input::process_pair_wideband(reference, degraded)?))
}

/// The stages after the input pipeline of [`input::process_pair`]: the
/// perceptual model of spec 03, the disturbance computation of spec 04,
/// and the scoring of spec 05, on an aligned pair.
fn score_aligned(pair: input::AlignedPair) -> f32 {
    // spec 03: perceptual model over the saved copies with the
    // per-utterance delays.
    let model = psychoacoustic::run_frame_loop(&pair.reference, &pair.degraded, &pair.utterances);

    // spec 04, 4.1 to 4.7: per-frame disturbances.
    let frames = disturbance::frame_disturbances(&pair.reference, &pair.degraded, &pair.utterances, &model);

    // spec 04, 4.8: aggregation over syllables and time into the two
    // disturbance indicators.
    let indicators = disturbance::aggregate(&frames, model.frame_range.start);

    // spec 05, 5.1: the raw score from the two indicators.
    score::raw_score(indicators.symmetric, indicators.asymmetric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::WINDOW_SAMPLES;

    /// A signal of noise bursts of 60 windows with gaps of 30 windows.
    fn noise_bursts(seconds: usize, seed: u32) -> Vec<i16> {
        let burst_samples = 60 * 2 * WINDOW_SAMPLES;
        let cycle_samples = 90 * 2 * WINDOW_SAMPLES;
        let mut pcm = vec![0i16; seconds * 16_000];
        let mut state = seed;
        let mut offset = 0usize;
        while offset + burst_samples <= pcm.len() {
            for sample in &mut pcm[offset..offset + burst_samples] {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *sample = (((state as f32 / u32::MAX as f32) * 2.0 - 1.0) * 3000.0) as i16;
            }
            offset += cycle_samples;
        }
        pcm
    }

    #[test]
    fn short_input_is_rejected() {
        let long = noise_bursts(1, 21);
        assert_eq!(
            pesq_8k(&long[..1999], &long).unwrap_err(),
            PesqError::SignalTooShort { samples: 1999 }
        );
        assert_eq!(
            pesq_wb(&long, &long[..3999]).unwrap_err(),
            PesqError::SignalTooShort { samples: 3999 }
        );
    }

    #[test]
    fn an_identical_pair_has_the_best_score_and_another_less() {
        let (reference, other) = (noise_bursts(2, 21), noise_bursts(2, 42));
        for model in [pesq_8k, pesq_wb] {
            let best = model(&reference, &reference).unwrap();
            assert!((best - 4.5).abs() < 1e-3, "{best}");
            assert!(model(&reference, &other).unwrap() < best);
        }
    }
}
