//! The lab's registrar (RFC 3261 10.3) with digest authentication (22).

use std::time::Duration;

use voxproof_sip::{Builder, Hop, IdSource, Message, default_reason};

use crate::authentication::{Guard, Verified};

/// How the registrar behaves.
#[derive(Debug, Clone, Default)]
pub struct RegistrarBehaviour {
    /// Smallest interval granted, seconds; a shorter one gets 423.
    pub min_expires: Option<u32>,
    /// Interval granted whatever was asked, seconds.
    pub grant: Option<u32>,
    /// The next request with right credentials gets 401 with `stale=true` and a fresh nonce, once.
    pub stale_once: bool,
    /// Algorithms of the challenges, the first one most wanted; MD5 when there is none.
    pub algorithms: Vec<String>,
    /// Quality of protection offered; `auth` when there is none.
    pub qop: Vec<String>,
    /// Path of the answers (RFC 3327).
    pub path: Option<String>,
    /// Service-Route of the answers (RFC 3608).
    pub service_route: Option<String>,
    /// Contacts of other devices, named first in the answers.
    pub other_contacts: Vec<String>,
}

/// Where the device can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Contact URI as registered.
    pub contact: String,
    /// Where the REGISTER came from.
    pub source: Hop,
    /// End of the registration on the lab's clock.
    pub until: Duration,
}

pub(crate) struct Registrar {
    pub(crate) behaviour: RegistrarBehaviour,
    pub(crate) binding: Option<Binding>,
    guard: Guard,
    account: (String, String, String),
}

/// The answer to a REGISTER and whether its credentials verified.
pub(crate) struct Registration {
    pub(crate) response: Vec<u8>,
    pub(crate) verified: Option<bool>,
}

impl Registrar {
    pub(crate) fn new(username: &str, password: &str, realm: &str) -> Self {
        Self {
            behaviour: RegistrarBehaviour::default(),
            binding: None,
            guard: Guard::new(realm, username, password),
            account: (realm.to_owned(), username.to_owned(), password.to_owned()),
        }
    }

    /// Behaves so from now on; with other algorithms or qualities all nonces are new.
    pub(crate) fn behave(&mut self, behaviour: RegistrarBehaviour) {
        let former = &self.behaviour;
        if former.algorithms != behaviour.algorithms || former.qop != behaviour.qop {
            let (realm, username, password) = &self.account;
            let qop = (!behaviour.qop.is_empty()).then_some(behaviour.qop.as_slice());
            self.guard = Guard::new(realm, username, password).offering(&behaviour.algorithms, qop);
        }
        self.behaviour = behaviour;
    }

    pub(crate) fn bound(&self, now: Duration) -> Option<&Binding> {
        self.binding.as_ref().filter(|binding| binding.until > now)
    }

    pub(crate) fn register(
        &mut self,
        now: Duration,
        request: &Message,
        source: Hop,
        ids: &mut IdSource,
    ) -> Registration {
        let verified = self.guard.check(now, request);
        let (response, known) = match verified {
            Verified::Absent => (self.challenge(now, request, false, ids), None),
            Verified::Wrong => (self.challenge(now, request, false, ids), Some(false)),
            Verified::Stale => (self.challenge(now, request, true, ids), Some(true)),
            Verified::Right if std::mem::take(&mut self.behaviour.stale_once) => {
                self.guard.withdraw_nonces();
                (self.challenge(now, request, true, ids), Some(true))
            }
            Verified::Right => (self.accept(now, request, source, ids), Some(true)),
        };
        Registration {
            response,
            verified: known,
        }
    }

    fn challenge(&mut self, now: Duration, request: &Message, stale: bool, ids: &mut IdSource) -> Vec<u8> {
        let mut builder = response(request, 401, ids);
        for challenge in self.guard.challenges(now, stale, ids) {
            builder = builder.header("WWW-Authenticate", challenge);
        }
        builder.build()
    }

    fn accept(&mut self, now: Duration, request: &Message, source: Hop, ids: &mut IdSource) -> Vec<u8> {
        let contacts = request.contacts();
        let contact = contacts.first();
        let asked = contact
            .and_then(|contact| {
                contact
                    .params
                    .value("expires")
                    .and_then(|text| text.parse::<u32>().ok())
            })
            .or_else(|| request.expires())
            .unwrap_or(3600);
        if asked == 0 {
            self.binding = None;
            return response(request, 200, ids).build();
        }
        if let Some(min) = self.behaviour.min_expires.filter(|min| asked < *min) {
            return response(request, 423, ids)
                .header("Min-Expires", min.to_string())
                .build();
        }
        let granted = self.behaviour.grant.unwrap_or(asked);
        // a query without Contact changes nothing (RFC 3261 10.2.3)
        let uri = contact.map(|contact| contact.uri.to_string());
        if let Some(uri) = uri.filter(|uri| uri != "*" && !uri.is_empty()) {
            let until = now + Duration::from_secs(u64::from(granted));
            self.binding = Some(Binding {
                contact: uri,
                source,
                until,
            });
        }
        let mut builder = response(request, 200, ids);
        for other in &self.behaviour.other_contacts {
            builder = builder.header("Contact", other);
        }
        if let Some(binding) = self.bound(now) {
            builder = builder.header("Contact", format!("<{}>;expires={granted}", binding.contact));
        }
        if let Some(path) = &self.behaviour.path {
            builder = builder.header("Path", path);
        }
        if let Some(route) = &self.behaviour.service_route {
            builder = builder.header("Service-Route", route);
        }
        builder.header("Expires", granted.to_string()).build()
    }
}

pub(crate) fn response(request: &Message, status: u16, ids: &mut IdSource) -> Builder {
    Builder::response_to(request, status, default_reason(status)).to_tag(&ids.tag())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;
    use voxproof_sip::{Challenge, Credentials};

    fn register(expires: u32, credentials: Option<&Credentials>) -> Message {
        let mut builder = Builder::request("REGISTER", "sip:lab")
            .header("Via", "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1")
            .header("From", "<sip:dut@lab>;tag=1")
            .header("To", "<sip:dut@lab>")
            .header("Call-ID", "1")
            .header("CSeq", "1 REGISTER")
            .header("Contact", "<sip:dut@127.0.0.1:5070>")
            .header("Expires", expires.to_string());
        if let Some(credentials) = credentials {
            builder = builder.header("Authorization", credentials.to_header());
        }
        Message::parse(&builder.build())
    }

    #[test]
    fn challenges_verifies_grants_and_forgets() {
        let mut ids = IdSource::new(1);
        let mut registrar = Registrar::new("dut", "secret", "lab");
        registrar.behave(RegistrarBehaviour {
            min_expires: Some(1800),
            stale_once: true,
            ..RegistrarBehaviour::default()
        });
        let source: Hop = "127.0.0.1:5070".parse::<SocketAddr>().unwrap().into();
        let now = Duration::from_secs(1);
        let mut count = 0;
        let mut ask = |registrar: &mut Registrar, expires, password: &str, challenge: Option<&str>| {
            count += 1;
            let credentials = challenge.map(|value| {
                let challenge = Challenge::parse(value).unwrap();
                Credentials::answer(
                    &challenge, "dut", password, "REGISTER", "sip:lab", count, "c", b"",
                )
                .unwrap()
            });
            let answer = registrar.register(now, &register(expires, credentials.as_ref()), source, &mut ids);
            Message::parse(&answer.response)
        };
        let first = ask(&mut registrar, 60, "secret", None);
        assert_eq!(first.status(), Some(401));
        let wrong = ask(&mut registrar, 60, "wrong", first.header("www-authenticate"));
        assert_eq!(wrong.status(), Some(401));
        let stale = ask(&mut registrar, 60, "secret", wrong.header("www-authenticate"));
        assert!(stale.header("www-authenticate").unwrap().contains("stale=true"));
        let brief = ask(&mut registrar, 60, "secret", stale.header("www-authenticate"));
        assert_eq!(
            (brief.status(), brief.header("min-expires")),
            (Some(423), Some("1800"))
        );
        let good = ask(&mut registrar, 1800, "secret", stale.header("www-authenticate"));
        assert_eq!(good.status(), Some(200));
        assert_eq!(registrar.bound(now).unwrap().source, source);
        assert!(registrar.bound(now + Duration::from_secs(1801)).is_none());
        assert_eq!(
            ask(&mut registrar, 0, "secret", stale.header("www-authenticate")).status(),
            Some(200)
        );
        assert!(registrar.bound(now).is_none());
    }
}
