//! The callee: answers calls and releases them when asked to.

mod call;
mod render;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use voxproof_sip::{Message, Timers};

use crate::agenda::{Agenda, unhurried};
use crate::error::LoadError;
use crate::observer::Hooks;
use crate::options::{Answer, CalleeOptions};
use crate::reply::ReplyHead;
use crate::report::{FailureCause, LoadReport, Progress, Role};
use crate::run::{Agent, Core, Station};
use crate::text::{CallName, Peer, RunToken, own_branch, parameter};
use call::{Call, Phase};

/// Answers calls until the wanted number is done or `stop` is set; `progress` is called about once a second. Blocks.
///
/// # Errors
/// When the options contradict each other or the local address cannot be used. What the far end does is counted in the
/// report.
pub fn run_callee(
    options: CalleeOptions,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<LoadReport, LoadError> {
    Callee::bind(options)?.run(&mut Hooks::new(stop, progress))
}

/// A callee whose sockets are open.
#[derive(Debug)]
pub struct Callee {
    options: CalleeOptions,
    station: Station,
    agent: CalleeAgent,
}

impl Callee {
    /// Opens the sockets.
    ///
    /// # Errors
    /// As [`run_callee`].
    pub fn bind(options: CalleeOptions) -> Result<Self, LoadError> {
        if let Answer::Reject(status) = options.answer
            && !(300..700).contains(&status)
        {
            return Err(LoadError::Options(
                "a call is rejected with a status of 300 to 699",
            ));
        }
        let token = RunToken::new();
        let station = Station::bind(options.local, options.media.as_ref(), token.number)?;
        let local = station.local();
        let agent = CalleeAgent {
            contact: format!("sip:voxproof@{local}"),
            local,
            token,
            answer: options.answer,
            ring: options.ring,
            hold: options.hold,
            concurrent: options.concurrent.unwrap_or(usize::MAX),
            left: options.calls.unwrap_or(u64::MAX),
            timers: options.timers,
            calls: Vec::new(),
            free: Vec::new(),
            keys: HashMap::new(),
            agenda: Agenda::default(),
            number: 0,
            name: Vec::new(),
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

    /// Answers calls. Blocks.
    ///
    /// # Errors
    /// When the operating system refuses what the loop cannot do without.
    pub fn run(mut self, hooks: &mut Hooks<'_>) -> Result<LoadReport, LoadError> {
        self.station.run(
            &mut self.agent,
            hooks,
            Role::Callee,
            &self.options.bounds,
            self.options.linger,
        )
    }
}

#[derive(Debug)]
struct CalleeAgent {
    contact: String,
    local: SocketAddr,
    token: RunToken,
    answer: Answer,
    ring: Duration,
    hold: Option<Duration>,
    concurrent: usize,
    left: u64,
    timers: Timers,
    calls: Vec<Call>,
    free: Vec<u32>,
    /// INVITE transactions by what RFC 3261 17.2.3 matches on. Requests in a dialog carry our tag, which names the place.
    keys: HashMap<Box<str>, u32>,
    agenda: Agenda,
    number: u64,
    /// Room for a tag.
    name: Vec<u8>,
    stopping: bool,
}

impl Agent for CalleeAgent {
    fn message(&mut self, at: Duration, source: SocketAddr, message: &Message, core: &mut Core) {
        if message.is_response() {
            self.response(at, message, core);
        } else if message.is_request() {
            self.request(at, source, message, core);
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
    }

    fn next(&mut self) -> Option<Duration> {
        self.next_timer()
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
                Phase::Ringing => {
                    call.failure = Some(FailureCause::Stopped);
                    self.reject(now, place, 480, core);
                }
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

impl CalleeAgent {
    fn request(&mut self, at: Duration, source: SocketAddr, message: &Message, core: &mut Core) {
        let method = message.method().unwrap_or_default();
        let tag = message.header("to").and_then(|to| parameter(to, "tag"));
        let place = match tag {
            Some(tag) => self.place_of(tag),
            None => transaction_key(message).and_then(|key| self.keys.get(&*key).copied()),
        };
        match (method, place) {
            ("ACK", Some(place)) => self.acknowledged(at, place, message, core),
            ("ACK", None) => core.tally.stray += 1,
            ("INVITE", Some(place)) => self.invite_again(source, place, message, core),
            ("INVITE", None) if tag.is_none() => self.invite(source, message, core),
            ("CANCEL", Some(place)) => self.cancel(source, place, message, core),
            ("BYE", Some(place)) => self.bye(source, place, message, core),
            ("UPDATE", Some(place)) => self.update(source, place, message, core),
            ("OPTIONS", _) if tag.is_none() => self.reply(source, message, 200, core),
            ("OPTIONS" | "INFO" | "NOTIFY" | "MESSAGE", Some(_)) => self.reply(source, message, 200, core),
            (_, None) if tag.is_some() || method == "CANCEL" => self.reply(source, message, 481, core),
            _ => self.reply(source, message, 405, core),
        }
        if let Some(place) = place {
            self.enter(place);
        }
    }

    fn place_of(&self, tag: &str) -> Option<u32> {
        let name = CallName::read(tag, &self.token)?;
        let call = self.calls.get(name.place as usize)?;
        (call.number == name.number && call.phase != Phase::Free).then_some(name.place)
    }

    fn reply(&self, source: SocketAddr, message: &Message, status: u16, core: &mut Core) {
        ReplyHead::of(message, source, self.token.text.as_bytes()).send(&mut core.outbox, status, None, &[]);
    }

    /// A new call.
    fn invite(&mut self, source: SocketAddr, message: &Message, core: &mut Core) {
        let (Some(key), Some(call_id), Some(from), Some(to), Some(cseq)) = (
            transaction_key(message),
            message.call_id(),
            message.header("from"),
            message.header("to"),
            message.cseq(),
        ) else {
            self.reply(source, message, 400, core);
            return;
        };
        if self.stopping || self.left == 0 {
            self.reply(source, message, 503, core);
            return;
        }
        if core.tally.active >= self.concurrent as u64 {
            self.reply(source, message, 486, core);
            return;
        }
        let now = core.clock.now();
        self.left -= 1;
        core.tally.began(now);
        self.number += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.calls.push(Call::free());
            (self.calls.len() - 1) as u32
        });
        let name = CallName {
            place,
            number: self.number,
        };
        self.name.clear();
        name.write(&self.token, &mut self.name);
        let head = ReplyHead::of(message, source, &self.name);
        let tag = String::from_utf8_lossy(&self.name);
        let offered = message.is_sdp().then(|| core.read_description(message.body()));
        let mut call = Call {
            number: self.number,
            phase: Phase::Ringing,
            cseq: cseq.number,
            key: key.as_str().into(),
            local: format!("{to};tag={tag}").into(),
            call_id: call_id.into(),
            remote: offered.flatten(),
            peer: Some(Box::new(Peer::of(
                message,
                from,
                "sip:unknown@invalid",
                false,
                source,
            ))),
            ..Call::free()
        };
        let mut refusal = None;
        if offered == Some(None) {
            call.failure = Some(FailureCause::Session);
            refusal = Some(488);
        } else {
            match core.open_stream(now) {
                Ok(stream) => call.stream = stream,
                Err(_) => {
                    core.tally.ports_refused += 1;
                    call.failure = Some(FailureCause::NoPort);
                    refusal = Some(500);
                }
            }
        }
        if refusal.is_none() {
            head.send(&mut core.outbox, 180, Some(&self.contact), &[]);
        }
        call.head = Some(Box::new(head));
        call.timers.set(None, Some(now + self.ring));
        if let Some(free) = self.calls.get_mut(place as usize) {
            *free = call;
        }
        self.keys.insert(key.into(), place);
        match refusal {
            Some(status) => self.reject(now, place, status, core),
            None if self.ring.is_zero() => self.final_response(now, place, core),
            None => {}
        }
        self.enter(place);
    }

    /// An INVITE of a call that is known: the same one again, or a re-INVITE (RFC 3261 14.2).
    fn invite_again(&mut self, source: SocketAddr, place: u32, message: &Message, core: &mut Core) {
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        let number = message.cseq().map_or(0, |cseq| cseq.number);
        if number <= call.cseq {
            core.tally.retransmissions_received += 1;
            match (&call.last, &call.head, call.phase) {
                (Some(last), Some(head), _) => core.outbox.push(last, head.destination),
                (None, Some(head), Phase::Ringing) => {
                    head.send(&mut core.outbox, 180, Some(&self.contact), &[]);
                }
                _ => {}
            }
            return;
        }
        let head = ReplyHead::of(message, source, &[]);
        if call.phase != Phase::Established {
            let status = if call.phase == Phase::Lingering { 481 } else { 491 };
            head.send(&mut core.outbox, status, None, &[]);
            return;
        }
        let offer = message.is_sdp().then(|| core.read_description(message.body()));
        if offer == Some(None) {
            head.send(&mut core.outbox, 488, None, &[]);
            return;
        }
        let now = core.clock.now();
        call.cseq = number;
        call.remote = offer.flatten();
        call.head = Some(Box::new(head));
        self.accept(now, place, core);
    }

    /// The time of ringing is over.
    fn final_response(&mut self, now: Duration, place: u32, core: &mut Core) {
        match self.answer {
            Answer::Accept => self.accept(now, place, core),
            Answer::Reject(status) => {
                if let Some(call) = self.calls.get_mut(place as usize) {
                    call.failure = Some(FailureCause::Status(status));
                }
                self.reject(now, place, status, core);
            }
        }
    }

    fn accept(&mut self, now: Duration, place: u32, core: &mut Core) {
        let (t1, give_up) = (self.timers.t1, self.give_up());
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        let Some(head) = &call.head else { return };
        core.describe(call.stream, call.remote.as_ref());
        head.send(&mut core.outbox, 200, Some(&self.contact), &core.body);
        call.last = Some(core.outbox.last().into());
        call.sent = now;
        call.phase = Phase::Answered;
        call.timers.set(Some((now + t1, t1)), Some(now + give_up));
    }

    fn reject(&mut self, now: Duration, place: u32, status: u16, core: &mut Core) {
        let (t1, give_up) = (self.timers.t1, self.give_up());
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        let Some(head) = &call.head else { return };
        head.send(&mut core.outbox, status, None, &[]);
        call.last = Some(core.outbox.last().into());
        call.phase = Phase::Rejected;
        call.timers.set(Some((now + t1, t1)), Some(now + give_up));
    }

    fn acknowledged(&mut self, at: Duration, place: u32, message: &Message, core: &mut Core) {
        let now = core.clock.now();
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        match call.phase {
            Phase::Answered => {
                call.phase = Phase::Established;
                call.last = None;
                call.head = None;
                // without an offer in the INVITE the answer is here (RFC 3261 13.2.1)
                let remote = call.remote.or_else(|| core.read_description(message.body()));
                if !std::mem::replace(&mut call.counted, true) {
                    core.tally.answered += 1;
                    core.tally.setup.record(at.saturating_sub(call.sent));
                }
                call.timers.set(None, self.hold.map(|hold| now + hold));
                match remote {
                    Some(remote) => core.start_stream(now, call.stream, remote),
                    None if call.stream.is_some() => call.failure = Some(FailureCause::Session),
                    None => {}
                }
                if self.stopping || call.failure.is_some() || self.hold.is_some_and(|hold| hold.is_zero()) {
                    self.release(now, place, core);
                }
            }
            Phase::Rejected => {
                call.last = None;
                let cause = call.failure;
                self.finish(now, place, cause, core);
            }
            _ => core.tally.retransmissions_received += 1,
        }
    }

    fn cancel(&mut self, source: SocketAddr, place: u32, message: &Message, core: &mut Core) {
        self.name.clear();
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        call.name(place).write(&self.token, &mut self.name);
        ReplyHead::of(message, source, &self.name).send(&mut core.outbox, 200, None, &[]);
        if call.phase == Phase::Ringing {
            call.failure = Some(FailureCause::Cancelled);
            self.reject(core.clock.now(), place, 487, core);
        }
    }

    fn bye(&mut self, source: SocketAddr, place: u32, message: &Message, core: &mut Core) {
        let now = core.clock.now();
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        ReplyHead::of(message, source, &[]).send(&mut core.outbox, 200, None, &[]);
        match call.phase {
            // a BYE that overtook its ACK, or whose ACK was lost, ends the call all the same
            Phase::Answered | Phase::Established => {
                if call.phase == Phase::Answered && !std::mem::replace(&mut call.counted, true) {
                    core.tally.answered += 1;
                }
                call.by_peer = true;
                call.last = None;
                let failure = call.failure;
                self.finish(now, place, failure, core);
            }
            Phase::Lingering => core.tally.retransmissions_received += 1,
            _ => call.by_peer = true,
        }
    }

    fn update(&self, source: SocketAddr, place: u32, message: &Message, core: &mut Core) {
        let Some(call) = self.calls.get(place as usize) else {
            return;
        };
        let stream = call.stream;
        let head = ReplyHead::of(message, source, &[]);
        let offer = message.is_sdp().then(|| core.read_description(message.body()));
        match (call.phase, offer) {
            (Phase::Established, Some(Some(remote))) => {
                core.describe(stream, Some(&remote));
                let body = std::mem::take(&mut core.body);
                head.send(&mut core.outbox, 200, Some(&self.contact), &body);
                core.body = body;
                core.start_stream(core.clock.now(), stream, remote);
            }
            (Phase::Established, None) => head.send(&mut core.outbox, 200, Some(&self.contact), &[]),
            (Phase::Established, Some(None)) => head.send(&mut core.outbox, 488, None, &[]),
            _ => head.send(&mut core.outbox, 491, None, &[]),
        }
    }

    /// A response to our BYE.
    fn response(&mut self, at: Duration, message: &Message, core: &mut Core) {
        let status = message.status().unwrap_or_default();
        let place = own_branch(message)
            .and_then(|branch| branch.strip_prefix('b'))
            .and_then(|name| self.place_of(name))
            .filter(|_| message.cseq_method() == Some("BYE"));
        let Some(place) = place else {
            core.tally.stray += 1;
            return;
        };
        let now = core.clock.now();
        let t2 = self.timers.t2;
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        match status {
            _ if call.phase != Phase::Releasing => core.tally.retransmissions_received += 1,
            100..200 => call.timers.set(Some((now + t2, t2)), call.timers.ends),
            200..300 => {
                core.tally.release.record(at.saturating_sub(call.sent));
                let failure = call.failure;
                self.finish(now, place, failure, core);
            }
            481 if call.by_peer => {
                let failure = call.failure;
                self.finish(now, place, failure, core);
            }
            _ => self.finish(now, place, Some(FailureCause::ByeStatus(status)), core),
        }
        self.enter(place);
    }

    fn fire(&mut self, now: Duration, place: u32, core: &mut Core) {
        let t2 = self.timers.t2;
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        if call.timers.ends.is_some_and(|ends| ends <= now) {
            match call.phase {
                Phase::Ringing => self.final_response(now, place, core),
                // nobody acknowledges the 2xx: the session is to be ended (RFC 3261 13.3.1.4)
                Phase::Answered => {
                    call.failure = Some(FailureCause::Timeout);
                    self.release(now, place, core);
                }
                Phase::Established => self.release(now, place, core),
                Phase::Releasing => self.finish(now, place, Some(FailureCause::ByeTimeout), core),
                Phase::Rejected => {
                    let cause = call.failure;
                    self.finish(now, place, cause, core);
                }
                Phase::Lingering => {
                    self.keys.remove(&call.key);
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
        call.timers.repeat(now, (interval * 2).min(t2).max(interval));
        core.tally.retransmissions_sent += 1;
        match (call.phase, &call.last, &call.head) {
            (Phase::Answered | Phase::Rejected, Some(last), Some(head)) => {
                core.outbox.push(last, head.destination);
            }
            (Phase::Releasing, ..) => self.send_bye(place, core),
            _ => {}
        }
    }

    fn release(&mut self, now: Duration, place: u32, core: &mut Core) {
        let (t1, give_up) = (self.timers.t1, self.give_up());
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        call.phase = Phase::Releasing;
        call.sent = now;
        call.last = None;
        call.timers.set(Some((now + t1, t1)), Some(now + give_up));
        core.stop_sending(call.stream);
        self.send_bye(place, core);
    }

    fn send_bye(&self, place: u32, core: &mut Core) {
        if let Some(call) = self.calls.get(place as usize)
            && let Some(peer) = &call.peer
        {
            render::bye(
                call,
                peer,
                self.local,
                call.name(place),
                &self.token,
                core.outbox.buffer(),
            );
            core.outbox.commit(peer.destination);
        }
    }

    /// The call is over; repeated requests are still known for 64*T1 (timers I, J and L).
    fn finish(&mut self, now: Duration, place: u32, failure: Option<FailureCause>, core: &mut Core) {
        let linger = self.give_up();
        let Some(call) = self.calls.get_mut(place as usize) else {
            return;
        };
        core.close_stream(now, call.stream.take());
        core.tally.ended(now, failure);
        if failure.is_none() && call.by_peer {
            core.tally.released_by_peer += 1;
        }
        call.phase = Phase::Lingering;
        call.peer = None;
        call.head = None;
        call.last = None;
        call.timers.set(None, Some(unhurried(now + linger)));
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

    /// 64*T1.
    const fn give_up(&self) -> Duration {
        self.timers.t1.saturating_mul(64)
    }
}

/// What an INVITE, its retransmissions, its CANCEL and the ACK to its rejection have in common: branch and sent-by
/// (RFC 3261 17.2.3); before RFC 3261, Call-ID, From tag and CSeq number.
fn transaction_key(message: &Message) -> Option<String> {
    let via = message.top_via()?;
    match via.branch() {
        Some(branch) if branch.starts_with("z9hG4bK") => Some(format!("{branch} {}", via.sent_by())),
        _ => {
            let from = message.header("from")?;
            let tag = parameter(from, "tag").unwrap_or_default();
            Some(format!("{} {tag} {}", message.call_id()?, message.cseq()?.number))
        }
    }
}
