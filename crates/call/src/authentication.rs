//! The lab asks for credentials (RFC 3261 22, RFC 8760).

use std::time::Duration;

use voxproof_sip::digest::{DigestFault, DigestUser, Verifier};
use voxproof_sip::{Algorithm, Credentials, IdSource, Message};

/// The realms and algorithms of a challenge.
#[derive(Debug, Clone)]
pub struct ChallengeOptions {
    /// A challenge for each.
    pub realms: Vec<String>,
    /// A challenge for each and every realm, the first one most wanted.
    pub algorithms: Vec<String>,
    /// Quality of protection offered.
    pub qop: Vec<String>,
    /// 401 instead of 407.
    pub callee: bool,
}

/// One realm that the lab guards, with the device's account.
#[derive(Debug)]
pub(crate) struct Guard {
    verifier: Verifier,
}

/// What the credentials of a request are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verified {
    /// There are none for this realm.
    Absent,
    /// Right.
    Right,
    /// The password is right and the nonce is old (RFC 7616 3.3).
    Stale,
    /// Wrong.
    Wrong,
}

impl Guard {
    pub(crate) fn new(realm: &str, username: &str, password: &str) -> Self {
        let user = DigestUser {
            username: username.to_owned(),
            password: password.to_owned(),
        };
        Self {
            verifier: Verifier::new(realm, vec![user]),
        }
    }

    /// Offers these from now on; nothing named is MD5 and `auth`.
    pub(crate) fn offering(self, algorithms: &[String], qop: Option<&[String]>) -> Self {
        let mut verifier = self.verifier;
        if !algorithms.is_empty() {
            let algorithms: Vec<Algorithm> = algorithms.iter().map(|name| Algorithm::parse(name)).collect();
            verifier = verifier.with_algorithms(&algorithms);
        }
        if let Some(qop) = qop {
            let qop: Vec<&str> = qop.iter().map(String::as_str).collect();
            verifier = verifier.with_qop(&qop);
        }
        Self { verifier }
    }

    pub(crate) fn withdraw_nonces(&mut self) {
        self.verifier.withdraw_nonces();
    }

    /// Header values of a challenge with a fresh nonce.
    pub(crate) fn challenges(&mut self, now: Duration, stale: bool, ids: &mut IdSource) -> Vec<String> {
        let nonce = ids.token(24);
        self.verifier
            .challenge(now, &nonce, stale)
            .iter()
            .map(voxproof_sip::Challenge::to_header)
            .collect()
    }

    pub(crate) fn check(&mut self, now: Duration, request: &Message) -> Verified {
        let mine = Credentials::all(request)
            .into_iter()
            .map(|(_, credentials)| credentials)
            .find(|credentials| credentials.realm == self.verifier.realm());
        let Some(credentials) = mine else {
            // credentials for another realm are credentials: a device that mixes realms up is to be seen
            return if Credentials::all(request).is_empty() {
                Verified::Absent
            } else {
                Verified::Wrong
            };
        };
        let faults = self.verifier.check(now, &credentials, request);
        let refused: Vec<&DigestFault> = faults.iter().filter(|fault| fault.refuses()).collect();
        if refused.is_empty() {
            Verified::Right
        } else if refused.iter().all(|fault| {
            matches!(
                fault,
                DigestFault::NonceStale(_)
                    | DigestFault::NonceUnknown(_)
                    | DigestFault::NonceCountReplayed { .. }
            )
        }) {
            Verified::Stale
        } else {
            Verified::Wrong
        }
    }
}
