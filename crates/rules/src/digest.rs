//! Digest credentials of the device (RFC 3261 22, RFC 7616, RFC 8760).

use std::collections::VecDeque;
use std::time::Duration;

use voxproof_sip::{Challenge, Credentials};

use crate::catalogue::Id;
use crate::facts::{Context, Facts};
use crate::text::shown;
use crate::transaction::Transaction;

/// How many nonces are remembered.
const NONCES: usize = 64;
/// How long after a refusal a new attempt counts as the device's own doing and not the user's.
const AUTOMATIC: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Nonce {
    challenge: Challenge,
    last_count: Option<u32>,
}

/// Credentials that were just refused.
#[derive(Debug)]
struct Refused {
    call: u64,
    realm: String,
    username: String,
    algorithm: String,
    at: Duration,
}

/// Every challenge of the lab and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Challenges {
    nonces: VecDeque<Nonce>,
    refused: VecDeque<Refused>,
}

impl Challenges {
    /// A response of the lab to a request of the device.
    pub(crate) fn learn(&mut self, facts: &Facts<'_>, request: Option<&Transaction>) {
        let header = match facts.status {
            401 => "www-authenticate",
            407 => "proxy-authenticate",
            _ => {
                self.next_nonce(facts);
                return;
            }
        };
        for challenge in facts
            .message
            .headers(header)
            .filter_map(|value| Challenge::parse(value).ok())
        {
            if let Some(request) = request.filter(|_| !challenge.stale) {
                self.refuse(facts, request, &challenge);
            }
            let known = self.nonces.iter().any(|nonce| nonce.challenge == challenge);
            if !known {
                self.add(challenge, None);
            }
        }
    }

    fn add(&mut self, challenge: Challenge, last_count: Option<u32>) {
        if self.nonces.len() == NONCES {
            self.nonces.pop_front();
        }
        self.nonces.push_back(Nonce {
            challenge,
            last_count,
        });
    }

    fn refuse(&mut self, facts: &Facts<'_>, request: &Transaction, challenge: &Challenge) {
        for sent in request
            .credentials
            .iter()
            .filter_map(|value| Credentials::parse(value).ok())
            .filter(|sent| sent.realm == challenge.realm && sent.algorithm == challenge.algorithm)
        {
            if self.refused.len() == 16 {
                self.refused.pop_front();
            }
            self.refused.push_back(Refused {
                call: crate::text::hash(&facts.call_id),
                realm: sent.realm,
                username: sent.username,
                algorithm: sent.algorithm.to_string(),
                at: facts.spot.at,
            });
        }
    }

    /// `nextnonce` of Authentication-Info (RFC 7616 3.5).
    fn next_nonce(&mut self, facts: &Facts<'_>) {
        let Some(value) = facts.message.header("authentication-info") else {
            return;
        };
        let Some(next) = parameter(value, "nextnonce") else {
            return;
        };
        if let Some(last) = self.nonces.back() {
            let mut challenge = last.challenge.clone();
            challenge.nonce = next.text.to_owned();
            self.add(challenge, None);
        }
    }

    /// A request of the device that is no repetition. ACK and CANCEL carry the credentials of their INVITE (RFC 3261
    /// 22.1) and are not judged.
    pub(crate) fn check(&mut self, cx: &mut Context<'_, '_>) {
        let facts = cx.facts;
        if matches!(facts.method, "ACK" | "CANCEL") {
            return;
        }
        for name in ["authorization", "proxy-authorization"] {
            for value in facts.message.headers(name) {
                let digest = value
                    .get(..6)
                    .is_some_and(|scheme| scheme.eq_ignore_ascii_case("digest"));
                if digest {
                    self.check_value(cx, value);
                }
            }
        }
    }

    fn check_value(&mut self, cx: &mut Context<'_, '_>, value: &str) {
        let facts = cx.facts;
        let sent = Credentials::parse(value);
        cx.check(Id::CredentialsReadable, sent.is_ok(), || {
            let why = sent.as_ref().err().map(ToString::to_string).unwrap_or_default();
            format!("credentials cannot be read: {why}")
        });
        form(cx, value);
        let Ok(sent) = sent else { return };
        cx.check(Id::DigestUri, sent.uri == facts.uri, || {
            format!(
                "digest uri {}, the Request-URI is {}",
                shown(&sent.uri),
                shown(facts.uri)
            )
        });
        let length = match sent.algorithm.as_str().to_ascii_uppercase().as_str() {
            "MD5" | "MD5-SESS" => Some(32),
            name if name.starts_with("SHA-256") || name.starts_with("SHA-512-256") => Some(64),
            _ => None,
        };
        if let Some(length) = length {
            let lower = sent
                .response
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            cx.check(Id::DigestResponse, lower && sent.response.len() == length, || {
                format!(
                    "response {:?} is not {length} lower-case hexadecimal digits",
                    sent.response
                )
            });
        }
        let complete = sent.qop.is_some() == (sent.nc.is_some() && sent.cnonce.is_some())
            && (sent.qop.is_some() || sent.nc.is_none());
        cx.check(Id::QopComplete, complete || sent.algorithm.is_session(), || {
            "qop, nc and cnonce do not come together".to_owned()
        });
        self.refused(cx, &sent);
        self.against_challenge(cx, &sent);
    }

    fn refused(&mut self, cx: &mut Context<'_, '_>, sent: &Credentials) {
        let call = crate::text::hash(&cx.facts.call_id);
        let at = cx.facts.spot.at;
        let found = self.refused.iter().position(|refused| {
            refused.call == call
                && refused.realm == sent.realm
                && refused.username == sent.username
                && refused.algorithm == sent.algorithm.as_str()
                && at.saturating_sub(refused.at) < AUTOMATIC
        });
        cx.check(Id::RefusedAgain, found.is_none(), || {
            format!(
                "credentials for {:?} again after they were refused and not stale",
                sent.realm
            )
        });
        if let Some(index) = found {
            self.refused.remove(index);
        }
    }

    fn against_challenge(&mut self, cx: &mut Context<'_, '_>, sent: &Credentials) {
        if self.nonces.is_empty() {
            return;
        }
        let realm = self
            .nonces
            .iter()
            .any(|nonce| nonce.challenge.realm == sent.realm);
        cx.check(Id::RealmChallenged, realm, || {
            format!("credentials for realm {:?}, which never challenged", sent.realm)
        });
        if !realm {
            return;
        }
        let mut offered = self
            .nonces
            .iter_mut()
            .filter(|nonce| nonce.challenge.realm == sent.realm && nonce.challenge.nonce == sent.nonce)
            .collect::<Vec<_>>();
        cx.check(Id::NonceIssued, !offered.is_empty(), || {
            format!(
                "nonce {} was not issued for realm {:?}",
                shown(&sent.nonce),
                sent.realm
            )
        });
        if offered.is_empty() {
            return;
        }
        let same_algorithm = |nonce: &Nonce| {
            nonce
                .challenge
                .algorithm
                .as_str()
                .eq_ignore_ascii_case(sent.algorithm.as_str())
        };
        let chosen = offered.iter().position(|nonce| same_algorithm(nonce));
        cx.check(Id::AlgorithmOffered, chosen.is_some(), || {
            format!("algorithm {} was not offered", sent.algorithm)
        });
        let Some(nonce) = chosen.and_then(|index| offered.get_mut(index)) else {
            return;
        };
        if let Some(opaque) = &nonce.challenge.opaque {
            cx.check(Id::OpaqueReturned, sent.opaque.as_ref() == Some(opaque), || {
                format!(
                    "opaque {:?}, the challenge had {opaque:?}",
                    sent.opaque.as_deref().unwrap_or_default()
                )
            });
        }
        if !nonce.challenge.qop.is_empty() {
            let right = sent.qop.as_ref().is_some_and(|qop| {
                nonce
                    .challenge
                    .qop
                    .iter()
                    .any(|offered| offered.eq_ignore_ascii_case(qop))
            });
            cx.check(Id::QopOffered, right, || {
                format!(
                    "qop {:?}, offered {:?}",
                    sent.qop.as_deref().unwrap_or_default(),
                    nonce.challenge.qop
                )
            });
        } else {
            cx.check(Id::QopOffered, sent.qop.is_none(), || {
                "qop was not offered".to_owned()
            });
        }
        if let Some(count) = sent.nc {
            match nonce.last_count {
                Some(last) => cx.check(Id::NonceCount, count > last, || {
                    format!("nc {count:08x}, the last with this nonce was {last:08x}")
                }),
                None => cx.check(Id::NonceCountStart, count == 1, || {
                    format!("nc {count:08x} in the first request with this nonce")
                }),
            }
            nonce.last_count = Some(count.max(nonce.last_count.unwrap_or_default()));
        }
    }
}

/// Which parameters are quoted, and how nc is written (RFC 7616 3.4).
fn form(cx: &mut Context<'_, '_>, value: &str) {
    let quoted = [
        "username", "realm", "nonce", "uri", "response", "cnonce", "opaque",
    ]
    .into_iter()
    .find(|name| parameter(value, name).is_some_and(|found| !found.quoted));
    cx.check(Id::DigestQuoted, quoted.is_none(), || {
        format!("parameter {} is not a quoted string", quoted.unwrap_or_default())
    });
    let plain = ["algorithm", "qop", "nc"]
        .into_iter()
        .find(|name| parameter(value, name).is_some_and(|found| found.quoted));
    cx.check(Id::DigestPlain, plain.is_none(), || {
        format!("parameter {} is a quoted string", plain.unwrap_or_default())
    });
    if let Some(count) = parameter(value, "nc") {
        let valid = count.text.len() == 8
            && count
                .text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        cx.check(Id::NonceCountForm, valid, || {
            format!("nc={} is not eight lower-case hexadecimal digits", count.text)
        });
    }
}

struct Parameter<'a> {
    text: &'a str,
    quoted: bool,
}

/// A parameter of a `Digest` value as it is written.
fn parameter<'a>(value: &'a str, name: &str) -> Option<Parameter<'a>> {
    let mut rest = value.split_once(' ').map_or(
        value,
        |(scheme, rest)| {
            if scheme.contains('=') { value } else { rest }
        },
    );
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (found, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (text, quoted, next) = match after.strip_prefix('"') {
            Some(inside) => {
                let mut escaped = false;
                let end = inside.find(|character| {
                    let end = character == '"' && !escaped;
                    escaped = character == '\\' && !escaped;
                    end
                })?;
                let (text, next) = inside.split_at(end);
                (text, true, next.get(1..).unwrap_or_default())
            }
            None => {
                let end = after.find(',').unwrap_or(after.len());
                let (text, next) = after.split_at(end);
                (text.trim(), false, next)
            }
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(Parameter { text, quoted });
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_written() {
        let value = r#"Digest username="a,\"b", qop=auth , nc=0000000A,uri="sip:x""#;
        let found = |name| parameter(value, name).map(|found| (found.text, found.quoted));
        assert_eq!(found("username"), Some((r#"a,\"b"#, true)));
        assert_eq!(found("QOP"), Some(("auth", false)));
        assert_eq!(found("nc"), Some(("0000000A", false)));
        assert_eq!(found("uri"), Some(("sip:x", true)));
        assert_eq!(found("realm"), None);
    }
}
