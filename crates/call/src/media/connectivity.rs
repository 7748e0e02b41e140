//! Connectivity of a stream: ICE, lite or full (RFC 8445).

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_ice::{AgentOptions, Credentials, IceAgent, IceEvent, Mode, RemoteDescription, Role, Transmit};
use voxproof_record::TimelineEvent;
use voxproof_sip::IdSource;
use voxproof_sip::sdp::Description;

use crate::offer::Ice;

/// The ICE agent of a stream.
pub(super) struct Connectivity {
    agent: IceAgent,
    mode: Ice,
    /// What is to go out of the RTCP port, kept until its turn.
    for_rtcp: Vec<(SocketAddr, Vec<u8>)>,
    notes: Vec<(SocketAddr, &'static str, String)>,
}

/// Lines of a session description.
#[derive(Debug, Clone, Default)]
pub(crate) struct IceLines {
    pub(crate) session: Vec<String>,
    pub(crate) media: Vec<String>,
}

impl Connectivity {
    pub(super) fn new(
        mode: Ice,
        offering: bool,
        rtp: SocketAddr,
        rtcp: Option<SocketAddr>,
        seed: u64,
    ) -> Self {
        let mut random = [0; 32];
        let text = IdSource::new(seed).token(32);
        for (byte, value) in random.iter_mut().zip(text.into_bytes()) {
            *byte = value;
        }
        let (role, kind) = match mode {
            // a lite agent never controls a full one (RFC 8445 6.1.1)
            Ice::Lite => (Role::Controlled, Mode::Lite),
            Ice::Full if offering => (Role::Controlling, Mode::Full),
            Ice::Full => (Role::Controlled, Mode::Full),
        };
        let credentials = Credentials::from_random(&random);
        let mut agent = IceAgent::new(AgentOptions::new(role, kind, credentials, seed));
        agent.add_host(1, rtp);
        if let Some(rtcp) = rtcp {
            agent.add_host(2, rtcp);
        }
        Self {
            agent,
            mode,
            for_rtcp: vec![],
            notes: vec![],
        }
    }

    pub(super) const fn mode(&self) -> Ice {
        self.mode
    }

    pub(super) fn lines(&self) -> IceLines {
        let description = self.agent.local_description();
        IceLines {
            session: description.session_lines(),
            media: description.media_lines(),
        }
    }

    /// Takes the device's description; without ICE in it the stream goes on without.
    pub(super) fn agree(&mut self, now: Duration, remote: &Description) {
        let Some(audio) = remote.audio() else { return };
        let description = RemoteDescription::from_attributes(
            remote
                .attributes
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_deref())),
            audio
                .attributes
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_deref())),
        );
        if description.uses_ice() {
            // whoever has no credentials has no ICE: seen by uses_ice
            let _ = self.agent.set_remote(now, &description);
        }
    }

    /// Whether a STUN datagram was for this stream.
    pub(super) fn receive(&mut self, now: Duration, local: SocketAddr, source: SocketAddr, bytes: &[u8]) {
        self.agent.handle_datagram(now, local, source, bytes);
    }

    /// STUN messages for the RTP port; those for the RTCP port wait for [`Self::poll_rtcp`].
    pub(super) fn poll(&mut self, now: Duration, rtp: Option<SocketAddr>) -> Vec<(SocketAddr, Vec<u8>)> {
        if self.agent.poll_timeout().is_some_and(|at| at <= now) {
            self.agent.handle_timeout(now);
        }
        let mut out = vec![];
        while let Some(Transmit { local, remote, bytes }) = self.agent.poll_transmit() {
            if Some(local) == rtp {
                out.push((remote, bytes));
            } else {
                self.for_rtcp.push((remote, bytes));
            }
        }
        while let Some(event) = self.agent.poll_event() {
            let note = match event {
                IceEvent::Selected(pair) => Some((pair.remote, "opened by the lab", format!("{pair:?}"))),
                IceEvent::Failed { component } => {
                    rtp.map(|rtp| (rtp, "failed", format!("component {component} got no pair")))
                }
                IceEvent::ConsentExpired(pair) => Some((
                    pair.remote,
                    "closed",
                    "the device's consent expired (RFC 7675 5.1)".to_owned(),
                )),
                IceEvent::Finding(finding) => rtp.map(|rtp| {
                    (
                        rtp,
                        "finding",
                        format!("{} ({})", finding.message, finding.clause),
                    )
                }),
                _ => None,
            };
            self.notes.extend(note);
        }
        out
    }

    pub(super) fn poll_rtcp(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.for_rtcp)
    }

    /// Where media of a component goes, once a pair is selected.
    pub(super) fn selected(&self, component: u16) -> Option<SocketAddr> {
        self.agent.selected(component).map(|pair| pair.remote)
    }

    pub(super) fn take_notes(&mut self, local: SocketAddr) -> Vec<TimelineEvent> {
        std::mem::take(&mut self.notes)
            .into_iter()
            .map(|(remote, state, detail)| TimelineEvent::Connection {
                transport: "ICE".to_owned(),
                local,
                remote,
                state: state.to_owned(),
                detail,
                key_log: vec![],
            })
            .collect()
    }
}
