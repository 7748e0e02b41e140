//! Blind and attended transfer, in both roles (RFC 3515, RFC 5589).

use std::time::Duration;

use voxproof_sip::{CombinedView, HeaderView, Message, TransactionId, Uri};

use crate::Fault;
use crate::call::{CallKey, Referral, Stage};
use crate::handle::{DialOptions, PhoneError};
use crate::phone::{Phone, Purpose};
use crate::replaces::replacing;

impl Phone {
    /// Blind transfer (RFC 5589 6), with the subscription to its outcome or without (RFC 4488).
    pub(crate) fn user_transfers(
        &mut self,
        now: Duration,
        text: &str,
        subscription: bool,
    ) -> Result<(), PhoneError> {
        let key = self.established()?;
        let target = self.target(text)?;
        let target = if self.has(Fault::TransferWrongTarget) {
            somebody_else(&target)
        } else {
            target
        };
        self.send_refer(now, key, &format!("<{target}>"), subscription)
    }

    /// Attended transfer (RFC 5589 7): the call on hold is to replace the one that is up.
    pub(crate) fn user_completes_transfer(&mut self, now: Duration) -> Result<(), PhoneError> {
        let consulted = self.established()?;
        let held = self
            .calls
            .iter()
            .find(|call| call.stage == Stage::Established && call.held && call.key != consulted)
            .map(|call| call.key)
            .ok_or(PhoneError::NothingToTransfer)?;
        let dialog = self
            .call(consulted)
            .and_then(|call| call.dialog.as_ref())
            .ok_or(PhoneError::NotEstablished)?;
        let target = if self.has(Fault::AttendedTransferWithoutReplaces) {
            format!("<{}>", dialog.remote_target)
        } else {
            let escaped = replacing(dialog).to_escaped();
            let mark = if dialog.remote_target.contains('?') {
                '&'
            } else {
                '?'
            };
            format!("<{}{mark}Replaces={escaped}>", dialog.remote_target)
        };
        self.send_refer(now, held, &target, true)
    }

    fn send_refer(
        &mut self,
        now: Duration,
        key: CallKey,
        target: &str,
        subscription: bool,
    ) -> Result<(), PhoneError> {
        let own = self.address_of_record();
        let call = self.call_mut(key).ok_or(PhoneError::NotEstablished)?;
        if call.transferring {
            return Err(PhoneError::TransferPending);
        }
        call.transferring = true;
        self.request_in_dialog(now, key, "REFER", Purpose::Refer(key), |builder| {
            let builder = builder
                .header("Refer-To", target)
                .header("Referred-By", format!("<{own}>"));
            if subscription {
                builder
            } else {
                builder
                    .header("Refer-Sub", "false")
                    .header("Supported", "norefersub")
            }
        });
        Ok(())
    }

    pub(crate) fn on_refer_response(
        &mut self,
        now: Duration,
        key: CallKey,
        status: u16,
        response: Option<&Message>,
    ) {
        let gives_up = self.has(Fault::RefusedTransferEndsCall);
        let Some(call) = self.call_mut(key) else { return };
        // RFC 4488 4: the other side reports only when it says nothing of the kind
        let unreported = response
            .and_then(|response| response.header("refer-sub"))
            .is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("false"));
        if status >= 300 {
            call.transferring = false;
            if gives_up {
                self.hang_up(now, key, 480);
            }
        } else if status >= 200 && unreported {
            call.transferring = false;
            self.hang_up(now, key, 480);
        }
    }

    /// The peer tells how our transfer goes on (RFC 3515 2.4.4).
    pub(crate) fn on_notify(&mut self, now: Duration, key: CallKey, id: TransactionId, notify: &Message) {
        let event = notify.header("event").unwrap_or_default();
        let package = event.split(';').next().unwrap_or_default().trim();
        if !package.eq_ignore_ascii_case("refer") {
            return self.respond(now, id, notify, 489, |builder| {
                builder.header("Allow-Events", "refer")
            });
        }
        if !self.call(key).is_some_and(|call| call.transferring) {
            return self.respond(now, id, notify, 481, |builder| builder);
        }
        self.respond(now, id, notify, 200, |builder| builder);
        let status = fragment_status(notify.body());
        let state = notify
            .header("subscription-state")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let over = state.starts_with("terminated") || status.is_some_and(|status| status >= 200);
        if over && let Some(call) = self.call_mut(key) {
            call.transferring = false;
            if status.is_some_and(|status| (200..300).contains(&status)) {
                self.hang_up(now, key, 480);
            }
        }
    }

    /// The peer transfers us.
    pub(crate) fn on_refer(&mut self, now: Duration, key: CallKey, id: TransactionId, refer: &Message) {
        let call = self.call(key);
        if call.is_none_or(|call| call.stage != Stage::Established || call.referral.is_some()) {
            return self.respond(now, id, refer, 491, |builder| builder);
        }
        let target = match refer_target(refer) {
            Ok(target) => target,
            Err(status) => return self.respond(now, id, refer, status, |builder| builder),
        };
        let silent = self.wants_no_reports(refer);
        let contact = self.contact_header();
        let abilities = self.abilities();
        self.respond(now, id, refer, 202, |builder| {
            let builder = abilities.write(builder.header("Contact", contact));
            if silent {
                builder.header("Refer-Sub", "false")
            } else {
                builder
            }
        });
        let notifies = !silent && !self.has(Fault::ReferNoNotify);
        let Some(call) = self.call_mut(key) else { return };
        let number = refer.cseq().map(|cseq| cseq.number).unwrap_or_default();
        // RFC 3515 2.4.6: from the second REFER of a dialog on, the event names its own
        let event = if call.referrals == 0 {
            "refer".to_owned()
        } else {
            format!("refer;id={number}")
        };
        call.referrals += 1;
        call.referral = Some(Referral { event, notifies });
        let remote = call
            .dialog
            .as_ref()
            .map(|dialog| dialog.remote_uri.clone())
            .unwrap_or_default();
        let referrer = refer
            .header("referred-by")
            .map_or_else(|| format!("<{remote}>"), str::to_owned);
        self.notify(now, key, "SIP/2.0 100 Trying", false);

        let mut headers = Vec::new();
        if !self.has(Fault::ReferredByDropped) {
            headers.push(("Referred-By".to_owned(), referrer));
        }
        let replaces = target
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("replaces"));
        if let Some((_, value)) = replaces {
            headers.push(("Replaces".to_owned(), percent_decoded(value)));
        }
        let target = if self.has(Fault::ReferWrongTarget) {
            somebody_else(&target)
        } else {
            target
        };
        let options = DialOptions {
            headers,
            ..DialOptions::default()
        };
        if self.place_call(now, &target, options, Some(key)).is_err() {
            self.report_referral(now, key, 503, "Service Unavailable");
        }
    }

    /// Whether a REFER asks not to be told how it goes on (RFC 4488 4).
    pub(crate) fn wants_no_reports(&self, refer: &Message) -> bool {
        !self.has(Fault::NoReferSubIgnored)
            && refer
                .header("refer-sub")
                .is_some_and(|value| value.to_ascii_lowercase().starts_with("false"))
    }

    /// Tells the peer how the call it asked for has ended, or that it is up.
    pub(crate) fn report_referral(&mut self, now: Duration, key: CallKey, status: u16, reason: &str) {
        self.notify(now, key, &format!("SIP/2.0 {status} {reason}"), true);
        self.end_referral(key);
    }

    /// The referral's subscription is over; a call that was kept for it is forgotten.
    pub(crate) fn end_referral(&mut self, key: CallKey) {
        if let Some(call) = self.call_mut(key) {
            call.referral = None;
        }
        self.calls
            .retain(|call| call.key != key || call.stage != Stage::Ended);
    }

    pub(crate) fn notify(&mut self, now: Duration, key: CallKey, fragment: &str, over: bool) {
        let referral = self.call(key).and_then(|call| call.referral.as_ref());
        let Some(event) = referral
            .filter(|referral| referral.notifies)
            .map(|referral| referral.event.clone())
        else {
            return;
        };
        let state = if over {
            "terminated;reason=noresource"
        } else {
            "active;expires=60"
        };
        self.request_in_dialog(now, key, "NOTIFY", Purpose::Notify(key), |builder| {
            builder
                .header("Event", event)
                .header("Subscription-State", state)
                .body("message/sipfrag;version=2.0", format!("{fragment}\r\n"))
        });
    }
}

/// Whom a REFER asks to call, or the status that it is refused with.
pub(crate) fn refer_target(refer: &Message) -> Result<Uri, u16> {
    let targets: Vec<&str> = refer.headers("refer-to").collect();
    let target = match targets.as_slice() {
        [one] => CombinedView.name_addr(one).ok().map(|address| address.uri),
        // RFC 3515 2.4.2: exactly one
        _ => None,
    };
    let target = target.ok_or(400_u16)?;
    if !target.is_sip() && target.scheme != "tel" {
        return Err(416);
    }
    let method = target.params.value("method");
    if method.is_some_and(|method| method != "INVITE") {
        return Err(603);
    }
    Ok(target)
}

/// The status in a sipfrag body (RFC 3420).
fn fragment_status(body: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(body.get(..body.len().min(256))?).into_owned();
    text.strip_prefix("SIP/2.0 ")?
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

fn somebody_else(target: &Uri) -> Uri {
    let mut wrong = target.clone();
    wrong.raw.clear();
    wrong.user = Some(format!("not-{}", target.user.as_deref().unwrap_or("anybody")));
    wrong
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let escaped = (byte == b'%')
            .then(|| Some((hex(ahead.next()?)?, hex(ahead.next()?)?)))
            .flatten();
        match escaped {
            Some((high, low)) => {
                out.push(high << 4 | low);
                bytes = ahead;
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_fragment() {
        assert_eq!(fragment_status(b"SIP/2.0 200 OK\r\n"), Some(200));
        assert_eq!(fragment_status(b"SIP/2.0 486"), Some(486));
        assert_eq!(fragment_status(b""), None);
        assert_eq!(fragment_status(b"SIP/2.0 \xff"), None);
    }

    #[test]
    fn escapes_of_a_refer_to_are_undone() {
        assert_eq!(percent_decoded("a%40b%3Bto-tag%3d1%"), "a@b;to-tag=1%");
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
    }

    #[test]
    fn somebody_else_is_another_user_at_the_same_place() {
        let uri = Uri::parse("sip:carol@10.0.0.9:5060").unwrap();
        assert_eq!(somebody_else(&uri).to_string(), "sip:not-carol@10.0.0.9:5060");
    }
}
