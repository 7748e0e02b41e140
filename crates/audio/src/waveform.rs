//! Curves for plots.

use crate::sample::clean;

/// Least and largest sample of each of `columns` equal stretches, for drawing a waveform.
///
/// With fewer samples than columns neighbouring columns show the same sample. No samples give no columns.
#[must_use]
pub fn envelope(samples: &[f32], columns: usize) -> Vec<(f32, f32)> {
    if samples.is_empty() {
        return Vec::new();
    }
    let bound = |column: usize| {
        // 128 bits: the product may exceed 64
        (column as u128 * samples.len() as u128 / columns as u128) as usize
    };
    (0..columns)
        .map(|column| {
            let start = bound(column);
            let end = bound(column + 1).max(start + 1);
            let stretch = samples.get(start..end).unwrap_or_default();
            stretch
                .iter()
                .map(|&sample| clean(sample) as f32)
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, largest), sample| {
                    (least.min(sample), largest.max(sample))
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_a_column() {
        let samples: Vec<f32> = (0..1000).map(|n| if n == 613 { 0.9 } else { -0.1 }).collect();
        let columns = envelope(&samples, 7);
        assert_eq!(columns.len(), 7);
        assert_eq!(columns.iter().filter(|column| column.1 == 0.9).count(), 1);
        assert_eq!(columns[4], (-0.1, 0.9));
    }

    #[test]
    fn few_samples_are_repeated() {
        assert_eq!(
            envelope(&[0.5, -0.5], 4),
            [(0.5, 0.5), (0.5, 0.5), (-0.5, -0.5), (-0.5, -0.5)]
        );
        assert!(envelope(&[], 4).is_empty());
        assert!(envelope(&[1.0], 0).is_empty());
        assert_eq!(envelope(&[f32::NAN], 1), [(0.0, 0.0)]);
    }
}
