//! SIP messages of a capture: whole datagrams, and what comes out of streams.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

use voxproof_record::{CapturedPacket, Carrier, PacketDirection, Timeline, TimelineEvent};
use voxproof_sip::{Framer, Message};

/// One SIP message of the capture.
pub(crate) struct SipRecord {
    /// Number of the packet that completes it in the capture, from 1.
    pub(crate) packet: u32,
    pub(crate) at: Duration,
    pub(crate) from_device: bool,
    pub(crate) carrier: Carrier,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    /// Copies with the same bytes that went the same way before.
    pub(crate) copies_before: u32,
    pub(crate) message: Message,
}

/// The lab's end of a packet.
pub(crate) fn lab_end(packet: &CapturedPacket) -> SocketAddr {
    match packet.direction {
        PacketDirection::Inbound => packet.destination,
        PacketDirection::Outbound => packet.source,
    }
}

/// CRLF, NUL or nothing: keeps a binding open (RFC 5626 3.5.1, RFC 6223), is no message.
fn is_keep_alive(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// Whether the first line is that of a SIP message, in any version and case.
fn starts_like_sip(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .next()
        .unwrap_or_default();
    let line = line.get(..line.len().min(4096)).unwrap_or_default();
    line.windows(4).any(|four| four.eq_ignore_ascii_case(b"SIP/"))
}

/// UDP addresses of the lab that SIP goes by: its server, and any other that is no media port and that a message came to
/// or went out from (an actor with an address of its own).
fn sip_addresses(
    packets: &[CapturedPacket],
    server: Option<SocketAddr>,
    media: &BTreeSet<SocketAddr>,
) -> BTreeSet<SocketAddr> {
    let mut addresses: BTreeSet<SocketAddr> = server.into_iter().collect();
    for packet in packets.iter().filter(|packet| packet.carrier == Carrier::Udp) {
        let lab = lab_end(packet);
        if !addresses.contains(&lab) && !media.contains(&lab) && starts_like_sip(&packet.payload) {
            addresses.insert(lab);
        }
    }
    addresses
}

/// When connections ended: what was left of a message then never belongs to a later connection of the same addresses.
fn endings(timeline: &Timeline) -> Vec<(Duration, SocketAddr, SocketAddr)> {
    timeline
        .entries
        .iter()
        .filter_map(|entry| match &entry.event {
            TimelineEvent::Connection {
                local, remote, state, ..
            } if state == "closed" => Some((Duration::from_nanos(entry.at), *local, *remote)),
            _ => None,
        })
        .collect()
}

/// Every message, in the order in which they were complete. Both directions of a connection are framed apart.
pub(crate) fn messages(
    packets: &[CapturedPacket],
    timeline: &Timeline,
    server: Option<SocketAddr>,
    media: &BTreeSet<SocketAddr>,
) -> Vec<SipRecord> {
    let addresses = sip_addresses(packets, server, media);
    let mut endings = endings(timeline).into_iter().peekable();
    let mut framers: HashMap<(Carrier, SocketAddr, SocketAddr), Framer> = HashMap::new();
    let mut copies: HashMap<(bool, Vec<u8>), u32> = HashMap::new();
    let mut found = Vec::new();
    for (index, packet) in packets.iter().enumerate() {
        while let Some((_, local, remote)) = endings.next_if(|(at, ..)| *at < packet.at) {
            framers.retain(|(_, one, other), _| {
                !((*one == local && *other == remote) || (*one == remote && *other == local))
            });
        }
        let whole: Vec<Vec<u8>> = if packet.carrier.is_stream() {
            let framer = framers
                .entry((packet.carrier, packet.source, packet.destination))
                .or_default();
            framer.push(&packet.payload);
            std::iter::from_fn(|| framer.next_message()).collect()
        } else if packet.carrier != Carrier::Udp || addresses.contains(&lab_end(packet)) {
            vec![packet.payload.clone()]
        } else {
            continue;
        };
        for bytes in whole.into_iter().filter(|bytes| !is_keep_alive(bytes)) {
            let from_device = packet.direction == PacketDirection::Inbound;
            let message = Message::parse(&bytes);
            let before = copies.entry((from_device, bytes)).or_default();
            found.push(SipRecord {
                packet: index as u32 + 1,
                at: packet.at,
                from_device,
                carrier: packet.carrier,
                source: packet.source,
                destination: packet.destination,
                copies_before: *before,
                message,
            });
            *before += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines_are_known_and_media_is_not() {
        for line in [
            "INVITE sip:a@b SIP/2.0\r\n",
            "SIP/2.0 200 OK\r\n",
            "OPTIONS sip:a sip/7.0\n",
        ] {
            assert!(starts_like_sip(line.as_bytes()), "{line}");
        }
        for bytes in [
            &b""[..],
            b"\r\nSIP/2.0 200 OK",
            &[0x80, 0, 1, 2],
            b"GET / HTTP/1.1\r\n",
        ] {
            assert!(!starts_like_sip(bytes), "{bytes:?}");
        }
    }
}
