//! An RTP stream of a peer: plays signals, sends silence, keeps what comes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use voxproof_net::{MediaPort, MediaSession, Net, NetError, Reception};
use voxproof_record::PacketDirection;
use voxproof_rtp::Packetizer;
use voxproof_rtp::g711::{self, Law};

use crate::tap::Tap;

/// Packet time of everything the lab sends.
const PTIME: Duration = Duration::from_millis(20);
/// Samples a packet at 8 kHz.
const SAMPLES: usize = 160;

struct Playing {
    samples: Arc<[i16]>,
    position: usize,
    remaining: usize,
}

struct Session {
    tap: Tap,
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
    sending: bool,
    law: Law,
    packetizer: Packetizer,
    fresh: bool,
    playing: Option<Playing>,
}

impl MediaSession for Session {
    fn interval(&self) -> Duration {
        PTIME
    }

    fn tick(&mut self, _deadline: Duration, _now: Duration, out: &mut Vec<(SocketAddr, Vec<u8>)>) {
        let Some(remote) = self.remote.filter(|_| self.sending) else {
            // the time line goes on, so that a resumed stream does not claim that no time has passed
            self.packetizer.advance(SAMPLES as u32);
            self.fresh = true;
            return;
        };
        let mut block = [0_i16; SAMPLES];
        if let Some(playing) = &mut self.playing {
            for sample in block.iter_mut().take(playing.remaining) {
                *sample = playing.samples.get(playing.position).copied().unwrap_or(0);
                playing.position = (playing.position + 1) % playing.samples.len().max(1);
            }
            playing.remaining = playing.remaining.saturating_sub(SAMPLES);
            if playing.remaining == 0 {
                self.playing = None;
            }
        }
        // the marker bit begins a talk spurt (RFC 3551 4.1)
        let marker = std::mem::take(&mut self.fresh);
        out.push((
            remote,
            self.packetizer
                .next(&g711::encode(self.law, &block), SAMPLES as u32, marker),
        ));
    }

    fn sent(&mut self, _deadline: Duration, at: Duration, to: SocketAddr, bytes: &[u8]) {
        if let Some(local) = self.local {
            self.tap
                .datagram(at, PacketDirection::Outbound, local, to, None, bytes);
        }
    }

    fn received(&mut self, at: Duration, source: SocketAddr, bytes: &[u8]) {
        self.reception(Reception {
            at,
            source,
            bytes,
            dscp: None,
        });
    }

    fn reception(&mut self, reception: Reception<'_>) {
        if let Some(local) = self.local {
            self.tap.datagram(
                reception.at,
                PacketDirection::Inbound,
                reception.source,
                local,
                reception.dscp,
                reception.bytes,
            );
        }
    }
}

/// A peer's RTP port.
pub(crate) struct PeerMedia {
    port: MediaPort,
    session: Arc<Mutex<Session>>,
}

impl PeerMedia {
    pub(crate) fn open(net: &Net, ip: std::net::IpAddr, tap: Tap, seed: u64) -> Result<Self, NetError> {
        let session = Arc::new(Mutex::new(Session {
            tap,
            local: None,
            remote: None,
            sending: false,
            law: Law::Mu,
            // random starts (RFC 3550 5.1), from the case's seed
            packetizer: Packetizer::new(0, (seed >> 32) as u32, (seed >> 16) as u16, seed as u32),
            fresh: true,
            playing: None,
        }));
        let port = net.open_media(ip, session.clone())?;
        session.lock().unwrap_or_else(PoisonError::into_inner).local = Some(port.local_addr());
        Ok(Self { port, session })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Session) -> T) -> T {
        work(&mut self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.port.local_addr()
    }

    pub(crate) fn health(&self) -> voxproof_net::MediaHealth {
        self.port.health()
    }

    /// What the session description agreed on.
    pub(crate) fn negotiate(&self, remote: Option<SocketAddr>, codec: Option<(u8, Law)>, sending: bool) {
        self.with(|session| {
            session.remote = remote;
            session.sending = sending && codec.is_some();
            if let Some((payload_type, law)) = codec {
                session.packetizer.payload_type = payload_type;
                session.law = law;
            }
        });
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.with(|session| session.sending && session.remote.is_some())
    }

    pub(crate) fn stop_sending(&self) {
        self.with(|session| session.sending = false);
    }

    /// Plays a signal from its beginning, repeated or cut to `samples`; returns the RTP timestamp of its first sample.
    pub(crate) fn play(&self, signal: Arc<[i16]>, samples: usize) -> u32 {
        self.with(|session| {
            session.playing = (!signal.is_empty()).then_some(Playing {
                samples: signal,
                position: 0,
                remaining: samples,
            });
            session.packetizer.timestamp
        })
    }
}
