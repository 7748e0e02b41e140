//! What the phone does with requests: the checks of RFC 3261 8.2 and 12.2.2, then each method.

use std::time::Duration;

use voxproof_sip::{Builder, Message, StartLine, TransactionId, Uri};

use crate::Fault;
use crate::call::Stage;
use crate::phone::Phone;

/// The methods the phone knows.
pub(crate) const ALLOW: [&str; 7] = ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REFER", "NOTIFY"];

/// The extensions the phone has: REFER without a subscription (RFC 4488).
pub(crate) const SUPPORTED: [&str; 1] = ["norefersub"];

impl Phone {
    pub(crate) fn on_request(&mut self, now: Duration, id: TransactionId, request: &Message) {
        if let Some(status) = malformed(request) {
            return self.respond(now, id, request, status, |builder| builder);
        }
        let method = request.method().unwrap_or_default().to_owned();
        if method == "CANCEL" {
            return self.on_cancel(now, id, request);
        }
        // 8.2.1: the method comes first
        if !ALLOW.contains(&method.as_str()) {
            let status = if self.has(Fault::UnknownMethod200) {
                200
            } else {
                405
            };
            return self.respond(now, id, request, status, with_allow);
        }
        if let Some(status) = wrong_scheme(request) {
            return self.respond(now, id, request, status, |builder| builder);
        }
        let unsupported = unsupported(request);
        if !unsupported.is_empty() && !self.has(Fault::RequireIgnored) {
            // 8.2.2.3
            return self.respond(now, id, request, 420, |builder| {
                builder.header("Unsupported", unsupported.join(", "))
            });
        }
        let in_dialog = request.to().is_some_and(|to| to.tag().is_some());
        match method.as_str() {
            _ if in_dialog => self.on_request_in_dialog(now, id, &method, request),
            "INVITE" => self.on_invite(now, id, request),
            "OPTIONS" => self.on_options(now, id, request),
            "BYE" => self.on_stray(now, id, request),
            // RFC 3515 2.4.2: the phone calls nobody at the wish of a stranger
            "REFER" => self.respond(now, id, request, 603, |builder| builder),
            _ => self.respond(now, id, request, 481, |builder| builder),
        }
    }

    fn on_request_in_dialog(&mut self, now: Duration, id: TransactionId, method: &str, request: &Message) {
        let lenient = self.has(Fault::LowCseqAccepted);
        let call = self
            .calls
            .iter_mut()
            .filter(|call| call.stage != Stage::Ended)
            .find_map(|call| {
                let matches = call.dialog.as_ref().is_some_and(|dialog| dialog.matches(request));
                matches.then_some(call)
            });
        let Some(call) = call else {
            return self.on_stray(now, id, request);
        };
        let key = call.key;
        let outdated = call
            .dialog
            .as_mut()
            .is_some_and(|dialog| dialog.accept(request).is_err());
        if outdated && !lenient {
            // 12.2.2
            return self.respond(now, id, request, 500, |builder| builder);
        }
        match method {
            "INVITE" => self.on_reinvite(now, key, id, request),
            "BYE" => self.on_bye(now, key, id, request),
            "REFER" => self.on_refer(now, key, id, request),
            "NOTIFY" => self.on_notify(now, key, id, request),
            _ => self.on_options(now, id, request),
        }
    }

    /// A request for a dialog that is not there (12.2.2).
    fn on_stray(&mut self, now: Duration, id: TransactionId, request: &Message) {
        let pretends = request.method() == Some("BYE") && self.has(Fault::StrayBye200);
        self.respond(now, id, request, if pretends { 200 } else { 481 }, |builder| {
            builder
        });
    }

    /// 11.2: what the phone is able to do. It says so in a call, too, because servers use OPTIONS as a keep-alive.
    fn on_options(&mut self, now: Duration, id: TransactionId, request: &Message) {
        if self.has(Fault::OptionsUnanswered) {
            return;
        }
        let without_allow = self.has(Fault::OptionsWithoutAllow);
        let contact = self.contact_header();
        self.respond(now, id, request, 200, |builder| {
            let builder = builder
                .header("Contact", contact)
                .header("Accept", "application/sdp, message/sipfrag")
                .header("Accept-Encoding", "identity")
                .header("Accept-Language", "en")
                .header("Supported", SUPPORTED.join(", "));
            if without_allow {
                builder
            } else {
                with_allow(builder)
            }
        });
    }
}

pub(crate) fn with_allow(builder: Builder) -> Builder {
    builder.header("Allow", ALLOW.join(", "))
}

/// The status a request earns that cannot be worked on at all: 400, or 505 for another version (21.5.6).
fn malformed(request: &Message) -> Option<u16> {
    let StartLine::Request { method, version, .. } = request.start_line() else {
        return Some(400);
    };
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Some(505);
    }
    let complete = request.from().is_some_and(|from| from.tag().is_some())
        && request.to().is_some()
        && request.call_id().is_some()
        && request.cseq().is_some_and(|cseq| cseq.method == method);
    (!complete).then_some(400)
}

/// 8.2.2.1: 416 for a scheme the phone does not have, 400 for what is no URI.
fn wrong_scheme(request: &Message) -> Option<u16> {
    match Uri::parse(request.request_uri().unwrap_or_default()) {
        Ok(uri) if uri.is_sip() || uri.scheme == "tel" => None,
        Ok(_) => Some(416),
        Err(_) => Some(400),
    }
}

fn unsupported(request: &Message) -> Vec<String> {
    let required = request.header_values("require").into_iter();
    required
        .filter(|tag| !tag.is_empty() && !SUPPORTED.iter().any(|ours| ours.eq_ignore_ascii_case(tag)))
        .collect()
}
