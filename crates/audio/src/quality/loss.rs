//! How much quality a disturbance costs, pair of sentences by pair of sentences (3GPP TS 26.131 clause 5.15, TS 26.132).
//!
//! The specifications score with ITU-T P.863; any model will do here, as long as both lists are of the same one.

use crate::measurement::Unmeasurable;
use crate::statistics::median;

/// Most bins of a histogram.
const MOST_BINS: f64 = 10_000.0;

/// Losses by size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower end.
    pub from: f64,
    /// Pairs of sentences in it.
    pub count: usize,
}

/// The loss of quality of a disturbed call.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityLoss {
    /// Loss of each pair of sentences: the score without the disturbance less that with it. Negative for one that got
    /// better.
    pub losses: Vec<f64>,
    /// Least of them.
    pub least: f64,
    /// Their median.
    pub median: f64,
    /// Largest of them.
    pub largest: f64,
    /// The losses by size, empty bins between them included.
    pub histogram: Vec<Bin>,
}

/// Compares the scores of the same sentences in an undisturbed and in a disturbed call; `bin` is the width of the bins.
///
/// # Errors
/// No score, lists of different lengths, a score that is no number, a width that is not above 0.
pub fn quality_loss(undisturbed: &[f64], disturbed: &[f64], bin: f64) -> Result<QualityLoss, Unmeasurable> {
    if undisturbed.len() != disturbed.len() {
        return Err(Unmeasurable::Mismatch(format!(
            "there are {} scores of the undisturbed and {} of the disturbed recording",
            undisturbed.len(),
            disturbed.len()
        )));
    }
    let positive = bin.is_finite() && bin > 0.0;
    if !positive {
        return Err(Unmeasurable::OutOfRange {
            name: "bin width",
            value: bin,
            range: "above 0",
        });
    }
    let losses: Vec<f64> = undisturbed
        .iter()
        .zip(disturbed)
        .map(|(before, after)| before - after)
        .collect();
    if losses.iter().any(|loss| !loss.is_finite()) {
        return Err(Unmeasurable::NotANumber);
    }
    let middle = median(losses.clone()).ok_or(Unmeasurable::NothingToMeasure)?;
    let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(QualityLoss {
        histogram: histogram(&losses, least, largest, bin),
        losses,
        least,
        median: middle,
        largest,
    })
}

fn histogram(losses: &[f64], least: f64, largest: f64, width: f64) -> Vec<Bin> {
    // a loss on the edge of a bin belongs above it whatever rounding says
    let number = |loss: f64| (loss / width + 1e-9).floor();
    let (low, high) = (number(least), number(largest));
    let sane = (high - low).is_finite() && high - low <= MOST_BINS;
    if !sane {
        return Vec::new();
    }
    let mut bins: Vec<Bin> = (0..=(high - low) as usize)
        .map(|index| Bin {
            from: (low + index as f64) * width,
            count: 0,
        })
        .collect();
    for loss in losses {
        if let Some(bin) = bins.get_mut((number(*loss) - low) as usize) {
            bin.count += 1;
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn losses_are_sorted_into_bins() {
        let found = quality_loss(&[4.5, 4.4, 4.5, 4.3], &[4.5, 4.1, 3.5, 4.35], 0.1).expect("scores");
        assert!((found.largest - 1.0).abs() < 1e-9 && (found.least + 0.05).abs() < 1e-9);
        assert!((found.median - 0.15).abs() < 1e-9);
        let counts: Vec<usize> = found.histogram.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert!((found.histogram[0].from + 0.1).abs() < 1e-9);
    }

    #[test]
    fn the_same_call_loses_nothing() {
        let found = quality_loss(&[4.0, 3.0], &[4.0, 3.0], 0.1).expect("scores");
        assert_eq!((found.least, found.largest), (0.0, 0.0));
        assert_eq!(found.histogram, [Bin { from: 0.0, count: 2 }]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(quality_loss(&[], &[], 0.1), Err(Unmeasurable::NothingToMeasure));
        assert!(matches!(
            quality_loss(&[4.0], &[], 0.1),
            Err(Unmeasurable::Mismatch(_))
        ));
        assert!(matches!(
            quality_loss(&[4.0], &[3.0], 0.0),
            Err(Unmeasurable::OutOfRange { .. })
        ));
        assert_eq!(
            quality_loss(&[f64::NAN], &[3.0], 0.1),
            Err(Unmeasurable::NotANumber)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn every_loss_is_in_a_bin(pairs in proptest::collection::vec((1.0f64..5.0, 1.0f64..5.0), 1..40), bin in 0.01f64..1.0) {
            let (before, after): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let found = quality_loss(&before, &after, bin).expect("scores");
            prop_assert_eq!(found.histogram.iter().map(|bin| bin.count).sum::<usize>(), before.len());
            prop_assert!(found.least <= found.median && found.median <= found.largest);
        }
    }
}
