//! Streams of any codec as sound on their own time line.
//!
//! G.711 is decoded by `voxproof_rtp::playout`. Other codecs have a state: their packets are decoded in the order of their
//! sequence numbers and put where their timestamps say. Nothing is concealed: what was lost is silence.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::time::Duration;

use voxproof_codec::{Codec, CodecSpec, Decoder, DecoderOptions};
use voxproof_rtp::Packet;
use voxproof_rtp::dtmf::TelephoneEvent;
use voxproof_rtp::playout::{self, Decoded, PayloadCodec};

/// Longest result, in seconds: a forged timestamp cannot ask for more memory than this.
const LONGEST_S: u64 = 600;
/// A timestamp this far from the one before starts a new time line, put behind what was there.
const LONGEST_STEP_S: i64 = 10;

/// Decodes a stream; `main` is the codec that most of its packets claim.
pub(crate) fn decode(
    packets: &[(Duration, &[u8])],
    codecs: &[(u8, CodecSpec)],
    telephone_events: &[u8],
    main: Option<CodecSpec>,
) -> Decoded {
    match main {
        Some(main) if narrowband(main).is_none() => wide(packets, codecs, telephone_events, main),
        _ => {
            let codecs: Vec<(u8, PayloadCodec)> = codecs
                .iter()
                .filter_map(|(payload_type, codec)| Some((*payload_type, narrowband(*codec)?)))
                .collect();
            playout::decode(packets, &codecs, telephone_events)
        }
    }
}

fn narrowband(codec: CodecSpec) -> Option<PayloadCodec> {
    match codec.codec() {
        Codec::Pcmu => Some(PayloadCodec::Pcmu),
        Codec::Pcma => Some(PayloadCodec::Pcma),
        _ => None,
    }
}

struct Item<'a> {
    arrival: Duration,
    payload_type: u8,
    /// In clock units since the first packet of the source.
    ticks: i64,
    payload: &'a [u8],
}

/// The newest packet of a source, unwrapped and as it was on the wire.
#[derive(Clone, Copy)]
struct Newest {
    number: i64,
    ticks: i64,
    sequence: u16,
    timestamp: u32,
}

/// One source: its packets by unwrapped sequence number.
struct Source<'a> {
    ssrc: u32,
    newest: Newest,
    items: BTreeMap<i64, Item<'a>>,
}

impl<'a> Source<'a> {
    fn new(packet: &Packet<'a>) -> Self {
        Self {
            ssrc: packet.ssrc,
            newest: Newest {
                number: 0,
                ticks: 0,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
            },
            items: BTreeMap::new(),
        }
    }

    fn add(&mut self, arrival: Duration, packet: &Packet<'a>, clock: i64) {
        let before = self.newest;
        let number = before.number + i64::from(packet.sequence.wrapping_sub(before.sequence).cast_signed());
        let step = i64::from(packet.timestamp.wrapping_sub(before.timestamp).cast_signed());
        let step = if step.abs() > LONGEST_STEP_S * clock {
            clock
        } else {
            step
        };
        let ticks = before.ticks + step;
        // of two packets with one number the first counts (RFC 3550 A.1)
        self.items.entry(number).or_insert(Item {
            arrival,
            payload_type: packet.payload_type,
            ticks,
            payload: packet.payload,
        });
        if number >= before.number {
            self.newest = Newest {
                number,
                ticks,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
            };
        }
    }
}

fn wide(
    packets: &[(Duration, &[u8])],
    codecs: &[(u8, CodecSpec)],
    telephone_events: &[u8],
    main: CodecSpec,
) -> Decoded {
    let clock = i64::from(main.rtp_clock_rate());
    let mut decoded = Decoded {
        samples: vec![],
        sample_rate: main.sample_rate(),
        first_arrival: Duration::ZERO,
        lost_ranges: vec![],
        event_ranges: vec![],
        silence_ranges: vec![],
        undecodable: 0,
        arrivals: vec![],
    };
    let mut sources: Vec<Source<'_>> = vec![];
    for &(arrival, bytes) in packets {
        let Ok(packet) = Packet::parse(bytes) else {
            decoded.undecodable += 1;
            continue;
        };
        let place = match sources.iter().position(|source| source.ssrc == packet.ssrc) {
            Some(place) => place,
            None => {
                sources.push(Source::new(&packet));
                sources.len() - 1
            }
        };
        if let Some(source) = sources.get_mut(place) {
            source.add(arrival, &packet, clock);
        }
    }
    for source in &sources {
        place(source, codecs, telephone_events, main, &mut decoded);
    }
    decoded.arrivals.sort_by_key(|(arrival, _)| *arrival);
    decoded.first_arrival = decoded
        .arrivals
        .first()
        .map_or(Duration::ZERO, |(arrival, _)| *arrival);
    decoded
}

/// Decodes one source behind what is there already.
fn place(
    source: &Source<'_>,
    codecs: &[(u8, CodecSpec)],
    telephone_events: &[u8],
    main: CodecSpec,
    decoded: &mut Decoded,
) {
    let (rate, clock) = (
        u64::from(main.sample_rate()),
        u64::from(main.rtp_clock_rate().max(1)),
    );
    let base = decoded.samples.len();
    let limit = usize::try_from(LONGEST_S * rate).unwrap_or(usize::MAX);
    let Some(origin) = source.items.values().map(|item| item.ticks).min() else {
        return;
    };
    let mut decoders: BTreeMap<u8, (CodecSpec, Box<dyn Decoder>)> = BTreeMap::new();
    let mut reached = base;
    let mut last: Option<i64> = None;
    for (number, item) in &source.items {
        let offset = item.ticks.abs_diff(origin).saturating_mul(rate) / clock;
        let start = base.saturating_add(usize::try_from(offset).unwrap_or(usize::MAX));
        if start >= limit {
            decoded.undecodable += 1;
            continue;
        }
        let missing = last.is_some_and(|last| number - last > 1);
        last = Some(*number);
        if start > reached {
            let gap: Range<usize> = reached..start;
            if missing {
                decoded.lost_ranges.push(gap);
            } else {
                decoded.silence_ranges.push(gap);
            }
        }
        let end = if telephone_events.contains(&item.payload_type) {
            let Ok(event) = TelephoneEvent::parse(item.payload) else {
                decoded.undecodable += 1;
                continue;
            };
            let length = u64::from(event.duration) * rate / clock;
            let end = start
                .saturating_add(usize::try_from(length).unwrap_or(0))
                .min(limit);
            match decoded.event_ranges.last_mut() {
                // the updates of one event all start at the same place
                Some(known) if start <= known.end && known.start <= start => known.end = known.end.max(end),
                _ => decoded.event_ranges.push(start..end),
            }
            end
        } else {
            let codec = codecs
                .iter()
                .find(|(payload_type, _)| *payload_type == item.payload_type)
                .map(|(_, codec)| *codec);
            let Some(samples) = codec.and_then(|codec| decode_one(&mut decoders, item, codec, main)) else {
                decoded.undecodable += 1;
                continue;
            };
            let end = start.saturating_add(samples.len()).min(limit);
            if decoded.samples.len() < end {
                decoded.samples.resize(end, 0);
            }
            for (to, from) in decoded.samples.iter_mut().skip(start).zip(&samples) {
                *to = *from;
            }
            if !samples.is_empty() {
                decoded.arrivals.push((item.arrival, start));
            }
            end
        };
        if decoded.samples.len() < end {
            decoded.samples.resize(end, 0);
        }
        reached = reached.max(end);
    }
}

/// The samples of one packet, one channel; none for comfort noise, nothing for a packet that cannot be decoded on this time line.
fn decode_one(
    decoders: &mut BTreeMap<u8, (CodecSpec, Box<dyn Decoder>)>,
    item: &Item<'_>,
    codec: CodecSpec,
    main: CodecSpec,
) -> Option<Vec<i16>> {
    if matches!(codec.codec(), Codec::ComfortNoise { .. }) {
        return Some(vec![]);
    }
    if codec.sample_rate() != main.sample_rate() {
        return None;
    }
    let (codec, decoder) = match decoders.entry(item.payload_type) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => {
            let decoder = codec.decoder(&DecoderOptions::default()).ok()?;
            place.insert((codec, decoder))
        }
    };
    let mut samples = vec![];
    decoder.decode(item.payload, &mut samples).ok()?;
    let channels = usize::from(codec.channels().max(1));
    if channels > 1 {
        samples = samples
            .chunks(channels)
            .map(|frame| {
                let sum: i32 = frame.iter().map(|sample| i32::from(*sample)).sum();
                (sum / channels as i32) as i16
            })
            .collect();
    }
    Some(samples)
}

#[cfg(test)]
mod tests {
    use voxproof_codec::EncoderOptions;
    use voxproof_rtp::build;

    use super::*;

    fn packets(codec: CodecSpec, count: u16, skip: &[u16]) -> Vec<(Duration, Vec<u8>)> {
        let ptime = Duration::from_millis(20);
        let mut encoder = codec.encoder(&EncoderOptions::default()).expect("an encoder");
        let length = codec.samples_per_packet(ptime);
        (0..count)
            .filter_map(|number| {
                let tone: Vec<i16> = (0..length)
                    .map(|sample| {
                        let at =
                            (usize::from(number) * length + sample) as f64 / f64::from(codec.sample_rate());
                        (8000.0 * (at * 1000.0 * std::f64::consts::TAU).sin()) as i16
                    })
                    .collect();
                let mut payload = vec![];
                encoder.encode(&tone, &mut payload).expect("a frame");
                let stamp = 160_u32.wrapping_mul(u32::from(number)).wrapping_sub(320);
                let bytes = build(9, false, number.wrapping_sub(2), stamp, 7, &payload);
                (!skip.contains(&number)).then(|| (ptime * u32::from(number), bytes))
            })
            .collect()
    }

    fn run(packets: &[(Duration, Vec<u8>)]) -> Decoded {
        let borrowed: Vec<(Duration, &[u8])> = packets
            .iter()
            .map(|(at, bytes)| (*at, bytes.as_slice()))
            .collect();
        decode(&borrowed, &[(9, CodecSpec::G722)], &[101], Some(CodecSpec::G722))
    }

    #[test]
    fn wideband_keeps_its_rate_over_both_wraps() {
        let decoded = run(&packets(CodecSpec::G722, 10, &[]));
        assert_eq!((decoded.sample_rate, decoded.samples.len()), (16_000, 3200));
        assert_eq!((decoded.undecodable, decoded.lost_ranges.len()), (0, 0));
        let loud = decoded
            .samples
            .iter()
            .filter(|sample| sample.abs() > 4000)
            .count();
        assert!(loud > 1000, "{loud}");
    }

    #[test]
    fn a_lost_packet_is_a_hole_and_order_does_not_matter() {
        let mut sent = packets(CodecSpec::G722, 10, &[4]);
        let decoded = run(&sent);
        assert_eq!(
            (decoded.lost_ranges.len(), decoded.lost_ranges.first()),
            (1, Some(&(1280..1600)))
        );
        assert!(decoded.samples[1280..1600].iter().all(|sample| *sample == 0));
        sent.swap(6, 7);
        assert_eq!(run(&sent).samples, decoded.samples);
    }

    #[test]
    fn a_forged_timestamp_asks_for_no_memory() {
        let mut sent = packets(CodecSpec::G722, 3, &[]);
        for number in 3..200_u16 {
            let stamp = u32::from(number).wrapping_mul(79_000);
            sent.push((
                Duration::ZERO,
                build(9, false, number.wrapping_sub(2), stamp, 7, &[0; 160]),
            ));
        }
        assert!(run(&sent).samples.len() <= 600 * 16_000);
    }
}
