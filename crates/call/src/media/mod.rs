//! The RTP streams of the lab's peers: what they play, how it is coded, protected and impaired, and what comes back.

mod agreement;
mod connectivity;
mod impaired;
mod security;
mod sequence;
mod session;
mod speech;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use voxproof_net::{MediaHealth, MediaPort, Net, NetError};
use voxproof_record::TimelineEvent;
use voxproof_rtp::dtmf::EventPlan;
use voxproof_rtp::impairment::ImpairmentSpec;
use voxproof_sip::sdp::{Description, SessionOffer};

use crate::offer::{MediaSecurity, OfferSpec};
use crate::tap::Tap;

pub(crate) use agreement::Agreement;
pub(crate) use connectivity::IceLines;
use security::Security;
use session::Session;
pub use speech::Signal;

/// A peer's RTP port.
pub(crate) struct PeerMedia {
    port: MediaPort,
    session: Arc<Mutex<Session>>,
}

impl PeerMedia {
    pub(crate) fn open(net: &Net, ip: IpAddr, tap: Tap, actor: &str, seed: u64) -> Result<Self, NetError> {
        let session = Arc::new(Mutex::new(Session::new(net.clock(), tap, actor, seed)));
        let port = net.open_media_pair(ip, session.clone())?;
        let rtcp = port.rtcp_addr();
        {
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            session.local = Some(port.local_addr());
            session.local_rtcp = rtcp;
        }
        Ok(Self { port, session })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Session) -> T) -> T {
        work(&mut self.session.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.port.local_addr()
    }

    pub(crate) fn health(&self) -> MediaHealth {
        self.port.health()
    }

    /// What the peer's description says of keys and fingerprints; new ones where it has none yet, or is to have others.
    pub(crate) fn secure(&self, spec: &OfferSpec, renew: bool) -> (MediaSecurity, Vec<String>) {
        self.with(|session| {
            if renew || !session.security.fits(spec) {
                session.security = Security::new(spec, session.seed ^ session.generation);
                session.generation += 1;
            }
            (session.security.kind(), session.security.attributes())
        })
    }

    /// What the peer's description says of ICE; the agent stays the same over changes of the session.
    pub(crate) fn connect(&self, spec: &OfferSpec, offering: bool) -> IceLines {
        self.with(|session| session.connect(spec, offering))
    }

    /// Takes an offer's protection over for the answer; false when it cannot be answered.
    pub(crate) fn secure_like(
        &self,
        offer: &Description,
        spec: &OfferSpec,
    ) -> Option<(MediaSecurity, Vec<String>)> {
        self.with(|session| {
            let seed = session.seed ^ session.generation;
            session.generation += 1;
            session.security = Security::answering(offer, spec, seed)?;
            Some((session.security.kind(), session.security.attributes()))
        })
    }

    /// Goes by what was agreed on from now on.
    pub(crate) fn negotiate(&self, local: &SessionOffer, remote: &Description, agreement: Agreement) {
        self.with(|session| session.negotiate(local, remote, agreement));
    }

    pub(crate) fn is_sending(&self) -> bool {
        self.with(|session| session.is_sending())
    }

    pub(crate) fn stop_sending(&self) {
        self.with(Session::end);
    }

    /// Samples a second of what it plays, Hz.
    pub(crate) fn sample_rate(&self) -> u32 {
        self.with(|session| session.sample_rate())
    }

    /// Plays a signal from its beginning, repeated or cut; returns the RTP timestamp of its first sample, how many
    /// samples that is and their rate.
    pub(crate) fn play(&self, signal: &Signal, length: Duration) -> (u32, u64, u32) {
        self.with(|session| session.play(signal, length))
    }

    /// Clock rate in Hz of the telephone-events that were agreed on.
    pub(crate) fn event_clock(&self) -> Option<u32> {
        self.with(|session| session.event_clock())
    }

    /// Sends telephone-events, each after a pause; false when none were agreed on.
    pub(crate) fn send_events(&self, plans: Vec<(Duration, EventPlan)>) -> bool {
        self.with(|session| session.send_events(plans))
    }

    /// Whether the device's sequence numbers have started over.
    pub(crate) fn rolled_over(&self) -> bool {
        self.with(|session| session.sequence.rolled_over)
    }

    pub(crate) fn echo(&self, on: bool) {
        self.with(|session| session.echo(on));
    }

    /// A bad network in front of the device, or behind it; `None` ends it.
    pub(crate) fn impair(&self, to_device: bool, spec: Option<(ImpairmentSpec, u64)>) {
        self.with(|session| session.impair(to_device, spec));
    }

    /// What happened on the stream since the last time, for the timeline.
    pub(crate) fn take_notes(&self) -> Vec<(Duration, TimelineEvent)> {
        self.with(Session::take_notes)
    }

    /// Sends octets from the RTP port to where the device receives, as they are.
    pub(crate) fn send_bytes(&self, bytes: Vec<u8>) {
        self.with(|session| session.send_bytes(bytes));
    }
}
