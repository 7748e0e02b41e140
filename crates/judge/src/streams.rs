//! RTP streams of the capture.

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_record::PacketDirection;
use voxproof_rtp::playout::{self, Decoded, PayloadCodec};
use voxproof_rtp::{Packet, is_rtcp};
use voxproof_spec::StreamRef;

use crate::facts::StreamPorts;
use crate::view::View;

/// An RTP port of an actor from a moment on.
pub(crate) struct MediaSpan {
    pub(crate) actor: String,
    pub(crate) local: SocketAddr,
    pub(crate) from: Duration,
    pub(crate) codecs: Vec<(u8, String)>,
    pub(crate) telephone_event: Option<u8>,
}

/// Packets of one direction between an actor and the device.
pub(crate) struct Stream<'a> {
    /// Arrival (or sending) time and datagram.
    pub(crate) packets: Vec<(Duration, &'a [u8])>,
    /// Packet numbers in the capture.
    pub(crate) numbers: Vec<u32>,
    pub(crate) codecs: Vec<(u8, PayloadCodec)>,
    pub(crate) telephone_events: Vec<u8>,
    pub(crate) ports: StreamPorts,
}

impl<'a> View<'a> {
    /// The packets of a stream in an interval; RTCP is left out.
    pub(crate) fn stream(&self, stream: &StreamRef, interval: Option<(Duration, Duration)>) -> Stream<'a> {
        let spans: Vec<&MediaSpan> = self
            .media
            .iter()
            .filter(|span| span.actor == stream.peer)
            .collect();
        let mut codecs: Vec<(u8, PayloadCodec)> = vec![];
        let mut telephone_events: Vec<u8> = vec![];
        for span in &spans {
            for (payload_type, name) in &span.codecs {
                let codec = match name.to_ascii_uppercase().as_str() {
                    "PCMU" | "PCMU/8000" => PayloadCodec::Pcmu,
                    "PCMA" | "PCMA/8000" => PayloadCodec::Pcma,
                    _ => continue,
                };
                if !codecs.iter().any(|(known, _)| known == payload_type) {
                    codecs.push((*payload_type, codec));
                }
            }
            if let Some(payload_type) = span.telephone_event.filter(|one| !telephone_events.contains(one)) {
                telephone_events.push(payload_type);
            }
        }
        let mut found = Stream {
            packets: vec![],
            numbers: vec![],
            codecs,
            telephone_events,
            ports: StreamPorts::default(),
        };
        for (index, packet) in self.evidence.packets.iter().enumerate() {
            let lab_end = match (stream.from_device, packet.direction) {
                (true, PacketDirection::Inbound) => packet.destination,
                (false, PacketDirection::Outbound) => packet.source,
                _ => continue,
            };
            // half-open: what the next step sets off at its very start is not part of this interval
            let inside = interval.is_none_or(|(from, to)| packet.at >= from && packet.at < to);
            if inside && spans.iter().any(|span| span.local == lab_end) && may_be_rtp(&packet.payload) {
                found.ports.source = packet.source.port();
                found.ports.destination = packet.destination.port();
                found.packets.push((packet.at, packet.payload.as_slice()));
                found.numbers.push(index as u32 + 1);
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

/// Whether a datagram on an RTP port is meant as RTP. RTCP, STUN and DTLS share the port legally and are told apart by their
/// first octet (RFC 7983 7); an empty datagram or CRLFs keep a NAT binding alive (RFC 6263 4.1). Anything else counts as RTP, and as
/// malformed if it is none.
fn may_be_rtp(payload: &[u8]) -> bool {
    match payload.first() {
        None | Some(0..=3 | 20..=63) => false,
        Some(b'\r' | b'\n') if payload.iter().all(|byte| matches!(byte, b'\r' | b'\n')) => false,
        Some(_) => !is_rtcp(payload),
    }
}

impl Stream<'_> {
    /// The stream as sound on its own time line.
    pub(crate) fn decode(&self) -> Decoded {
        playout::decode(&self.packets, &self.codecs, &self.telephone_events)
    }

    /// The codec most of its packets claim.
    pub(crate) fn codec(&self) -> Option<PayloadCodec> {
        let mut counts: Vec<(usize, PayloadCodec)> = vec![];
        for (payload_type, codec) in &self.codecs {
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
