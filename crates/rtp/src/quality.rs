//! Transmission rating and opinion score from network figures: the E-model with its defaults (ITU-T G.107, G.113).
//!
//! A planning figure, not a measurement of what was heard: of all parameters of G.107 only delay, equipment impairment and
//! loss differ from their defaults, there is no echo, and the jitter buffer is a model. Reports show it next to loss,
//! jitter and discard, never instead of them.

use std::time::Duration;

use crate::rtcp::xr::{Concealment, JitterBufferKind, VoipMetrics};
use crate::statistics::{GAP_THRESHOLD, RunningSummary};

/// Rating of a connection with all parameters at their defaults (ITU-T G.107 Table 2).
const DEFAULT_RATING: f64 = 93.2;

/// How a codec and its concealment bear loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equipment {
    /// Equipment impairment factor without loss (Ie).
    pub impairment: f64,
    /// Packet-loss robustness factor (Bpl).
    pub robustness: f64,
}

impl Equipment {
    /// G.711 that plays silence for a lost packet (ITU-T G.113 Appendix I).
    pub const G711: Self = Self {
        impairment: 0.0,
        robustness: 4.3,
    };
    /// G.711 with the concealment of its Appendix I (ITU-T G.113 Appendix I).
    pub const G711_CONCEALED: Self = Self {
        impairment: 0.0,
        robustness: 25.1,
    };
    /// G.729A with voice activity detection (ITU-T G.113 Appendix I).
    pub const G729A: Self = Self {
        impairment: 11.0,
        robustness: 19.0,
    };
}

/// Impairment by absolute delay without echo (ITU-T G.107, Idd): nothing up to 100 ms.
#[must_use]
pub fn delay_impairment(one_way: Duration) -> f64 {
    let delay_ms = one_way.as_secs_f64() * 1e3;
    if delay_ms <= 100.0 {
        return 0.0;
    }
    let x = (delay_ms / 100.0).log2();
    let sixth_root = |value: f64| value.powf(1.0 / 6.0);
    25.0 * (sixth_root(1.0 + x.powi(6)) - 3.0 * sixth_root(1.0 + (x / 3.0).powi(6)) + 2.0)
}

/// Impairment by the codec under loss (ITU-T G.107, Ie-eff). `loss_rate` is a share, 0..=1, discards included.
#[must_use]
pub fn equipment_impairment(equipment: Equipment, loss_rate: f64, burst_ratio: f64) -> f64 {
    let percent = loss_rate.clamp(0.0, 1.0) * 100.0;
    let Equipment {
        impairment,
        robustness,
    } = equipment;
    if percent == 0.0 {
        return impairment;
    }
    impairment + (95.0 - impairment) * percent / (percent / burst_ratio.max(1.0) + robustness)
}

/// Transmission rating R, 0..=100 (ITU-T G.107), everything else at its default.
#[must_use]
pub fn rating(equipment: Equipment, loss_rate: f64, burst_ratio: f64, one_way: Duration) -> f64 {
    let impairments = delay_impairment(one_way) + equipment_impairment(equipment, loss_rate, burst_ratio);
    (DEFAULT_RATING - impairments).clamp(0.0, 100.0)
}

/// Opinion score of a rating, 1..=4.5 (ITU-T G.107 Annex B).
#[must_use]
pub fn opinion_score(rating: f64) -> f64 {
    if rating <= 0.0 {
        1.0
    } else if rating >= 100.0 {
        4.5
    } else {
        // the polynomial dips below 1 for ratings below 6.5
        (1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6).max(1.0)
    }
}

/// What the VoIP metrics of a stream depend on besides its packets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playout {
    /// Codec and concealment; `None` when there are no published factors for the codec, then there is no rating either.
    pub equipment: Option<Equipment>,
    /// Depth of the fixed jitter buffer that is modelled.
    pub jitter_buffer: Duration,
    /// Round trip of the network, when it is known.
    pub round_trip: Option<Duration>,
    /// What of the end system's delay is not in the jitter buffer: packetisation and codec.
    pub codec_delay: Duration,
}

/// The VoIP metrics block for a stream (RFC 3611 4.7). Levels and echo loss are not available here.
#[must_use]
pub fn voip_metrics(ssrc: u32, summary: &RunningSummary, clock_rate: u32, playout: &Playout) -> VoipMetrics {
    let share = |share: f64| (share * 256.0).clamp(0.0, 255.0) as u8;
    let ms = |ms: f64| ms.clamp(0.0, 65_535.0) as u16;
    let bursts = &summary.burst_gap;
    let packet_ms = summary
        .timestamp_step
        .map_or(20.0, |step| f64::from(step) * 1e3 / f64::from(clock_rate.max(1)));
    let expected = summary.expected.max(1) as f64;
    let end_system = playout.jitter_buffer + playout.codec_delay;
    let round_trip = playout.round_trip.unwrap_or_default();
    let one_way = round_trip / 2 + end_system;
    let quality = playout.equipment.map(|equipment| {
        let rate = |delay| rating(equipment, bursts.loss_rate(), bursts.burst_ratio(), delay);
        (rate(Duration::ZERO), rate(one_way))
    });
    let tenths = |rating: f64| (opinion_score(rating) * 10.0).round() as u8;
    let buffer_ms = ms(playout.jitter_buffer.as_secs_f64() * 1e3);
    VoipMetrics {
        ssrc,
        loss_rate: share(summary.lost as f64 / expected),
        discard_rate: share(summary.discarded as f64 / expected),
        burst_density: share(bursts.burst_density()),
        gap_density: share(bursts.gap_density()),
        burst_duration: ms(bursts.mean_burst() * packet_ms),
        gap_duration: ms(bursts.mean_gap() * packet_ms),
        round_trip_delay: ms(round_trip.as_secs_f64() * 1e3),
        end_system_delay: ms(end_system.as_secs_f64() * 1e3),
        signal_level: None,
        noise_level: None,
        residual_echo_return_loss: None,
        // 16
        gap_threshold: GAP_THRESHOLD as u8,
        r_factor: quality.map(|(_, rating)| rating.round() as u8),
        external_r_factor: None,
        mos_lq: quality.map(|(listening, _)| tenths(listening)),
        mos_cq: quality.map(|(_, conversational)| tenths(conversational)),
        concealment: if playout.equipment == Some(Equipment::G711) {
            Concealment::Disabled
        } else {
            Concealment::Unspecified
        },
        jitter_buffer: JitterBufferKind::NonAdaptive,
        jitter_buffer_rate: 0,
        jitter_buffer_nominal: buffer_ms,
        jitter_buffer_maximum: buffer_ms,
        jitter_buffer_absolute_maximum: buffer_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_give_the_published_rating_and_score() {
        let r = rating(Equipment::G711, 0.0, 1.0, Duration::ZERO);
        assert!((r - 93.2).abs() < 1e-9);
        // ITU-T G.107 Annex B: R 93.2 is MOS 4.41, R 50 is 2.58, R 60 is 3.10, R 70 is 3.60, R 80 is 4.03, R 90 is 4.34
        for (rating, mos) in [
            (93.2, 4.41),
            (50.0, 2.58),
            (60.0, 3.10),
            (70.0, 3.60),
            (80.0, 4.03),
            (90.0, 4.34),
        ] {
            assert!(
                (opinion_score(rating) - mos).abs() < 0.0065,
                "{rating}: {}",
                opinion_score(rating)
            );
        }
        assert_eq!((opinion_score(-3.0), opinion_score(120.0)), (1.0, 4.5));
        assert!(opinion_score(3.0) >= 1.0);
    }

    #[test]
    fn loss_and_delay_impair() {
        // Ie-eff by hand: 95 * 2 / (2 + 4.3)
        assert!((equipment_impairment(Equipment::G711, 0.02, 1.0) - 190.0 / 6.3).abs() < 1e-9);
        assert!(
            equipment_impairment(Equipment::G711_CONCEALED, 0.02, 1.0)
                < equipment_impairment(Equipment::G711, 0.02, 1.0)
        );
        assert!(
            equipment_impairment(Equipment::G711, 0.02, 2.0)
                > equipment_impairment(Equipment::G711, 0.02, 1.0)
        );
        assert_eq!(delay_impairment(Duration::from_millis(100)), 0.0);
        // x = 1 at 200 ms, x = 2 at 400 ms
        let x2 = 25.0 * (65f64.powf(1.0 / 6.0) - 3.0 * (1.0 + 64.0 / 729.0f64).powf(1.0 / 6.0) + 2.0);
        assert!((delay_impairment(Duration::from_millis(400)) - x2).abs() < 1e-9);
        assert!(delay_impairment(Duration::from_millis(200)) < 5.0);
    }
}
