//! What a jitter buffer does to the delay of a call: the figures that 3GPP TS 26.131 clause 5.15 asks to report, from a
//! [`DelayTrack`].

use crate::delay_track::DelayTrack;
use crate::measurement::{Measured, Measurement, Unmeasurable};
use crate::unit::{Count, Milliseconds, Seconds};

/// Most bins of a histogram.
const MOST_BINS: f64 = 10_000.0;

/// How delays are sorted and when they count as settled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Width of a bin of the histogram, in ms.
    pub bin_ms: f64,
    /// Distance from the last delay within which a delay counts as settled, in ms.
    pub tolerance_ms: f64,
}

impl Default for Settings {
    /// Bins of 5 ms, settled within 1 ms.
    fn default() -> Self {
        Self {
            bin_ms: 5.0,
            tolerance_ms: 1.0,
        }
    }
}

/// Sentences whose delay lies in a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Lower edge, in ms; the upper one is a bin's width above and belongs to the next bin.
    pub from_ms: f64,
    /// Sentences.
    pub count: usize,
}

/// How the delay of a call with a jitter buffer developed.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Delay of the first sentence that was found.
    pub first: Milliseconds,
    /// Delay of the last one.
    pub last: Milliseconds,
    /// Smallest delay of a sentence.
    pub least: Milliseconds,
    /// Largest delay of a sentence.
    pub greatest: Milliseconds,
    /// Largest minus smallest.
    pub variation: Milliseconds,
    /// Mean over the sentences, with their spread.
    pub mean: Measured<Milliseconds>,
    /// Steps of the delay, of the whole call, those within sentences included.
    pub steps: Count,
    /// Of these, steps that made the delay longer.
    pub steps_up: Count,
    /// When the delay came within the tolerance of that of the last sentence for good: time in the reference at which the first
    /// block of speech of that stretch begins, 0 when it never was elsewhere.
    pub settled_at: Seconds,
    /// Delays of the sentences by size, empty bins between them included.
    pub histogram: Vec<Bin>,
    /// Sentences in which nothing was found.
    pub lost_sentences: usize,
}

/// Makes the report of a call.
///
/// # Errors
/// [`Unmeasurable::NothingToMeasure`] when no sentence was found, [`Unmeasurable::OutOfRange`] for a bin width or a
/// tolerance that is not positive.
pub fn report(track: &DelayTrack, settings: &Settings) -> Result<Report, Unmeasurable> {
    for (name, value) in [
        ("bin width", settings.bin_ms),
        ("tolerance", settings.tolerance_ms),
    ] {
        let positive = value.is_finite() && value > 0.0;
        if !positive {
            return Err(Unmeasurable::OutOfRange {
                name,
                value,
                range: "above 0 ms",
            });
        }
    }
    let delays: Vec<f64> = track
        .sentences
        .iter()
        .filter_map(|sentence| Some(sentence.delay.as_ref().ok()?.value.0))
        .collect();
    let (Some(&first), Some(&last)) = (delays.first(), delays.last()) else {
        return Err(Unmeasurable::NothingToMeasure);
    };
    let least = delays.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = delays.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ups = track.jumps.iter().filter(|jump| jump.samples > 0.0).count();
    let observations: Vec<Milliseconds> = delays.iter().map(|delay| Milliseconds(*delay)).collect();
    Ok(Report {
        first: Milliseconds(first),
        last: Milliseconds(last),
        least: Milliseconds(least),
        greatest: Milliseconds(greatest),
        variation: Milliseconds(greatest - least),
        mean: Measurement::of(&observations),
        steps: Count(track.jumps.len() as f64),
        steps_up: Count(ups as f64),
        settled_at: settled_at(track, last, settings.tolerance_ms),
        histogram: histogram(&delays, least, greatest, settings.bin_ms),
        lost_sentences: track.sentences.len() - delays.len(),
    })
}

fn settled_at(track: &DelayTrack, last: f64, tolerance_ms: f64) -> Seconds {
    let believed: Vec<_> = track
        .points
        .iter()
        .filter(|point| point.correlation >= crate::delay_steps::MATCHED)
        .collect();
    let elsewhere = believed
        .iter()
        .rposition(|point| (point.delay_ms - last).abs() > tolerance_ms);
    let settled = elsewhere.and_then(|index| believed.get(index + 1).or_else(|| believed.last()));
    Seconds(settled.map_or(0.0, |point| point.at_s))
}

fn histogram(delays: &[f64], least: f64, greatest: f64, bin_ms: f64) -> Vec<Bin> {
    let number = |delay: f64| (delay / bin_ms).floor();
    let (low, high) = (number(least), number(greatest));
    if high - low > MOST_BINS {
        return Vec::new();
    }
    let mut bins: Vec<Bin> = (0..=(high - low) as usize)
        .map(|index| Bin {
            from_ms: (low + index as f64) * bin_ms,
            count: 0,
        })
        .collect();
    for delay in delays {
        if let Some(bin) = bins.get_mut((number(*delay) - low) as usize) {
            bin.count += 1;
        }
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delay_track::{Jump, Point, Sentence};

    fn track(delays: &[f64]) -> DelayTrack {
        let points = delays.iter().enumerate().map(|(index, delay)| Point {
            at_s: index as f64 + 0.5,
            delay_ms: *delay,
            correlation: 0.9,
        });
        let sentences = delays.iter().enumerate().map(|(index, delay)| Sentence {
            interval_s: index as f64..index as f64 + 1.0,
            delay: Measurement::single(Milliseconds(*delay)),
        });
        let jumps = delays
            .windows(2)
            .filter(|pair| pair[0] != pair[1])
            .map(|pair| Jump {
                reference_sample: 0,
                recording_sample: 0,
                from_ms: pair[0],
                to_ms: pair[1],
                samples: (pair[1] - pair[0]) * 8.0,
                ambiguity_samples: 0,
            });
        DelayTrack {
            delay: Measurement::single(Milliseconds(0.0)),
            jumps: jumps.collect(),
            points: points.collect(),
            sentences: sentences.collect(),
            drift: Err(Unmeasurable::NothingToMeasure),
            matched: 1.0,
            inverted: false,
        }
    }

    #[test]
    fn a_buffer_that_shrinks_and_settles() {
        let report = report(
            &track(&[120.0, 121.0, 80.0, 60.0, 60.5, 60.0]),
            &Settings::default(),
        )
        .unwrap();
        assert_eq!((report.first.0, report.last.0), (120.0, 60.0));
        assert_eq!(
            (report.least.0, report.greatest.0, report.variation.0),
            (60.0, 121.0, 61.0)
        );
        assert_eq!(report.settled_at, Seconds(3.5));
        assert_eq!((report.steps.0, report.steps_up.0), (5.0, 2.0));
        assert_eq!(report.histogram.len(), 13);
        let counts: Vec<usize> = report.histogram.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(report.histogram[4].from_ms, 80.0);
        assert_eq!(report.mean.unwrap().n, 6);
    }

    #[test]
    fn a_buffer_that_never_moves_was_settled_from_the_start() {
        let report = report(&track(&[60.0; 4]), &Settings::default()).unwrap();
        assert_eq!(
            (report.settled_at.0, report.variation.0, report.steps.0),
            (0.0, 0.0, 0.0)
        );
        assert_eq!(
            report.histogram,
            [Bin {
                from_ms: 60.0,
                count: 4
            }]
        );
    }

    #[test]
    fn nothing_found_and_senseless_settings_are_no_report() {
        assert_eq!(
            report(&track(&[]), &Settings::default()),
            Err(Unmeasurable::NothingToMeasure)
        );
        let settings = Settings {
            bin_ms: 0.0,
            tolerance_ms: 1.0,
        };
        assert!(report(&track(&[1.0]), &settings).is_err());
        // delays that no bins could hold
        let settings = Settings {
            bin_ms: 1e-9,
            tolerance_ms: 1.0,
        };
        assert!(
            report(&track(&[1.0, 2.0]), &settings)
                .unwrap()
                .histogram
                .is_empty()
        );
    }
}
