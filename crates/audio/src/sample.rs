//! Samples in and out of the unit that every measurement uses: `f32`, full scale 1.0.

/// Largest magnitude that measurements take at its value; far above any recording, far below overflow.
pub(crate) const LARGEST: f32 = 1.0e4;

/// A sample that can be read with full scale 1.0.
pub(crate) trait Linear: Copy {
    /// The sample with full scale 1.0.
    fn linear(self) -> f32;
}

impl Linear for f32 {
    fn linear(self) -> f32 {
        self
    }
}

impl Linear for i16 {
    fn linear(self) -> f32 {
        f32::from(self) / 32768.0
    }
}

/// One channel of interleaved samples, appended to `channel`; nothing when there is no such channel. A frame that is not
/// whole at the end counts as far as it goes.
pub fn append_channel<S: Copy>(interleaved: &[S], channels: usize, index: usize, channel: &mut Vec<S>) {
    if index < channels {
        channel.extend(interleaved.iter().skip(index).step_by(channels));
    }
}

/// 16-bit samples to full scale 1.0: the result is in -1.0..1.0.
#[must_use]
pub fn from_i16(samples: &[i16]) -> Vec<f32> {
    samples
        .iter()
        .map(|&sample| f32::from(sample) / 32768.0)
        .collect()
}

/// To 16-bit samples, rounded to the nearest, limited at full scale; NaN becomes zero.
#[must_use]
pub fn to_i16(samples: &[f32]) -> Vec<i16> {
    // the conversion of floats saturates and takes NaN to zero
    samples
        .iter()
        .map(|&sample| (sample * 32768.0).round() as i16)
        .collect()
}

/// Samples that are NaN or infinite: a fault of the recording, as no converter produces them.
#[must_use]
pub fn non_finite(samples: &[f32]) -> usize {
    samples.iter().filter(|sample| !sample.is_finite()).count()
}

/// One sample as measurements see it: finite and limited.
pub(crate) fn clean(sample: f32) -> f64 {
    if sample.is_finite() {
        f64::from(sample.clamp(-LARGEST, LARGEST))
    } else {
        0.0
    }
}

/// Samples at a time that [`clean_pieces`] looks at.
const PIECE: usize = 1024;

/// Hands on samples as measurements see them, piece by piece: as they are when all are finite and limited, which is
/// nearly always, and cleaned in `scratch` otherwise.
pub(crate) fn clean_pieces(samples: &[f32], scratch: &mut Vec<f32>, mut each: impl FnMut(&[f32])) {
    for piece in samples.chunks(PIECE) {
        // without a branch, so that the compiler can use vector instructions; NaN is no number within the limit
        let fine = piece
            .iter()
            .fold(true, |fine, sample| fine & (sample.abs() <= LARGEST));
        if fine {
            each(piece);
        } else {
            scratch.clear();
            scratch.extend(piece.iter().map(|&sample| clean(sample) as f32));
            each(scratch);
        }
    }
}

/// Samples as measurements see them, without their mean.
pub(crate) fn centred(samples: &[f32]) -> Vec<f64> {
    let mut cleaned: Vec<f64> = samples.iter().map(|&sample| clean(sample)).collect();
    let mean = cleaned.iter().sum::<f64>() / cleaned.len().max(1) as f64;
    for sample in &mut cleaned {
        *sample -= mean;
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_survive_the_way_there_and_back() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        assert_eq!(to_i16(&from_i16(&all)), all);
    }

    #[test]
    fn channels_come_apart() {
        let mut right = vec![9];
        append_channel(&[1, 2, 3, 4, 5], 2, 1, &mut right);
        append_channel(&[1, 2], 2, 2, &mut right);
        append_channel(&[1, 2], 0, 0, &mut right);
        assert_eq!(right, [9, 2, 4]);
    }

    #[test]
    fn floats_are_limited_at_full_scale() {
        assert_eq!(
            to_i16(&[1.0, 7.5, -1.0, -9.0, f32::NAN, f32::INFINITY]),
            [32767, 32767, -32768, -32768, 0, 32767]
        );
        assert_eq!(non_finite(&[0.0, f32::NAN, f32::NEG_INFINITY]), 2);
    }
}
