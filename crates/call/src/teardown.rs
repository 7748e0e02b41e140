//! Beginning and ending a case: nothing of one case reaches into the next.

use std::time::Duration;

use voxproof_record::{CapturedPacket, Timeline, TimelineEvent};
use voxproof_sip::{Timers, Transactions};

use crate::media::PeerMedia;
use crate::outgoing::RequestOptions;
use crate::peer::{Call, CallState};
use crate::registrar::RegistrarBehaviour;
use crate::station::Station;
use crate::trap::Traps;

/// A device gets this long to answer while a case is cleaned up.
const CLEAN_UP: Duration = Duration::from_millis(1000);
/// RTP still on its way when a call ends.
const RTP_GRACE: Duration = Duration::from_millis(300);
/// The device has to be silent for this long.
const SILENCE: Duration = Duration::from_millis(120);

/// What a case left.
#[derive(Debug, Clone)]
pub struct CaseCapture {
    /// Every datagram.
    pub packets: Vec<CapturedPacket>,
    /// What the lab did.
    pub timeline: Timeline,
    /// The device was idle, answering and silent afterwards.
    pub fit: bool,
}

impl Station {
    /// Begins a case: an empty capture, an ordinary registrar.
    pub fn begin_case(&mut self) {
        self.tap.take();
        self.take_timeline();
        self.log.clear();
        self.credentials.clear();
        self.calls.clear();
        self.outgoing.clear();
        self.began = self.now();
        self.loop_lag = Duration::ZERO;
        self.media_lag = Duration::ZERO;
        self.media_drops = 0;
        self.socket_drops_before = self.wire.socket_drops();
        self.registrar.behave(RegistrarBehaviour::default());
        self.traps = Traps::default();
        self.scripts.clear();
        self.notifiers.clear();
        self.guards.clear();
        self.forget_notes_of_control();
        self.pongs = true;
        self.raw_invites.clear();
        let unix_ns = self.clock().unix_epoch().as_nanos() as u64;
        let virtual_time = self.net.is_virtual();
        self.note_at(
            Duration::ZERO,
            TimelineEvent::Epoch {
                unix_ns,
                virtual_time,
            },
        );
    }

    /// Ends what still runs, looks whether the device is fit for the next case, and hands over the evidence.
    pub async fn end_case(&mut self, check_fitness: bool) -> CaseCapture {
        // nothing stands in the way of cleaning up
        self.traps = Traps::default();
        self.scripts.clear();
        self.hang_up().await;
        let mut problems = vec![];
        if check_fitness {
            problems = self.fitness().await;
            let reason = problems.join("; ");
            self.note(TimelineEvent::PostCondition {
                fit: problems.is_empty(),
                reason,
            });
        }
        self.note_streams();
        self.note_health();
        let event = TimelineEvent::Device {
            contact: self.device().ok().map(|(_, hop)| hop.address),
            server: self.config.server,
            username: self.config.username.clone(),
            credentials: self.credentials.clone(),
        };
        self.note(event);
        // the ports are closed first, so that no thread writes into the capture of the next case
        self.calls.clear();
        self.outgoing.clear();
        self.transactions = Transactions::new(Timers::default());
        CaseCapture {
            packets: self.tap.take(),
            timeline: self.take_timeline(),
            fit: problems.is_empty(),
        }
    }

    async fn hang_up(&mut self) {
        let mut byes = vec![];
        let running: Vec<(String, CallState)> = self
            .calls
            .iter()
            .map(|call| (call.actor.clone(), call.state))
            .collect();
        for (actor, state) in running {
            match state {
                CallState::Established => {
                    // a call that was never acknowledged is acknowledged before it is ended (RFC 3261 15)
                    let _ = self.acknowledge(&actor);
                    byes.extend(self.bye(&actor).ok());
                }
                CallState::Inviting => byes.extend(self.cancel(&actor).ok()),
                CallState::Offered => {
                    let _ = self.reject(&actor, 480);
                }
                CallState::Ended => {}
            }
        }
        if !byes.is_empty() {
            let until = self.now() + CLEAN_UP;
            self.pump(until, |station| {
                byes.iter().all(|bye| station.answer_to(*bye).is_some())
            })
            .await;
        }
    }

    /// What is wrong with the device after a case.
    async fn fitness(&mut self) -> Vec<String> {
        let mut problems = vec![];
        if self.device().is_err() {
            problems.push("it is not registered".to_owned());
        } else {
            let options = RequestOptions {
                method: "OPTIONS".to_owned(),
                ..RequestOptions::default()
            };
            if let Ok(probe) = self.request("server", options) {
                let until = self.now() + CLEAN_UP;
                if !self
                    .pump(until, |station| station.answer_to(probe).is_some())
                    .await
                {
                    problems.push("it does not answer OPTIONS".to_owned());
                }
            }
        }
        let ports: Vec<_> = self.calls.iter().flat_map(|call| call.rtp_addresses()).collect();
        if !ports.is_empty() {
            let until = self.now() + RTP_GRACE;
            self.pump(until, |_| false).await;
            let now = self.now();
            if self
                .tap
                .last_inbound(&ports)
                .is_some_and(|last| last + SILENCE > now)
            {
                problems.push("it still sends RTP after its call ended".to_owned());
            }
        }
        problems
    }

    /// Takes over what happened on the streams.
    fn note_streams(&mut self) {
        let notes: Vec<_> = self.calls.iter().flat_map(Call::take_notes).collect();
        for (at, note) in notes {
            self.note_at(at, note);
        }
    }

    fn note_health(&mut self) {
        for media in self
            .calls
            .iter()
            .flat_map(|call| call.media.iter().chain(&call.former_media))
        {
            let health = PeerMedia::health(media);
            self.media_lag = self.media_lag.max(health.max_send_lag);
            self.media_drops += health.socket_drops + health.send_errors;
        }
        let drops = self.wire.socket_drops().saturating_sub(self.socket_drops_before) + self.media_drops;
        let event = TimelineEvent::Health {
            send_lag: self.media_lag.as_nanos() as u64,
            loop_lag: self.loop_lag.as_nanos() as u64,
            host_lag: self.net.host_lag_since(self.began).as_nanos() as u64,
            socket_drops: drops,
        };
        self.note(event);
    }
}
