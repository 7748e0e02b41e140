//! Whether a request has the credentials that its route wants.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::digest::{Proof, Secret, parameters, response};
use super::{DigestAlgorithm, HttpRequest};

const REALM: &str = "voxproof";
/// So many nonces are remembered; the oldest goes first.
const MAX_NONCES: usize = 256;

/// Credentials that a route wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// None.
    #[default]
    None,
    /// User name and password in the clear (RFC 7617).
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
    /// A digest of them (RFC 7616), with quality of protection `auth`.
    Digest {
        /// User name.
        username: String,
        /// Password.
        password: String,
        /// Hash algorithm.
        algorithm: DigestAlgorithm,
    },
}

/// Why a request is refused, and the challenge that tells the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) reason: &'static str,
    pub(super) challenge: String,
}

/// The nonces that are out, each with the highest count seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Nonces {
    out: VecDeque<(String, u32)>,
    made: u64,
}

impl Nonces {
    /// The same course of events makes the same nonces, so that a run in virtual time can be repeated.
    fn fresh(&mut self, now: Duration) -> String {
        self.made += 1;
        let nonce = DigestAlgorithm::Md5.hash(&format!("{}:{}", self.made, now.as_nanos()));
        if self.out.len() >= MAX_NONCES {
            self.out.pop_front();
        }
        self.out.push_back((nonce.clone(), 0));
        nonce
    }

    fn find(&mut self, nonce: &str) -> Option<&mut u32> {
        self.out
            .iter_mut()
            .find(|(own, _)| own == nonce)
            .map(|(_, count)| count)
    }
}

impl Authentication {
    /// Verifies the credentials of a request.
    pub(super) fn verify(
        &self,
        request: &HttpRequest,
        nonces: &mut Nonces,
        now: Duration,
    ) -> Result<(), Refusal> {
        let given = request.header("Authorization");
        match self {
            Self::None => Ok(()),
            Self::Basic { username, password } => match given {
                None => Err("no credentials"),
                Some(given) if is_basic(given, username, password) => Ok(()),
                Some(_) => Err("wrong credentials"),
            }
            .map_err(|reason| Refusal {
                reason,
                challenge: format!("Basic realm=\"{REALM}\", charset=\"UTF-8\""),
            }),
            Self::Digest {
                username,
                password,
                algorithm,
            } => {
                let secret = Secret {
                    username,
                    realm: REALM,
                    password,
                };
                let verdict = match given {
                    None => Err(("no credentials", false)),
                    Some(given) => verify_digest(given, request, *algorithm, &secret, nonces),
                };
                verdict.map_err(|(reason, stale)| Refusal {
                    reason,
                    challenge: format!(
                        "Digest realm=\"{REALM}\", nonce=\"{}\", qop=\"auth\", algorithm={}{}",
                        nonces.fresh(now),
                        algorithm.name(),
                        if stale { ", stale=true" } else { "" }
                    ),
                })
            }
        }
    }
}

fn is_basic(given: &str, username: &str, password: &str) -> bool {
    given.trim().split_once(' ').is_some_and(|(scheme, encoded)| {
        scheme.eq_ignore_ascii_case("Basic")
            && STANDARD
                .decode(encoded.trim())
                .is_ok_and(|plain| plain == format!("{username}:{password}").as_bytes())
    })
}

/// The reason of a refusal, and whether only the nonce is at fault (RFC 7616 3.3, `stale`).
fn verify_digest(
    given: &str,
    request: &HttpRequest,
    algorithm: DigestAlgorithm,
    secret: &Secret<'_>,
    nonces: &mut Nonces,
) -> Result<(), (&'static str, bool)> {
    let Some(parameters) = parameters(given) else {
        return Err(("credentials are not a digest", false));
    };
    let value = |name: &str| {
        parameters
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    };
    if value("username") != Some(secret.username) {
        return Err(("another user name", false));
    }
    if value("realm") != Some(secret.realm) {
        return Err(("another realm", false));
    }
    if value("uri") != Some(request.target.as_str()) {
        return Err(("digest uri is not the request target", false));
    }
    // MD5 is what no algorithm means (RFC 7616 3.3)
    if !value("algorithm")
        .unwrap_or("MD5")
        .eq_ignore_ascii_case(algorithm.name())
    {
        return Err(("another algorithm", false));
    }
    let quality = match value("qop") {
        None => None,
        Some(quality @ "auth") => match (value("nc"), value("cnonce")) {
            (Some(count), Some(client_nonce)) => Some((count, client_nonce, quality)),
            _ => return Err(("qop without nc or cnonce", false)),
        },
        Some(_) => return Err(("a qop that was not offered", false)),
    };
    let nonce = value("nonce").unwrap_or_default();
    let proof = Proof {
        method: &request.method,
        uri: &request.target,
        nonce,
        quality,
    };
    let right = response(algorithm, secret, &proof);
    if !value("response").is_some_and(|given| given.eq_ignore_ascii_case(&right)) {
        return Err(("wrong response", false));
    }
    let Some(last) = nonces.find(nonce) else {
        return Err(("nonce is not known", true));
    };
    if let Some((count, ..)) = quality {
        let Ok(count) = u32::from_str_radix(count, 16) else {
            return Err(("nonce count is not a number", false));
        };
        if count <= *last {
            return Err(("nonce count was used before", true));
        }
        *last = count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(authorization: Option<String>) -> HttpRequest {
        HttpRequest {
            method: "GET".to_owned(),
            target: "/cfg.xml?mac=1".to_owned(),
            minor_version: 1,
            headers: authorization
                .into_iter()
                .map(|value| ("authorization".to_owned(), value))
                .collect(),
            body: Vec::new(),
        }
    }

    fn refused(wanted: &Authentication, nonces: &mut Nonces, authorization: &str) -> &'static str {
        wanted
            .verify(&request(Some(authorization.to_owned())), nonces, Duration::ZERO)
            .unwrap_err()
            .reason
    }

    #[test]
    fn basic_credentials() {
        let wanted = Authentication::Basic {
            username: "phone".to_owned(),
            password: "se:cret".to_owned(),
        };
        let mut nonces = Nonces::default();
        let refusal = wanted
            .verify(&request(None), &mut nonces, Duration::ZERO)
            .unwrap_err();
        assert_eq!(refusal.reason, "no credentials");
        assert!(refusal.challenge.starts_with("Basic realm="));
        let right = format!("basic {}", STANDARD.encode("phone:se:cret"));
        assert_eq!(
            wanted.verify(&request(Some(right)), &mut nonces, Duration::ZERO),
            Ok(())
        );
        for wrong in ["Basic !!!", "Basic", "Basic cGhvbmU6", "Bearer x"] {
            assert_eq!(refused(&wanted, &mut nonces, wrong), "wrong credentials");
        }
    }

    #[test]
    fn digest_credentials_are_verified_to_the_last_parameter() {
        for algorithm in [DigestAlgorithm::Md5, DigestAlgorithm::Sha256] {
            let wanted = Authentication::Digest {
                username: "phone".to_owned(),
                password: "secret".to_owned(),
                algorithm,
            };
            let mut nonces = Nonces::default();
            let refusal = wanted
                .verify(&request(None), &mut nonces, Duration::ZERO)
                .unwrap_err();
            let nonce = parameters(&refusal.challenge).unwrap()[1].1.clone();
            let credentials = |nonce: &str, count: &str, change: (&str, &str)| {
                let secret = Secret {
                    username: "phone",
                    realm: REALM,
                    password: "secret",
                };
                let proof = Proof {
                    method: "GET",
                    uri: "/cfg.xml?mac=1",
                    nonce,
                    quality: Some((count, "c", "auth")),
                };
                let response = response(algorithm, &secret, &proof);
                format!(
                    "Digest username=\"phone\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"/cfg.xml?mac=1\", \
                     algorithm={}, qop=auth, nc={count}, cnonce=\"c\", response=\"{response}\"",
                    algorithm.name()
                )
                .replace(change.0, change.1)
            };
            let none = ("\0", "");
            for (change, reason) in [
                (("\"phone\"", "\"other\""), "another user name"),
                (("\"voxproof\"", "\"other\""), "another realm"),
                (("?mac=1", ""), "digest uri is not the request target"),
                (("algorithm=", "algorithm=X"), "another algorithm"),
                (("qop=auth", "qop=auth-int"), "a qop that was not offered"),
                (("cnonce=", "x="), "qop without nc or cnonce"),
                (("response=\"", "response=\"0"), "wrong response"),
            ] {
                let wrong = credentials(&nonce, "00000001", change);
                assert_eq!(refused(&wanted, &mut nonces, &wrong), reason);
            }
            let right = credentials(&nonce, "00000001", none);
            assert_eq!(
                wanted.verify(&request(Some(right.clone())), &mut nonces, Duration::ZERO),
                Ok(())
            );
            assert_eq!(
                refused(&wanted, &mut nonces, &right),
                "nonce count was used before"
            );
            let next = credentials(&nonce, "00000002", none);
            assert_eq!(
                wanted.verify(&request(Some(next)), &mut nonces, Duration::ZERO),
                Ok(())
            );
            let unknown = request(Some(credentials("n", "00000001", none)));
            let refusal = wanted.verify(&unknown, &mut nonces, Duration::ZERO).unwrap_err();
            assert_eq!(refusal.reason, "nonce is not known");
            assert!(refusal.challenge.ends_with(", stale=true"));
        }
    }

    #[test]
    fn nonces_are_forgotten_one_day() {
        let mut nonces = Nonces::default();
        let first = nonces.fresh(Duration::ZERO);
        assert!(nonces.find(&first).is_some());
        for _ in 0..MAX_NONCES {
            nonces.fresh(Duration::ZERO);
        }
        assert!(nonces.find(&first).is_none());
        assert_eq!(nonces.out.len(), MAX_NONCES);
    }
}
