//! How bursty losses are (ITU-T G.107 clause 7.5).

/// Burst ratio of an observed sequence, `true` for a packet that was lost or came too late: mean length of its bursts over
/// the mean length that random losses of the same rate have. 1 is random, more is bursty; losses that avoid each other
/// are below 1.
///
/// `None` when nothing or everything was lost.
#[must_use]
pub fn burst_ratio(lost: &[bool]) -> Option<f64> {
    let losses = lost.iter().filter(|&&lost| lost).count();
    if losses == 0 || losses == lost.len() {
        return None;
    }
    let follows = lost.windows(2).filter(|pair| pair[0] && pair[1]).count();
    let bursts = losses - follows;
    let rate = losses as f64 / lost.len() as f64;
    Some(losses as f64 / bursts as f64 * (1.0 - rate))
}

/// Burst ratio of a two-state Markov model: `to_loss` is the probability that a loss follows a packet, `to_found` that a
/// packet follows a loss.
///
/// `None` unless both are above 0 and at most 1.
#[must_use]
pub fn markov_burst_ratio(to_loss: f64, to_found: f64) -> Option<f64> {
    let possible = |probability: f64| probability > 0.0 && probability <= 1.0;
    (possible(to_loss) && possible(to_found)).then(|| 1.0 / (to_loss + to_found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_four_in_a_hundred_is_nearly_four_times_random() {
        let mut lost = vec![false; 100];
        lost[40..44].fill(true);
        assert!((burst_ratio(&lost).unwrap() - 4.0 * 0.96).abs() < 1e-12);
    }

    #[test]
    fn alternating_losses_are_less_bursty_than_random_ones() {
        let lost: Vec<bool> = (0..100).map(|n| n % 2 == 0).collect();
        assert!((burst_ratio(&lost).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(burst_ratio(&[false; 9]), None);
        assert_eq!(burst_ratio(&[true; 9]), None);
        assert_eq!(burst_ratio(&[]), None);
    }

    #[test]
    fn the_model_agrees_with_a_long_sequence_it_makes() {
        let (p, q) = (0.02, 0.25);
        let mut state = 7u64;
        let mut lost = false;
        let sequence: Vec<bool> = (0..400_000)
            .map(|_| {
                // a linear congruential generator (Knuth, MMIX)
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let draw = (state >> 11) as f64 / (1u64 << 53) as f64;
                lost = if lost { draw >= q } else { draw < p };
                lost
            })
            .collect();
        let (observed, expected) = (burst_ratio(&sequence).unwrap(), markov_burst_ratio(p, q).unwrap());
        assert!((observed / expected - 1.0).abs() < 0.02, "{observed} {expected}");
        assert_eq!(markov_burst_ratio(0.0, 0.5), None);
        assert_eq!(markov_burst_ratio(f64::NAN, 0.5), None);
    }
}
