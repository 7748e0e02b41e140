//! The tap: every datagram of the lab with its time and direction.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use voxproof_record::{CapturedPacket, PacketDirection};

/// Collects datagrams from the signalling socket and from the media threads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tap(Arc<Mutex<Vec<CapturedPacket>>>);

impl Tap {
    /// Keeps a datagram; returns its number in the capture, from 1.
    pub(crate) fn push(
        &self,
        at: Duration,
        direction: PacketDirection,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
    ) -> u32 {
        let mut packets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        packets.push(CapturedPacket {
            carrier: voxproof_record::Carrier::Udp,
            dscp: None,
            at,
            direction,
            source,
            destination,
            payload: payload.to_vec(),
        });
        packets.len() as u32
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
