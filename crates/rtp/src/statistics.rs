//! What a captured stream tells about its sender and its network (RFC 3550 A.1, A.3, A.8).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::packet::{Packet, is_rtcp};
use crate::sequence::SequenceExtender;

/// A transit time that changes by more than this within one packet is a restarted timestamp, not jitter.
const LONGEST_TRANSIT_STEP_S: f64 = 10.0;
/// Shortest span from which a clock rate is estimated; below it the arrival jitter outweighs the drift.
const SHORTEST_SKEW_SPAN_S: f64 = 2.0;

/// Statistics of one captured RTP flow; several sources of one flow are added up.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamStatistics {
    /// RTP packets, duplicates included.
    pub packets: u64,
    /// Payload octets of these packets, without headers and padding (RFC 3550 6.4.1).
    pub octets: u64,
    /// Synchronisation sources in order of appearance.
    pub ssrcs: Vec<u32>,
    /// Payload types, ascending, each once.
    pub payload_types: Vec<u8>,
    /// Packets that the sequence numbers promise (RFC 3550 A.3), summed over sources and restarts.
    pub expected: u64,
    /// Expected packets that never arrived.
    pub lost: u64,
    /// Packets whose sequence number had arrived before.
    pub duplicates: u64,
    /// Packets that arrived after one with a higher sequence number.
    pub reordered: u64,
    /// Interarrival jitter after the last packet, in ms (RFC 3550 A.8).
    pub jitter_ms: f64,
    /// Largest interarrival jitter, in ms.
    pub max_jitter_ms: f64,
    /// Longest time between two packets of the flow, in ms.
    pub max_gap_ms: f64,
    /// Mean time between two packets of the flow, in ms.
    pub mean_interval_ms: f64,
    /// 99th percentile of how far the time between two successive media packets is from the nominal packet time, in ms.
    pub interval_p99_deviation_ms: f64,
    /// Restarts of the sequence numbering within a source: steps over 3000 forward or 100 backward (RFC 3550 A.1).
    pub sequence_jumps: u32,
    /// Most frequent timestamp step between successive media packets, in clock units.
    pub timestamp_step: Option<u32>,
    /// Media packets whose timestamp is not a positive multiple of the dominant step after the packet before, or is
    /// less than the number of packets between them asks for. A longer step is silence, not a violation.
    pub timestamp_violations: u32,
    /// Packets with the marker bit, telephone-event excluded.
    pub markers: u32,
    /// Datagrams that are neither RTP nor RTCP.
    pub malformed: u64,
    /// Arrival of the first packet.
    pub first: Option<Duration>,
    /// Arrival of the last packet.
    pub last: Option<Duration>,
    /// Sender's clock against the clock of the arrival times, parts per million, positive when the sender is fast.
    /// `None` when less than two seconds of the stream can be used.
    pub clock_skew_ppm: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Media {
    arrival: f64,
    timestamp: u32,
    number: i64,
    run: u32,
    event: bool,
}

#[derive(Default)]
struct Source {
    extender: SequenceExtender,
    seen: HashSet<(u32, i64)>,
    /// Lowest and highest extended number of each run.
    runs: BTreeMap<u32, (i64, i64)>,
    media: Vec<Media>,
}

/// Analyses the datagrams of one direction of one flow, given in order of arrival.
///
/// RTCP on the same port is passed over (RFC 5761 4). `clock_rate` is the RTP clock of the audio in Hz; payload types
/// in `telephone_event_pts` count as packets but not in jitter, pacing, timestamp and clock results, as their
/// timestamps stand still (RFC 4733 2.2.1).
#[must_use]
pub fn analyse(
    packets: &[(Duration, &[u8])],
    clock_rate: u32,
    telephone_event_pts: &[u8],
) -> StreamStatistics {
    let mut statistics = StreamStatistics::default();
    let mut sources: BTreeMap<u32, Source> = BTreeMap::new();
    let mut gaps: (f64, u64) = (0.0, 0);
    for &(arrival, bytes) in packets {
        if is_rtcp(bytes) {
            continue;
        }
        let Ok(packet) = Packet::parse(bytes) else {
            statistics.malformed += 1;
            continue;
        };
        if let Some(last) = statistics.last {
            let gap = arrival.saturating_sub(last).as_secs_f64() * 1e3;
            statistics.max_gap_ms = statistics.max_gap_ms.max(gap);
            gaps = (gaps.0 + gap, gaps.1 + 1);
        }
        statistics.first.get_or_insert(arrival);
        statistics.last = Some(statistics.last.map_or(arrival, |last| last.max(arrival)));
        statistics.packets += 1;
        statistics.octets += packet.payload.len() as u64;
        if let Err(place) = statistics.payload_types.binary_search(&packet.payload_type) {
            statistics.payload_types.insert(place, packet.payload_type);
        }
        let source = sources.entry(packet.ssrc).or_insert_with(|| {
            statistics.ssrcs.push(packet.ssrc);
            Source::default()
        });
        let place = source.extender.extend(packet.sequence);
        statistics.sequence_jumps += u32::from(place.jump);
        if !source.seen.insert((place.run, place.number)) {
            statistics.duplicates += 1;
            continue;
        }
        statistics.reordered += u64::from(place.late);
        let bounds = source
            .runs
            .entry(place.run)
            .or_insert((place.number, place.number));
        *bounds = (bounds.0.min(place.number), bounds.1.max(place.number));
        let event = telephone_event_pts.contains(&packet.payload_type);
        statistics.markers += u32::from(packet.marker && !event);
        source.media.push(Media {
            arrival: arrival.as_secs_f64(),
            timestamp: packet.timestamp,
            number: place.number,
            run: place.run,
            event,
        });
    }
    if gaps.1 > 0 {
        statistics.mean_interval_ms = gaps.0 / gaps.1 as f64;
    }
    for source in sources.values() {
        let expected: u64 = source
            .runs
            .values()
            .map(|(low, high)| high.abs_diff(*low) + 1)
            .sum();
        statistics.expected += expected;
        statistics.lost += expected.saturating_sub(source.seen.len() as u64);
    }
    let clock = f64::from(clock_rate.max(1));
    // each source has its own jitter; the last one to appear gives the last value
    for ssrc in statistics.ssrcs.clone() {
        jitter(&sources[&ssrc].media, clock, &mut statistics);
    }
    timestamps(sources.values_mut(), clock, &mut statistics);
    statistics.clock_skew_ppm = sources
        .values()
        .max_by_key(|source| source.media.len())
        .and_then(|source| clock_skew_ppm(&source.media, clock));
    statistics
}

/// Interarrival jitter (RFC 3550 A.8), over the packets in order of arrival.
fn jitter(media: &[Media], clock: f64, statistics: &mut StreamStatistics) {
    let mut jitter_s = 0.0;
    let mut used = false;
    let mut last: Option<Media> = None;
    for packet in media.iter().filter(|packet| !packet.event) {
        if let Some(last) = last.filter(|last| last.run == packet.run) {
            let media_s = f64::from(packet.timestamp.wrapping_sub(last.timestamp).cast_signed()) / clock;
            let difference = (packet.arrival - last.arrival - media_s).abs();
            if difference < LONGEST_TRANSIT_STEP_S {
                jitter_s += (difference - jitter_s) / 16.0;
                statistics.max_jitter_ms = statistics.max_jitter_ms.max(jitter_s * 1e3);
                used = true;
            }
        }
        last = Some(*packet);
    }
    if used {
        statistics.jitter_ms = jitter_s * 1e3;
    }
}

/// Timestamp steps and pacing, over the packets in sequence order.
fn timestamps<'a>(
    sources: impl Iterator<Item = &'a mut Source>,
    clock: f64,
    statistics: &mut StreamStatistics,
) {
    // (packets between, timestamp step, interval in ms) of media packets with no event between them
    let mut steps: Vec<(i64, u32, f64)> = Vec::new();
    let mut events = false;
    for source in sources {
        source.media.sort_by_key(|packet| (packet.run, packet.number));
        events |= source.media.iter().any(|packet| packet.event);
        for pair in source.media.windows(2) {
            let [before, after] = pair else { continue };
            if before.run == after.run && !before.event && !after.event {
                let interval_ms = (after.arrival - before.arrival) * 1e3;
                steps.push((
                    after.number - before.number,
                    after.timestamp.wrapping_sub(before.timestamp),
                    interval_ms,
                ));
            }
        }
    }
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for &(packets, step, _) in &steps {
        // zero and negative steps are never what a sender means
        if packets == 1 && step.cast_signed() > 0 {
            *counts.entry(step).or_default() += 1;
        }
    }
    // of two equally frequent steps the smaller: the larger is then a multiple of it or silence
    let dominant = counts
        .iter()
        .max_by_key(|(step, count)| (**count, std::cmp::Reverse(**step)))
        .map(|(step, _)| *step);
    statistics.timestamp_step = dominant;
    let Some(dominant) = dominant else { return };
    for &(packets, step, _) in &steps {
        let multiple = step.is_multiple_of(dominant) && step.cast_signed() > 0;
        // lost event packets would use up sequence numbers but no time, so they excuse a shorter step
        let long_enough = i64::from(step / dominant) >= packets || (events && packets > 1);
        statistics.timestamp_violations += u32::from(!(multiple && long_enough));
    }
    let nominal_ms = f64::from(dominant) * 1e3 / clock;
    let mut deviations: Vec<f64> = steps
        .iter()
        .filter(|(packets, step, _)| *packets == 1 && *step == dominant)
        .map(|(_, _, interval_ms)| (interval_ms - nominal_ms).abs())
        .collect();
    deviations.sort_by(f64::total_cmp);
    // nearest-rank percentile
    let rank = (deviations.len() as f64 * 0.99).ceil() as usize;
    statistics.interval_p99_deviation_ms = deviations.get(rank.saturating_sub(1)).copied().unwrap_or(0.0);
}

/// Regression of arrival time on media time over the longest stretch without a timestamp restart.
///
/// Media time is exact and arrival time is noisy, so arrival is the dependent variable; the other way round the noise
/// would flatten the slope.
fn clock_skew_ppm(media: &[Media], clock: f64) -> Option<f64> {
    let mut stretches: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last: Option<(Media, f64)> = None;
    for packet in media.iter().filter(|packet| !packet.event) {
        let step = last
            .filter(|(last, _)| last.run == packet.run)
            .map(|(last, media_s)| {
                let step = f64::from(packet.timestamp.wrapping_sub(last.timestamp).cast_signed()) / clock;
                (
                    media_s + step,
                    (packet.arrival - last.arrival - step).abs() < LONGEST_TRANSIT_STEP_S,
                )
            });
        let media_s = match step {
            Some((media_s, true)) => media_s,
            _ => {
                stretches.push(Vec::new());
                0.0
            }
        };
        if let Some(stretch) = stretches.last_mut() {
            stretch.push((media_s, packet.arrival));
        }
        last = Some((*packet, media_s));
    }
    let stretch = stretches.into_iter().max_by_key(Vec::len)?;
    let (first, last) = (stretch.first()?, stretch.last()?);
    if last.0 - first.0 < SHORTEST_SKEW_SPAN_S {
        return None;
    }
    let n = stretch.len() as f64;
    let mean_media = stretch.iter().map(|(m, _)| m).sum::<f64>() / n;
    let mean_arrival = stretch.iter().map(|(_, a)| a).sum::<f64>() / n;
    let covariance: f64 = stretch
        .iter()
        .map(|(m, a)| (m - mean_media) * (a - mean_arrival))
        .sum();
    let variance: f64 = stretch.iter().map(|(m, _)| (m - mean_media).powi(2)).sum();
    let slope = covariance / variance;
    (slope.is_finite() && slope > 0.0).then(|| (1.0 / slope - 1.0) * 1e6)
}
