//! Driving a case: its steps one after the other, every one noted on the timeline.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use voxproof_call::{CallError, Requested, Station};
use voxproof_device::{Device, DeviceError};
use voxproof_judge::matches_await;
use voxproof_record::{Phase, StepOutcome, TimelineEvent};
use voxproof_services::Services;
use voxproof_spec::{
    Await, CallStep, Case, DeviceAction, Located, MediaProfile, PlayStep, ReceiveCall, Step,
};

use crate::control::{Requests, serve};
use crate::interrupt::Interrupt;
use crate::services::Account;
use crate::signals::Signals;
use crate::steps;

/// The device gets this long to acknowledge an answer of the lab.
const ACK: Duration = Duration::from_secs(2);
/// How long a stream is watched after its sequence numbers have started over.
const AFTER_ROLLOVER: Duration = Duration::from_secs(2);
/// A driver that takes longer than this is not going to come back.
const DRIVER: Duration = Duration::from_secs(600);

/// How driving a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driven {
    /// To its end, or to the step that did not go on.
    Finished,
    /// Stopped from outside after a step.
    Stopped,
    /// Stopped from outside in the middle of a step.
    Aborted,
}

/// Told of every step.
pub(crate) trait StepListener: Send {
    fn started(&mut self, step: &str);
    /// Writes the end of the step to disk; what is returned resolves when that is done.
    fn ended(&mut self, step: String, outcome: &StepOutcome) -> Option<tokio::task::JoinHandle<()>>;
}

pub(crate) struct Drive<'a> {
    pub(crate) station: &'a mut Station,
    pub(crate) device: &'a mut dyn Device,
    /// What the device's drivers want sent to it.
    pub(crate) requests: &'a mut Requests,
    pub(crate) signals: &'a Signals,
    /// Files that steps send.
    pub(crate) files: &'a BTreeMap<String, Arc<[u8]>>,
    /// What the device's media are set to, and so what peers offer.
    pub(crate) media: &'a MediaProfile,
    pub(crate) services: &'a mut Services,
    pub(crate) account: &'a Account,
    pub(crate) case: &'a Case,
    pub(crate) interrupt: &'a Interrupt,
    /// End and packet number (none for an interval) of each mark.
    pub(crate) marks: BTreeMap<String, (Duration, Option<u32>)>,
    /// The device was told to stop and is not running any more.
    pub(crate) stopped_device: bool,
}

impl Drive<'_> {
    pub(crate) async fn run(&mut self, listener: &mut dyn StepListener) -> Driven {
        let case = self.case;
        let mut driven = Driven::Finished;
        'phases: for (phase, steps) in [(Phase::Setup, &case.setup), (Phase::Step, &case.step)] {
            for (index, step) in steps.iter().enumerate() {
                if self.interrupt.presses() > 0 {
                    driven = Driven::Stopped;
                    break 'phases;
                }
                match self.one(phase, index, step, listener).await {
                    StepOutcome::Done => {}
                    StepOutcome::Aborted => return Driven::Aborted,
                    _ => break 'phases,
                }
            }
        }
        for (index, step) in case.teardown.iter().enumerate() {
            if self.one(Phase::Teardown, index, step, listener).await == StepOutcome::Aborted {
                return Driven::Aborted;
            }
        }
        driven
    }

    async fn one(
        &mut self,
        phase: Phase,
        index: usize,
        step: &Step,
        listener: &mut dyn StepListener,
    ) -> StepOutcome {
        let index = index as u32;
        listener.started(&steps::describe(step));
        self.station.note(TimelineEvent::StepStarted {
            phase,
            index,
            name: step.name().to_owned(),
        });
        let interrupt = self.interrupt.clone();
        let outcome = tokio::select! {
            biased;
            () = interrupt.aborted() => StepOutcome::Aborted,
            outcome = self.step(step) => outcome,
        };
        self.station.note(TimelineEvent::StepEnded {
            phase,
            index,
            outcome: outcome.clone(),
        });
        // the journal line is on disk before the next step starts; the lab keeps answering meanwhile
        let mut told = steps::describe(step);
        if let (Step::Device(_), Some(driver)) = (step, self.device.carried_out_by()) {
            told = format!("{told}, by {driver}");
        }
        if let Some(written) = listener.ended(told, &outcome) {
            let _ = self.station.pump_while(written).await;
        }
        outcome
    }

    fn mark(&mut self, name: Option<&Located<String>>, at: Duration, packet: Option<u32>) {
        if let Some(name) = name {
            self.marks.insert(name.to_string(), (at, packet));
            self.station.note_at(
                at,
                TimelineEvent::Mark {
                    name: name.to_string(),
                    end: None,
                    packet,
                },
            );
        }
    }

    pub(crate) fn mark_packet(&mut self, name: Option<&Located<String>>, packet: u32) {
        if packet == 0 {
            // held or lost on purpose: there is no message to mark
            return;
        }
        let at = self
            .station
            .seen(packet)
            .map_or_else(|| self.station.now(), |seen| seen.at);
        self.mark(name, at, Some(packet));
    }

    /// Marks a moment that no message belongs to.
    pub(crate) fn mark_moment(&mut self, name: Option<&Located<String>>, at: Duration) {
        self.mark(name, at, None);
    }

    pub(crate) fn mark_interval(&mut self, name: Option<&Located<String>>, from: Duration, to: Duration) {
        if let Some(name) = name {
            self.marks.insert(name.to_string(), (to, None));
            let end = Some(to.as_nanos() as u64);
            self.station.note_at(
                from,
                TimelineEvent::Mark {
                    name: name.to_string(),
                    end,
                    packet: None,
                },
            );
        }
    }

    async fn step(&mut self, step: &Step) -> StepOutcome {
        let result = match step {
            Step::Registrar(behaviour) => steps::registrar(behaviour, self.station).map(|behaviour| {
                self.station.set_registrar(behaviour);
                StepOutcome::Done
            }),
            Step::Respond(respond) => self.respond(respond).await,
            Step::Challenge(challenge) => self.challenge(challenge).await,
            Step::AnswerWith(answer) => steps::script(answer, self.station).map(|script| {
                self.station.answer_with(script);
                StepOutcome::Done
            }),
            Step::Notifier(notifier) => {
                self.station.serve(steps::notifier(notifier));
                Ok(StepOutcome::Done)
            }
            Step::Notify(notify) => self.notify(notify).await,
            Step::Send(send) => self.send(send).await,
            Step::Intercept(intercept) => {
                self.station.set_trap(steps::trap(intercept));
                Ok(StepOutcome::Done)
            }
            Step::Release(_) => {
                self.station.release();
                Ok(StepOutcome::Done)
            }
            Step::Connection(connection) => self.connection(connection).await,
            Step::Dtmf(dtmf) => self.dtmf(dtmf).await,
            Step::Echo(echo) => self.station.echo(&echo.at, echo.on).map(|()| StepOutcome::Done),
            Step::Impair(impair) => self.impair(impair),
            Step::Fuzz(fuzz) => self.fuzz(fuzz).await,
            Step::Call(call) => self.call(call).await,
            Step::ReceiveCall(call) => self.receive_call(call).await,
            Step::Await(wait) => Ok(self.await_message(wait).await),
            Step::Ack(ack) => self.station.acknowledge(&ack.from).map(|packet| {
                self.mark_packet(ack.mark.as_ref(), packet);
                StepOutcome::Done
            }),
            Step::Bye(bye) => match self.station.bye(&bye.from) {
                Ok(sent) => {
                    let within = bye.within.map_or(steps::RESPONSE, |span| span.0);
                    Ok(self
                        .response(sent, within, bye.mark.as_ref(), bye.answer_mark.as_ref())
                        .await)
                }
                Err(error) => Err(error),
            },
            Step::Cancel(cancel) => match self.station.cancel(&cancel.from) {
                Ok(sent) => Ok(self
                    .response(
                        sent,
                        steps::RESPONSE,
                        cancel.mark.as_ref(),
                        cancel.answer_mark.as_ref(),
                    )
                    .await),
                Err(error) => Err(error),
            },
            Step::Reinvite(change) => match steps::reinvite(change, self.station, self.media)
                .and_then(|options| self.station.reinvite(&change.from, options))
            {
                Ok(sent) if change.at_once => {
                    self.mark_packet(change.mark.as_ref(), sent.packet);
                    Ok(StepOutcome::Done)
                }
                Ok(sent) => {
                    let within = change.within.map_or(steps::REINVITE, |span| span.0);
                    Ok(self
                        .response(sent, within, change.mark.as_ref(), change.answer_mark.as_ref())
                        .await)
                }
                Err(error) => Err(error),
            },
            Step::Request(request) if request.from.as_str() == "stranger" => self.stranger(request).await,
            Step::Request(request) => match steps::request(request, self.station)
                .and_then(|options| self.station.request(&request.from, options))
            {
                Ok(sent) => {
                    let within = request.within.map_or(steps::RESPONSE, |span| span.0);
                    Ok(self
                        .response(sent, within, request.mark.as_ref(), request.answer_mark.as_ref())
                        .await)
                }
                Err(error) => Err(error),
            },
            Step::Resend(resend) => match self.marks.get(&**resend.message).and_then(|(_, packet)| *packet) {
                Some(packet) => self.station.resend(packet).map(|copy| {
                    self.mark_packet(resend.mark.as_ref(), copy);
                    StepOutcome::Done
                }),
                None => Ok(StepOutcome::Precondition {
                    reason: format!("there is no message `{}`", *resend.message),
                }),
            },
            Step::Play(play) => self.play(play).await,
            Step::Wait(wait) => {
                let from = self.station.now();
                self.station.pump(from + wait.duration.0, |_| false).await;
                let to = self.station.now();
                self.mark_interval(wait.mark.as_ref(), from, to);
                Ok(StepOutcome::Done)
            }
            Step::Dns(dns) => Ok(self.dns(dns)),
            Step::Http(http) => Ok(self.http(http)),
            Step::Https(https) => self.https(https).await,
            Step::AwaitService(wait) => self.await_service(wait).await,
            Step::Device(action) => Ok(self.device_action(action).await),
        };
        result.unwrap_or_else(|error| match error {
            CallError::Precondition { .. } | CallError::DeviceUnknown => StepOutcome::Precondition {
                reason: error.to_string(),
            },
            CallError::Network(_) | CallError::Mutation(_) => StepOutcome::Rig {
                reason: error.to_string(),
            },
        })
    }

    /// Waits for the final response to a request and marks both; whether it came is for a check to say.
    pub(crate) async fn response(
        &mut self,
        sent: Requested,
        within: Duration,
        mark: Option<&Located<String>>,
        answer_mark: Option<&Located<String>>,
    ) -> StepOutcome {
        self.mark_packet(mark, sent.packet);
        let until = self.station.now() + within;
        self.station
            .pump(until, |station| station.answer_to(sent).is_some())
            .await;
        if let Some(packet) = self.station.answer_to(sent).map(|seen| seen.packet) {
            self.mark_packet(answer_mark, packet);
        }
        StepOutcome::Done
    }

    async fn call(&mut self, call: &CallStep) -> Result<StepOutcome, CallError> {
        let mut options = steps::invite(call, self.station, self.media)?;
        for (name, value) in self.device.call_headers() {
            // what the case writes is what it is about
            options.headers.entry(name.to_owned()).or_insert(value);
        }
        let sent = self.station.invite(&call.from, options)?;
        self.mark_packet(call.mark.as_ref(), sent.packet);
        let Some(within) = call.answered_within.or(call.final_within) else {
            return Ok(StepOutcome::Done);
        };
        let until = self.station.now() + within.0;
        self.station
            .pump(until, |station| station.answer_to(sent).is_some())
            .await;
        let answer = self
            .station
            .answer_to(sent)
            .map(|seen| (seen.packet, seen.message.summary(), seen.message.status()));
        if let Some((packet, ..)) = &answer {
            self.mark_packet(call.answer_mark.as_ref(), *packet);
        }
        let answered = answer
            .as_ref()
            .is_some_and(|(.., status)| status.is_some_and(|code| code < 300));
        if answered || (answer.is_some() && call.answered_within.is_none()) {
            return Ok(StepOutcome::Done);
        }
        let instead = answer
            .map(|(_, summary, _)| format!(" (it sent {summary})"))
            .unwrap_or_default();
        let what = if call.answered_within.is_some() {
            "a 2xx answer to the INVITE"
        } else {
            "a final answer to the INVITE"
        };
        Ok(StepOutcome::NotSeen {
            awaited: format!("{what}{instead}"),
            within_ms: within.0.as_millis() as u64,
        })
    }

    async fn receive_call(&mut self, call: &ReceiveCall) -> Result<StepOutcome, CallError> {
        let actor: &str = &call.at;
        let until = self.station.now() + call.within.0;
        self.station
            .pump(until, |station| station.incoming_invite(actor).is_some())
            .await;
        let Some(packet) = self.station.incoming_invite(actor).map(|seen| seen.packet) else {
            let within_ms = call.within.0.as_millis() as u64;
            return Ok(StepOutcome::NotSeen {
                awaited: format!("INVITE from the device to {actor}"),
                within_ms,
            });
        };
        self.mark_packet(call.mark.as_ref(), packet);
        if call.ring {
            self.station.ring(actor)?;
        }
        if let Some(after) = call.answer_after {
            let until = self.station.now() + after.0;
            self.station
                .pump(until, |station| station.is_cancelled(actor))
                .await;
            self.station
                .answer(actor, steps::offer(call.offer.as_ref(), self.media))?;
        } else if let Some(status) = call.reject {
            self.station.reject(actor, status)?;
        } else {
            return Ok(StepOutcome::Done);
        }
        let until = self.station.now() + call.ack_within.map_or(ACK, |span| span.0);
        self.station
            .pump(until, |station| station.acknowledged(actor, None).is_some())
            .await;
        if let Some(packet) = self.station.acknowledged(actor, None) {
            self.mark_packet(call.ack_mark.as_ref(), packet);
        }
        Ok(StepOutcome::Done)
    }

    async fn await_message(&mut self, wait: &Await) -> StepOutcome {
        let started = self.station.now();
        let (since, after) = match wait.since.as_ref().and_then(|mark| self.marks.get(&**mark)) {
            Some((at, packet)) => (*at, packet.unwrap_or(0)),
            None => (started, 0),
        };
        let from = since.min(started);
        let to = wait
            .to
            .as_ref()
            .and_then(|mark| self.marks.get(&**mark))
            .and_then(|(_, packet)| *packet);
        let find = |station: &Station| {
            let request = to
                .and_then(|packet| station.seen(packet))
                .map(|seen| &seen.message);
            station
                .log()
                .iter()
                .filter(|seen| seen.from_device && seen.at >= from && seen.packet > after)
                .filter(|seen| !station.is_control(&seen.message))
                .find(|seen| matches_await(wait, &seen.message, request))
                .map(|seen| seen.packet)
        };
        self.station
            .pump(started + wait.within.0, |station| find(station).is_some())
            .await;
        match find(self.station) {
            Some(packet) => {
                self.mark_packet(wait.mark.as_ref(), packet);
                StepOutcome::Done
            }
            None => StepOutcome::NotSeen {
                awaited: steps::describe(&Step::Await(wait.clone())),
                within_ms: wait.within.0.as_millis() as u64,
            },
        }
    }

    async fn play(&mut self, play: &PlayStep) -> Result<StepOutcome, CallError> {
        let rate = self.station.sample_rate(&play.from)?;
        let signal = match self.signals.at(&play.signal, rate) {
            Ok(signal) => signal,
            Err(reason) => return Ok(StepOutcome::Rig { reason }),
        };
        let from = self.station.now();
        self.station
            .play(&play.from, &play.signal, &signal, play.duration.0)?;
        let until = from + play.duration.0;
        if play.past_rollover {
            let rolled_over = self
                .station
                .pump(until, |station| station.rolled_over(&play.from))
                .await;
            if !rolled_over {
                return Ok(StepOutcome::NotSeen {
                    awaited: "sequence numbers of the device that start over".to_owned(),
                    within_ms: play.duration.0.as_millis() as u64,
                });
            }
            self.station.pass(AFTER_ROLLOVER).await;
        } else {
            self.station.pump(until, |_| false).await;
        }
        let to = self.station.now();
        self.mark_interval(play.mark.as_ref(), from, to);
        Ok(StepOutcome::Done)
    }

    pub(crate) async fn device_action(&mut self, action: &DeviceAction) -> StepOutcome {
        let server = self.station.server();
        let uri = move |actor: &str| format!("sip:{actor}@{server}");
        if matches!(action, DeviceAction::Restart(_)) {
            // the device registers afresh, an old binding would hide that it does not
            self.station.forget_binding();
        }
        let work = tokio::time::timeout(DRIVER, self.device.perform(action, &uri));
        let result = serve(self.station, self.requests, work)
            .await
            .unwrap_or_else(|_| {
                Err(DeviceError::Timeout {
                    action: action.name().to_owned(),
                    after: DRIVER,
                })
            });
        self.stopped_device |= matches!(action, DeviceAction::Stop(_)) && result.is_ok();
        self.stopped_device &= !matches!(action, DeviceAction::Restart(_));
        for (question, answer) in self.device.prompts() {
            self.station.note(TimelineEvent::Prompt { question, answer });
        }
        let words = describe_action(action);
        let (done, reply) = match &result {
            Ok(reply) => (true, reply.clone()),
            Err(error) => (false, error.to_string()),
        };
        self.station.note(TimelineEvent::DeviceAction {
            action: words,
            reply,
            done,
            driver: self.device.carried_out_by().map(str::to_owned),
        });
        match result {
            Ok(_) => StepOutcome::Done,
            // out of reach is the rig's trouble; an order that the device does not take (no call, crashed) is the state of the case
            Err(error @ (DeviceError::Unreachable { .. } | DeviceError::Timeout { .. })) => {
                StepOutcome::Driver {
                    reason: error.to_string(),
                }
            }
            Err(error) => StepOutcome::Precondition {
                reason: error.to_string(),
            },
        }
    }
}

fn describe_action(action: &DeviceAction) -> String {
    match action {
        DeviceAction::Dial(dial) => format!("dial {}", *dial.to),
        DeviceAction::Transfer(transfer) => format!("transfer to {}", *transfer.to),
        DeviceAction::Consult(dial) => format!("consult {}", *dial.to),
        DeviceAction::Dtmf(dtmf) => format!("dtmf {}", dtmf.digits),
        DeviceAction::AutoAnswer(auto) => format!("auto answer {}", if auto.on { "on" } else { "off" }),
        DeviceAction::Loopback(audio) => format!("loopback {}", if audio.on { "on" } else { "off" }),
        other => other.name().to_owned(),
    }
}
