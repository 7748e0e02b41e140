//! IP, UDP and TCP headers around a payload, and Wireshark's exported PDUs.

use std::net::{IpAddr, SocketAddr};

use crate::capture::{CapturedPacket, Carrier};

/// What was inside a frame.
pub(crate) struct Unframed {
    pub(crate) carrier: Carrier,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) dscp: Option<u8>,
    pub(crate) payload: Vec<u8>,
}

const UDP: u8 = 17;
const TCP: u8 = 6;

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

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// Both addresses in the family that fits both.
fn addresses(packet: &CapturedPacket) -> (IpAddr, IpAddr) {
    match (packet.source.ip(), packet.destination.ip()) {
        (IpAddr::V4(from), IpAddr::V6(to)) => (from.to_ipv6_mapped().into(), to.into()),
        (IpAddr::V6(from), IpAddr::V4(to)) => (from.into(), to.to_ipv6_mapped().into()),
        same => same,
    }
}

/// The checksum over the pseudo header and the segment, whose checksum field is zero.
fn transport_checksum(packet: &CapturedPacket, protocol: u8, segment: &[u8]) -> u16 {
    let (from, to) = addresses(packet);
    let length = (segment.len() as u32).to_be_bytes();
    checksum(&[&octets(from), &octets(to), &length, &[0, protocol], segment])
}

/// RFC 768.
pub(crate) fn udp(packet: &CapturedPacket) -> Vec<u8> {
    let length = (8 + packet.payload.len()).min(usize::from(u16::MAX)) as u16;
    let mut segment = Vec::with_capacity(8 + packet.payload.len());
    segment.extend(packet.source.port().to_be_bytes());
    segment.extend(packet.destination.port().to_be_bytes());
    segment.extend(length.to_be_bytes());
    segment.extend([0, 0]);
    segment.extend(&packet.payload);
    let sum = transport_checksum(packet, UDP, &segment);
    // RFC 768: an all-zero checksum means that there is none
    segment[6..8].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
    ip(packet, UDP, &segment)
}

/// RFC 9293: a segment of an established connection.
pub(crate) fn tcp(packet: &CapturedPacket, sequence: u32, acknowledged: u32) -> Vec<u8> {
    const PUSH_ACK: u8 = 0x18;
    let mut segment = Vec::with_capacity(20 + packet.payload.len());
    segment.extend(packet.source.port().to_be_bytes());
    segment.extend(packet.destination.port().to_be_bytes());
    segment.extend(sequence.wrapping_add(1).to_be_bytes());
    segment.extend(acknowledged.wrapping_add(1).to_be_bytes());
    segment.extend([0x50, PUSH_ACK, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(&packet.payload);
    let sum = transport_checksum(packet, TCP, &segment);
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    ip(packet, TCP, &segment)
}

/// RFC 791, RFC 8200.
fn ip(packet: &CapturedPacket, protocol: u8, segment: &[u8]) -> Vec<u8> {
    let class = packet.dscp.unwrap_or(0) << 2;
    let (from, to) = addresses(packet);
    let mut header = if from.is_ipv4() {
        let mut header = vec![0_u8; 12];
        header[0] = 0x45;
        header[1] = class;
        let total = (20 + segment.len()).min(usize::from(u16::MAX)) as u16;
        header[2..4].copy_from_slice(&total.to_be_bytes());
        header[6] = 0x40;
        header[8] = 64;
        header[9] = protocol;
        header
    } else {
        let length = segment.len().min(usize::from(u16::MAX)) as u16;
        let mut header = vec![0x60 | class >> 4, class << 4, 0, 0];
        header.extend(length.to_be_bytes());
        header.extend([protocol, 64]);
        header
    };
    header.extend(octets(from));
    header.extend(octets(to));
    if from.is_ipv4() {
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    [&header[..], segment].concat()
}

pub(crate) fn read_ip(data: &[u8]) -> Option<Unframed> {
    let (from, to, protocol, class, segment): (IpAddr, IpAddr, u8, u8, &[u8]) = match data.first()? >> 4 {
        4 => {
            let header = usize::from(data.first()? & 15) * 4;
            let from: [u8; 4] = data.get(12..16)?.try_into().ok()?;
            let to: [u8; 4] = data.get(16..20)?.try_into().ok()?;
            (
                from.into(),
                to.into(),
                *data.get(9)?,
                *data.get(1)?,
                data.get(header..)?,
            )
        }
        6 => {
            let from: [u8; 16] = data.get(8..24)?.try_into().ok()?;
            let to: [u8; 16] = data.get(24..40)?.try_into().ok()?;
            let class = data.first()? << 4 | data.get(1)? >> 4;
            (from.into(), to.into(), *data.get(6)?, class, data.get(40..)?)
        }
        _ => return None,
    };
    let (carrier, start) = match protocol {
        UDP => (Carrier::Udp, 8),
        TCP => (Carrier::Tcp, usize::from(segment.get(12)? >> 4) * 4),
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes(segment.get(at..at + 2)?.try_into().ok()?));
    Some(Unframed {
        carrier,
        source: SocketAddr::new(from, port(0)?),
        destination: SocketAddr::new(to, port(2)?),
        dscp: Some(class >> 2),
        payload: segment.get(start..)?.to_vec(),
    })
}

/// Tags of Wireshark's `WIRESHARK_UPPER_PDU` (its `epan/exported_pdu.h`).
mod tag {
    pub(super) const END: u16 = 0;
    pub(super) const DISSECTOR: u16 = 12;
    pub(super) const IPV4_SOURCE: u16 = 20;
    pub(super) const IPV4_DESTINATION: u16 = 21;
    pub(super) const IPV6_SOURCE: u16 = 22;
    pub(super) const IPV6_DESTINATION: u16 = 23;
    pub(super) const PORT_TYPE: u16 = 24;
    pub(super) const SOURCE_PORT: u16 = 25;
    pub(super) const DESTINATION_PORT: u16 = 26;
}

fn put(out: &mut Vec<u8>, name: u16, value: &[u8]) {
    let padded = value.len().next_multiple_of(4);
    out.extend(name.to_be_bytes());
    out.extend((padded as u16).to_be_bytes());
    out.extend(value);
    out.resize(out.len() + padded - value.len(), 0);
}

pub(crate) fn exported_sip(packet: &CapturedPacket) -> Vec<u8> {
    const PORT_IS_TCP: u32 = 2;
    let (from, to) = addresses(packet);
    let (source, destination) = if from.is_ipv4() {
        (tag::IPV4_SOURCE, tag::IPV4_DESTINATION)
    } else {
        (tag::IPV6_SOURCE, tag::IPV6_DESTINATION)
    };
    let mut out = Vec::with_capacity(96 + packet.payload.len());
    put(&mut out, tag::DISSECTOR, b"sip");
    put(&mut out, source, &octets(from));
    put(&mut out, destination, &octets(to));
    put(&mut out, tag::PORT_TYPE, &PORT_IS_TCP.to_be_bytes());
    put(
        &mut out,
        tag::SOURCE_PORT,
        &u32::from(packet.source.port()).to_be_bytes(),
    );
    put(
        &mut out,
        tag::DESTINATION_PORT,
        &u32::from(packet.destination.port()).to_be_bytes(),
    );
    put(&mut out, tag::END, b"");
    out.extend(&packet.payload);
    out
}

pub(crate) fn read_exported(data: &[u8]) -> Option<Unframed> {
    let (mut from, mut to): (Option<IpAddr>, Option<IpAddr>) = (None, None);
    let (mut source, mut destination) = (0_u16, 0_u16);
    let mut rest = data;
    loop {
        let name = u16::from_be_bytes(rest.get(..2)?.try_into().ok()?);
        let length = usize::from(u16::from_be_bytes(rest.get(2..4)?.try_into().ok()?));
        let value = rest.get(4..4 + length)?;
        rest = rest.get(4 + length..)?;
        let v4 = || <[u8; 4]>::try_from(value).ok().map(IpAddr::from);
        let v6 = || <[u8; 16]>::try_from(value).ok().map(IpAddr::from);
        let port = || {
            let number = u32::from_be_bytes(value.try_into().ok()?);
            u16::try_from(number).ok()
        };
        match name {
            tag::END => break,
            tag::IPV4_SOURCE => from = Some(v4()?),
            tag::IPV4_DESTINATION => to = Some(v4()?),
            tag::IPV6_SOURCE => from = Some(v6()?),
            tag::IPV6_DESTINATION => to = Some(v6()?),
            tag::SOURCE_PORT => source = port()?,
            tag::DESTINATION_PORT => destination = port()?,
            _ => {}
        }
    }
    Some(Unframed {
        carrier: Carrier::Tls,
        source: SocketAddr::new(from?, source),
        destination: SocketAddr::new(to?, destination),
        dscp: None,
        payload: rest.to_vec(),
    })
}
