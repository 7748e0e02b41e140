//! What the phone does with requests: the checks of RFC 3261 8.2 and 12.2.2, then each method.

use std::time::Duration;

use voxproof_sip::{Builder, Message, StartLine, TransactionId, Uri};

use crate::call::{CallKey, Stage};
use crate::phone::Phone;
use crate::{Fault, ReliableProvisionals};

/// The methods the phone serves; UPDATE only where its configuration has it.
const ALLOW: [&str; 11] = [
    "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REFER", "NOTIFY", "PRACK", "UPDATE", "INFO", "MESSAGE",
];

/// The methods it knows, but leaves to others (RFC 3261 8.2.1): 405, where an unknown one is 501 (21.5.2).
const KNOWN: [&str; 3] = ["REGISTER", "SUBSCRIBE", "PUBLISH"];

/// What the phone is able to do, as it says in its messages.
#[derive(Debug, Clone)]
pub(crate) struct Abilities {
    allow: String,
    supported: String,
}

impl Abilities {
    /// Allow alone.
    pub(crate) fn allow(&self, builder: Builder) -> Builder {
        builder.header("Allow", &self.allow)
    }

    /// Allow and Supported.
    pub(crate) fn write(&self, builder: Builder) -> Builder {
        self.allow(builder).header("Supported", &self.supported)
    }
}

impl Phone {
    pub(crate) fn abilities(&self) -> Abilities {
        Abilities {
            allow: self.methods().join(", "),
            supported: self.extensions().join(", "),
        }
    }

    fn methods(&self) -> Vec<&'static str> {
        let has = |method: &&str| *method != "UPDATE" || self.config.update;
        ALLOW.into_iter().filter(has).collect()
    }

    /// The extensions the phone has: RFC 3262, RFC 4028, RFC 3891 and REFER without a subscription (RFC 4488).
    pub(crate) fn extensions(&self) -> Vec<&'static str> {
        let reliable = self.config.reliable_provisionals != ReliableProvisionals::Never;
        [
            reliable.then_some("100rel"),
            self.config.session_timers.supported.then_some("timer"),
            Some("replaces"),
            Some("norefersub"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(crate) fn on_request(&mut self, now: Duration, id: TransactionId, request: &Message) {
        if let Some(status) = malformed(request) {
            return self.respond(now, id, request, status, |builder| builder);
        }
        if self.on_csta(now, id, request) {
            return;
        }
        let method = request.method().unwrap_or_default().to_owned();
        if method == "CANCEL" {
            return self.on_cancel(now, id, request);
        }
        // 8.2.1: the method comes first
        if !self.methods().contains(&method.as_str()) {
            let status = match () {
                () if self.has(Fault::UnknownMethod200) => 200,
                () if KNOWN.contains(&method.as_str()) || ALLOW.contains(&method.as_str()) => 405,
                () => 501,
            };
            let abilities = self.abilities();
            return self.respond(now, id, request, status, |builder| abilities.allow(builder));
        }
        if let Some(status) = wrong_scheme(request) {
            return self.respond(now, id, request, status, |builder| builder);
        }
        if self.is_somebody_elses(request) {
            // 16.3 step 3: it would have to go on from here, and may not
            return self.respond(now, id, request, 483, |builder| builder);
        }
        let unsupported = self.unsupported(request);
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
            "MESSAGE" => self.on_message(now, id, request),
            "NOTIFY" => self.on_notify_outside(now, id, request),
            "REFER" => self.on_refer_outside(now, id, request),
            _ => self.on_stray(now, id, request),
        }
    }

    fn on_request_in_dialog(&mut self, now: Duration, id: TransactionId, method: &str, request: &Message) {
        let lenient = self.has(Fault::LowCseqAccepted);
        let stays = match method {
            "UPDATE" => self.has(Fault::UpdateTargetIgnored),
            "INVITE" => self.has(Fault::ReinviteTargetIgnored),
            _ => false,
        };
        let call = self
            .calls
            .iter_mut()
            .filter(|call| call.stage != Stage::Ended)
            .find_map(|call| Some((call.key, call.dialog_of(request)?)));
        let Some((key, dialog)) = call else {
            return match method {
                "NOTIFY" => self.on_notify_outside(now, id, request),
                _ => self.on_stray(now, id, request),
            };
        };
        let target = dialog.remote_target.clone();
        let accepted = dialog.accept(request).is_ok();
        if stays {
            dialog.remote_target = target;
        }
        if !accepted && !lenient {
            // 12.2.2
            return self.respond(now, id, request, 500, |builder| builder);
        }
        self.on_request_of_call(now, key, id, method, request);
    }

    fn on_request_of_call(
        &mut self,
        now: Duration,
        key: CallKey,
        id: TransactionId,
        method: &str,
        request: &Message,
    ) {
        match method {
            "INVITE" => self.on_reinvite(now, key, id, request),
            "BYE" => self.on_bye(now, key, id, request),
            "REFER" => self.on_refer(now, key, id, request),
            "NOTIFY" => self.on_notify(now, key, id, request),
            "INFO" => self.on_info(now, id, request),
            "PRACK" => self.on_prack(now, key, id, request),
            "UPDATE" => self.on_update(now, key, id, request),
            "MESSAGE" => self.on_message(now, id, request),
            _ if self.has(Fault::OptionsInCallRefused) => {
                self.respond(now, id, request, 481, |builder| builder);
            }
            _ => self.on_options(now, id, request),
        }
    }

    /// A request for a dialog that is not there (12.2.2).
    pub(crate) fn on_stray(&mut self, now: Duration, id: TransactionId, request: &Message) {
        let pretends = match request.method() {
            Some("BYE") => self.has(Fault::StrayBye200),
            Some("NOTIFY") => self.has(Fault::StrayNotify200),
            _ => false,
        };
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
        let (contact, abilities) = (self.contact_header(), self.abilities());
        self.respond(now, id, request, 200, |builder| {
            let builder = builder
                .header("Contact", contact)
                .header("Accept", "application/sdp, message/sipfrag, text/plain")
                .header("Accept-Encoding", "identity")
                .header("Accept-Language", "en")
                .header("Supported", &abilities.supported);
            if without_allow {
                builder
            } else {
                abilities.allow(builder)
            }
        });
    }

    /// Whether a request is addressed to another host and may not travel further. The phone's server may address it by
    /// its own name, so only Max-Forwards 0 makes the difference.
    fn is_somebody_elses(&self, request: &Message) -> bool {
        if request.header("max-forwards").map(str::trim) != Some("0") {
            return false;
        }
        let uri = Uri::parse(request.request_uri().unwrap_or_default());
        let host = uri.ok().and_then(|uri| uri.host.parse().ok());
        ![Some(self.contact.ip()), Some(self.config.server.ip())].contains(&host)
    }

    fn unsupported(&self, request: &Message) -> Vec<String> {
        let ours = self.extensions();
        let required = request.header_values("require").into_iter();
        required
            .filter(|tag| !tag.is_empty() && !ours.iter().any(|ours| ours.eq_ignore_ascii_case(tag)))
            .collect()
    }
}

/// The status a request earns that cannot be worked on at all: 400, or 505 for another version (21.5.6).
fn malformed(request: &Message) -> Option<u16> {
    let StartLine::Request { method, version, .. } = request.start_line() else {
        return Some(400);
    };
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Some(505);
    }
    // peers of RFC 2543 have neither branch cookie nor From tag (RFC 3261 12.1.2)
    let old = request
        .top_via()
        .is_some_and(|via| !via.branch().is_some_and(|branch| branch.starts_with("z9hG4bK")));
    let complete = request.from().is_some_and(|from| old || from.tag().is_some())
        && request.to().is_some()
        && request.call_id().is_some()
        && request
            .cseq()
            .is_some_and(|cseq| cseq.method == method && cseq.number < 1 << 31);
    // 7.3.1: these may stand only once; a length that contradicts the message is 400 by 18.3
    let once = ["from", "to", "call-id", "cseq"]
        .iter()
        .all(|name| request.headers(name).count() == 1);
    let framed = !request.findings().iter().any(|finding| {
        matches!(
            finding.code,
            "content-length-too-large" | "content-length-conflict" | "content-length-invalid"
        )
    });
    // a start line that is not one space apart, and list or parameter separators with nothing between them (25.1)
    let regular = !request
        .findings()
        .iter()
        .any(|finding| finding.clause == "RFC 3261 7.1")
        && !["via", "contact"]
            .iter()
            .any(|name| request.headers(name).any(has_empty_part));
    let contacts = request.headers("contact").count() == 0
        || !request.contacts().is_empty()
        || request.header("contact").map(str::trim) == Some("*");
    (!(complete && once && framed && regular && contacts)).then_some(400)
}

/// Whether a separator outside quotes and brackets is followed by another one.
fn has_empty_part(value: &str) -> bool {
    let (mut quoted, mut inside, mut escaped, mut after) = (false, false, false, false);
    for c in value.chars().filter(|c| !c.is_whitespace()) {
        let separator = !quoted && !inside && matches!(c, ';' | ',');
        if separator && after {
            return true;
        }
        after = separator;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => inside = true,
            '>' if !quoted => inside = false,
            _ => {}
        }
    }
    false
}

/// 8.2.2.1: 416 for a scheme the phone does not have, 400 for what is no URI.
fn wrong_scheme(request: &Message) -> Option<u16> {
    match Uri::parse(request.request_uri().unwrap_or_default()) {
        Ok(uri) if uri.is_sip() || uri.scheme == "tel" => None,
        Ok(_) => Some(416),
        Err(_) => Some(400),
    }
}

/// Whether a caller takes session descriptions (20.1): no Accept means that it does.
pub(crate) fn takes_descriptions(invite: &Message) -> bool {
    let accepted = invite.header_values("accept");
    accepted.is_empty()
        || accepted.iter().any(|range| {
            let range = range.split(';').next().unwrap_or_default().trim();
            ["application/sdp", "application/*", "*/*"]
                .iter()
                .any(|taken| range.eq_ignore_ascii_case(taken))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_with_nothing_between() {
        for broken in [
            "<sip:a@b>;;x=1",
            "SIP/2.0/UDP h;branch=z;,SIP/2.0/UDP i",
            "<sip:a@b>; ;",
            "a,,b",
        ] {
            assert!(has_empty_part(broken), "{broken}");
        }
        for right in [
            "<sip:a@b;;x>;q=1",
            "\";;\\\"\" <sip:a@b>",
            "<sip:a@b>,<sip:c@d>;q=1",
            "*",
        ] {
            assert!(!has_empty_part(right), "{right}");
        }
    }
}
