//! MESSAGE, INFO and NOTIFY outside the phone's calls.

use std::time::Duration;

use voxproof_sip::{Challenge, Credentials, Message, TransactionId};

use crate::handle::Received;
use crate::phone::Phone;
use crate::subscribe::is_mwi;
use crate::{CheckSync, Fault};

/// So many texts and digits are kept: a flood must not fill the memory.
const MOST_KEPT: usize = 1000;

/// The realm of the phone's own challenges.
const REALM: &str = "phone";

/// What others have told the phone besides calls.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) texts: Vec<String>,
    pub(crate) info_digits: String,
    pub(crate) check_syncs: u32,
    /// The nonce of the last challenge to a check-sync; each is good for one request.
    nonce: Option<String>,
}

impl Phone {
    pub(crate) fn inbox_contents(&self) -> Received {
        Received {
            texts: self.inbox.texts.clone(),
            info_digits: self.inbox.info_digits.clone(),
            check_syncs: self.inbox.check_syncs,
            voice_messages: self.watches.voice_messages,
            watched: self.watches.busy.clone(),
            present: self.watches.present.clone(),
        }
    }

    /// MESSAGE (RFC 3428 7): plain text is taken, anything else is 415.
    pub(crate) fn on_message(&mut self, now: Duration, id: TransactionId, message: &Message) {
        if self.has(Fault::MessageRefused) {
            return self.respond(now, id, message, 403, |builder| builder);
        }
        if !is_type(message, "text/plain") {
            return self.respond(now, id, message, 415, |builder| {
                builder
                    .header("Accept", "text/plain")
                    .header("Accept-Encoding", "identity")
            });
        }
        if self.inbox.texts.len() < MOST_KEPT {
            let text = String::from_utf8_lossy(message.body()).into_owned();
            self.inbox.texts.push(text);
        }
        self.respond(now, id, message, 200, |builder| builder);
    }

    /// INFO in a call: keys as application/dtmf-relay, the usage before RFC 6086. An empty one is only confirmed.
    pub(crate) fn on_info(&mut self, now: Duration, id: TransactionId, info: &Message) {
        if info.header("info-package").is_some() {
            // RFC 6086 4.2.2: the phone has announced no package
            return self.respond(now, id, info, 469, |builder| builder.header("Recv-Info", ""));
        }
        let relay = is_type(info, "application/dtmf-relay");
        if !info.body().is_empty() && !relay && !self.has(Fault::InfoUnknownBody200) {
            return self.respond(now, id, info, 415, |builder| {
                builder
                    .header("Accept", "application/dtmf-relay")
                    .header("Accept-Encoding", "identity")
            });
        }
        if let Some(digit) = relay_digit(info.body()).filter(|_| relay)
            && self.inbox.info_digits.len() < MOST_KEPT
        {
            self.inbox.info_digits.push(digit);
        }
        self.respond(now, id, info, 200, |builder| builder);
    }

    /// A NOTIFY that belongs to no call: to a subscription of the phone, or to none.
    pub(crate) fn on_notify_outside(&mut self, now: Duration, id: TransactionId, notify: &Message) {
        if self.on_notify_of_subscription(now, id, notify) {
            return;
        }
        let in_dialog = notify.to().is_some_and(|to| to.tag().is_some());
        match package(notify).as_str() {
            "check-sync" if !in_dialog && self.config.check_sync != CheckSync::Refused => {
                self.on_check_sync(now, id, notify);
            }
            _ if !in_dialog
                && self.config.unsolicited_mwi
                && is_mwi(notify)
                && !self.has(Fault::UnsolicitedMwiRefused) =>
            {
                self.on_unsolicited_mwi(now, id, notify);
            }
            _ => self.on_stray(now, id, notify),
        }
    }

    fn on_check_sync(&mut self, now: Duration, id: TransactionId, notify: &Message) {
        // one that is not from the server did not get here
        let trusting = matches!(
            self.config.check_sync,
            CheckSync::Accepted | CheckSync::FromServer
        );
        let known = trusting || self.has(Fault::CheckSyncUnchallenged) || self.is_authorised(notify);
        if known {
            self.inbox.nonce = None;
            self.inbox.check_syncs = self.inbox.check_syncs.saturating_add(1);
            self.respond(now, id, notify, 200, |builder| builder);
            // a convention of phones: a restart fetches the settings as well
            let event = notify.header("event").unwrap_or_default().to_ascii_lowercase();
            if self.config.remote_control && event.contains("reboot=true") {
                self.restart(now);
            } else {
                self.provision_again();
            }
            return;
        }
        let nonce = self.ids.token(24);
        self.inbox.nonce = Some(nonce.clone());
        let challenge = Challenge::parse(&format!(
            "Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\""
        ));
        self.respond(now, id, notify, 401, |builder| match challenge {
            Ok(challenge) => builder.header("WWW-Authenticate", challenge.to_header()),
            Err(_) => builder,
        });
    }

    fn is_authorised(&self, request: &Message) -> bool {
        request.headers("authorization").any(|value| {
            Credentials::parse(value).is_ok_and(|credentials| {
                credentials.realm == REALM
                    && Some(&credentials.nonce) == self.inbox.nonce.as_ref()
                    && self.authentication.verifies(
                        &credentials,
                        request.method().unwrap_or_default(),
                        request.body(),
                    )
            })
        })
    }
}

/// The event package of a request, lower-case.
pub(crate) fn package(request: &Message) -> String {
    let event = request.header("event").unwrap_or_default();
    event
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

fn is_type(message: &Message, wanted: &str) -> bool {
    let content_type = message.content_type().unwrap_or_default();
    let plain = message
        .header("content-encoding")
        .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    plain
        && content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case(wanted)
}

/// The key of an application/dtmf-relay body: `Signal=5` with a Duration beside it.
fn relay_digit(body: &[u8]) -> Option<char> {
    let text = String::from_utf8_lossy(body.get(..body.len().min(256))?).into_owned();
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("signal")
            .then(|| value.trim().to_owned())
    })?;
    let mut characters = value.chars();
    let digit = characters.next()?.to_ascii_uppercase();
    let known = digit.is_ascii_digit() || "*#ABCD".contains(digit);
    (known && characters.next().is_none()).then_some(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_relay_body() {
        assert_eq!(relay_digit(b"Signal=5\r\nDuration=160\r\n"), Some('5'));
        assert_eq!(relay_digit(b"Signal= #\r\n"), Some('#'));
        assert_eq!(relay_digit(b"duration=1\nsignal=a"), Some('A'));
        assert_eq!(relay_digit(b"Signal=55\r\n"), None);
        assert_eq!(relay_digit(b"Signal=\r\n"), None);
        assert_eq!(relay_digit(b"\xff"), None);
    }
}
