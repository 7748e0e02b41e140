//! A captured stream decoded onto its own RTP time line.
//!
//! No jitter buffer and no concealment: the result is what the sender meant, with holes where the network lost it.

use std::ops::Range;
use std::time::Duration;

use crate::dtmf::TelephoneEvent;
use crate::g711::{Law, decode_sample};
use crate::packet::{Packet, is_rtcp};
use crate::sequence::SequenceExtender;

/// Most samples that one call decodes, in seconds; a forged timestamp cannot ask for more memory than this.
const LONGEST_S: u32 = 600;
/// A timestamp may be this far behind the newest one (reordering) ...
const MOST_BEHIND_S: i64 = 2;
/// ... and this far ahead of what the arrival time explains, before it counts as a restart of the time line.
const MOST_AHEAD_S: i64 = 10;

/// A codec that [`decode`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PayloadCodec {
    /// G.711 mu-law at 8 kHz (RFC 3551 4.5.14).
    Pcmu,
    /// G.711 A-law at 8 kHz (RFC 3551 4.5.14).
    Pcma,
}

impl PayloadCodec {
    /// Sample rate of the decoded audio in Hz, which for these codecs is the RTP clock rate as well.
    #[must_use]
    pub const fn sample_rate(self) -> u32 {
        match self {
            Self::Pcmu | Self::Pcma => 8000,
        }
    }

    const fn law(self) -> Law {
        match self {
            Self::Pcmu => Law::Mu,
            Self::Pcma => Law::A,
        }
    }
}

/// A decoded stream. Sample 0 is the earliest timestamp; ranges are sample positions, ascending, not overlapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The samples; zero where there was no audio.
    pub samples: Vec<i16>,
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// Arrival of the first packet that was used, zero when there was none.
    pub first_arrival: Duration,
    /// Positions whose packets were lost on the way: the sequence numbers have a gap.
    pub lost_ranges: Vec<Range<usize>>,
    /// Positions that were sent as telephone-events instead of audio.
    pub event_ranges: Vec<Range<usize>>,
    /// Positions that the sender left out without a gap in the sequence numbers: silence suppression.
    pub silence_ranges: Vec<Range<usize>>,
    /// Packets of payload types that are not in the map, and packets whose timestamp cannot be placed.
    pub undecodable: u64,
    /// Arrival time and position of each audio packet, in order of arrival.
    pub arrivals: Vec<(Duration, usize)>,
}

enum Content<'a> {
    Audio(Law, &'a [u8]),
    Event(u16),
}

struct Item<'a> {
    arrival: Duration,
    /// Extended sequence number with its run, comparable only within one section.
    number: (u32, i64),
    timestamp: u32,
    content: Content<'a>,
}

impl Item<'_> {
    fn length(&self) -> usize {
        match self.content {
            Content::Audio(_, payload) => payload.len(),
            Content::Event(duration) => usize::from(duration),
        }
    }
}

/// Decodes a captured stream.
///
/// `packets` are datagrams in order of arrival, `codecs` maps payload types to codecs; the rate of the first codec is
/// the rate of the result. Several sources are put one after the other in order of appearance, and so is the stream
/// of one source after a restart of its timestamps. A single packet with a timestamp that fits nothing, and whatever
/// would make the result longer than ten minutes, counts as undecodable.
#[must_use]
pub fn decode(
    packets: &[(Duration, &[u8])],
    codecs: &[(u8, PayloadCodec)],
    telephone_event_pts: &[u8],
) -> Decoded {
    let sample_rate = codecs.first().map_or(8000, |(_, codec)| codec.sample_rate());
    let mut decoded = Decoded {
        samples: Vec::new(),
        sample_rate,
        first_arrival: Duration::ZERO,
        lost_ranges: Vec::new(),
        event_ranges: Vec::new(),
        silence_ranges: Vec::new(),
        undecodable: 0,
        arrivals: Vec::new(),
    };
    let mut sources: Vec<(u32, SequenceExtender, Vec<Item<'_>>)> = Vec::new();
    for &(arrival, bytes) in packets {
        if is_rtcp(bytes) {
            continue;
        }
        let Ok(packet) = Packet::parse(bytes) else {
            decoded.undecodable += 1;
            continue;
        };
        let source = match sources.iter().position(|(ssrc, ..)| *ssrc == packet.ssrc) {
            Some(known) => known,
            None => {
                sources.push((packet.ssrc, SequenceExtender::default(), Vec::new()));
                sources.len() - 1
            }
        };
        let (_, extender, items) = &mut sources[source];
        let place = extender.extend(packet.sequence);
        let codec = codecs
            .iter()
            .find(|(payload_type, _)| *payload_type == packet.payload_type);
        let content = match codec {
            Some((_, codec)) => Some(Content::Audio(codec.law(), packet.payload)),
            None if telephone_event_pts.contains(&packet.payload_type) => {
                TelephoneEvent::parse(packet.payload)
                    .ok()
                    .map(|event| Content::Event(event.duration))
            }
            None => None,
        };
        let Some(content) = content else {
            decoded.undecodable += 1;
            continue;
        };
        items.push(Item {
            arrival,
            number: (place.run, place.number),
            timestamp: packet.timestamp,
            content,
        });
    }
    let mut arrivals = Vec::new();
    for (_, _, items) in &sources {
        for section in sections(items, sample_rate, &mut decoded.undecodable) {
            place(&section, &mut decoded, &mut arrivals);
        }
    }
    arrivals.sort_by_key(|(arrival, _)| *arrival);
    decoded.arrivals = arrivals;
    decoded
}

/// An item with its position relative to the first item of its section.
type Placed<'a> = (i64, &'a Item<'a>);

/// Splits the packets of one source where its timestamps restart and drops stray ones.
fn sections<'a>(items: &'a [Item<'a>], sample_rate: u32, undecodable: &mut u64) -> Vec<Vec<Placed<'a>>> {
    let rate = i64::from(sample_rate);
    let step =
        |from: &Item<'_>, to: &Item<'_>| i64::from(to.timestamp.wrapping_sub(from.timestamp).cast_signed());
    let plausible = |from: &Item<'_>, to: &Item<'_>| {
        let arrived = (to.arrival.saturating_sub(from.arrival).as_secs_f64() * f64::from(sample_rate)) as i64;
        let step = step(from, to);
        step >= -MOST_BEHIND_S * rate && step <= arrived.saturating_add(MOST_AHEAD_S * rate)
    };
    let mut sections: Vec<Vec<Placed<'a>>> = Vec::new();
    // newest item of the section and its position
    let mut newest: Option<Placed<'a>> = None;
    for (index, item) in items.iter().enumerate() {
        let position = match newest {
            Some((position, from)) if plausible(from, item) => position + step(from, item),
            _ => {
                // A restart is believed when the next packet agrees with it or when nothing came before.
                let confirmed = items.get(index + 1).is_some_and(|next| plausible(item, next));
                if !confirmed && (newest.is_some() || index + 1 < items.len()) {
                    *undecodable += 1;
                    continue;
                }
                sections.push(Vec::new());
                newest = None;
                0
            }
        };
        if newest.is_none_or(|(highest, _)| position >= highest) {
            newest = Some((position, item));
        }
        if let Some(section) = sections.last_mut() {
            section.push((position, item));
        }
    }
    sections
}

/// Decodes one section behind what is there already.
fn place(section: &[Placed<'_>], decoded: &mut Decoded, arrivals: &mut Vec<(Duration, usize)>) {
    let base = decoded.samples.len();
    let limit = (LONGEST_S as usize) * (decoded.sample_rate as usize);
    let Some(origin) = section.iter().map(|(position, _)| *position).min() else {
        return;
    };
    // position, end, sequence number
    let mut covered: Vec<(usize, usize, (u32, i64))> = Vec::new();
    for (position, item) in section {
        let start = usize::try_from(position - origin)
            .ok()
            .and_then(|offset| base.checked_add(offset));
        let Some((start, end)) = start.and_then(|start| Some((start, start.checked_add(item.length())?)))
        else {
            decoded.undecodable += 1;
            continue;
        };
        if end > limit {
            decoded.undecodable += 1;
            continue;
        }
        if decoded.samples.len() < end {
            decoded.samples.resize(end, 0);
        }
        if decoded.arrivals.is_empty() && arrivals.is_empty() && covered.is_empty() && base == 0 {
            decoded.first_arrival = item.arrival;
        }
        match item.content {
            Content::Audio(law, payload) => {
                for (sample, &code) in decoded.samples[start..end].iter_mut().zip(payload) {
                    *sample = decode_sample(law, code);
                }
                arrivals.push((item.arrival, start));
            }
            Content::Event(_) => decoded.event_ranges.push(start..end),
        }
        covered.push((start, end, item.number));
    }
    // Gaps: between what is covered so far and the next start. A gap is loss when sequence numbers are missing in it.
    covered.sort_unstable();
    let mut reached = base;
    let mut highest: Option<(u32, i64)> = None;
    for &(start, end, number) in &covered {
        if start > reached {
            let contiguous = highest.is_some_and(|(run, before)| {
                run == number.0 && number.1.checked_sub(before).is_some_and(|step| step <= 1)
            });
            let ranges = if contiguous {
                &mut decoded.silence_ranges
            } else {
                &mut decoded.lost_ranges
            };
            ranges.push(reached..start);
        }
        reached = reached.max(end);
        highest = Some(highest.map_or(number, |known| known.max(number)));
    }
    decoded.event_ranges = merged(std::mem::take(&mut decoded.event_ranges));
}

/// Joins ranges that touch or overlap; the updates of one event all start at the same position.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}
