//! The lab's registrar (RFC 3261 10.3) with digest authentication (22).

use std::net::SocketAddr;
use std::time::Duration;

use voxproof_sip::{Algorithm, Builder, Challenge, Credentials, IdSource, Message, default_reason};

/// How the registrar behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct RegistrarBehaviour {
    /// Smallest interval granted, seconds; a shorter one gets 423.
    pub min_expires: Option<u32>,
    /// Interval granted whatever was asked, seconds.
    pub grant: Option<u32>,
    /// The next request with right credentials gets 401 with `stale=true` and a fresh nonce, once.
    pub stale_once: bool,
}

/// Where the device can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Contact URI as registered.
    pub contact: String,
    /// Where the REGISTER came from.
    pub source: SocketAddr,
    /// End of the registration on the lab's clock.
    pub until: Duration,
}

pub(crate) struct Registrar {
    pub(crate) behaviour: RegistrarBehaviour,
    pub(crate) binding: Option<Binding>,
    username: String,
    password: String,
    realm: String,
    nonce: String,
}

/// The answer to a REGISTER and whether its credentials verified.
pub(crate) struct Registration {
    pub(crate) response: Vec<u8>,
    pub(crate) verified: Option<bool>,
}

impl Registrar {
    pub(crate) fn new(username: &str, password: &str, realm: &str, ids: &mut IdSource) -> Self {
        Self {
            behaviour: RegistrarBehaviour::default(),
            binding: None,
            username: username.to_owned(),
            password: password.to_owned(),
            realm: realm.to_owned(),
            nonce: ids.token(24),
        }
    }

    pub(crate) fn bound(&self, now: Duration) -> Option<&Binding> {
        self.binding.as_ref().filter(|binding| binding.until > now)
    }

    pub(crate) fn register(
        &mut self,
        now: Duration,
        request: &Message,
        source: SocketAddr,
        ids: &mut IdSource,
    ) -> Registration {
        let credentials = request
            .header("authorization")
            .and_then(|value| Credentials::parse(value).ok());
        let Some(credentials) = credentials else {
            self.nonce = ids.token(24);
            return Registration {
                response: self.challenge(request, false, ids),
                verified: None,
            };
        };
        let verified = credentials.username == self.username
            && credentials.realm == self.realm
            && credentials.verify(&self.password, "REGISTER", request.body());
        if credentials.nonce != self.nonce {
            self.nonce = ids.token(24);
            // right password, old nonce: stale (RFC 7616 3.3)
            return Registration {
                response: self.challenge(request, verified, ids),
                verified: Some(verified),
            };
        }
        if !verified {
            self.nonce = ids.token(24);
            return Registration {
                response: self.challenge(request, false, ids),
                verified: Some(false),
            };
        }
        if std::mem::take(&mut self.behaviour.stale_once) {
            self.nonce = ids.token(24);
            return Registration {
                response: self.challenge(request, true, ids),
                verified: Some(true),
            };
        }
        Registration {
            response: self.accept(now, request, source, ids),
            verified: Some(true),
        }
    }

    fn challenge(&self, request: &Message, stale: bool, ids: &mut IdSource) -> Vec<u8> {
        let challenge = Challenge {
            realm: self.realm.clone(),
            nonce: self.nonce.clone(),
            algorithm: Algorithm::Md5,
            qop: vec!["auth".to_owned()],
            opaque: None,
            stale,
        };
        response(request, 401, ids)
            .header("WWW-Authenticate", challenge.to_header())
            .build()
    }

    fn accept(
        &mut self,
        now: Duration,
        request: &Message,
        source: SocketAddr,
        ids: &mut IdSource,
    ) -> Vec<u8> {
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
        if let Some(binding) = self.bound(now) {
            builder = builder.header("Contact", format!("<{}>;expires={granted}", binding.contact));
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
        let mut registrar = Registrar::new("dut", "secret", "lab", &mut ids);
        registrar.behaviour = RegistrarBehaviour {
            min_expires: Some(1800),
            grant: None,
            stale_once: true,
        };
        let source: SocketAddr = "127.0.0.1:5070".parse().unwrap();
        let now = Duration::from_secs(1);
        let mut ask = |registrar: &mut Registrar, expires, password: &str, challenge: Option<&str>| {
            let credentials = challenge.map(|value| {
                let challenge = Challenge::parse(value).unwrap();
                Credentials::answer(&challenge, "dut", password, "REGISTER", "sip:lab", 1, "c", b"").unwrap()
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
