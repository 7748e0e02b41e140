//! Every datagram of a case as pcapng that Wireshark opens.
//!
//! Packets are stored as raw IP (link type 101) with IP and UDP headers rebuilt around the payload, because the lab
//! sees datagrams and not frames. Direction is the pcapng packet flag, time is the lab's own.

use std::borrow::Cow;
use std::io::Cursor;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::{Block, PcapNgReader, PcapNgWriter};

use crate::RecordError;

/// Which way a datagram went, seen from the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketDirection {
    /// From the device.
    Inbound,
    /// To the device.
    Outbound,
}

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedPacket {
    /// Time since the lab's epoch.
    pub at: Duration,
    /// Direction.
    pub direction: PacketDirection,
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// UDP payload.
    pub payload: Vec<u8>,
}

fn damaged(reason: impl ToString) -> RecordError {
    RecordError::Damaged {
        what: "capture".to_owned(),
        reason: reason.to_string(),
    }
}

/// Writes packets as pcapng; `epoch` is the wall-clock time of the lab's epoch since 1970.
pub fn write_capture(packets: &[CapturedPacket], epoch: Duration) -> Result<Vec<u8>, RecordError> {
    let mut writer = PcapNgWriter::new(Vec::new()).map_err(damaged)?;
    writer
        .write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: 0,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed("voxproof")),
                InterfaceDescriptionOption::IfTsResol(9),
            ],
        })
        .map_err(damaged)?;
    for packet in packets {
        let data = frame(packet);
        let flags = match packet.direction {
            PacketDirection::Inbound => 1,
            PacketDirection::Outbound => 2,
        };
        writer
            .write_pcapng_block(EnhancedPacketBlock {
                interface_id: 0,
                timestamp: epoch + packet.at,
                original_len: data.len() as u32,
                data: Cow::Owned(data),
                options: vec![EnhancedPacketOption::Flags(flags)],
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
            let inbound = block
                .options
                .iter()
                .any(|o| matches!(o, EnhancedPacketOption::Flags(flags) if flags & 3 == 1));
            let (source, destination, payload) = unframe(&block.data)
                .ok_or_else(|| damaged(format!("packet {} is not UDP over IP", packets.len() + 1)))?;
            packets.push(CapturedPacket {
                at: block.timestamp.saturating_sub(epoch),
                direction: if inbound {
                    PacketDirection::Inbound
                } else {
                    PacketDirection::Outbound
                },
                source,
                destination,
                payload,
            });
        }
    }
    Ok(packets)
}

fn checksum(parts: &[&[u8]]) -> u16 {
    let bytes: Vec<u8> = parts.concat();
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// IP and UDP headers around a payload (RFC 791, RFC 8200, RFC 768).
fn frame(packet: &CapturedPacket) -> Vec<u8> {
    let udp_length = (8 + packet.payload.len()).min(usize::from(u16::MAX)) as u16;
    let mut udp = Vec::with_capacity(8 + packet.payload.len());
    udp.extend(packet.source.port().to_be_bytes());
    udp.extend(packet.destination.port().to_be_bytes());
    udp.extend(udp_length.to_be_bytes());
    udp.extend([0, 0]);
    udp.extend(&packet.payload);
    let length_field = udp_length.to_be_bytes();
    match (packet.source.ip(), packet.destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let sum = checksum(&[&from.octets(), &to.octets(), &[0, 17], &length_field, &udp]);
            udp[6..8].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
            let total = (20 + udp.len()).min(usize::from(u16::MAX)) as u16;
            let mut header = [0_u8; 20];
            header[0] = 0x45;
            header[2..4].copy_from_slice(&total.to_be_bytes());
            header[6] = 0x40;
            header[8] = 64;
            header[9] = 17;
            header[12..16].copy_from_slice(&from.octets());
            header[16..20].copy_from_slice(&to.octets());
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            [&header[..], &udp].concat()
        }
        (from, to) => {
            let octets = |ip: IpAddr| match ip {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
                IpAddr::V6(v6) => v6.octets(),
            };
            let (from, to) = (octets(from), octets(to));
            let sum = checksum(&[&from, &to, &[0, 0], &length_field, &[0, 0, 0, 17], &udp]);
            udp[6..8].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
            let mut header = vec![0x60, 0, 0, 0];
            header.extend(length_field);
            header.extend([17, 64]);
            header.extend(from);
            header.extend(to);
            [&header[..], &udp].concat()
        }
    }
}

fn unframe(data: &[u8]) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
    let (from, to, udp): (IpAddr, IpAddr, &[u8]) = match data.first()? >> 4 {
        4 => {
            let header = usize::from(data.first()? & 15) * 4;
            let from: [u8; 4] = data.get(12..16)?.try_into().ok()?;
            let to: [u8; 4] = data.get(16..20)?.try_into().ok()?;
            (*data.get(9)? == 17).then_some(())?;
            (from.into(), to.into(), data.get(header..)?)
        }
        6 => {
            let from: [u8; 16] = data.get(8..24)?.try_into().ok()?;
            let to: [u8; 16] = data.get(24..40)?.try_into().ok()?;
            (*data.get(6)? == 17).then_some(())?;
            (from.into(), to.into(), data.get(40..)?)
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(udp.get(at..at + 2)?.try_into().ok()?));
    Some((
        SocketAddr::new(from, port(0)?),
        SocketAddr::new(to, port(2)?),
        udp.get(8..)?.to_vec(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(source: &str, destination: &str, payload: &[u8]) -> CapturedPacket {
        CapturedPacket {
            at: Duration::from_nanos(1_234_567_891),
            direction: PacketDirection::Inbound,
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
