//! Steps that control single messages.

use std::time::Duration;

use voxproof_call::{CallError, ImpairedWay, RawMessage, RequestOptions};
use voxproof_record::StepOutcome;
use voxproof_spec::{
    ChallengeStep, ConnectionStep, DtmfMethod, DtmfStep, ImpairStep, NotifyStep, RequestStep, Respond,
    SendStep,
};

use crate::drive::Drive;
use crate::steps;

/// Length of a digit, and of the pause after it.
const DIGIT: Duration = Duration::from_millis(100);
/// Time between the pieces of a message on a stream.
const PAUSE: Duration = Duration::from_millis(20);

impl Drive<'_> {
    pub(crate) async fn respond(&mut self, step: &Respond) -> Result<StepOutcome, CallError> {
        let options = steps::respond(step, self.station, self.media)?;
        let packet = self.station.respond(&step.at, options)?;
        self.mark_packet(step.mark.as_ref(), packet);
        let Some(within) = step.within else {
            return Ok(StepOutcome::Done);
        };
        let until = self.station.now() + within.0;
        let (actor, branch, reliable) = (step.at.as_str(), step.branch.as_deref(), step.reliable);
        let confirmed = |station: &voxproof_call::Station| {
            if reliable {
                station.pracked(actor, branch)
            } else {
                station.acknowledged(actor, branch)
            }
        };
        self.station
            .pump(until, |station| confirmed(station).is_some())
            .await;
        if let Some(packet) = confirmed(self.station) {
            self.mark_packet(step.ack_mark.as_ref(), packet);
        }
        Ok(StepOutcome::Done)
    }

    pub(crate) async fn challenge(&mut self, step: &ChallengeStep) -> Result<StepOutcome, CallError> {
        let actor: &str = &step.at;
        self.station.challenge(actor, &steps::challenge(step))?;
        let until = self.station.now() + step.within.0;
        self.station
            .pump(until, |station| station.incoming_invite(actor).is_some())
            .await;
        let Some(packet) = self.station.incoming_invite(actor).map(|seen| seen.packet) else {
            return Ok(StepOutcome::NotSeen {
                awaited: "INVITE with credentials from the device".to_owned(),
                within_ms: step.within.0.as_millis() as u64,
            });
        };
        self.mark_packet(step.mark.as_ref(), packet);
        Ok(StepOutcome::Done)
    }

    pub(crate) async fn notify(&mut self, step: &NotifyStep) -> Result<StepOutcome, CallError> {
        let sent = self
            .station
            .notify(&step.package, step.body.clone(), step.subscription_state.clone())?;
        let within = step.within.map_or(steps::RESPONSE, |span| span.0);
        Ok(self
            .response(sent, within, step.mark.as_ref(), step.answer_mark.as_ref())
            .await)
    }

    pub(crate) async fn send(&mut self, step: &SendStep) -> Result<StepOutcome, CallError> {
        let bytes = match (&step.text, &step.file) {
            (Some(text), _) if step.crlf => text.replace('\n', "\r\n").into_bytes(),
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(file)) => match self.files.get(file.as_str()) {
                Some(bytes) => bytes.to_vec(),
                None => {
                    return Ok(StepOutcome::Rig {
                        reason: format!("the file `{}` is not loaded", **file),
                    });
                }
            },
            (None, None) => vec![],
        };
        let raw = RawMessage {
            bytes,
            fill: step.fill,
            stranger: step.from.as_str() == "stranger",
            connect: step.connect,
            segments: step.segments.iter().map(|length| *length as usize).collect(),
            pause: step.pause.map_or(PAUSE, |span| span.0),
        };
        let sent = self.station.send_raw(raw).await?;
        self.mark_packet(step.mark.as_ref(), sent.packet);
        let Some(within) = step.within else {
            return Ok(StepOutcome::Done);
        };
        let until = self.station.now() + within.0;
        self.station
            .pump(until, |station| station.answer_to_raw(&sent).is_some())
            .await;
        if let Some(packet) = self.station.answer_to_raw(&sent).map(|seen| seen.packet) {
            self.mark_packet(step.answer_mark.as_ref(), packet);
        }
        Ok(StepOutcome::Done)
    }

    pub(crate) async fn connection(&mut self, step: &ConnectionStep) -> Result<StepOutcome, CallError> {
        if step.certificate.is_some() || step.tls.is_some() || step.client_certificate.is_some() {
            self.station.set_tls(steps::tls(step)).await?;
        }
        if let Some(on) = step.pong {
            self.station.answer_pings(on);
        }
        if step.close {
            self.station.close_connections();
        }
        if let Some(on) = step.accept {
            self.station.accept_connections(on).await?;
        }
        Ok(StepOutcome::Done)
    }

    pub(crate) async fn dtmf(&mut self, step: &DtmfStep) -> Result<StepOutcome, CallError> {
        let duration = step.duration.map_or(DIGIT, |span| span.0);
        let pause = step.pause.map_or(DIGIT, |span| span.0);
        let from = self.station.now();
        let length = match step.by {
            DtmfMethod::TelephoneEvent => {
                self.station
                    .send_events(&step.from, &step.digits, duration, pause)?
            }
            DtmfMethod::InBand => self
                .station
                .play_tones(&step.from, &step.digits, duration, pause)?,
            DtmfMethod::Info => {
                for digit in step.digits.chars() {
                    let body = format!("Signal={digit}\r\nDuration={}\r\n", duration.as_millis());
                    let options = RequestOptions {
                        method: "INFO".to_owned(),
                        in_dialog: true,
                        body: Some(("application/dtmf-relay".to_owned(), body)),
                        ..RequestOptions::default()
                    };
                    let sent = self.station.request(&step.from, options)?;
                    self.response(sent, steps::RESPONSE, None, None).await;
                    let until = self.station.now() + pause;
                    self.station.pump(until, |_| false).await;
                }
                Duration::ZERO
            }
        };
        self.station.pump(from + length, |_| false).await;
        let to = self.station.now();
        self.mark_interval(step.mark.as_ref(), from, to);
        Ok(StepOutcome::Done)
    }

    pub(crate) fn impair(&mut self, step: &ImpairStep) -> Result<StepOutcome, CallError> {
        let way = match step.way {
            voxproof_spec::ImpairedWay::ToDevice => ImpairedWay::ToDevice,
            voxproof_spec::ImpairedWay::FromDevice => ImpairedWay::FromDevice,
            voxproof_spec::ImpairedWay::Both => ImpairedWay::Both,
        };
        match steps::network(step) {
            Ok(network) => {
                self.station.impair(&step.at, way, network.as_ref(), step.seed)?;
                Ok(StepOutcome::Done)
            }
            Err(reason) => Ok(StepOutcome::Rig { reason }),
        }
    }

    /// A request from an address that is not the lab's server.
    pub(crate) async fn stranger(&mut self, step: &RequestStep) -> Result<StepOutcome, CallError> {
        let options = steps::request(step, self.station)?;
        let sent = self.station.request_as_stranger(options).await?;
        self.mark_packet(step.mark.as_ref(), sent.packet);
        let until = self.station.now() + step.within.map_or(steps::RESPONSE, |span| span.0);
        self.station
            .pump(until, |station| station.answer_to_raw(&sent).is_some())
            .await;
        if let Some(packet) = self.station.answer_to_raw(&sent).map(|seen| seen.packet) {
            self.mark_packet(step.answer_mark.as_ref(), packet);
        }
        Ok(StepOutcome::Done)
    }
}
