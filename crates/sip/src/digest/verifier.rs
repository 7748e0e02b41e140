//! The server's side: which nonces are out, and why credentials are refused.

use std::collections::HashMap;
use std::time::Duration;

use super::challenge::sha512_cut_short;
use super::{Algorithm, Challenge, Credentials};
use crate::message::Message;

/// So many nonces are remembered at most; the oldest goes first.
const MOST_NONCES: usize = 4096;

/// Why credentials are not accepted (RFC 7616 3.4.6, RFC 3261 22.4).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestFault {
    /// Another realm than ours.
    #[error("realm is {found:?}, not {expected:?}")]
    WrongRealm {
        /// Ours.
        expected: String,
        /// Theirs.
        found: String,
    },
    /// The user name (or its hash) is none of ours.
    #[error("user {0:?} is not known")]
    UnknownUser(String),
    /// A nonce that this server never gave.
    #[error("nonce {0:?} was never given")]
    NonceUnknown(String),
    /// A nonce of ours that is too old or was withdrawn; the new challenge says `stale=true`.
    #[error("nonce {0:?} is stale")]
    NonceStale(String),
    /// A nonce count that was used before with this nonce.
    #[error("nonce count {found:08x} is not above {last:08x}")]
    NonceCountReplayed {
        /// The highest count so far.
        last: u32,
        /// The count that came.
        found: u32,
    },
    /// The first use of a nonce does not count 1.
    #[error("nonce count begins with {0:08x}, not with 00000001")]
    NonceCountNotFirst(u32),
    /// qop without `nc` or `cnonce`.
    #[error("qop stands without {0}")]
    Missing(&'static str),
    /// Another algorithm than that of the challenge with this nonce.
    #[error("algorithm is {found}, not {expected} of the challenge")]
    WrongAlgorithm {
        /// That of the challenge.
        expected: Algorithm,
        /// That of the credentials.
        found: Algorithm,
    },
    /// A qop that was not offered, or none although some were.
    #[error("qop {found:?} is none of {offered:?}")]
    WrongQop {
        /// Those of the challenge.
        offered: Vec<String>,
        /// That of the credentials.
        found: Option<String>,
    },
    /// The digest URI is not the Request-URI.
    #[error("digest uri {found:?} is not the Request-URI {expected:?}")]
    WrongUri {
        /// The Request-URI.
        expected: String,
        /// The digest URI.
        found: String,
    },
    /// Opaque was not given back as it was.
    #[error("opaque was not returned unchanged")]
    WrongOpaque,
    /// The response is not the right one.
    #[error("response is wrong{}", .likely.map(|what| format!(": {what}")).unwrap_or_default())]
    WrongResponse {
        /// What the other side seems to have computed instead.
        likely: Option<&'static str>,
    },
}

impl DigestFault {
    /// Whether the credentials are to be refused for it. A nonce count that begins above 1 and a digest URI that is
    /// equivalent but spelled differently are only worth noting.
    pub const fn refuses(&self) -> bool {
        !matches!(self, Self::NonceCountNotFirst(_) | Self::WrongUri { .. })
    }
}

/// Name and password of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestUser {
    /// User name in the clear.
    pub username: String,
    /// Password.
    pub password: String,
}

#[derive(Debug, Clone)]
struct Nonce {
    given: Duration,
    withdrawn: bool,
    /// The algorithms it was offered with.
    algorithms: Vec<Algorithm>,
    last_count: u32,
}

/// A server that challenges and checks. It makes no nonces of its own: the caller gives them, so that runs repeat.
#[derive(Debug, Clone)]
pub struct Verifier {
    realm: String,
    users: Vec<DigestUser>,
    algorithms: Vec<Algorithm>,
    qop: Vec<String>,
    opaque: Option<String>,
    lifetime: Duration,
    nonces: HashMap<String, Nonce>,
    order: std::collections::VecDeque<String>,
}

impl Verifier {
    /// A server for this realm: MD5, qop `auth`, nonces that live for 300 s.
    pub fn new(realm: &str, users: Vec<DigestUser>) -> Self {
        Self {
            realm: realm.to_owned(),
            users,
            algorithms: vec![Algorithm::Md5],
            qop: vec!["auth".to_owned()],
            opaque: None,
            lifetime: Duration::from_secs(300),
            nonces: HashMap::new(),
            order: std::collections::VecDeque::new(),
        }
    }

    /// The algorithms to offer, most wanted first: one challenge each (RFC 8760 2.4).
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// The qualities of protection to offer; none for the manner of RFC 2069.
    #[must_use]
    pub fn with_qop(mut self, qop: &[&str]) -> Self {
        self.qop = qop.iter().map(|qop| (*qop).to_owned()).collect();
        self
    }

    /// An opaque value that has to come back.
    #[must_use]
    pub fn with_opaque(mut self, opaque: &str) -> Self {
        self.opaque = Some(opaque.to_owned());
        self
    }

    /// How long a nonce is good.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Challenges with a fresh nonce, one an algorithm, in the order of preference.
    pub fn challenge(&mut self, now: Duration, nonce: &str, stale: bool) -> Vec<Challenge> {
        if self.nonces.len() >= MOST_NONCES
            && let Some(oldest) = self.order.pop_front()
        {
            self.nonces.remove(&oldest);
        }
        let entry = Nonce {
            given: now,
            withdrawn: false,
            algorithms: self.algorithms.clone(),
            last_count: 0,
        };
        if self.nonces.insert(nonce.to_owned(), entry).is_none() {
            self.order.push_back(nonce.to_owned());
        }
        self.algorithms
            .iter()
            .map(|algorithm| Challenge {
                realm: self.realm.clone(),
                nonce: nonce.to_owned(),
                algorithm: algorithm.clone(),
                qop: self.qop.clone(),
                opaque: self.opaque.clone(),
                stale,
            })
            .collect()
    }

    /// Makes every nonce stale from now on.
    pub fn withdraw_nonces(&mut self) {
        for nonce in self.nonces.values_mut() {
            nonce.withdrawn = true;
        }
    }

    /// Everything that is wrong with the credentials of this request, worst first; empty when they are accepted. A right
    /// response uses up its nonce count.
    pub fn check(&mut self, now: Duration, credentials: &Credentials, request: &Message) -> Vec<DigestFault> {
        let mut faults = Vec::new();
        if credentials.realm != self.realm {
            faults.push(DigestFault::WrongRealm {
                expected: self.realm.clone(),
                found: credentials.realm.clone(),
            });
        }
        self.check_response(credentials, request, &mut faults);
        self.check_nonce(now, credentials, &mut faults);
        self.check_form(credentials, request, &mut faults);
        if !faults.iter().any(DigestFault::refuses)
            && let Some(nonce) = self.nonces.get_mut(&credentials.nonce)
        {
            nonce.last_count = credentials.nc.unwrap_or(nonce.last_count);
        }
        faults
    }

    fn check_response(&self, credentials: &Credentials, request: &Message, faults: &mut Vec<DigestFault>) {
        let Some(user) = self.users.iter().find(|user| credentials.names(&user.username)) else {
            faults.push(DigestFault::UnknownUser(credentials.username.clone()));
            return;
        };
        let method = request.method().unwrap_or_default();
        let right = credentials.verify_user(&user.username, &user.password, method, request.body());
        if !right {
            faults.push(DigestFault::WrongResponse {
                likely: likely(credentials, user, method, request.body()),
            });
        }
    }

    fn check_nonce(&self, now: Duration, credentials: &Credentials, faults: &mut Vec<DigestFault>) {
        let Some(nonce) = self.nonces.get(&credentials.nonce) else {
            faults.push(DigestFault::NonceUnknown(credentials.nonce.clone()));
            return;
        };
        if nonce.withdrawn || now.saturating_sub(nonce.given) > self.lifetime {
            faults.push(DigestFault::NonceStale(credentials.nonce.clone()));
        }
        if let Some(count) = credentials.nc {
            if count <= nonce.last_count {
                faults.push(DigestFault::NonceCountReplayed {
                    last: nonce.last_count,
                    found: count,
                });
            } else if nonce.last_count == 0 && count != 1 {
                faults.push(DigestFault::NonceCountNotFirst(count));
            }
        }
        if !nonce.algorithms.contains(&credentials.algorithm)
            && let Some(expected) = nonce.algorithms.first()
        {
            faults.push(DigestFault::WrongAlgorithm {
                expected: expected.clone(),
                found: credentials.algorithm.clone(),
            });
        }
    }

    fn check_form(&self, credentials: &Credentials, request: &Message, faults: &mut Vec<DigestFault>) {
        let offered = match &credentials.qop {
            Some(found) => self.qop.iter().any(|qop| qop.eq_ignore_ascii_case(found)),
            None => self.qop.is_empty(),
        };
        if !offered {
            faults.push(DigestFault::WrongQop {
                offered: self.qop.clone(),
                found: credentials.qop.clone(),
            });
        }
        if credentials.qop.is_some() {
            if credentials.nc.is_none() {
                faults.push(DigestFault::Missing("nc"));
            }
            if credentials.cnonce.is_none() {
                faults.push(DigestFault::Missing("cnonce"));
            }
        }
        if credentials.opaque != self.opaque {
            faults.push(DigestFault::WrongOpaque);
        }
        let uri = request.request_uri().unwrap_or_default();
        if credentials.uri != uri {
            faults.push(DigestFault::WrongUri {
                expected: uri.to_owned(),
                found: credentials.uri.clone(),
            });
        }
    }
}

/// Common ways to get the response wrong, tried one after the other.
fn likely(credentials: &Credentials, user: &DigestUser, method: &str, body: &[u8]) -> Option<&'static str> {
    let same = |response: Option<String>| {
        response.is_some_and(|response| response.eq_ignore_ascii_case(&credentials.response))
    };
    let (name, password) = (user.username.as_str(), user.password.as_str());
    if matches!(
        credentials.algorithm,
        Algorithm::Sha512Trunc256 | Algorithm::Sha512Trunc256Sess
    ) {
        let cut = |data: &[u8]| Some(sha512_cut_short(data));
        if same(credentials.response_by(cut, name, password, method, body)) {
            return Some("SHA-512 cut short instead of SHA-512/256");
        }
    }
    if same(credentials.response_for(name, "", method, body)) {
        return Some("computed with an empty password");
    }
    if same(credentials.response_for(&credentials.username, password, method, body)) {
        return Some("computed over the hashed user name");
    }
    let mut other = credentials.clone();
    if credentials.qop.is_some() {
        other.qop = None;
        if same(other.response_for(name, password, method, body)) {
            return Some("computed without qop");
        }
        other.qop.clone_from(&credentials.qop);
        other.nc = Some(1);
        if same(other.response_for(name, password, method, body)) {
            return Some("computed with nonce count 1");
        }
        other.nc = credentials.nc;
    }
    other.algorithm = Algorithm::Md5;
    if same(other.response_for(name, password, method, body)) {
        return Some("computed with MD5");
    }
    ["INVITE", "REGISTER", "ACK", "BYE"]
        .into_iter()
        .find(|wrong| *wrong != method && same(credentials.response_for(name, password, wrong, body)))
        .map(|_| "computed with the method of another request")
}
