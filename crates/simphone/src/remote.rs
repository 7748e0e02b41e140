//! Orders of the phone's server: calls by REFER outside of any dialog (RFC 3515, RFC 5589 6.1), uaCSTA (ECMA TR/87) and a
//! restart by check-sync. The phone takes them where it is set so, and from nobody else.

use std::time::Duration;

use voxproof_sip::{Dialog, Message, TransactionId};

use crate::call::{Referral, Stage};
use crate::csta::{Answer, Request};
use crate::handle::{Action, DialOptions, PhoneError};
use crate::phone::Phone;
use crate::transfer::refer_target;
use crate::{Fault, csta};

/// So many sessions for orders are kept.
const MOST_SESSIONS: usize = 4;

/// Whether an INVITE opens a session for orders and no call.
fn opens_session(request: &Message) -> bool {
    request.method() == Some("INVITE") && has_csta(request)
}

fn has_csta(request: &Message) -> bool {
    let content_type = request.content_type().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case(csta::CONTENT_TYPE)
}

impl Phone {
    /// Whether this is an order that only the phone's server may give.
    pub(crate) fn is_order(&self, request: &Message) -> bool {
        let outside = request.to().is_some_and(|to| to.tag().is_none());
        self.config.remote_control && outside && (request.method() == Some("REFER") || opens_session(request))
    }

    /// Calls somebody at the wish of the server, and tells it how that goes on.
    pub(crate) fn on_refer_outside(&mut self, now: Duration, id: TransactionId, refer: &Message) {
        if !self.config.remote_control {
            // RFC 3515 2.4.2: the phone calls nobody at the wish of a stranger
            return self.respond(now, id, refer, 603, |builder| builder);
        }
        let target = match refer_target(refer) {
            Ok(target) => target,
            Err(status) => return self.respond(now, id, refer, status, |builder| builder),
        };
        if self.is_stopping() || self.current().is_some() {
            return self.respond(now, id, refer, 486, |builder| builder);
        }
        let (tag, contact) = (self.ids.tag(), self.contact_header());
        let Some(dialog) = Dialog::from_uas(refer, &tag, &contact, &self.contact.to_string()) else {
            return self.respond(now, id, refer, 400, |builder| builder);
        };
        let silent = self.wants_no_reports(refer);
        let abilities = self.abilities();
        self.respond_tagged(now, id, refer, 202, &tag, |builder| {
            let builder = abilities.write(builder.header("Contact", contact));
            if silent {
                builder.header("Refer-Sub", "false")
            } else {
                builder
            }
        });
        // a call that is over keeps the dialog of the reports
        let mut reports = self.new_call(Stage::Ended);
        reports.dialog = Some(dialog);
        reports.referral = Some(Referral {
            event: "refer".to_owned(),
            notifies: !silent && !self.has(Fault::ReferNoNotify),
        });
        let key = reports.key;
        self.calls.push(reports);
        self.notify(now, key, "SIP/2.0 100 Trying", false);
        let referrer = refer.header("referred-by");
        let options = DialOptions {
            headers: referrer
                .map(|value| ("Referred-By".to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            ..DialOptions::default()
        };
        if self.place_call(now, &target, options, Some(key)).is_err() {
            self.report_referral(now, key, 503, "Service Unavailable");
        }
    }

    /// Takes an INVITE that opens a session for orders, and what comes in one. Whether it was one.
    pub(crate) fn on_csta(&mut self, now: Duration, id: TransactionId, request: &Message) -> bool {
        if !self.config.remote_control {
            return false;
        }
        let in_dialog = request.to().is_some_and(|to| to.tag().is_some());
        if !in_dialog && opens_session(request) {
            self.open_csta(now, id, request);
            return true;
        }
        let session = self.csta.iter_mut().position(|dialog| dialog.matches(request));
        let Some(session) = session else { return false };
        match request.method() {
            Some("BYE") => {
                self.csta.remove(session);
                self.respond(now, id, request, 200, |builder| builder);
            }
            Some("INFO") if has_csta(request) => {
                let answer = match Request::parse(request.body()) {
                    Some(order) => self.carry_out(now, order),
                    None => Answer::error("operation", "generic"),
                };
                let body = answer.to_xml();
                self.respond(now, id, request, 200, |builder| {
                    builder.body(csta::CONTENT_TYPE, body)
                });
            }
            Some("INFO") => self.respond(now, id, request, 415, |builder| {
                builder.header("Accept", csta::CONTENT_TYPE)
            }),
            _ => self.respond(now, id, request, 405, |builder| {
                builder.header("Allow", "INVITE, ACK, BYE, INFO")
            }),
        }
        true
    }

    fn open_csta(&mut self, now: Duration, id: TransactionId, invite: &Message) {
        let (tag, contact) = (self.ids.tag(), self.contact_header());
        let dialog = Dialog::from_uas(invite, &tag, &contact, &self.contact.to_string());
        let ready = matches!(Request::parse(invite.body()), Some(Request::SystemStatus));
        let (Some(dialog), true) = (dialog, ready) else {
            return self.respond(now, id, invite, 400, |builder| builder);
        };
        if self.csta.len() >= MOST_SESSIONS {
            self.csta.remove(0);
        }
        self.csta.push(dialog);
        let body = Answer::Ready.to_xml();
        self.respond_tagged(now, id, invite, 200, &tag, |builder| {
            builder.header("Contact", contact).body(csta::CONTENT_TYPE, body)
        });
    }

    fn carry_out(&mut self, now: Duration, order: Request) -> Answer {
        let consults = self.calls.iter().any(|call| call.is_active() && call.held);
        let known = |phone: &Self, call: &str| {
            phone
                .calls
                .iter()
                .find(|one| one.key.0.to_string() == call)
                .map(|one| one.key)
        };
        let (name, done) = match order {
            Request::SystemStatus => return Answer::Ready,
            Request::Snapshot => return Answer::Calls(self.snapshot()),
            Request::Clear(call) => match known(self, &call) {
                Some(key) => {
                    self.hang_up(now, key, 486);
                    ("ClearConnection", Ok(()))
                }
                None => ("ClearConnection", Err(PhoneError::NoCall)),
            },
            Request::Make(to) => {
                let options = DialOptions {
                    consultation: consults,
                    ..DialOptions::default()
                };
                ("MakeCall", self.dial(now, &to, options))
            }
            Request::Digits(digits) => match self.act(now, Action::Dtmf(digits.clone())) {
                Err(PhoneError::NoTelephoneEvent) => {
                    ("GenerateDigits", self.act(now, Action::DtmfByInfo(digits)))
                }
                done => ("GenerateDigits", done),
            },
            Request::Answer => ("AnswerCall", self.act(now, Action::Answer)),
            Request::Hold => ("HoldCall", self.act(now, Action::Hold)),
            Request::Retrieve => ("RetrieveCall", self.act(now, Action::Resume)),
            Request::Transfer(to) => (
                "SingleStepTransferCall",
                self.act(now, Action::Transfer(to, true)),
            ),
            Request::Complete => ("TransferCall", self.act(now, Action::CompleteTransfer)),
            Request::Unknown => return Answer::error("operation", "serviceNotSupported"),
        };
        match done {
            Ok(()) => Answer::Done(name),
            Err(PhoneError::InvalidUri(_) | PhoneError::InvalidDigit(_)) => {
                Answer::error("operation", "invalidParameterValue")
            }
            Err(_) => Answer::error("stateIncompatibility", "invalidObjectState"),
        }
    }

    /// The calls as the user sees them, the address of record, and what each is doing (ECMA-269: connection states).
    fn snapshot(&self) -> Vec<csta::LocalCall> {
        let state = |stage: Stage, held: bool| match stage {
            Stage::Ringing => Some("alerting"),
            Stage::Dialing => Some("initiated"),
            Stage::Established if held => Some("hold"),
            Stage::Established => Some("connected"),
            Stage::Cancelling | Stage::Ended => None,
        };
        let calls = self.calls.iter().filter_map(|call| {
            Some(csta::LocalCall {
                call: call.key.0.to_string(),
                device: self.address_of_record(),
                state: state(call.stage, call.held)?,
            })
        });
        calls.collect()
    }

    /// Begins anew, as if the power had been off for a moment: no calls, other identifiers, the settings fetched again.
    pub(crate) fn restart(&mut self, now: Duration) {
        for key in self.calls.iter().map(|call| call.key).collect::<Vec<_>>() {
            self.hang_up(now, key, 480);
        }
        self.csta.clear();
        self.forget_registration();
        self.restarting = true;
    }
}
