//! Every datagram and every piece of a stream of a case as pcapng that Wireshark opens.
//!
//! Datagrams and TCP segments are stored as raw IP (link type 101) with the headers rebuilt around the payload, because
//! the lab sees payloads and not frames. What came out of TLS or a WebSocket is stored as an exported PDU (link type
//! 252) that Wireshark dissects as SIP without a key. Direction is the pcapng packet flag, time is the lab's own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Cursor;
use std::net::SocketAddr;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::{Block, PcapNgReader, PcapNgWriter};

use crate::RecordError;
use crate::frames::{self, Unframed};

/// Which way a datagram went, seen from the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketDirection {
    /// From the device.
    Inbound,
    /// To the device.
    Outbound,
}

/// What carried a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Carrier {
    /// A UDP datagram.
    #[default]
    Udp,
    /// A piece of a TCP stream that ends where a message ends or where the segment did.
    Tcp,
    /// A piece of what came out of TLS.
    Tls,
    /// One WebSocket message.
    Ws,
    /// One WebSocket message under TLS.
    Wss,
}

impl Carrier {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Udp, "udp"),
        (Self::Tcp, "tcp"),
        (Self::Tls, "tls"),
        (Self::Ws, "ws"),
        (Self::Wss, "wss"),
    ];

    /// `udp`, `tcp`, `tls`, `ws`, `wss`.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(carrier, _)| *carrier == self)
            .map_or("udp", |(_, name)| name)
    }

    /// A byte stream, in which a message may reach over several pieces.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

/// One datagram or one piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedPacket {
    /// Time since the lab's epoch.
    pub at: Duration,
    /// Direction.
    pub direction: PacketDirection,
    /// What carried it.
    pub carrier: Carrier,
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// Differentiated services code point (RFC 2474), where the lab knows it.
    pub dscp: Option<u8>,
    /// The payload.
    pub payload: Vec<u8>,
}

fn damaged(reason: impl ToString) -> RecordError {
    RecordError::Damaged {
        what: "capture".to_owned(),
        reason: reason.to_string(),
    }
}

const CARRIER: &str = "carrier: ";
const NO_DSCP: &str = "dscp: unknown";

/// Writes packets as pcapng; `epoch` is the wall-clock time of the lab's epoch since 1970.
pub fn write_capture(packets: &[CapturedPacket], epoch: Duration) -> Result<Vec<u8>, RecordError> {
    let mut writer = PcapNgWriter::new(Vec::new()).map_err(damaged)?;
    for (linktype, name) in [
        (DataLink::RAW, "voxproof"),
        (DataLink::WIRESHARK_UPPER_PDU, "voxproof, deciphered"),
    ] {
        writer
            .write_pcapng_block(InterfaceDescriptionBlock {
                linktype,
                snaplen: 0,
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Borrowed(name)),
                    InterfaceDescriptionOption::IfTsResol(9),
                ],
            })
            .map_err(damaged)?;
    }
    // bytes sent so far on each way of each connection: the sequence numbers of the rebuilt TCP headers
    let mut sent: HashMap<(SocketAddr, SocketAddr), u32> = HashMap::new();
    for packet in packets {
        let (interface_id, data) = match packet.carrier {
            Carrier::Udp => (0, frames::udp(packet)),
            Carrier::Tcp => {
                let there = (packet.source, packet.destination);
                let acknowledged = sent.get(&(there.1, there.0)).copied().unwrap_or(0);
                let sequence = sent.entry(there).or_default();
                let data = frames::tcp(packet, *sequence, acknowledged);
                *sequence = sequence.wrapping_add(packet.payload.len() as u32);
                (0, data)
            }
            Carrier::Tls | Carrier::Ws | Carrier::Wss => (1, frames::exported_sip(packet)),
        };
        let mut options = vec![EnhancedPacketOption::Flags(match packet.direction {
            PacketDirection::Inbound => 1,
            PacketDirection::Outbound => 2,
        })];
        if interface_id == 1 {
            options.push(EnhancedPacketOption::Comment(Cow::Owned(format!(
                "{CARRIER}{}",
                packet.carrier.as_str()
            ))));
        }
        if packet.dscp.is_none() {
            options.push(EnhancedPacketOption::Comment(Cow::Borrowed(NO_DSCP)));
        }
        writer
            .write_pcapng_block(EnhancedPacketBlock {
                interface_id,
                timestamp: epoch + packet.at,
                original_len: data.len() as u32,
                data: Cow::Owned(data),
                options,
            })
            .map_err(damaged)?;
    }
    Ok(writer.into_inner())
}

/// Reads a capture written by [`write_capture`]; foreign blocks are skipped, damaged ones are an error.
pub fn read_capture(bytes: &[u8], epoch: Duration) -> Result<Vec<CapturedPacket>, RecordError> {
    let mut reader = PcapNgReader::new(Cursor::new(bytes)).map_err(damaged)?;
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        if let Block::EnhancedPacket(block) = block.map_err(damaged)? {
            packets.push(read_packet(&block, epoch, packets.len() + 1)?);
        }
    }
    Ok(packets)
}

fn read_packet(
    block: &EnhancedPacketBlock<'_>,
    epoch: Duration,
    number: usize,
) -> Result<CapturedPacket, RecordError> {
    let mut direction = PacketDirection::Outbound;
    let mut named = None;
    let mut dscp_known = true;
    for option in &block.options {
        match option {
            EnhancedPacketOption::Flags(flags) if flags & 3 == 1 => direction = PacketDirection::Inbound,
            EnhancedPacketOption::Comment(text) if text == NO_DSCP => dscp_known = false,
            EnhancedPacketOption::Comment(text) => {
                if let Some(name) = text.strip_prefix(CARRIER) {
                    named = Carrier::ALL.into_iter().find(|(_, one)| *one == name);
                }
            }
            _ => {}
        }
    }
    let unframed = if block.interface_id == 0 {
        frames::read_ip(&block.data)
    } else {
        frames::read_exported(&block.data)
    };
    let Unframed {
        carrier,
        source,
        destination,
        dscp,
        payload,
    } = unframed
        .ok_or_else(|| damaged(format!("packet {number} is neither UDP, TCP nor an exported PDU")))?;
    Ok(CapturedPacket {
        at: block.timestamp.saturating_sub(epoch),
        direction,
        carrier: named.map_or(carrier, |(carrier, _)| carrier),
        source,
        destination,
        dscp: dscp.filter(|_| dscp_known),
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(source: &str, destination: &str, payload: &[u8]) -> CapturedPacket {
        CapturedPacket {
            at: Duration::from_nanos(1_234_567_891),
            direction: PacketDirection::Inbound,
            carrier: Carrier::Udp,
            dscp: None,
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            payload: payload.to_vec(),
        }
    }

    #[test]
    fn round_trip_keeps_every_byte_and_nanosecond() {
        let epoch = Duration::from_secs(1_790_000_000);
        let mut packets = vec![
            packet(
                "127.0.0.1:5060",
                "127.0.0.1:5070",
                b"OPTIONS sip:a SIP/2.0\r\n\r\n",
            ),
            packet("[::1]:5060", "[::1]:5070", &[0, 255, 128]),
            packet("10.0.0.1:1", "10.0.0.2:2", b""),
        ];
        packets[1].direction = PacketDirection::Outbound;
        packets[1].dscp = Some(46);
        packets[2].dscp = Some(0);
        for carrier in [Carrier::Tcp, Carrier::Tls, Carrier::Ws, Carrier::Wss] {
            for mut further in packets.clone() {
                further.carrier = carrier;
                // there is no IP header in an exported PDU
                if carrier != Carrier::Tcp {
                    further.dscp = None;
                }
                packets.push(further);
            }
        }
        let bytes = write_capture(&packets, epoch).unwrap();
        assert_eq!(read_capture(&bytes, epoch).unwrap(), packets);
    }

    #[test]
    fn damaged_captures_are_errors_not_panics() {
        let packets = vec![packet("127.0.0.1:5060", "127.0.0.1:5070", b"hello")];
        let bytes = write_capture(&packets, Duration::ZERO).unwrap();
        for cut in 0..bytes.len() {
            let _ = read_capture(&bytes[..cut], Duration::ZERO);
            let mut flipped = bytes.clone();
            flipped[cut] ^= 0xff;
            let _ = read_capture(&flipped, Duration::ZERO);
        }
        assert!(read_capture(b"", Duration::ZERO).is_err());
    }
}
