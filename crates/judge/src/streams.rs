//! RTP streams of the capture.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_codec::{Codec, CodecSpec};
use voxproof_rtp::Packet;
use voxproof_rtp::dtmf::{self, ReceivedEvent};
use voxproof_rtp::playout::Decoded;
use voxproof_rtp::statistics::{self, Datagram, Options, StreamStatistics};
use voxproof_spec::StreamRef;

use crate::facts::{StreamFacts, StreamPorts};
use crate::security::Protection;
use crate::sound;
use crate::view::{MediaPacket, View};

/// Changes of the payload type that are told; a stream that alternates fills no memory.
const MOST_CHANGES: usize = 1000;

/// An RTP port of an actor from a moment on.
pub(crate) struct MediaSpan {
    pub(crate) actor: String,
    pub(crate) local: SocketAddr,
    pub(crate) from: Duration,
    pub(crate) codecs: Vec<(u8, String)>,
    pub(crate) telephone_events: Vec<(u8, u32)>,
}

/// Packets of one direction between an actor and the device.
pub(crate) struct Stream<'a> {
    /// Arrival (or sending) time and datagram of what a receiver hands on.
    pub(crate) packets: Vec<(Duration, &'a [u8])>,
    /// Packet numbers in the capture.
    pub(crate) numbers: Vec<u32>,
    /// Their differentiated services code points, where known.
    pub(crate) dscp: Vec<Option<u8>>,
    pub(crate) codecs: Vec<(u8, CodecSpec)>,
    pub(crate) telephone_events: Vec<u8>,
    /// Clock rates of these events in Hz, in the same order.
    pub(crate) event_clocks: Vec<u32>,
    pub(crate) ports: StreamPorts,
    pub(crate) protection: StreamProtection,
}

/// What became of the protected packets of a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamProtection {
    /// Packets with a right tag.
    pub(crate) opened: u64,
    /// Packets in clear although keys were agreed.
    pub(crate) clear: u64,
    /// Packets whose tag is wrong.
    pub(crate) not_authentic: u64,
    /// Packets received before.
    pub(crate) replayed: u64,
    /// Packets with an identifier that names no key.
    pub(crate) unknown_key: u64,
}

impl StreamProtection {
    pub(crate) fn add(&mut self, protection: Protection) {
        match protection {
            Protection::None => {}
            Protection::Opened => self.opened += 1,
            Protection::Clear => self.clear += 1,
            Protection::NotAuthentic => self.not_authentic += 1,
            Protection::Replayed => self.replayed += 1,
            Protection::UnknownKey => self.unknown_key += 1,
        }
    }

    /// Packets that a receiver drops.
    pub(crate) fn refused(self) -> u64 {
        self.not_authentic + self.replayed + self.unknown_key
    }
}

impl View<'_> {
    /// The codec behind a payload type. Where the name has no clock rate, the lab's session descriptions have it.
    fn codec_named(&self, payload_type: u8, name: &str) -> Option<CodecSpec> {
        if name.contains('/') {
            return CodecSpec::parse_rtpmap(name).ok();
        }
        match name.to_ascii_uppercase().as_str() {
            "PCMU" => return Some(CodecSpec::PCMU),
            "PCMA" => return Some(CodecSpec::PCMA),
            "G722" => return Some(CodecSpec::G722),
            "OPUS" => return Some(CodecSpec::OPUS),
            _ => {}
        }
        self.messages
            .iter()
            .filter(|record| !record.from_device)
            .filter_map(|record| record.message.sdp()?.ok())
            .find_map(|description| {
                let map = description.audio()?.codec(payload_type)?;
                map.encoding
                    .eq_ignore_ascii_case(name)
                    .then(|| CodecSpec::from_rtpmap(&map.encoding, map.clock_rate, map.channels).ok())?
            })
    }

    /// The packets of a stream in an interval; RTCP is left out.
    pub(crate) fn stream(&self, stream: &StreamRef, interval: Option<(Duration, Duration)>) -> Stream<'_> {
        let spans: Vec<&MediaSpan> = self
            .media
            .iter()
            .filter(|span| span.actor == stream.peer)
            .collect();
        let mut codecs: Vec<(u8, CodecSpec)> = vec![];
        let mut telephone_events: Vec<u8> = vec![];
        let mut event_clocks: Vec<u32> = vec![];
        for span in &spans {
            for (payload_type, name) in &span.codecs {
                let Some(codec) = self.codec_named(*payload_type, name) else {
                    continue;
                };
                if !codecs.iter().any(|(known, _)| known == payload_type) {
                    codecs.push((*payload_type, codec));
                }
            }
            for (payload_type, clock) in &span.telephone_events {
                if !telephone_events.contains(payload_type) {
                    telephone_events.push(*payload_type);
                    event_clocks.push(*clock);
                }
            }
        }
        let mut found = Stream {
            packets: vec![],
            numbers: vec![],
            dscp: vec![],
            protection: StreamProtection::default(),
            codecs,
            telephone_events,
            event_clocks,
            ports: StreamPorts::default(),
        };
        let of_span = |packet: &MediaPacket<'_>| spans.iter().any(|span| span.local == packet.lab_end());
        for packet in &self.media_packets {
            // half-open: what the next step sets off at its very start is not part of this interval
            let inside = interval.is_none_or(|(from, to)| packet.at >= from && packet.at < to);
            if packet.from_device != stream.from_device || !inside || !packet.is_media() || !of_span(packet) {
                continue;
            }
            found.ports.source = packet.source.port();
            found.ports.destination = packet.destination.port();
            found.protection.add(packet.protection);
            if packet.protection.is_taken() {
                found.packets.push((packet.at, &packet.bytes));
                found.numbers.push(packet.packet);
                found.dscp.push(packet.dscp);
            }
        }
        let until = interval.map_or(Duration::MAX, |(_, to)| to);
        found.ports.lab = spans
            .iter()
            .rev()
            .find(|span| span.from <= until)
            .map_or(0, |span| span.local.port());
        found
    }
}

impl Stream<'_> {
    /// Loss, order, jitter, pacing and marking of the stream.
    pub(crate) fn statistics(&self, clock_rate: u32) -> StreamStatistics {
        let datagrams = self
            .packets
            .iter()
            .zip(&self.dscp)
            .map(|(&(at, bytes), &dscp)| Datagram { at, bytes, dscp });
        statistics::analyse_datagrams(datagrams, &Options::new(clock_rate, &self.telephone_events))
    }

    /// The telephone-events in it, in the order they began.
    pub(crate) fn events(&self) -> Vec<ReceivedEvent> {
        let mut found: Vec<ReceivedEvent> = vec![];
        for (payload_type, clock) in self.telephone_events.iter().zip(&self.event_clocks) {
            found.extend(dtmf::collect(&self.packets, &[*payload_type], *clock));
        }
        found.sort_by_key(|event| event.start);
        found
    }

    /// RTP clock of its audio in Hz.
    pub(crate) fn clock_rate(&self) -> u32 {
        self.codec().map_or(8000, |codec| codec.rtp_clock_rate())
    }

    /// What it is, beside its figures.
    pub(crate) fn facts(&self) -> StreamFacts<'_> {
        let mut payload_type_sequence: Vec<u8> = vec![];
        for (_, bytes) in &self.packets {
            if let Ok(packet) = Packet::parse(bytes)
                && payload_type_sequence.last() != Some(&packet.payload_type)
                && payload_type_sequence.len() < MOST_CHANGES
            {
                payload_type_sequence.push(packet.payload_type);
            }
        }
        StreamFacts {
            telephone_events: &self.telephone_events,
            ports: self.ports,
            protection: self.protection,
            codec: self.codec().map(|codec| codec.to_string()).unwrap_or_default(),
            clock_rate: self.clock_rate(),
            payload_type_sequence,
        }
    }

    /// The stream as sound on its own time line.
    pub(crate) fn decode(&self) -> Decoded {
        sound::decode(&self.packets, &self.codecs, &self.telephone_events, self.codec())
    }

    /// The speech codec most of its packets claim.
    pub(crate) fn codec(&self) -> Option<CodecSpec> {
        let mut counts: Vec<(usize, CodecSpec)> = vec![];
        let speech = self
            .codecs
            .iter()
            .filter(|(_, codec)| !matches!(codec.codec(), Codec::ComfortNoise { .. }));
        for (payload_type, codec) in speech {
            let count = self
                .packets
                .iter()
                .filter(|(_, bytes)| {
                    Packet::parse(bytes).is_ok_and(|packet| packet.payload_type == *payload_type)
                })
                .count();
            counts.push((count, *codec));
        }
        counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .max_by_key(|(count, _)| *count)
            .map(|(_, codec)| codec)
    }

    /// First and last packet number.
    pub(crate) fn evidence(&self) -> Vec<u32> {
        match (self.numbers.first(), self.numbers.last()) {
            (Some(first), Some(last)) if first != last => vec![*first, *last],
            (Some(first), _) => vec![*first],
            _ => vec![],
        }
    }
}
