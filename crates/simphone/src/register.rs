//! Registration (RFC 3261 10).

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_sip::{Builder, Challenge, IdSource, Message, TransactionId, Transport};

use crate::authentication::{challenges, realms, with_credentials};
use crate::handle::PhoneError;
use crate::phone::{Phone, Purpose, USER_AGENT};
use crate::{Fault, SimPhoneConfig};

/// A refused or unanswered registration is tried again after this, doubled each time.
const FIRST_RETRY: Duration = Duration::from_secs(30);
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// A lost connection is made again after this.
const RECONNECT: Duration = Duration::from_secs(1);

/// A ping without a pong for so long means that the flow has failed (RFC 5626 4.4.1).
const PONG_PATIENCE: Duration = Duration::from_secs(10);

/// So many prescribed routes are kept.
const MOST_ROUTES: usize = 16;

/// The state of the phone's binding at its registrar.
#[derive(Debug)]
pub(crate) struct Registration {
    /// The same for all requests of one boot cycle (RFC 3261 10.2).
    call_id: String,
    tag: String,
    cseq: u32,
    /// What we ask for, in seconds; a 423 raises it.
    expires: u32,
    bound_until: Option<Duration>,
    next: Option<Duration>,
    retry: Duration,
    pending: Option<Pending>,
    /// The last challenge, to save the round trip on a refresh.
    challenge: Option<(&'static str, Challenge)>,
    /// The way out that the registrar has prescribed (RFC 3608 5).
    service_route: Vec<String>,
    /// Names this phone to its registrar whatever its address (RFC 5626 4.1).
    instance: String,
    keep_alive_at: Option<Duration>,
    /// When the flow counts as failed if the server says nothing.
    pong_until: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Binding,
    Removing,
    /// A REGISTER is on its way, and the user has switched the phone off.
    RemovingNext,
}

impl Registration {
    pub(crate) fn new(config: &SimPhoneConfig, contact: SocketAddr, ids: &mut IdSource) -> Self {
        Self {
            call_id: ids.call_id(&contact.ip().to_string()),
            tag: ids.tag(),
            cseq: 0,
            expires: config.register_expires,
            bound_until: None,
            next: None,
            retry: FIRST_RETRY,
            pending: None,
            challenge: None,
            service_route: Vec::new(),
            instance: instance(config),
            keep_alive_at: config.keep_alive,
            pong_until: None,
        }
    }

    /// Asks for this interval from now on, in seconds.
    pub(crate) const fn ask_for(&mut self, expires: u32) {
        self.expires = expires;
    }

    /// The flow to the registrar is gone: registers again soon.
    pub(crate) fn reconnect(&mut self, now: Duration) {
        if self.pending.is_none() {
            self.next = Some(now + RECONNECT);
        }
    }

    pub(crate) fn service_route(&self) -> &[String] {
        &self.service_route
    }

    pub(crate) fn keep_alive_deadline(&self) -> Option<Duration> {
        self.keep_alive_at.into_iter().chain(self.pong_until).min()
    }

    /// Something has come from the server.
    pub(crate) const fn server_alive(&mut self) {
        self.pong_until = None;
    }

    pub(crate) fn is_bound(&self, now: Duration) -> bool {
        self.bound_until.is_some_and(|until| until > now)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.next
    }

    /// Plans another attempt after a failure.
    fn try_later(&mut self, now: Duration, asked: Option<Duration>) {
        self.next = Some(now + asked.unwrap_or(self.retry));
        self.retry = (self.retry * 2).min(LONGEST_RETRY);
    }
}

impl Phone {
    /// Sends a REGISTER for the binding.
    pub(crate) fn register(&mut self, now: Duration) {
        self.registration.pending = Some(Pending::Binding);
        self.send_register(now, self.registration.expires);
    }

    /// Forgets the binding and everything about it, as a phone does whose power was off.
    pub(crate) fn forget_registration(&mut self) {
        self.requests
            .retain(|_, request| request.purpose != Purpose::Register);
        self.registration = Registration::new(&self.config, self.contact, &mut self.ids);
    }

    pub(crate) fn user_reregisters(&mut self, now: Duration) -> Result<(), PhoneError> {
        if self.is_stopping() {
            return Err(PhoneError::Stopped);
        }
        if self.registration.pending.is_some() {
            return Err(PhoneError::RegistrationPending);
        }
        self.register(now);
        Ok(())
    }

    /// Removes the binding, now or as soon as the registration under way is answered.
    pub(crate) fn unregister(&mut self, now: Duration) {
        match self.registration.pending {
            Some(_) => self.registration.pending = Some(Pending::RemovingNext),
            None if self.registration.is_bound(now) => {
                self.registration.pending = Some(Pending::Removing);
                self.send_register(now, 0);
            }
            None => {}
        }
    }

    pub(crate) fn registration_due(&mut self, now: Duration) {
        if self.registration.next.is_some_and(|next| next <= now) {
            self.registration.next = None;
            if self.registration.pending.is_none() && !self.is_stopping() {
                self.register(now);
            }
        }
    }

    pub(crate) fn on_register_timeout(&mut self, now: Duration) {
        if !self.registration_over(now, true) && !self.fail_over(now) {
            self.registration.try_later(now, None);
        }
    }

    pub(crate) fn on_register_response(&mut self, now: Duration, id: TransactionId, response: &Message) {
        match response.status().unwrap_or_default() {
            0..200 => {}
            200..300 => self.on_registered(now, id, response),
            401 | 407 => self.on_register_challenge(now, id, response),
            423 => self.on_interval_too_brief(now, id, response),
            _ => {
                self.requests.remove(&id);
                if self.registration_over(now, true) {
                    return;
                }
                let elsewhere = response.status() == Some(503) && self.fail_over(now);
                if !elsewhere {
                    self.plan_after_refusal(now, response);
                }
            }
        }
    }

    fn plan_after_refusal(&mut self, now: Duration, response: &Message) {
        if response.status() == Some(403) {
            if self.has(Fault::RegisterHammers403) {
                self.registration.next = Some(now + Duration::from_secs(1));
                return;
            }
            // 21.4.4: the same request shall not be repeated; whoever has the account may open it again, though
            if !self.config.retries_when_forbidden {
                return;
            }
        }
        let asked = response
            .header("retry-after")
            .and_then(leading_seconds)
            .map(Duration::from_secs);
        if asked.is_some() && self.has(Fault::RetryAfterIgnored) {
            self.registration.next = Some(now + Duration::from_secs(1));
            return;
        }
        self.registration.try_later(now, asked);
    }

    /// Sends the empty lines that keep the way back open (RFC 5626 3.5.1), where the user wants them, and makes a new
    /// connection where a server does not answer them (4.4.1).
    pub(crate) fn keep_alive_due(&mut self, now: Duration) {
        let Some(interval) = self
            .config
            .keep_alive
            .filter(|_| !self.has(Fault::KeepAliveMissing))
        else {
            self.registration.keep_alive_at = None;
            return;
        };
        let server = self.server_hop();
        if self.registration.pong_until.is_some_and(|until| until <= now) {
            self.registration.pong_until = None;
            if self.streams.give_up(server.address) {
                self.registration.reconnect(now);
            }
        }
        if self.registration.keep_alive_at.is_some_and(|at| at <= now) {
            self.registration.keep_alive_at = Some(now + interval);
            if server.transport != Transport::Udp && !self.has(Fault::MissingPongUnnoticed) {
                self.registration.pong_until = Some(now + PONG_PATIENCE);
            }
            self.transactions.send(b"\r\n\r\n".to_vec(), server);
        }
    }

    fn send_register(&mut self, now: Duration, expires: u32) {
        self.registration.next = None;
        self.registration.cseq += 1;
        let registrar = format!("sip:{}", self.config.server);
        let own = format!("<{}>", self.address_of_record());
        let via = self.via();
        let mut builder = Builder::request("REGISTER", &registrar)
            .header("Via", via)
            .header("Max-Forwards", "70")
            .header("From", format!("{own};tag={}", self.registration.tag))
            .header("To", own)
            .header("Call-ID", &self.registration.call_id)
            .header("CSeq", format!("{} REGISTER", self.registration.cseq))
            .header("Contact", self.registered_contact())
            .header("Expires", expires.to_string());
        builder = self.abilities().allow(builder).header("User-Agent", USER_AGENT);
        let extensions: Vec<&str> = [
            (!self.has(Fault::PathUnsupported)).then_some("path"),
            self.config.outbound.then_some("outbound"),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !extensions.is_empty() {
            builder = builder.header("Supported", extensions.join(", "));
        }
        if let Some((name, challenge)) = self.registration.challenge.clone() {
            let value =
                self.authentication
                    .credentials(&challenge, "REGISTER", &registrar, b"", &mut self.ids);
            if let Some(value) = value {
                builder = builder.header(name, value);
            }
        }
        let server = self.server_hop();
        self.request(now, builder.build(), server, Purpose::Register, Vec::new());
    }

    /// The Contact of a REGISTER: with the instance and the number of the flow for a registrar with RFC 5626.
    fn registered_contact(&self) -> String {
        let contact = self.contact_header();
        if !self.config.outbound {
            return contact;
        }
        if self.has(Fault::OutboundWithoutInstance) {
            return format!("{contact};reg-id=1");
        }
        format!(
            "{contact};+sip.instance=\"<{}>\";reg-id=1",
            self.registration.instance
        )
    }

    fn on_registered(&mut self, now: Duration, id: TransactionId, response: &Message) {
        self.requests.remove(&id);
        let granted = self.granted(response);
        self.registration.retry = FIRST_RETRY;
        if self.registration.pending == Some(Pending::Removing) {
            self.registration.bound_until = None;
        } else if granted == 0 {
            // a registrar that grants nothing to a phone that asked for something
            self.registration.bound_until = None;
            self.registration.try_later(now, None);
        } else {
            // RFC 3608 5: each answer replaces the routes of the one before
            let routes = response.header_values("service-route").into_iter();
            self.registration.service_route = routes.take(MOST_ROUTES).collect();
            let granted = Duration::from_secs(u64::from(granted));
            self.registration.bound_until = Some(now + granted);
            // well inside the granted time, with half a minute for retransmissions where there is that much
            let margin = (granted / 2).min(Duration::from_secs(32));
            self.registration.next = Some(now + (granted - margin).max(Duration::from_secs(1)));
        }
        let bound = self.registration.is_bound(now);
        if !self.registration_over(now, false) && bound {
            self.subscribe_all(now);
        }
    }

    /// The expiry the registrar granted, in seconds (RFC 3261 10.2.4): of our Contact, else the header, else ours.
    fn granted(&self, response: &Message) -> u32 {
        let any = self.has(Fault::OtherContactsExpiryTaken);
        let ours = response.contacts().into_iter().find(|contact| {
            any || contact.uri.host.parse() == Ok(self.contact.ip())
                && contact.uri.port.unwrap_or(5060) == self.contact.port()
                && contact.uri.user.as_deref() == Some(self.config.username.as_str())
        });
        ours.and_then(|contact| {
            contact
                .params
                .value("expires")
                .and_then(|value| value.parse().ok())
        })
        .or_else(|| response.expires())
        .unwrap_or(self.registration.expires)
    }

    fn on_register_challenge(&mut self, now: Duration, id: TransactionId, refusal: &Message) {
        let Some(request) = self.requests.remove(&id) else {
            return;
        };
        let offered = challenges(refusal);
        let carried = request.message.header("authorization").is_some()
            || request.message.header("proxy-authorization").is_some();
        let stale = offered.iter().any(|(_, challenge)| challenge.stale);
        if carried && stale && self.has(Fault::RegisterIgnoresStale) {
            self.registration.challenge = None;
            self.registration.bound_until = None;
            self.registration_over(now, true);
            return;
        }
        let answer = self
            .authentication
            .answer(&request.message, refusal, &request.answered, &mut self.ids);
        let Some(answers) = answer else {
            // name or password are wrong: asking again at once would only load the server
            self.registration.challenge = None;
            self.registration.bound_until = None;
            if !self.registration_over(now, true) {
                self.registration.try_later(now, None);
            }
            return;
        };
        let answered = answers
            .first()
            .map(|answer| (answer.header, answer.challenge.clone()));
        self.registration.challenge = answered;
        self.registration.cseq += 1;
        let branch = self.ids.branch();
        let mut bytes = with_credentials(&request.message, self.registration.cseq, &branch, &answers);
        if self.has(Fault::RegisterCallIdChanged) {
            let changed = self.ids.call_id(&self.contact.ip().to_string());
            bytes = String::from_utf8_lossy(&bytes)
                .replace(&self.registration.call_id, &changed)
                .into_bytes();
            self.registration.call_id = changed;
        }
        self.request(
            now,
            bytes,
            request.destination,
            Purpose::Register,
            realms(&request.answered, &answers),
        );
    }

    fn on_interval_too_brief(&mut self, now: Duration, id: TransactionId, response: &Message) {
        self.requests.remove(&id);
        let minimum = response.header("min-expires").and_then(leading_seconds);
        let longer = minimum.and_then(|minimum| u32::try_from(minimum).ok());
        match longer.filter(|minimum| *minimum > self.registration.expires) {
            Some(_) if self.has(Fault::RegisterIgnores423) => {
                self.registration_over(now, true);
            }
            Some(minimum) if self.registration.pending == Some(Pending::Binding) => {
                self.registration.expires = minimum;
                self.send_register(now, minimum);
            }
            // a registrar that names no longer interval cannot be satisfied
            _ => {
                if !self.registration_over(now, true) {
                    self.registration.try_later(now, None);
                }
            }
        }
    }

    /// A REGISTER has its final outcome. Whether the user has switched off meanwhile, so that no other attempt is due.
    fn registration_over(&mut self, now: Duration, failed: bool) -> bool {
        let pending = self.registration.pending.take();
        if pending == Some(Pending::RemovingNext) {
            self.unregister(now);
        }
        if failed && pending == Some(Pending::Removing) {
            self.registration.bound_until = None;
        }
        self.is_stopping()
    }
}

/// A UUID that is the same after each start of the same phone (RFC 5626 4.1).
fn instance(config: &SimPhoneConfig) -> String {
    let seed = config.username.bytes().fold(config.seed, |state, byte| {
        IdSource::new(state ^ u64::from(byte)).next_u64()
    });
    let mut ids = IdSource::new(seed);
    let (high, low) = (ids.next_u64(), ids.next_u64());
    // version 4, variant 1 (RFC 9562 5.4)
    format!(
        "urn:uuid:{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

/// The seconds at the start of `Retry-After` or `Min-Expires`; comments and parameters may follow.
fn leading_seconds(value: &str) -> Option<u64> {
    let digits: String = value.trim().chars().take_while(char::is_ascii_digit).collect();
    // a day is longer than any test: a hostile value must not silence the phone for ever
    digits.parse::<u64>().ok().map(|seconds| seconds.min(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_up_to_the_first_other_character() {
        assert_eq!(leading_seconds("120 (lunch);duration=60"), Some(120));
        assert_eq!(leading_seconds("soon"), None);
        assert_eq!(leading_seconds("99999999999999999999"), None);
        assert_eq!(leading_seconds("999999999"), Some(86_400));
    }
}
