//! What a captured stream tells about its sender and its network (RFC 3550 A.1, A.3, A.8).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

mod bursts;
mod histogram;
mod running;
mod stream;
mod timing;

pub use bursts::{BurstGap, GAP_THRESHOLD};
pub use histogram::{IntervalHistogram, Intervals, LengthHistogram};
pub use running::{RunningStatistics, RunningSummary};
pub use stream::{COMFORT_NOISE, Datagram, Options, PayloadTypeChange, SourceChange, StreamStatistics};

use crate::packet::{Packet, is_rtcp};
use crate::sequence::SequenceExtender;
use bursts::BurstCounter;
use timing::{LONGEST_TRANSIT_STEP_S, PlayoutModel, SkewEstimator, TransitTracker};

/// Changes that are told one by one; a flow that alternates with every packet fills no memory.
const MOST_CHANGES: usize = 1000;

#[derive(Debug, Clone, Copy)]
struct Media {
    arrival: f64,
    timestamp: u32,
    number: i64,
    run: u32,
    event: bool,
    marker: bool,
    comfort_noise: bool,
    discarded: bool,
}

#[derive(Default)]
struct Source {
    extender: SequenceExtender,
    seen: HashSet<(u32, i64)>,
    tracker: TransitTracker,
    playout: Option<PlayoutModel>,
    payload_type: Option<u8>,
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
    let datagrams = packets.iter().map(|&(at, bytes)| Datagram {
        at,
        bytes,
        dscp: None,
    });
    analyse_datagrams(datagrams, &Options::new(clock_rate, telephone_event_pts))
}

/// As [`analyse`], with code points and with a modelled jitter buffer where one is given.
#[must_use]
pub fn analyse_datagrams<'a>(
    datagrams: impl IntoIterator<Item = Datagram<'a>>,
    options: &Options<'_>,
) -> StreamStatistics {
    let clock = f64::from(options.clock_rate.max(1));
    let mut statistics = StreamStatistics::default();
    let mut sources: BTreeMap<u32, Source> = BTreeMap::new();
    let mut intervals: Vec<f64> = Vec::new();
    let mut flow: Option<u32> = None;
    for datagram in datagrams {
        let (arrival, bytes) = (datagram.at, datagram.bytes);
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
            intervals.push(gap);
        }
        statistics.first.get_or_insert(arrival);
        statistics.last = Some(statistics.last.map_or(arrival, |last| last.max(arrival)));
        statistics.packets += 1;
        statistics.octets += packet.payload.len() as u64;
        if let Some(dscp) = datagram.dscp {
            *statistics.dscp.entry(dscp).or_default() += 1;
        }
        if let Err(place) = statistics.payload_types.binary_search(&packet.payload_type) {
            statistics.payload_types.insert(place, packet.payload_type);
        }
        if let Some(from) = flow.replace(packet.ssrc).filter(|from| *from != packet.ssrc)
            && statistics.source_changes.len() < MOST_CHANGES
        {
            statistics.source_changes.push(SourceChange {
                at: arrival,
                from,
                to: packet.ssrc,
            });
        }
        let source = sources.entry(packet.ssrc).or_insert_with(|| {
            statistics.ssrcs.push(packet.ssrc);
            Source {
                playout: options.jitter_buffer.map(PlayoutModel::new),
                ..Source::default()
            }
        });
        let before = source.extender.highest();
        let place = source.extender.extend(packet.sequence);
        statistics.sequence_jumps += u32::from(place.jump);
        if !source.seen.insert((place.run, place.number)) {
            statistics.duplicates += 1;
            continue;
        }
        if place.late {
            statistics.reordered += 1;
            let depth = before.map_or(0, |highest| highest.abs_diff(place.number));
            statistics.reorder_depths.add(depth);
        }
        let bounds = source
            .runs
            .entry(place.run)
            .or_insert((place.number, place.number));
        *bounds = (bounds.0.min(place.number), bounds.1.max(place.number));
        let event = options.telephone_event_pts.contains(&packet.payload_type);
        statistics.markers += u32::from(packet.marker && !event);
        let comfort_noise = packet.payload_type == COMFORT_NOISE;
        statistics.comfort_noise += u64::from(comfort_noise);
        let mut discarded = false;
        let arrival_s = arrival.as_secs_f64();
        if !event {
            if let Some(from) = source.payload_type.replace(packet.payload_type)
                && from != packet.payload_type
                && statistics.payload_type_changes.len() < MOST_CHANGES
            {
                statistics.payload_type_changes.push(PayloadTypeChange {
                    at: arrival,
                    ssrc: packet.ssrc,
                    from,
                    to: packet.payload_type,
                });
            }
            let step = source
                .tracker
                .observe(arrival_s, packet.timestamp, place.run, clock);
            if let Some(playout) = &mut source.playout {
                if step.difference.is_none() {
                    playout.restart();
                }
                discarded = playout.discards(arrival_s, step.transit_s);
                statistics.discarded += u64::from(discarded);
            }
        }
        source.media.push(Media {
            arrival: arrival_s,
            timestamp: packet.timestamp,
            number: place.number,
            run: place.run,
            event,
            marker: packet.marker,
            comfort_noise,
            discarded,
        });
    }
    statistics.intervals = Intervals::exact(intervals);
    statistics.mean_interval_ms = statistics.intervals.histogram.mean_ms();
    for source in sources.values() {
        let expected: u64 = source
            .runs
            .values()
            .map(|(low, high)| high.abs_diff(*low) + 1)
            .sum();
        statistics.expected += expected;
        statistics.lost += expected.saturating_sub(source.seen.len() as u64);
    }
    // each source has its own jitter; the last one to appear gives the last value
    for ssrc in statistics.ssrcs.clone() {
        jitter(&sources[&ssrc].media, clock, &mut statistics);
    }
    // in order of arrival, as jitter
    statistics.clock_skew_ppm = sources
        .values()
        .max_by_key(|source| source.media.len())
        .and_then(|source| clock_skew_ppm(&source.media, clock));
    timestamps(sources.values_mut(), clock, &mut statistics);
    let mut bursts = BurstCounter::new(options.gap_threshold);
    for ssrc in statistics.ssrcs.clone() {
        // in sequence order by now
        let media = &sources[&ssrc].media;
        losses(media, &mut bursts, &mut statistics.loss_runs);
        if let Some(step) = statistics.timestamp_step {
            spurts(media, step, &mut statistics);
        }
    }
    statistics.burst_gap = bursts.finish();
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

/// Runs of loss, and bursts with the discarded packets, over the packets of a source in sequence order.
fn losses(media: &[Media], bursts: &mut BurstCounter, runs: &mut LengthHistogram) {
    let mut last: Option<&Media> = None;
    for packet in media {
        match last.filter(|last| last.run == packet.run) {
            Some(last) => {
                let missing = packet.number.abs_diff(last.number).saturating_sub(1);
                runs.add(missing);
                bursts.lost(missing);
            }
            None => bursts.boundary(),
        }
        if packet.discarded {
            bursts.lost(1);
        } else {
            bursts.received(1);
        }
        last = Some(packet);
    }
}

/// Talk spurts and their markers, over the packets of a source in sequence order.
fn spurts(media: &[Media], step: u32, statistics: &mut StreamStatistics) {
    let mut last: Option<&Media> = None;
    let mut after_event = false;
    for packet in media {
        if packet.event {
            after_event = true;
            continue;
        }
        let Some(before) = last.replace(packet).filter(|before| before.run == packet.run) else {
            statistics.talk_spurts += 1;
            after_event = false;
            continue;
        };
        // an event replaces the audio; how many packets it used says nothing about silence
        if std::mem::take(&mut after_event) {
            continue;
        }
        let packets = packet.number - before.number;
        let elapsed = i64::from(packet.timestamp.wrapping_sub(before.timestamp).cast_signed());
        let silence = elapsed > packets.saturating_mul(i64::from(step)) || before.comfort_noise;
        if packet.comfort_noise {
            continue;
        }
        statistics.talk_spurts += u32::from(silence);
        // with a packet missing in between, the marker may have been on that one
        if packets == 1 {
            statistics.unmarked_spurts += u32::from(silence && !packet.marker);
            statistics.stray_markers += u32::from(!silence && packet.marker);
        }
    }
}

/// Drift over the longest stretch without a restart of the numbering or of the timestamps.
fn clock_skew_ppm(media: &[Media], clock: f64) -> Option<f64> {
    let mut tracker = TransitTracker::default();
    let mut best: Option<(usize, SkewEstimator)> = None;
    let mut current = (0, SkewEstimator::new());
    for packet in media.iter().filter(|packet| !packet.event) {
        let step = tracker.observe(packet.arrival, packet.timestamp, packet.run, clock);
        if step.difference.is_none() {
            let finished = std::mem::replace(&mut current, (0, SkewEstimator::new()));
            if best.as_ref().is_none_or(|best| finished.0 > best.0) {
                best = Some(finished);
            }
        }
        current.0 += 1;
        current.1.observe(step.media_s, step.transit_s);
    }
    match best {
        Some(best) if best.0 >= current.0 => best.1.ppm(),
        _ => current.1.ppm(),
    }
}
