//! The tap: every datagram of the lab and every piece of a stream, with time and direction.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use voxproof_record::{CapturedPacket, Carrier, PacketDirection};
use voxproof_sip::Transport;

/// Collects what passes the signalling sockets and the media threads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tap(Arc<Mutex<Vec<CapturedPacket>>>);

pub(crate) fn carrier(transport: Transport) -> Carrier {
    match transport {
        Transport::Udp => Carrier::Udp,
        Transport::Tcp => Carrier::Tcp,
        Transport::Tls => Carrier::Tls,
        Transport::Ws => Carrier::Ws,
        Transport::Wss => Carrier::Wss,
    }
}

impl Tap {
    /// Keeps a packet; returns its number in the capture, from 1.
    pub(crate) fn push(&self, packet: CapturedPacket) -> u32 {
        let mut packets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        packets.push(packet);
        packets.len() as u32
    }

    /// Keeps a datagram of a media port.
    pub(crate) fn datagram(
        &self,
        at: Duration,
        direction: PacketDirection,
        source: SocketAddr,
        destination: SocketAddr,
        dscp: Option<u8>,
        payload: &[u8],
    ) {
        self.push(CapturedPacket {
            at,
            direction,
            carrier: Carrier::Udp,
            source,
            destination,
            dscp,
            payload: payload.to_vec(),
        });
    }

    /// All packets so far; the tap is empty afterwards.
    pub(crate) fn take(&self) -> Vec<CapturedPacket> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Arrival of the last inbound datagram at one of these addresses.
    pub(crate) fn last_inbound(&self, at: &[SocketAddr]) -> Option<Duration> {
        let packets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        packets
            .iter()
            .rev()
            .find(|packet| packet.direction == PacketDirection::Inbound && at.contains(&packet.destination))
            .map(|packet| packet.at)
    }
}
