//! Transit times and what follows from them: drift of the sender's clock, and the packets a jitter buffer discards.

use std::time::Duration;

/// A transit time that changes by more than this within one packet is a restarted timestamp, not jitter.
pub(super) const LONGEST_TRANSIT_STEP_S: f64 = 10.0;
/// Shortest span from which a clock rate is estimated; below it the arrival jitter outweighs the drift.
const SHORTEST_SKEW_SPAN_S: f64 = 2.0;
/// Windows of a drift estimate.
const WINDOWS: usize = 32;
/// Length of a window at the start; 16 of them are the shortest span.
const FIRST_WINDOW_S: f64 = 0.125;
/// How fast the modelled jitter buffer follows a growing transit time: the drift of the worst crystals.
const BUFFER_DRIFT: f64 = 500e-6;

/// Drift of a sender's clock from the smallest transit time of each of up to 32 windows of the stream.
///
/// Delay variation only ever adds to the transit time, so the smallest one of a window has little of it. The slope is
/// the median over all pairs of windows (Theil and Sen), so a few bad windows or a change of route in the first or the
/// last third do not tilt it. When the windows are used up, neighbours are joined and the windows become twice as long: constant memory for
/// any length.
#[derive(Debug, Clone)]
pub(super) struct SkewEstimator {
    media: [f32; WINDOWS],
    /// Infinite where there was no packet.
    transit: [f64; WINDOWS],
    window_s: f64,
    first: f64,
    last: f64,
}

impl SkewEstimator {
    pub(super) const fn new() -> Self {
        Self {
            media: [0.0; WINDOWS],
            transit: [f64::INFINITY; WINDOWS],
            window_s: FIRST_WINDOW_S,
            first: 0.0,
            last: 0.0,
        }
    }

    /// Adds a packet by its media time since the start of the stretch.
    pub(super) fn observe(&mut self, media_s: f64, transit_s: f64) {
        self.first = self.first.min(media_s);
        self.last = self.last.max(media_s);
        while media_s >= self.window_s * WINDOWS as f64 {
            self.join();
        }
        // a reordered packet in front of the first one belongs to the first window
        let window = (media_s / self.window_s).max(0.0) as usize;
        if let (Some(transit), Some(media)) = (self.transit.get_mut(window), self.media.get_mut(window))
            && transit_s < *transit
        {
            *transit = transit_s;
            *media = media_s as f32;
        }
    }

    fn join(&mut self) {
        for window in 0..WINDOWS {
            let (mut media, mut transit) = (0.0, f64::INFINITY);
            for old in [2 * window, 2 * window + 1] {
                if let (Some(&old_media), Some(&old_transit)) = (self.media.get(old), self.transit.get(old))
                    && old_transit < transit
                {
                    (media, transit) = (old_media, old_transit);
                }
            }
            self.media[window] = media;
            self.transit[window] = transit;
        }
        self.window_s *= 2.0;
    }

    /// Parts per million, positive when the sender is fast; `None` below two seconds.
    pub(super) fn ppm(&self) -> Option<f64> {
        if self.last - self.first < SHORTEST_SKEW_SPAN_S {
            return None;
        }
        let points: Vec<(f64, f64)> = self
            .media
            .iter()
            .zip(&self.transit)
            .filter(|(_, transit)| transit.is_finite())
            .map(|(&media, &transit)| (f64::from(media), transit))
            .collect();
        let mut slopes: Vec<f64> = Vec::with_capacity(WINDOWS * (WINDOWS - 1) / 2);
        for (place, from) in points.iter().enumerate() {
            for to in points.iter().skip(place + 1) {
                slopes.push((to.1 - from.1) / (to.0 - from.0));
            }
        }
        slopes.retain(|slope| slope.is_finite());
        slopes.sort_by(f64::total_cmp);
        let middle = slopes.len() / 2;
        let slope = match slopes.len() {
            0 => return None,
            odd if odd % 2 == 1 => slopes[middle],
            _ => (slopes[middle - 1] + slopes[middle]) / 2.0,
        };
        // arrival advances by 1 + slope for each second of media
        (slope > -1.0).then(|| (1.0 / (1.0 + slope) - 1.0) * 1e6)
    }
}

/// A jitter buffer of fixed depth: a packet is discarded when its transit time exceeds the smallest one by more than
/// the depth. The smallest one is forgotten at 500 ppm, so that a drifting clock does not discard everything.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlayoutModel {
    depth_s: f64,
    /// Smallest transit time and the arrival at which it was noted.
    base: Option<(f64, f64)>,
}

impl PlayoutModel {
    pub(super) fn new(depth: Duration) -> Self {
        Self {
            depth_s: depth.as_secs_f64(),
            base: None,
        }
    }

    /// Forgets the transit time; the timestamps have restarted.
    pub(super) fn restart(&mut self) {
        self.base = None;
    }

    /// Whether the packet comes too late to be played.
    pub(super) fn discards(&mut self, arrival_s: f64, transit_s: f64) -> bool {
        let smallest = self.base.map_or(transit_s, |(base, noted)| {
            transit_s.min(base + (arrival_s - noted).max(0.0) * BUFFER_DRIFT)
        });
        self.base = Some((smallest, arrival_s));
        transit_s > smallest + self.depth_s
    }
}

/// Where a packet stands on its sender's time line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Change of the transit time since the packet before, in s; `None` for the first packet of a stretch.
    pub(super) difference: Option<f64>,
    /// Media time since the start of the stretch, in s.
    pub(super) media_s: f64,
    /// Transit time relative to the first packet of the stretch, in s.
    pub(super) transit_s: f64,
}

/// Follows timestamps and arrivals; a restart of the numbering or of the timestamps starts a new stretch.
#[derive(Debug, Clone, Default)]
pub(super) struct TransitTracker {
    last: Option<(f64, u32, u32)>,
    start_s: f64,
    media_s: f64,
}

impl TransitTracker {
    /// Takes the next media packet of a source in order of arrival.
    pub(super) fn observe(&mut self, arrival_s: f64, timestamp: u32, run: u32, clock: f64) -> Step {
        let step = self.last.filter(|(_, _, last_run)| *last_run == run).and_then(
            |(last_arrival, last_timestamp, _)| {
                let media = f64::from(timestamp.wrapping_sub(last_timestamp).cast_signed()) / clock;
                let difference = arrival_s - last_arrival - media;
                (difference.abs() < LONGEST_TRANSIT_STEP_S).then_some((media, difference))
            },
        );
        self.last = Some((arrival_s, timestamp, run));
        let difference = if let Some((media, difference)) = step {
            self.media_s += media;
            Some(difference)
        } else {
            self.start_s = arrival_s;
            self.media_s = 0.0;
            None
        };
        Step {
            difference,
            media_s: self.media_s,
            transit_s: arrival_s - self.start_s - self.media_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drift_is_found_under_one_sided_jitter_and_a_change_of_route() {
        for ppm in [-80.0, 0.0, 40.0, 300.0] {
            let mut estimator = SkewEstimator::new();
            for n in 0..3000u32 {
                let media = f64::from(n) * 0.02;
                let arrival = media / (1.0 + ppm * 1e-6);
                let jitter = f64::from(n * 7919 % 101) * 2e-4;
                // the last tenth takes a path that is 30 ms longer
                let route = if n >= 2700 { 0.03 } else { 0.0 };
                estimator.observe(media, arrival + jitter + route - media);
            }
            let found = estimator.ppm().expect("a minute");
            assert!((found - ppm).abs() < 15.0, "{found} instead of {ppm}");
        }
    }

    #[test]
    fn a_short_stretch_has_no_drift() {
        let mut estimator = SkewEstimator::new();
        estimator.observe(0.0, 0.0);
        estimator.observe(1.9, 0.0);
        assert_eq!(estimator.ppm(), None);
    }

    #[test]
    fn a_late_packet_is_discarded_and_a_drift_is_followed() {
        let mut buffer = PlayoutModel::new(Duration::from_millis(40));
        assert!(!buffer.discards(0.0, 0.0));
        assert!(!buffer.discards(0.06, 0.04));
        assert!(buffer.discards(0.1, 0.041));
        // 100 ppm for an hour are 360 ms
        let drifting = (0..3600)
            .filter(|&s| buffer.discards(f64::from(s), f64::from(s) * 1e-4))
            .count();
        assert_eq!(drifting, 0);
    }
}
