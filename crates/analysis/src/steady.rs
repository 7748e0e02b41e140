//! Where a tone is steady: distortion is measured there, as its beginning and end are distortion too.

/// Length of the frames that are compared, s.
const FRAME_S: f64 = 0.02;
/// How far a frame may be from the median of the loud ones, as a factor of power: 1 dB.
const WITHIN: f64 = 1.2589;
/// Frames with less than this share of the loudest are no tone: 20 dB.
const LOUD: f64 = 0.01;

/// The longest stretch in which the level stays within 1 dB of that of most of the sound, less a frame at either end;
/// empty if there is none.
pub(crate) fn steady(samples: &[f32], rate: u32) -> &[f32] {
    let frame = ((f64::from(rate) * FRAME_S) as usize).max(1);
    let powers: Vec<f64> = samples
        .chunks_exact(frame)
        .map(|frame| frame.iter().map(|sample| f64::from(*sample).powi(2)).sum())
        .collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let mut loud: Vec<f64> = powers
        .iter()
        .copied()
        .filter(|power| *power > loudest * LOUD)
        .collect();
    loud.sort_by(f64::total_cmp);
    let Some(median) = loud.get(loud.len() / 2).copied() else {
        return &[];
    };
    let even = |power: &f64| *power <= median * WITHIN && *power * WITHIN >= median;
    let (mut best, mut start) = (0..0, 0);
    for (index, power) in powers.iter().enumerate() {
        if !even(power) {
            start = index + 1;
        } else if index + 1 - start > best.len() {
            best = start..index + 1;
        }
    }
    let (first, last) = (best.start + 1, best.end.saturating_sub(1));
    samples.get(first * frame..last * frame).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use voxproof_audio::level::DbOv;
    use voxproof_audio::stimulus::sine;

    #[test]
    fn the_steady_part_of_a_tone_is_found() {
        let mut samples = vec![0.0; 4000];
        samples.extend(sine(1000.0, DbOv(-20.0), 2.0, 8000));
        samples.extend(vec![0.0; 4000]);
        let part = steady(&samples, 8000);
        assert!((15_000..16_000).contains(&part.len()), "{}", part.len());
        assert!(part.iter().any(|sample| *sample != 0.0));
        let level = voxproof_audio::level::rms_dbov(part).0;
        assert!((level + 20.0).abs() < 0.01, "{level}");
    }

    #[test]
    fn silence_nothing_and_a_click_have_none() {
        assert!(steady(&[], 8000).is_empty() && steady(&[0.0; 8000], 8000).is_empty());
        assert!(steady(&[1.0; 100], 8000).is_empty() && steady(&[], 0).is_empty());
        assert!(steady(&[f32::NAN; 8000], 8000).is_empty());
    }
}
