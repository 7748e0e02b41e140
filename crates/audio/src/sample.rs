//! Samples in and out of the unit that every measurement uses: `f32`, full scale 1.0.

/// Largest magnitude that measurements take at its value; far above any recording, far below overflow.
const LARGEST: f32 = 1.0e4;

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
    fn floats_are_limited_at_full_scale() {
        assert_eq!(
            to_i16(&[1.0, 7.5, -1.0, -9.0, f32::NAN, f32::INFINITY]),
            [32767, 32767, -32768, -32768, 0, 32767]
        );
        assert_eq!(non_finite(&[0.0, f32::NAN, f32::NEG_INFINITY]), 2);
    }
}
