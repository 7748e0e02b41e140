//! Digest authentication of the phone's requests (RFC 3261 22, RFC 7616, RFC 8760).

use std::collections::{BTreeSet, HashMap};

use voxproof_sip::{Algorithm, Challenge, Credentials, IdSource, Message};

use crate::Fault;
use crate::again::again;

/// So many challenges to one request are answered at most: a server that is never satisfied must not make a loop.
const MOST_ATTEMPTS: usize = 4;

/// So often the same realm is answered: once, and once more when the nonce was stale.
const MOST_OF_A_REALM: usize = 2;

/// The phone's name and password and how often each nonce was used.
#[derive(Debug)]
pub(crate) struct Authentication {
    username: String,
    password: String,
    counts: HashMap<String, u32>,
    faults: BTreeSet<Fault>,
}

/// A challenge with the header that answers it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) header: &'static str,
    pub(crate) value: String,
    pub(crate) challenge: Challenge,
}

impl Authentication {
    pub(crate) fn new(username: &str, password: &str, faults: &BTreeSet<Fault>) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            counts: HashMap::new(),
            faults: faults.clone(),
        }
    }

    /// Whether credentials for a challenge of ours are right.
    pub(crate) fn verifies(&self, credentials: &Credentials, method: &str, body: &[u8]) -> bool {
        credentials.username == self.username && credentials.verify(&self.password, method, body)
    }

    /// Credentials for one challenge; `None` when its algorithm is not known.
    pub(crate) fn credentials(
        &mut self,
        challenge: &Challenge,
        method: &str,
        uri: &str,
        body: &[u8],
        ids: &mut IdSource,
    ) -> Option<String> {
        self.hashed(challenge, &challenge.algorithm, method, uri, body, ids)
    }

    /// Credentials for one challenge, with the hash of this algorithm, which is its own but for a fault.
    fn hashed(
        &mut self,
        challenge: &Challenge,
        algorithm: &Algorithm,
        method: &str,
        uri: &str,
        body: &[u8],
        ids: &mut IdSource,
    ) -> Option<String> {
        let md5 = matches!(challenge.algorithm, Algorithm::Md5 | Algorithm::Md5Sess);
        if !md5 && self.has(Fault::Sha256Unsupported) {
            return None;
        }
        // the count says how often this nonce was used, hexadecimal on the wire (RFC 7616 3.4)
        let known = if self.has(Fault::NonceCountStuck) {
            0
        } else {
            self.counts.get(&challenge.nonce).copied().unwrap_or(0)
        };
        let cnonce = ids.token(16);
        let body = if self.has(Fault::AuthIntBodyIgnored) {
            b""
        } else {
            body
        };
        let asked = Challenge {
            algorithm: algorithm.clone(),
            ..challenge.clone()
        };
        let mut credentials = Credentials::answer(
            &asked,
            &self.username,
            &self.password,
            method,
            uri,
            known + 1,
            &cnonce,
            body,
        )
        .ok()?;
        credentials.algorithm = challenge.algorithm.clone();
        if self.counts.len() > 1000 {
            self.counts.clear();
        }
        self.counts.insert(challenge.nonce.clone(), known + 1);
        Some(credentials.to_header())
    }

    /// Credentials for a refused request, one for each realm, or `None` when another attempt makes no sense: no
    /// challenge can be answered, or name and password were refused. `answered` are the realms of earlier attempts.
    pub(crate) fn answer(
        &mut self,
        request: &Message,
        refusal: &Message,
        answered: &[String],
        ids: &mut IdSource,
    ) -> Option<Vec<Answer>> {
        if answered.len() >= MOST_ATTEMPTS {
            return None;
        }
        let (method, uri) = (request.method()?, request.request_uri()?);
        let mut answers: Vec<Answer> = Vec::new();
        let offered = challenges(refusal);
        let confused = match offered.as_slice() {
            [(_, first), .., (_, last)]
                if first.realm == last.realm && self.has(Fault::TwoChallengesConfused) =>
            {
                Some(last.algorithm.clone())
            }
            _ => None,
        };
        for (header, challenge) in offered {
            // the topmost challenge of a realm that can be answered counts (RFC 8760 2.4)
            if answers
                .iter()
                .any(|answer| answer.challenge.realm == challenge.realm)
            {
                continue;
            }
            // a first attempt may carry credentials for an old nonce; later ones were made for this very challenge
            let before = answered.iter().filter(|realm| **realm == challenge.realm).count();
            if before >= MOST_OF_A_REALM || (before > 0 && !challenge.stale) {
                continue;
            }
            let algorithm = confused.as_ref().unwrap_or(&challenge.algorithm);
            if let Some(value) = self.hashed(&challenge, algorithm, method, uri, request.body(), ids) {
                answers.push(Answer {
                    header,
                    value,
                    challenge,
                });
            }
        }
        if self.has(Fault::SecondRealmDropped) {
            answers.truncate(1);
        }
        (!answers.is_empty()).then_some(answers)
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

/// The Digest challenges of a 401 or 407 with the header that answers them.
pub(crate) fn challenges(refusal: &Message) -> Vec<(&'static str, Challenge)> {
    let (asked, answered) = match refusal.status() {
        Some(401) => ("www-authenticate", "Authorization"),
        Some(407) => ("proxy-authenticate", "Proxy-Authorization"),
        _ => return Vec::new(),
    };
    refusal
        .headers(asked)
        .filter_map(|value| Some((answered, Challenge::parse(value).ok()?)))
        .collect()
}

/// The realms that `answers` are for, after those answered before.
pub(crate) fn realms(answered: &[String], answers: &[Answer]) -> Vec<String> {
    let new = answers.iter().map(|answer| answer.challenge.realm.clone());
    answered.iter().cloned().chain(new).collect()
}

/// The request once more, as a new transaction: new branch and CSeq number, with credentials (RFC 3261 22.2). Credentials
/// for another realm stay.
pub(crate) fn with_credentials(request: &Message, cseq: u32, branch: &str, answers: &[Answer]) -> Vec<u8> {
    let replaced = |line: &voxproof_sip::HeaderLine| {
        answers.iter().any(|answer| {
            answer.header.eq_ignore_ascii_case(&line.name)
                && Credentials::parse(&line.value).map_or(true, |known| known.realm == answer.challenge.realm)
        })
    };
    let added: Vec<(&str, String)> = answers
        .iter()
        .map(|answer| (answer.header, answer.value.clone()))
        .collect();
    let uri = request.request_uri().unwrap_or_default();
    again(request, uri, cseq, branch, replaced, &added)
}
