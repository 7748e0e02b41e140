//! The caller: places calls, holds them, releases them.

mod call;
mod render;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use voxproof_sip::{Message, Timers, Uri};

use crate::agenda::{Agenda, unhurried};
use crate::error::LoadError;
use crate::observer::Hooks;
use crate::options::CallerOptions;
use crate::reply::ReplyHead;
use crate::report::{FailureCause, LoadReport, Progress, Role};
use crate::run::{Agent, Core, Station};
use crate::text::{CallName, Peer, RunToken, literal_address, own_branch, parameter};
use call::{Call, Phase};
use render::Templates;

/// New calls a second when only a number at a time is asked for.
const RAMP: f64 = 500.0;
/// New calls in one turn of the loop; after a stall the rest follows in the next turns.
const MOST_STARTS: usize = 64;
/// Timer D is at least this, because the far end's T1 is unknown (RFC 3261 17.1.1.2).
const LINGER: Duration = Duration::from_secs(32);
/// How long an INVITE that nobody answered is waited for after a stop.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Places calls until all are done or `stop` is set; `progress` is called about once a second. Blocks.
///
/// # Errors
/// When the options contradict each other or the local address cannot be used. What the far end does is counted in the
/// report.
pub fn run_caller(
    options: CallerOptions,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<LoadReport, LoadError> {
    Caller::bind(options)?.run(&mut Hooks::new(stop, progress))
}

/// A caller whose sockets are open.
#[derive(Debug)]
pub struct Caller {
    options: CallerOptions,
    station: Station,
    agent: CallerAgent,
}

impl Caller {
    /// Opens the sockets.
    ///
    /// # Errors
    /// As [`run_caller`].
    pub fn bind(options: CallerOptions) -> Result<Self, LoadError> {
        let uri = Uri::parse(&options.target).map_err(|source| LoadError::Target {
            uri: options.target.clone(),
            source,
        })?;
        let destination = options
            .destination
            .or_else(|| literal_address(&uri))
            .ok_or_else(|| LoadError::NoDestination {
                uri: options.target.clone(),
            })?;
        let rate = options.rate.unwrap_or(RAMP);
        if !(rate > 0.0 && rate <= 1e6) {
            return Err(LoadError::Options(
                "the rate must be above 0 and at most 1,000,000 calls a second",
            ));
        }
        if options.rate.is_none() && options.concurrent.is_none() {
            return Err(LoadError::Options(
                "a rate or a number of calls at a time is needed",
            ));
        }
        if options.concurrent == Some(0) {
            return Err(LoadError::Options("at least one call at a time"));
        }
        let token = RunToken::new();
        let station = Station::bind(options.local, options.media.as_ref(), token.number)?;
        let local = station.local();
        let agent = CallerAgent {
            templates: Templates::new(&uri.to_request_uri(), local, &options.from_user, token),
            destination,
            interval: Duration::from_secs_f64(1.0 / rate),
            next_start: None,
            concurrent: options.concurrent.unwrap_or(usize::MAX),
            left: options.calls.unwrap_or(u64::MAX),
            hold: options.hold,
            ring_limit: options.ring_limit,
            timers: options.timers,
            calls: Vec::new(),
            free: Vec::new(),
            agenda: Agenda::default(),
            number: 0,
            active: 0,
            stopping: false,
        };
        Ok(Self {
            options,
            station,
            agent,
        })
    }

    /// The local SIP address.
    pub fn local_addr(&self) -> SocketAddr {
        self.station.local()
    }

    /// Places the calls. Blocks.
    ///
    /// # Errors
    /// When the operating system refuses what the loop cannot do without.
    pub fn run(mut self, hooks: &mut Hooks<'_>) -> Result<LoadReport, LoadError> {
        self.station.run(
            &mut self.agent,
            hooks,
            Role::Caller,
            &self.options.bounds,
            self.options.linger,
        )
    }
}

#[derive(Debug)]
struct CallerAgent {
    templates: Templates,
    destination: SocketAddr,
    interval: Duration,
    /// When the next call is due; `None` before the first.
    next_start: Option<Duration>,
    concurrent: usize,
    left: u64,
    hold: Duration,
    ring_limit: Duration,
    timers: Timers,
    calls: Vec<Call>,
    free: Vec<u32>,
    agenda: Agenda,
    number: u64,
    /// Calls that are not over.
    active: usize,
    stopping: bool,
}

impl Agent for CallerAgent {
    fn message(&mut self, at: Duration, source: SocketAddr, message: &Message, core: &mut Core) {
        if message.is_response() {
            self.response(at, message, core);
        } else if message.is_request() {
            self.request(source, message, core);
        } else {
            core.tally.stray += 1;
        }
    }

    fn turn(&mut self, core: &mut Core) {
        let now = core.clock.now();
        while let Some((at, place)) = self.agenda.pop_due(now) {
            let Some(call) = self.calls.get_mut(place as usize) else {
                continue;
            };
            if call.timers.came_up(at, now) {
                core.lag
                    .record(now.saturating_sub(call.timers.deadline().unwrap_or(now)));
                self.fire(now, place, core);
            }
            self.enter(place);
        }
        self.start_calls(core);
    }

    fn next(&mut self) -> Option<Duration> {
        let start = self.next_start.filter(|_| self.left > 0 && self.has_room());
        self.next_timer().into_iter().chain(start).min()
    }

    fn stop(&mut self, core: &mut Core) {
        self.stopping = true;
        self.left = 0;
        let now = core.clock.now();
        for place in 0..self.calls.len() as u32 {
            let Some(call) = self.calls.get_mut(place as usize) else {
                continue;
            };
            match call.phase {
                Phase::Calling => {
                    call.failure = Some(FailureCause::Stopped);
                    let ends = call.timers.ends.map(|ends| ends.min(now + STOP_WAIT));
                    call.timers.set(call.timers.again, ends);
                }
                Phase::Proceeding => self.cancel(now, place, FailureCause::Stopped, core),
                Phase::Established => self.release(now, place, core),
                _ => {}
            }
            self.enter(place);
        }
    }

    fn finished(&self, core: &Core) -> bool {
        self.left == 0 && core.tally.active == 0
    }
}

impl CallerAgent {
    fn has_room(&self) -> bool {
        self.active < self.concurrent
    }

    fn start_calls(&mut self, core: &mut Core) {
        for _ in 0..MOST_STARTS {
            if self.left == 0 {
                return;
            }
            let now = core.clock.now();
            let due = *self.next_start.get_or_insert(now);
            if !self.has_room() {
                // waiting for a free place is what was asked for, not lag
                self.next_start = Some(due.max(now));
                return;
            }
            if due > now {
                return;
            }
            core.lag.record(now - due);
            self.next_start = Some(due + self.interval);
            self.left -= 1;
            self.start(now, core);
        }
    }

    fn start(&mut self, now: Duration, core: &mut Core) {
        core.tally.began(now);
        let Ok(stream) = core.open_stream(now) else {
            core.tally.ports_refused += 1;
            core.tally.ended(now, Some(FailureCause::NoPort));
            return;
        };
        self.number += 1;
        self.active += 1;
        let mut call = Call::new(self.number, now, stream);
        call.timers.set(
            Some((now + self.timers.t1, self.timers.t1)),
            Some(now + self.give_up()),
        );
        let place = if let Some(place) = self.free.pop() {
            if let Some(free) = self.calls.get_mut(place as usize) {
                *free = call;
            }
            place
        } else {
            self.calls.push(call);
            (self.calls.len() - 1) as u32
        };
        self.invite(place, core);
        self.enter(place);
    }

    fn invite(&self, place: u32, core: &mut Core) {
        if let Some(call) = self.calls.get(place as usize) {
            core.describe(call.stream, None);
            self.templates
                .invite(call.name(place), &core.body, core.outbox.buffer());
            core.outbox.commit(self.destination);
        }
    }

    fn response(&mut self, at: Duration, message: &Message, core: &mut Core) {
        let Some((place, kind)) = self.place_of_response(message) else {
            core.tally.stray += 1;
            return;
        };
        let status = message.status().unwrap_or_default();
        match (kind, message.cseq_method()) {
            ('i', Some("INVITE")) => self.invite_response(at, place, status, message, core),
            ('i', Some("CANCEL")) => {
                // the INVITE's own final response is still to come (RFC 3261 9.1: within 64*T1)
                if let Some(call) = self.calls.get_mut(place as usize)
                    && call.phase == Phase::Cancelling
                    && status >= 200
                {
                    call.timers.set(None, call.timers.ends);
                }
            }
            ('b', Some("BYE")) => self.bye_response(at, place, status, core),
            _ => core.tally.stray += 1,
        }
        self.enter(place);
    }

    /// RFC 3261 17.1.3: the branch and the method; Call-ID must agree with them.
    fn place_of_response(&self, message: &Message) -> Option<(u32, char)> {
        let branch = own_branch(message)?;
        let kind = branch.chars().next()?;
        let name = branch.get(kind.len_utf8()..)?;
        if message.call_id()?.split('@').next() != Some(name) {
            return None;
        }
        Some((self.place_of(name)?, kind))
    }

    fn place_of(&self, name: &str) -> Option<u32> {
        let name = CallName::read(name, self.templates.token())?;
        let call = self.calls.get(name.place as usize)?;
        (call.number == name.number && call.phase != Phase::Free).then_some(name.place)
    }

    fn invite_response(&mut self, at: Duration, place: u32, status: u16, message: &Message, core: &mut Core) {
        let now = core.clock.now();
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        let pending = matches!(call.phase, Phase::Calling | Phase::Proceeding | Phase::Cancelling);
        match status {
            100..200 if pending => {
                if status > 100 && !call.rang {
                    call.rang = true;
                    core.tally.ringing.record(at.saturating_sub(call.began));
                }
                if call.phase == Phase::Calling {
                    call.phase = Phase::Proceeding;
                    call.timers.set(None, Some(call.began + self.ring_limit));
                    if let Some(cause) = call.failure {
                        self.cancel(now, place, cause, core);
                    }
                }
            }
            200..300 if pending => self.answered(at, now, place, message, core),
            200..300 => self.answered_again(place, message, core),
            300..700 if pending => {
                let to = message.header("to").unwrap_or_default();
                let cause = call.failure.unwrap_or(FailureCause::Status(status));
                call.rejected = Some(to.into());
                self.acknowledge_rejection(place, core);
                self.finish(now, place, Some(cause), core);
            }
            300..700 if call.rejected.is_some() => {
                core.tally.retransmissions_received += 1;
                self.acknowledge_rejection(place, core);
            }
            100..200 => {}
            _ => core.tally.stray += 1,
        }
    }

    fn answered(&mut self, at: Duration, now: Duration, place: u32, message: &Message, core: &mut Core) {
        let peer = self.peer_of(message);
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        core.tally.answered += 1;
        core.tally.setup.record(at.saturating_sub(call.began));
        let stopped = call.failure.is_some() || self.stopping;
        let name = call.name(place);
        call.phase = Phase::Established;
        call.timers.set(None, Some(now + self.hold));
        // a 2xx that crosses our CANCEL makes a call all the same (RFC 3261 9.1)
        call.failure = call.failure.filter(|cause| *cause == FailureCause::NoAnswer);
        self.templates.ack(name, &peer, core.outbox.buffer());
        core.outbox.commit(peer.destination);
        call.peer = Some(Box::new(peer));
        let mut release = stopped || self.hold.is_zero();
        if call.stream.is_some() {
            match core.read_description(message.body()) {
                Some(remote) => core.start_stream(now, call.stream, remote),
                None => {
                    call.failure = Some(FailureCause::Session);
                    release = true;
                }
            }
        }
        if release {
            self.release(now, place, core);
        }
    }

    /// A 2xx in a call that has one, or has given up: a retransmission is acknowledged again, another branch of a fork
    /// or a late answer is acknowledged and released (RFC 3261 13.2.2.4).
    fn answered_again(&self, place: u32, message: &Message, core: &mut Core) {
        let other = self.peer_of(message);
        let Some(call) = self.calls.get(place as usize) else {
            return;
        };
        let name = call.name(place);
        match &call.peer {
            Some(peer) if parameter(&peer.address, "tag") == parameter(&other.address, "tag") => {
                core.tally.retransmissions_received += 1;
                self.templates.ack(name, peer, core.outbox.buffer());
                core.outbox.commit(peer.destination);
            }
            _ => {
                core.tally.forked += 1;
                self.templates.ack(name, &other, core.outbox.buffer());
                core.outbox.commit(other.destination);
                self.templates.bye(name, &other, core.outbox.buffer());
                core.outbox.commit(other.destination);
            }
        }
    }

    fn peer_of(&self, message: &Message) -> Peer {
        let to = message.header("to").unwrap_or_default();
        Peer::of(message, to, self.templates.target(), true, self.destination)
    }

    fn acknowledge_rejection(&self, place: u32, core: &mut Core) {
        if let Some(call) = self.calls.get(place as usize)
            && let Some(to) = &call.rejected
        {
            self.templates
                .ack_rejection(call.name(place), to, core.outbox.buffer());
            core.outbox.commit(self.destination);
        }
    }

    fn bye_response(&mut self, at: Duration, place: u32, status: u16, core: &mut Core) {
        let now = core.clock.now();
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        if call.phase != Phase::Releasing {
            // timer K: a repeated response to BYE
            core.tally.retransmissions_received += 1;
            return;
        }
        match status {
            100..200 => {
                // Proceeding: timer E goes on at T2 (RFC 3261 17.1.2.2)
                call.timers
                    .set(Some((now + self.timers.t2, self.timers.t2)), call.timers.ends);
            }
            200..300 => {
                core.tally.release.record(at.saturating_sub(call.released));
                let failure = call.failure;
                self.finish(now, place, failure, core);
            }
            // both ends released at once: the far end no longer knows the dialog
            481 if call.by_peer => {
                let failure = call.failure;
                self.finish(now, place, failure, core);
            }
            _ => self.finish(now, place, Some(FailureCause::ByeStatus(status)), core),
        }
    }

    fn fire(&mut self, now: Duration, place: u32, core: &mut Core) {
        let (t1, t2) = (self.timers.t1, self.timers.t2);
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        if call.timers.ends.is_some_and(|ends| ends <= now) {
            match call.phase {
                Phase::Calling => {
                    let cause = call.failure.unwrap_or(FailureCause::Timeout);
                    self.finish(now, place, Some(cause), core);
                }
                Phase::Proceeding => self.cancel(now, place, FailureCause::NoAnswer, core),
                Phase::Cancelling => {
                    let cause = call.failure;
                    self.finish(now, place, cause, core);
                }
                Phase::Established => self.release(now, place, core),
                Phase::Releasing => self.finish(now, place, Some(FailureCause::ByeTimeout), core),
                Phase::Lingering => {
                    *call = Call::free();
                    self.free.push(place);
                }
                Phase::Free => {}
            }
            return;
        }
        let Some((_, interval)) = call.timers.again else {
            return;
        };
        core.tally.retransmissions_sent += 1;
        match call.phase {
            // timer A doubles without limit, E up to T2 (RFC 3261 17.1.1.2, 17.1.2.2)
            Phase::Calling => {
                call.timers.repeat(now, interval * 2);
                self.invite(place, core);
            }
            Phase::Releasing => {
                call.timers.repeat(now, (interval * 2).min(t2).max(t1));
                self.bye(place, core);
            }
            Phase::Cancelling => {
                call.timers.repeat(now, (interval * 2).min(t2).max(t1));
                self.send_cancel(place, core);
            }
            _ => call.timers.set(None, call.timers.ends),
        }
    }

    fn cancel(&mut self, now: Duration, place: u32, cause: FailureCause, core: &mut Core) {
        let (t1, give_up) = (self.timers.t1, self.give_up());
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        call.failure = Some(cause);
        call.phase = Phase::Cancelling;
        call.timers.set(Some((now + t1, t1)), Some(now + give_up));
        self.send_cancel(place, core);
    }

    fn send_cancel(&self, place: u32, core: &mut Core) {
        if let Some(call) = self.calls.get(place as usize) {
            self.templates.cancel(call.name(place), core.outbox.buffer());
            core.outbox.commit(self.destination);
        }
    }

    fn release(&mut self, now: Duration, place: u32, core: &mut Core) {
        let (t1, give_up) = (self.timers.t1, self.give_up());
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        call.phase = Phase::Releasing;
        call.released = now;
        call.timers.set(Some((now + t1, t1)), Some(now + give_up));
        core.stop_sending(call.stream);
        self.bye(place, core);
    }

    fn bye(&self, place: u32, core: &mut Core) {
        if let Some(call) = self.calls.get(place as usize)
            && let Some(peer) = &call.peer
        {
            self.templates.bye(call.name(place), peer, core.outbox.buffer());
            core.outbox.commit(peer.destination);
        }
    }

    /// The call is over; what is repeated is still answered for as long as the longest of timers D, K and M.
    fn finish(&mut self, now: Duration, place: u32, failure: Option<FailureCause>, core: &mut Core) {
        let linger = self.give_up().max(LINGER);
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        core.close_stream(now, call.stream.take());
        core.tally.ended(now, failure);
        if failure.is_none() && call.by_peer {
            core.tally.released_by_peer += 1;
        }
        self.active = self.active.saturating_sub(1);
        call.phase = Phase::Lingering;
        call.timers.set(None, Some(unhurried(now + linger)));
    }

    /// A request of the far end.
    fn request(&mut self, source: SocketAddr, message: &Message, core: &mut Core) {
        let method = message.method().unwrap_or_default();
        if method == "ACK" {
            return;
        }
        let name = message
            .call_id()
            .and_then(|id| id.split('@').next())
            .unwrap_or_default();
        let Some(place) = self.place_of(name) else {
            let in_dialog = message
                .header("to")
                .is_some_and(|to| parameter(to, "tag").is_some());
            let status = match method {
                "OPTIONS" if !in_dialog => 200,
                _ if in_dialog => 481,
                "INVITE" => 486,
                _ => 405,
            };
            ReplyHead::of(message, source, self.templates.token().text.as_bytes()).send(
                &mut core.outbox,
                status,
                None,
                &[],
            );
            return;
        };
        let now = core.clock.now();
        let head = ReplyHead::of(message, source, name.as_bytes());
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        match (method, call.phase) {
            ("BYE", Phase::Established) => {
                head.send(&mut core.outbox, 200, None, &[]);
                call.by_peer = true;
                let failure = call.failure;
                self.finish(now, place, failure, core);
                self.enter(place);
            }
            ("BYE", phase) => {
                call.by_peer = true;
                if phase == Phase::Lingering {
                    core.tally.retransmissions_received += 1;
                }
                head.send(&mut core.outbox, 200, None, &[]);
            }
            ("INVITE" | "UPDATE", Phase::Established) => {
                let stream = call.stream;
                let offer = message.is_sdp().then(|| core.read_description(message.body()));
                let status = if offer == Some(None) { 488 } else { 200 };
                let offer = offer.flatten();
                core.body.clear();
                if status == 200 && (offer.is_some() || method == "INVITE") {
                    core.describe(stream, offer.as_ref());
                }
                if let Some(remote) = offer {
                    core.start_stream(now, stream, remote);
                }
                let body = std::mem::take(&mut core.body);
                let contact = (status == 200).then(|| self.templates.contact());
                head.send(&mut core.outbox, status, contact, &body);
                core.body = body;
            }
            ("INVITE" | "UPDATE", _) => head.send(&mut core.outbox, 491, None, &[]),
            ("OPTIONS" | "INFO" | "NOTIFY" | "MESSAGE", _) => head.send(&mut core.outbox, 200, None, &[]),
            _ => head.send(&mut core.outbox, 405, None, &[]),
        }
    }

    /// The next deadline that stands.
    fn next_timer(&mut self) -> Option<Duration> {
        while let Some((at, place)) = self.agenda.first() {
            let call = self.calls.get_mut(place as usize);
            if call.is_some_and(|call| call.timers.stands(at)) {
                return Some(at);
            }
            self.agenda.drop_first();
            self.enter(place);
        }
        None
    }

    fn enter(&mut self, place: u32) {
        if let Some(call) = self.calls.get_mut(place as usize) {
            call.timers.enter(&mut self.agenda, place);
        }
    }

    /// 64*T1: timers B and F (RFC 3261 17.1.1.2, 17.1.2.2).
    const fn give_up(&self) -> Duration {
        self.timers.t1.saturating_mul(64)
    }
}
